"""Engines: one that reads, one that writes, each with the promises a record needs.

SQLite: `synchronous=FULL` (acknowledged means on the disk), foreign keys on, `BEGIN IMMEDIATE` for
writers. WAL only from 3.51.3: 3.7.0 to 3.51.2 can corrupt a database when a reset and a checkpoint
meet (sqlite.org/wal.html, "the WAL-reset bug"); below it the rollback journal, which has no such
bug.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

WAL_IS_SOUND_FROM = (3, 51, 3)
BUSY_MS = 15_000


class DatabaseUnusable(Exception):
    """The database cannot be opened, or its address is not one we know; says what to do."""


def journal_mode(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> str:
    """Return the journal mode that is sound for this version of SQLite."""
    return "wal" if version >= WAL_IS_SOUND_FROM else "delete"


def database_url(text: str) -> sa.URL:
    """Return the address with its driver named; DatabaseUnusable for one we cannot serve."""
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        raise DatabaseUnusable(
            "the database address is not a URL; use sqlite:////path/file.db or postgresql://…"
        ) from None
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise DatabaseUnusable(
            f"{url.get_backend_name()} is not a database we serve; use sqlite or postgresql"
        )
    if url.get_backend_name() == "sqlite" and not url.database:
        raise DatabaseUnusable("a database in memory keeps nothing; name a file")
    return url


def shown(url: sa.URL) -> str:
    """Return the address as a message may show it: the file, or the server without a password."""
    return url.database or "" if url.get_backend_name() == "sqlite" else url.render_as_string()


def sqlite_file(url: sa.URL) -> Path | None:
    """Return the file of an SQLite address, else None."""
    if url.get_backend_name() == "sqlite" and url.database:
        return Path(url.database)
    return None


def _create(url: sa.URL, **options: Any) -> sa.Engine:
    try:
        # what is stored has no place in a log line: errors name the statement, not its values
        return sa.create_engine(url, hide_parameters=True, **options)
    except ModuleNotFoundError as exc:
        raise DatabaseUnusable(
            f"{exc.name} is not installed; run pip install 'ccpor-check[server,postgres]'"
        ) from exc


def reading_engine(url: sa.URL) -> sa.Engine:
    """Return an engine whose connections cannot write."""
    engine = _create(url, pool_size=8, max_overflow=8, pool_timeout=10)
    if url.get_backend_name() == "sqlite":
        _prepare_sqlite(engine, begin="BEGIN", extra=("PRAGMA query_only=ON",))
        return engine
    return engine.execution_options(postgresql_readonly=True)


def writing_engine(url: sa.URL) -> sa.Engine:
    """Return an engine of one connection, whose transactions hold the write lock from the start."""
    engine = _create(url, pool_size=1, max_overflow=1, pool_timeout=30)
    if url.get_backend_name() == "sqlite":
        mode = f"PRAGMA journal_mode={journal_mode()}"
        _prepare_sqlite(engine, begin="BEGIN IMMEDIATE", extra=(mode, "PRAGMA synchronous=FULL"))
    return engine


def _prepare_sqlite(engine: sa.Engine, *, begin: str, extra: tuple[str, ...]) -> None:
    @event.listens_for(engine, "connect")
    def _(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves; the driver's is too late
        for pragma in (f"PRAGMA busy_timeout={BUSY_MS}", "PRAGMA foreign_keys=ON", *extra):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)
