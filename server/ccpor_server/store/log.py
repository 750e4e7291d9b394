"""The log: every protected row is a leaf of one Merkle tree (RFC 9162 section 2.1).

A leaf is canonical JSON of the row with its table, key, place in the log and time. The tree's right
edge stands in `log_head`, which every writer locks first: with several replicas there is one order.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_reporting import merkle
from ccpor_server import clock
from ccpor_server.store.schema import log_entry, log_head, logged_columns


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The tree at one size; `root` in hex."""

    size: int
    root: str


class LogBroken(Exception):
    """The log's own row is missing or unreadable; `ccpor-collector verify` says more."""


def plain(value: Any) -> Any:
    """Return *value* as JSON holds it: times in their one form, bytes in base64."""
    if isinstance(value, datetime):
        return clock.written(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value


def leaf(table: str, subject: str, index: int, at: str, row: dict[str, Any]) -> bytes:
    """Return the bytes that the tree hashes for one row."""
    body = {"table": table, "subject": subject, "index": index, "at": at, "row": row}
    return msgspec.json.encode(body, order="sorted")


def subject_of(table: sa.Table, values: dict[str, Any]) -> str:
    """Return a row's primary key as text; parts joined by a blank."""
    return " ".join(str(plain(values[column.name])) for column in table.primary_key.columns)


class Tail:
    """The end of the log inside one transaction; a job that fails is undone by `restore`."""

    def __init__(self, db: sa.Connection) -> None:
        query = sa.select(log_head.c.size, log_head.c.frontier).where(log_head.c.id == 1)
        row = db.execute(query.with_for_update()).one_or_none()
        if row is None:
            raise LogBroken("log_head has no row; restore a backup")
        try:
            edge = msgspec.json.decode(row.frontier, type=list[str])
            self._frontier = merkle.Frontier(row.size, tuple(bytes.fromhex(one) for one in edge))
        except (msgspec.DecodeError, ValueError) as exc:
            raise LogBroken("log_head is not readable; run ccpor-collector verify") from exc
        self._start = self._frontier

    @property
    def size(self) -> int:
        return self._frontier.size

    @property
    def changed(self) -> bool:
        return self._frontier.size != self._start.size

    def mark(self) -> merkle.Frontier:
        return self._frontier

    def restore(self, mark: merkle.Frontier) -> None:
        self._frontier = mark

    def head(self) -> Head:
        return Head(size=self._frontier.size, root=self._frontier.root().hex())

    def record(
        self, db: sa.Connection, table: sa.Table, values: dict[str, Any], now: datetime
    ) -> int:
        """Insert one row of a logged table with its log entry; return the entry's index."""
        index = self.size
        db.execute(table.insert().values(**values, log_index=index))
        # str(): SQLAlchemy's names are a kind of text that msgspec does not take
        row = {str(column.name): plain(values.get(column.name)) for column in logged_columns(table)}
        subject = subject_of(table, values)
        body = leaf(str(table.name), subject, index, clock.written(now), row)
        digest = merkle.leaf_hash(body)
        db.execute(
            log_entry.insert().values(
                log_index=index,
                kind=table.name,
                subject=subject,
                at=now,
                body=body,
                leaf_hash=digest,
            )
        )
        self._frontier = self._frontier.append(digest)
        return index

    def save(self, db: sa.Connection, checkpoint: bytes) -> None:
        """Write the right edge back, with its signed head."""
        head = self.head()
        edge = msgspec.json.encode([one.hex() for one in self._frontier.edge]).decode()
        db.execute(
            log_head.update()
            .where(log_head.c.id == 1)
            .values(size=head.size, root=head.root, frontier=edge, checkpoint=checkpoint)
        )


def signed_head(db: sa.Connection) -> bytes | None:
    """Return the newest checkpoint as the database holds it; None before the first commit."""
    found: bytes | None = db.execute(sa.select(log_head.c.checkpoint)).scalars().first()
    return found


def current_head(db: sa.Connection) -> Head:
    """Return the head as last committed."""
    row = db.execute(sa.select(log_head.c.size, log_head.c.root)).one_or_none()
    if row is None:
        raise LogBroken("log_head has no row; restore a backup")
    return Head(size=row.size, root=row.root)
