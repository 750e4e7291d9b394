"""Round trips beside a transfer, timed by a process of their own (`probing`).

A thread of the process that moves the megabytes would wait for them, and call that the line's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity.evidence import Delay
from ccpor_checks.capacity.probing import LOST_S, Asked, Do, Said
from ccpor_checks.capacity.turn import Turn
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_reporting.capacity.protocol import BUSY_SHARE

IDLE_MS, LOADED_MS = 20.0, 50.0
# 140 bytes each 50 ms are 22 kbit/s: a share of a slow line that its own measurement would miss
SLOW_MBIT, SLOW_MS = 4.0, 100.0
KEPT = 400
FIRST_S = 4.0  # to start the process, and to find that UDP does not pass
RECENT_S = 0.5
ENDS_WITHIN_S = 3.0
PACKAGE = Path(__file__).resolve().parents[2]  # where ccpor_checks lies


class Prober:
    """The process that asks, from ``with`` to its end."""

    def __init__(
        self, turn: Turn, ctx: Context, by: Literal["stamp", "echo"] | None = None
    ) -> None:
        """*by*: what answered before; None: UDP is tried for a second, then HTTPS is asked."""
        self._turn, self._ctx, self.by = turn, ctx, by
        self._child: subprocess.Popen[bytes] | None = None
        self._heard: list[Said] = []
        self._done = threading.Event()
        self._listening: threading.Thread | None = None
        self._sent = self._late = 0
        self._is_slow = False

    def __enter__(self) -> Prober:
        """Start it.

        Raises:
            CannotObserve: This user may start no process.
        """
        paths = [str(PACKAGE), *(path for path in sys.path if path)]
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", "-m", "ccpor_checks.capacity.probing"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as exc:
            raise CannotObserve(
                f"the process that times the line cannot be started ({type(exc).__name__}); let "
                "this user start processes"
            ) from exc
        self._ctx.on_abandon(self._child.kill)
        self._tell(msgspec.json.encode(self._asked()))
        self._listening = threading.Thread(target=self._listen, name="prober", daemon=True)
        self._listening.start()
        return self

    def __exit__(self, *_: object) -> None:
        child = self._child
        if child is None:
            return
        child.kill()
        child.wait(ENDS_WITHIN_S)
        if self._listening is not None:
            self._listening.join(ENDS_WITHIN_S)
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def idle(self, count: int = 30) -> Delay | None:
        """Return *count* round trips on the idle line; None: nothing came back."""
        self._begin(Do(every_ms=IDLE_MS, count=count))
        self._wait(count * IDLE_MS / 1000 + 10.0)
        return self._delay(self._heard)

    def start(self) -> None:
        """Ask from now on."""
        self._is_slow = False
        self._begin(Do(every_ms=LOADED_MS))

    def wait_for_first(self, seconds: float = FIRST_S) -> bool:
        """Wait until something came back: from then on the line may be loaded."""
        end = time.monotonic() + self._ctx.remaining(seconds)
        while not self._heard and not self._done.is_set() and time.monotonic() < end:
            self._done.wait(0.02)
            self._ctx.remaining()
        return bool(self._heard)

    def slow_down(self) -> None:
        """Ask half as often from now on, for the sake of a slow line."""
        if not self._is_slow:
            self._is_slow = True
            self._tell(msgspec.json.encode(Do(every_ms=SLOW_MS)))

    def stop(self, since: float | None = None, until: float | None = None) -> Delay | None:
        """Ask no more; return what was sent between two moments of `time.perf_counter`.

        None: nothing of it came back.
        """
        self._tell(msgspec.json.encode(Do(every_ms=0)))
        self._wait(LOST_S + 3.0)
        lowest, highest = since or 0.0, until or float("inf")
        return self._delay([one for one in self._heard if lowest <= one.at <= highest])

    def recent_ms(self, seconds: float = RECENT_S) -> float | None:
        """Return the middle of the last round trips; where none comes any more, how long since."""
        now = time.perf_counter()
        heard = [one for one in self._heard[-200:] if one.ms is not None]
        if not heard:
            return None
        last = [one.ms for one in heard if one.ms and now - one.at <= seconds + one.ms / 1000]
        silent = (now - heard[-1].at) * 1000
        return nearest_rank(last, 50) if last else silent

    def between_ms(self, since: float, until: float) -> float | None:
        """Return the middle of the round trips sent between two moments."""
        return nearest_rank(
            [one.ms for one in self._heard if one.ms is not None and since <= one.at < until], 50
        )

    @property
    def is_too_busy(self) -> bool:
        """Say whether this workstation had no time to ask when it meant to."""
        return self._late > BUSY_SHARE * max(self._sent, 50)

    def _asked(self) -> Asked:
        from ccpor_checks.tls.evidence import TlsOptions

        turn, slot = self._turn, self._turn.slot
        proxy: Any = self._ctx.earlier.get("proxy")
        return Asked(
            host=turn.target.host,
            port=turn.port,
            token=slot.token,
            tls=msgspec.Raw(msgspec.json.encode(turn.target.options.get("tls") or TlsOptions())),
            base_dir=str(self._ctx.base_dir),
            address=turn.address,
            via=getattr(proxy, "via", None),
            via_address=getattr(proxy, "address", None),
            udp_port=slot.udp_port,
            session=slot.session,
            key=slot.key,
            by=self.by,
        )

    def _begin(self, do: Do) -> None:
        self._heard = []
        self._done.clear()
        self._tell(msgspec.json.encode(do))

    def _tell(self, line: bytes) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + b"\n")
            self._child.stdin.flush()
        except (OSError, ValueError):  # it has ended: nothing more will be heard
            self._done.set()

    def _listen(self) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        try:
            for line in self._child.stdout:
                said = msgspec.json.decode(line, type=Said)
                if said.done:
                    self.by = said.by
                    self._sent += said.sent
                    self._late += said.late
                    self._done.set()
                else:
                    self._heard.append(said)
        except (OSError, ValueError, msgspec.DecodeError):
            pass
        self._done.set()

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + self._ctx.remaining(seconds)
        while not self._done.wait(0.1) and time.monotonic() < end:
            self._ctx.remaining()

    def _delay(self, heard: Sequence[Said]) -> Delay | None:
        return delay_of([one.ms for one in heard], self.by or "stamp")


def delay_of(rtts: Sequence[float | None], by: Literal["stamp", "echo"]) -> Delay | None:
    """Return the percentiles of *rtts*, in the order they were heard; None among them: lost."""
    came = [one for one in rtts if one is not None]
    if not came:
        return None
    step = max(1.0, len(came) / KEPT)
    kept = [came[int(place * step)] for place in range(min(len(came), KEPT))]

    def rank(percent: float) -> float:
        return nearest_rank(came, percent) or 0.0

    return Delay(
        samples=len(rtts),
        lost=len(rtts) - len(came),
        min_ms=min(came),
        p50_ms=rank(50),
        p95_ms=rank(95),
        p99_ms=rank(99),
        by=by,
        rtts_ms=tuple(kept),
    )
