"""The store: one door to the database for routes, pages and the command line.

Reading: ``with store.reading() as db: courts.every(db)``; the functions of `reports`, `machines`,
`courts`, `codes`, `people`, `profiles` and `declarations` take that connection and answer with
frozen values. Writing: ``store.write(job)`` where a job takes a `Transaction`; from a coroutine
``await store.awrite(job)``. Nothing is said to be stored before it is on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa

from ccpor_server.clock import Clock, utc_now
from ccpor_server.store import connect
from ccpor_server.store.log import Head, LogBroken, current_head, signed_head
from ccpor_server.store.writer import (
    Committed,
    StoreBusy,
    StoreFailed,
    Transaction,
    Witness,
    Writer,
)

__all__ = [
    "Committed",
    "Head",
    "LogBroken",
    "Store",
    "StoreBusy",
    "StoreFailed",
    "Transaction",
]
T = TypeVar("T")


class Store:
    """A database that is open; `close` finishes what waits to be written."""

    def __init__(
        self,
        database_url: str | sa.URL,
        *,
        witness: Witness,
        now: Clock = utc_now,
    ) -> None:
        url = (
            connect.database_url(str(database_url))
            if isinstance(database_url, str)
            else (database_url)
        )
        self.url = url
        self.now = now
        self._read = connect.reading_engine(url)
        self._write = connect.writing_engine(url)
        self._writer = Writer(self._write, now, witness)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that can only read, on one consistent view of the data."""
        with self._read.connect() as db:
            yield db

    def write(self, job: Callable[[Transaction], T]) -> Committed[T]:
        """Run *job* in the writer's next transaction; return once it is on the disk.

        Raises: StoreBusy, StoreFailed, and whatever the job raised (then nothing of it was kept).
        """
        return self._writer.submit(job).result()

    async def awrite(self, job: Callable[[Transaction], T]) -> Committed[T]:
        """As `write`, without holding up the event loop."""
        # shield: a client that goes away must not cancel a job that others share a commit with
        return await asyncio.shield(asyncio.wrap_future(self._writer.submit(job)))

    def head(self) -> Head:
        with self.reading() as db:
            return current_head(db)

    def signed_head(self) -> bytes | None:
        with self.reading() as db:
            return signed_head(db)

    def close(self) -> None:
        self._writer.close()
        self._read.dispose()
        self._write.dispose()
