"""Is this process itself too busy to measure? How late its event loop serves its timers."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterator

from ccpor_reporting.capacity.protocol import BUSY_SHARE, BUSY_TICK_MS

TICK_S = 0.02
WINDOW_S = 2.0


class Lag:
    """Watches while somebody listens; `busy` over the last two seconds."""

    def __init__(self) -> None:
        self._late: deque[bool] = deque(maxlen=round(WINDOW_S / TICK_S))
        self._watchers = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        self._watchers += 1
        if self._timer is None:
            self._late.clear()
            self._due = asyncio.get_running_loop().time() + TICK_S
            self._again()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers and self._timer is not None:
                self._timer.cancel()
                self._timer = None

    @property
    def busy(self) -> bool:
        return sum(self._late) > BUSY_SHARE * (self._late.maxlen or 1)

    def _again(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._due, self._tick)

    def _tick(self) -> None:
        """Judge every tick that was due by now: one long stall is many late ticks."""
        now = asyncio.get_running_loop().time()
        self.seen(now)
        self._again()

    def seen(self, now: float) -> None:
        while self._due <= now:
            self._late.append((now - self._due) * 1000 > BUSY_TICK_MS)
            self._due += TICK_S
