"""What a download carries: random bytes that nothing on the way can make smaller, evenly paced."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Callable

POOL = 8 * 1024 * 1024
CHUNK = 256 * 1024
LONGEST_STEP_S, SHORTEST_STEP_S = 0.010, 0.002
STEP_BYTES = 16 * 1024
CATCH_UP_S = 0.050  # more that could not be sent in time is not sent in a burst later


class Filler:
    """A pool of random bytes, made at its first use; each piece begins elsewhere in it."""

    def __init__(self) -> None:
        self._pool: memoryview | None = None

    def piece(self, size: int) -> memoryview:
        """Return *size* bytes, at most CHUNK."""
        if self._pool is None:
            self._pool = memoryview(os.urandom(POOL))
        start = secrets.randbelow(POOL - CHUNK)
        return self._pool[start : start + size]


def step_s(bytes_per_s: float) -> float:
    """Return how long one step of a paced download lasts: small bursts, few wake-ups."""
    return min(LONGEST_STEP_S, max(SHORTEST_STEP_S, STEP_BYTES / bytes_per_s))


async def sizes(count: int, mbit: float | None, clock: Callable[[], float]) -> AsyncIterator[int]:
    """Give the sizes of the pieces of *count* bytes, each when it is due; paced where *mbit* is.

    Each step sends what is due by the clock, so that nothing drifts.
    """
    if mbit is None:
        while count:
            size = min(CHUNK, count)
            yield size
            count -= size
            await asyncio.sleep(0)  # a fast line must not keep the loop from everybody else
        return
    rate = mbit * 1e6 / 8
    step = step_s(rate)
    begun, sent = clock(), 0
    while count:
        late = clock() - begun - sent / rate
        if late > CATCH_UP_S + step:
            begun += late - step
        due = int((clock() - begun) * rate) - sent + int(step * rate)
        size = max(0, min(CHUNK, count, due))
        if size:
            yield size
            count, sent = count - size, sent + size
        await asyncio.sleep(max(0.0, begun + sent / rate - clock()))
