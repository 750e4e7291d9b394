"""One writer thread with group commit: what is acknowledged is on the disk.

Jobs wait in a bounded queue; up to 64 share a transaction, each inside its own savepoint, so one
that fails takes nobody with it. A result is handed out only after the commit and after the signed
checkpoint of the new tree is on the disk too.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from ccpor_server.clock import Clock
from ccpor_server.store.log import Head, Tail

log = logging.getLogger(__name__)
T = TypeVar("T")
GROUP = 64
WAITING = 512


class StoreBusy(Exception):
    """The queue is full: come back in a second."""


class StoreFailed(Exception):
    """The database refused the commit (full disk, lost server): nothing of the job was kept."""


class Transaction:
    """What a job may do: SQL through `db`, and `record` for rows that the log protects."""

    def __init__(self, db: sa.Connection, tail: Tail, now: datetime) -> None:
        self.db = db
        self.now = now
        self._tail = tail

    def record(self, table: sa.Table, values: dict[str, Any]) -> int:
        """Insert a row of a logged table; return its place in the log."""
        return self._tail.record(self.db, table, values, self.now)


class Committed(Generic[T]):
    """A job's answer and the head of the log that its commit made true."""

    __slots__ = ("head", "value")

    def __init__(self, value: T, head: Head) -> None:
        self.value = value
        self.head = head


class Witness(Protocol):
    """Signs each new head, and keeps what it signed outside of the database."""

    def seal(self, head: Head, at: datetime) -> bytes: ...

    def keep(self, sealed: bytes) -> None: ...


Job = Callable[[Transaction], Any]
_Waiting = tuple[Job, "Future[Committed[Any]]"]


class Writer:
    """The thread; each new head is signed in its transaction and kept before anybody is told."""

    def __init__(self, engine: sa.Engine, now: Clock, witness: Witness) -> None:
        self._engine = engine
        self._now = now
        self._witness = witness
        self._queue: queue.Queue[_Waiting | None] = queue.Queue(maxsize=WAITING)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Committed[Any]]:
        """Queue a job; StoreBusy when too many wait, StoreFailed once closed."""
        if self._closed.is_set():
            raise StoreFailed("the collector is stopping")
        future: Future[Committed[Any]] = Future()
        try:
            self._queue.put_nowait((job, future))
        except queue.Full:
            raise StoreBusy("too many writes wait") from None
        return future

    def close(self) -> None:
        """Finish what waits, then end the thread."""
        if not self._closed.is_set():
            self._closed.set()
            self._queue.put(None)
            self._thread.join(30)

    def _work(self) -> None:
        last = False
        while not last:
            group: list[_Waiting] = []
            first = self._queue.get()
            last = first is None
            if first is not None:
                group.append(first)
            while len(group) < GROUP and not last:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    last = True
                else:
                    group.append(more)
            if group:
                self._commit(group)

    def _commit(self, group: list[_Waiting]) -> None:
        endings: list[tuple[Future[Committed[Any]], Any, BaseException | None]] = []
        now = self._now()
        try:
            with self._engine.begin() as db:
                tail = Tail(db)
                for job, future in group:
                    if not future.set_running_or_notify_cancel():
                        continue  # whoever asked is gone, and nothing was begun
                    value, fault = _run(job, Transaction(db, tail, now), tail)
                    endings.append((future, value, fault))
                head = tail.head()
                if tail.changed:
                    sealed = self._witness.seal(head, now)
                    tail.save(db, sealed)
            if tail.changed:
                self._witness.keep(sealed)
        except Exception as exc:
            log.exception("store.commit_failed")
            for _, future in group:
                if not future.cancelled():
                    future.set_exception(StoreFailed(type(exc).__name__))
            return
        for future, value, fault in endings:
            if fault is not None:
                future.set_exception(fault)
            else:
                future.set_result(Committed(value, head))


def _run(job: Job, transaction: Transaction, tail: Tail) -> tuple[Any, BaseException | None]:
    """Run one job in a savepoint; a failure undoes that job's rows and log entries only."""
    mark = tail.mark()
    savepoint = transaction.db.begin_nested()
    try:
        value = job(transaction)
    except sa.exc.SQLAlchemyError as exc:
        log.exception("store.job_failed")
        savepoint.rollback()
        tail.restore(mark)
        return None, StoreFailed(type(exc).__name__)
    except Exception as exc:  # noqa: BLE001 - handed to whoever waits for this job
        savepoint.rollback()
        tail.restore(mark)
        return None, exc
    savepoint.commit()
    return value, None
