"""Times small probes in a process of its own, where no transfer holds up the clock.

In: JSON lines on stdin, first what to ask (`Asked`), then what to do (`Do`). Out: JSON lines on
stdout (`Said`). Ends when stdin does. Times are `time.perf_counter`, which all processes share.
"""

from __future__ import annotations

import base64
import contextlib
import os
import queue
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target

if TYPE_CHECKING:
    from ccpor_checks.capacity.wires import Wire
    from ccpor_checks.kit.stamp_session import StampSession

SILENCE_S = 1.0  # with no answer by UDP after so long, HTTPS is asked instead
LOST_S = 2.0
LATE_S = 0.05
ECHO_S = 5.0
PAUSE_S = 1.0  # before another connection is tried


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to ask. The token and the key come this way only: stdin is seen by nobody else."""

    host: str
    port: int
    token: str
    tls: msgspec.Raw  # of TlsOptions
    base_dir: str
    address: str | None = None
    via: str | None = None  # the proxy in effect
    via_address: str | None = None
    udp_port: int | None = None
    session: int | None = None
    key: str | None = None
    by: Literal["stamp", "echo"] | None = None  # None: the first answer decides


class Do(msgspec.Struct, frozen=True, kw_only=True):
    """Ask so often, so many times; `count` 0: until the next line. `every_ms` 0: stop."""

    every_ms: float
    count: int = 0


class Said(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer, or the end of a row of probes with its own lateness."""

    at: float = 0.0  # when it was sent
    ms: float | None = None  # None: nothing came back
    by: Literal["stamp", "echo"] | None = None
    done: bool = False
    sent: int = 0
    late: int = 0  # sent over 50 ms later than planned


class Ticks:
    """When probes are due, and how many were late."""

    def __init__(self, every_s: float) -> None:
        self.every_s, self.due = every_s, time.perf_counter()
        self.sent = self.late = 0

    @property
    def left(self) -> float:
        return self.due - time.perf_counter()

    def tick(self) -> None:
        behind = -self.left
        self.sent += 1
        self.late += behind > LATE_S
        # those missed meanwhile are not made up for: they would all meet the same moment
        self.due += self.every_s * (1 + max(0, int(behind / self.every_s)))


