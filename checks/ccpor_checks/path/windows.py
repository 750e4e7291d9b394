"""ICMP echo by the IP helper API of Windows: no right is needed, and "do not fragment" is a flag.

The call blocks, so each echo waits in a thread of its own; a few of them run at once. Windows names
who said "too big" but not the size that would fit.

Source: Microsoft, "IP_STATUS".
"""

from __future__ import annotations

import contextlib
import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit.icmp_windows import SUCCESS, TIMED_OUT, USUAL_HOPS, Status, echo
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.mtu import PASSED, Answer
from ccpor_checks.path.sampling import LONGEST_WAIT_S, Reply
from ccpor_reporting.contrasts import Hop, Walk

IPV4_HEADER, ICMP_HEADER = 20, 8
USUAL_BYTES = 56
AT_ONCE = 64
TOO_BIG = 11009
NO_WAY = frozenset({11002, 11003, 11004, 11018, 11040, 11045})
TTL_ENDED = frozenset({11013, 11014})
OWN_LIMIT = frozenset({TOO_BIG, 11011, 10040})  # the interface itself sends no packet of that size


class WindowsEchoes:
    """ICMP echo requests of 56 bytes."""

    method: Method = "icmp"

    def __init__(self, address: str) -> None:
        self.refused_by: str | None = None
        self._address = address
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="echo")
        self._came: queue.SimpleQueue[Reply] = queue.SimpleQueue()

    def send(self, number: int) -> None:
        self._threads.submit(self._ask, number)

    def _ask(self, number: int) -> None:
        with contextlib.suppress(OSError):
            status = echo(self._address, bytes(USUAL_BYTES), wait_ms=int(LONGEST_WAIT_S * 1000))
            if status.code == SUCCESS:
                self._came.put(Reply(number, status.ms))
            elif status.code in NO_WAY:
                self.refused_by = status.sender or self.refused_by

    def wait(self, seconds: float) -> list[Reply]:
        found = []
        with contextlib.suppress(queue.Empty):
            found.append(self._came.get(timeout=max(seconds, 0.001)))
            while True:
                found.append(self._came.get_nowait())
        return found

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class WindowsSizes:
    """ICMP echo requests of an exact size; `ask` is the call into Windows (a test has its own)."""

    method: Method = "icmp"

    def __init__(
        self,
        address: str,
        ctx: Context,
        largest: int,
        wait_s: float,
        *,
        split: bool = False,
        ask: Callable[..., Status] = echo,
    ) -> None:
        self.address, self.largest = address, largest
        self._ctx, self._wait_s, self._split, self._ask = ctx, wait_s, split, ask

    def _one(self, size: int, hops: int = USUAL_HOPS) -> Status:
        content = bytes(max(0, size - IPV4_HEADER - ICMP_HEADER))
        wait_ms = int(self._ctx.remaining(self._wait_s) * 1000)
        try:
            return self._ask(self.address, content, wait_ms=wait_ms, split=self._split, hops=hops)
        except OSError as exc:
            raise CannotObserve(f"Windows sends no ICMP echo ({exc})") from exc

    def probe(self, size: int, tries: int) -> Answer:
        """Send one packet of *size* bytes, at most *tries* times; silence each time: vanished."""
        for attempt in range(tries):
            status = self._one(size)
            if status.code == SUCCESS:
                return PASSED if not attempt else Answer("passed", repeats=attempt)
            if status.code in OWN_LIMIT:
                return Answer("too-big", None, status.sender, attempt)
        return Answer("vanished", repeats=tries - 1)

    def cast(self, size: int, *, hops: range, each: int, gap_s: float = 0.0) -> Walk:  # noqa: ARG002
        """Return who answers packets of *size* bytes that live so many *hops*, *each* for each."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="echo") as threads:
            asked = {
                ttl: [threads.submit(self._one, size, ttl) for _ in range(each)] for ttl in hops
            }
            found = [_hop(ttl, [each.result() for each in asked[ttl]]) for ttl in hops]
        ends = next((n for n, h in enumerate(found, 1) if h.answer in {"open", "too-big"}), None)
        found = found[:ends]
        while found and found[-1].answer == "silent":
            found.pop()
        end = found[-1].answer if found and found[-1].answer != "time-exceeded" else "silent"
        return Walk(
            protocol="icmp",
            address=self.address,
            port=None,
            hops=tuple(found),
            end=end,
            distance=found[-1].ttl if end == "open" else None,
        )

    def close(self) -> None:
        """Nothing stays open: each call closes its own handle."""


def _hop(ttl: int, said: list[Status]) -> Hop:
    answer: Literal["time-exceeded", "open", "too-big", "unreachable", "silent"] = "silent"
    for status in said:
        if status.code == SUCCESS:
            answer = "open"
        elif status.code in TTL_ENDED:
            answer = "time-exceeded"
        elif status.code == TOO_BIG:
            answer = "too-big"
        elif status.code in NO_WAY:
            answer = "unreachable"
        else:
            continue
        break
    told = [each for each in said if each.sender and each.code != TIMED_OUT]
    return Hop(
        ttl=ttl,
        address=told[0].sender if told else None,
        answer=answer,
        sent=len(said),
        answered=len(told),
        rtt_ms=min((each.ms for each in told), default=None),
    )
