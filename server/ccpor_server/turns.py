"""Large bodies one at a time: a dozen bombs at once cost the memory and the time of one.

A body within `SMALL`, which nearly every report is, never waits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from ccpor_server.limits import Wire, inflated
from ccpor_server.problems import TooLarge, Unavailable
from ccpor_server.settings import Settings

SMALL = 128 * 1024  # bytes, inflated
WAITING = 32  # each holds its body as it came, at most the limit on the wire
LONGEST_S = 20.0
T = TypeVar("T")


class Turns:
    """One thread for large bodies: one at a time, and one heap that grows once."""

    def __init__(self, settings: Settings, *, longest_s: float = LONGEST_S) -> None:
        self._settings = settings
        self._longest_s = longest_s
        self._free = asyncio.Semaphore(1)
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="large-body")

    @asynccontextmanager
    async def of(self, wire: Wire) -> AsyncIterator[Turn]:
        """Give the turn of one body; its work is done before the next large one begins.

        Raises: as `inflated`; Unavailable when too many wait, or none ends in time.
        """
        small = self._small(wire)
        if small is not None:
            yield Turn(small, None)
            return
        await self._wait()
        try:
            loop = asyncio.get_running_loop()
            largest = self._settings.inflated_limit
            body = await loop.run_in_executor(self._thread, inflated, wire, self._settings, largest)
            yield Turn(body, self._thread)
        finally:
            self._free.release()

    def _small(self, wire: Wire) -> bytes | None:
        if not wire.packed:
            return wire.body if len(wire.body) <= SMALL else None
        try:
            return inflated(wire, self._settings, SMALL)
        except TooLarge:
            return None  # it may still be within the limits: in its turn

    async def _wait(self) -> None:
        if self._waiting >= WAITING:
            raise Unavailable("too many large bodies wait; come back soon", after_s=10)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._longest_s):
                await self._free.acquire()
        except TimeoutError:
            raise Unavailable("too many large bodies wait; come back soon", after_s=10) from None
        finally:
            self._waiting -= 1

    def close(self) -> None:
        self._thread.shutdown(wait=True)


class Turn:
    """One body, and where work on it is done."""

    __slots__ = ("_thread", "body")

    def __init__(self, body: bytes, thread: ThreadPoolExecutor | None) -> None:
        self.body = body
        self._thread = thread

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, done in a thread that may take its time."""
        if self._thread is None:
            return await run_in_threadpool(work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