class Prober:
    """The child's whole: asks by UDP where that answers, else by HTTPS."""

    def __init__(self, asked: Asked, orders: queue.SimpleQueue[Do]) -> None:
        self.asked, self.orders = asked, orders
        self.by = asked.by
        if asked.udp_port is None or asked.address is None:
            self.by = "echo"
        self._session: StampSession | None = None

    def run(self, do: Do) -> None:
        ticks = Ticks(do.every_ms / 1000)
        if self.by != "echo" and not self._by_stamp(do, ticks):
            self.by, ticks = "echo", Ticks(do.every_ms / 1000)
        if self.by == "echo":
            self._by_echo(do, ticks)
        say(Said(done=True, sent=ticks.sent, late=ticks.late, by=self.by))

    def _goes_on(self, do: Do, ticks: Ticks) -> bool:
        """Obey what was said meanwhile: another interval, or the end."""
        while not self.orders.empty():
            said = self.orders.get()
            if said.every_ms <= 0:
                return False
            ticks.every_s = said.every_ms / 1000
        return not do.count or ticks.sent < do.count

    def _by_stamp(self, do: Do, ticks: Ticks) -> bool:
        """Ask by UDP; False: nobody answers, and no answer is told."""
        session = self._opened()
        if session is None:
            return False
        waiting: dict[int, float] = {}
        begun = time.perf_counter()
        end = None
        while end is None or (waiting and time.perf_counter() < end):
            if end is None and ticks.left <= 0:
                ticks.tick()
                if (number := session.send()) is not None:
                    waiting[number] = time.perf_counter()
            for answer in session.wait(min(max(ticks.left, 0.0), 0.2) if end is None else 0.02):
                at = waiting.pop(answer.number, None)
                if at is not None and answer.ms is not None:
                    self.by = "stamp"
                    say(Said(at=at, ms=answer.ms, by="stamp"))
            if self.by is None and time.perf_counter() - begun > SILENCE_S:
                return False
            if end is None and not self._goes_on(do, ticks):
                end = time.perf_counter() + LOST_S
        if self.by is None:
            return False
        for at in waiting.values():
            say(Said(at=at, by="stamp"))
        return True

    def _opened(self) -> StampSession | None:
        from ccpor_checks.kit.stamp_session import StampSession

        if self._session is None and self.asked.address is not None and self.asked.udp_port:
            key = base64.b64decode(self.asked.key) if self.asked.key else None
            with contextlib.suppress(OSError):
                self._session = StampSession(
                    self.asked.address, self.asked.udp_port, self.asked.session, key
                )
        return self._session

    def _by_echo(self, do: Do, ticks: Ticks) -> None:
        from ccpor_reporting.capacity.protocol import ECHO

        wire: Wire | None = None
        bearer = {"Authorization": f"Bearer {self.asked.token}"}
        ticks.due = time.perf_counter()
        while self._goes_on(do, ticks):
            if ticks.left > 0:
                time.sleep(min(ticks.left, 0.1))
                continue
            if wire is None:
                wire = self._wire()
                ticks.due = time.perf_counter()
            ticks.tick()
            at = time.perf_counter()
            try:
                if wire is None:
                    raise ConnectionError
                answer = wire.ask("GET", ECHO, bearer, timeout_s=ECHO_S)
                took = (time.perf_counter() - at) * 1000
                say(Said(at=at, ms=round(took, 3) if answer.status < 300 else None, by="echo"))
                # one at a time: a slow answer makes the next probe no later than planned
                ticks.due = max(ticks.due, time.perf_counter())
            except (OSError, ValueError):
                say(Said(at=at, by="echo"))
                wire = None
                ticks.due = time.perf_counter() + PAUSE_S
        if wire is not None:
            wire.close()

    def _wire(self) -> Wire | None:
        from ccpor_checks.capacity.wires import open_wire
        from ccpor_checks.http.line import verified_tls
        from ccpor_checks.tls.evidence import TlsOptions

        asked = self.asked
        options = msgspec.json.decode(asked.tls, type=TlsOptions)
        target = Target(
            id="measuring",
            url=f"capacity://{asked.host}:{asked.port}",
            scheme="capacity",
            host=asked.host,
            port=asked.port,
            options={"tls": options},
        )
        earlier: dict[str, Any] = {}  # only what `open_connection` reads of earlier evidence
        if asked.via is not None:
            earlier["proxy"] = SimpleNamespace(via=asked.via, address=asked.via_address)
        elif asked.address is not None:
            earlier["tcp"] = SimpleNamespace(address=asked.address)
        ctx = Context(
            deadline=time.monotonic() + ECHO_S, earlier=earlier, base_dir=Path(asked.base_dir)
        )
        try:
            tls, name = verified_tls(target, ctx)
            return open_wire(target, ctx, tls, name or asked.host, ECHO_S)
        except (OSError, CannotObserve):
            return None


def say(said: Said) -> None:
    try:
        sys.stdout.buffer.write(msgspec.json.encode(said) + b"\n")
        sys.stdout.buffer.flush()
    except OSError:  # nobody listens any more
        os._exit(0)


def _hear(orders: queue.SimpleQueue[Do]) -> None:
    """Pass on what stdin says; its end ends this process, whatever it does."""
    for line in sys.stdin.buffer:
        orders.put(msgspec.json.decode(line, type=Do))
    os._exit(0)


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.readline(), type=Asked)
    orders: queue.SimpleQueue[Do] = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(orders,), daemon=True).start()
    prober = Prober(asked, orders)
    while True:
        do = orders.get()
        if do.every_ms > 0:
            prober.run(do)


if __name__ == "__main__":
    main()
