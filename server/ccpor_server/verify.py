"""Recomputes everything: the whole log, every signature, every protected column.

A fault names the table, the row and the column group. Nothing is repaired: what to do with a
database that is not whole is a decision for people.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy import event

from ccpor_reporting import merkle
from ccpor_reporting.receipt import ReceiptInvalid, open_receipt
from ccpor_server import checkpoints
from ccpor_server.keys import CollectorKey
from ccpor_server.store import connect
from ccpor_server.store.columns import UtcText
from ccpor_server.store.log import plain, subject_of
from ccpor_server.store.schema import (
    LOGGED,
    log_entry,
    log_head,
    logged_columns,
    triggers,
)
from ccpor_server.verify_signed import SignedRows, exact_bytes

BATCH = 1000
# What reading a damaged file ends in: SQLite's own words, or a value of another type than its
# column's (ValueError has the faults of Unicode in it).
DAMAGE = (sa.exc.SQLAlchemyError, sqlite3.Error, ValueError, TypeError, OverflowError)
_BODY = {"table", "subject", "index", "at", "row"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that does not fit. `columns` is the group that differs; "row" for a whole row."""

    table: str
    row: str
    columns: str
    what: str

    def __str__(self) -> str:
        text = f"{self.table} {self.row} ({self.columns}): {self.what}"
        # a damaged text may be no Unicode; a line for people must be printable all the same
        return text.encode("utf-8", "backslashreplace").decode()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What was looked at, and what does not fit."""

    entries: int
    root: str
    signatures: int
    witnesses: int  # checkpoints and receipts held against the log
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class _Claim:
    """Somebody signed that the log had this root at some size."""

    table: str
    row: str
    root: str


@dataclass(slots=True)
class _Log:
    """The walk over the log so far."""

    frontier: merkle.Frontier = field(default_factory=merkle.Frontier)
    faults: list[Fault] = field(default_factory=list)
    claims: dict[int, list[_Claim]] = field(default_factory=dict)
    witnesses: int = 0
    next_index: int = 0

    def fault(self, table: str, row: str, columns: str, what: str) -> None:
        self.faults.append(Fault(table=table, row=row, columns=columns, what=what))

    def claim(self, size: int, table: str, row: str, root: str) -> None:
        self.witnesses += 1
        self.claims.setdefault(size, []).append(_Claim(table, row, root))

    def check_claims(self) -> None:
        """Hold what was signed of this size against the tree as it is now."""
        size = self.frontier.size
        for claim in self.claims.pop(size, ()):
            if claim.root != self.frontier.root().hex():
                what = f"the log's first {size} entries are not those that were signed"
                self.fault(claim.table, claim.row, "root", what)


def verify(
    url: sa.URL,
    key: CollectorKey,
    checkpoint_file: Path | None = None,
    *,
    receipts: Sequence[Path] = (),
    shorter: bool = False,
) -> Outcome:
    """Return what fits and what does not; blocking, reads every row.

    shorter: the database is a backup, which may end before the newest checkpoint.
    """
    log = _Log()
    _collect_checkpoints(log, key, checkpoint_file)
    _collect_receipts(log, key, receipts)
    engine = _tolerant_engine(url)
    signatures = 0
    try:
        with engine.connect() as db:
            _check_pages(db, log)
            _check_triggers(db, log)
            signatures = _check_rows(db, log, key)
    except DAMAGE as exc:
        # damage below the rows: SQLite itself cannot read on
        log.fault("database", "file", "pages", f"cannot be read: {type(exc).__name__}")
    finally:
        engine.dispose()
    if not shorter:
        _check_unreached(log)
        _check_file(log, url, checkpoint_file)
    return Outcome(
        entries=log.frontier.size,
        root=log.frontier.root().hex(),
        signatures=signatures,
        witnesses=log.witnesses,
        faults=tuple(log.faults),
    )


def unreadable(why: str) -> Outcome:
    """Return what can be said of a file so damaged that its tables cannot be found."""
    fault = Fault(table="database", row="file", columns="pages", what=f"cannot be read: {why}")
    root = merkle.Frontier().root().hex()
    return Outcome(entries=0, root=root, signatures=0, witnesses=0, faults=(fault,))


def _check_pages(db: sa.Connection, log: _Log) -> None:
    """Ask SQLite whether its pages and indexes fit; it cannot see a changed value, we do below."""
    if db.dialect.name == "sqlite":
        said = db.exec_driver_sql("PRAGMA integrity_check(10)").scalars()
        for line in said:
            if line != "ok":
                log.fault("database", "file", "pages", str(line).replace("\n", " "))


def _check_triggers(db: sa.Connection, log: _Log) -> None:
    """Find triggers that are gone: records could be changed since, and what for?"""
    if db.dialect.name == "sqlite":
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    else:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    held = set(db.exec_driver_sql(query).scalars())
    for name in sorted(triggers(db.dialect.name) - held):
        log.fault("database", name, "trigger", "is not there; records can be changed without it")


def _check_rows(db: sa.Connection, log: _Log, key: CollectorKey) -> int:
    """Check head, log, rows and what is left over; return how many signatures were computed."""
    signed = SignedRows(db, key)
    _check_head(db, log, key)
    log.check_claims()
    for batch in _batches(db):
        _check_batch(db, log, batch, signed)
    _check_strays(db, log)
    _check_frontier(db, log)
    return signed.checked


def _tolerant_engine(url: sa.URL) -> sa.Engine:
    """Return a reading engine that shows text which is not UTF-8 instead of refusing the row."""
    engine = connect.reading_engine(url)
    if url.get_backend_name() == "sqlite":

        @event.listens_for(engine, "connect")
        def _(connection: Any, _record: object) -> None:
            connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")

    return engine


def _raw(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    """Return the columns as they stand: a time that does not read is a fault, not a crash."""
    return [
        sa.type_coerce(column, sa.String).label(column.name)
        if isinstance(column.type, UtcText)
        else column
        for column in table.columns
    ]


def _collect_checkpoints(log: _Log, key: CollectorKey, file: Path | None) -> None:
    for number, line in checkpoints.lines(file) if file else ():
        row = f"line {number}"
        try:
            found = checkpoints.opened(line, key)
        except checkpoints.CheckpointInvalid as exc:
            log.fault("checkpoints", row, "signature", str(exc))
            continue
        log.claim(found.size, "checkpoints", row, found.root)


def _collect_receipts(log: _Log, key: CollectorKey, files: Sequence[Path]) -> None:
    for file in files:
        try:
            receipt = open_receipt(file.read_bytes(), key.public)
        except (ReceiptInvalid, OSError) as exc:
            log.fault("receipt", file.name, "signature", str(exc))
            continue
        log.claim(receipt.tree_size, "receipt", file.name, receipt.root)


def _check_head(db: sa.Connection, log: _Log, key: CollectorKey) -> None:
    rows = db.execute(sa.select(log_head)).all()
    if [row.id for row in rows] != [1]:
        ids = ", ".join(str(row.id) for row in rows) or "none"
        log.fault("log_head", ids, "row", "these rows are there; there must be one, 1")
        return
    (row,) = rows
    if row.checkpoint is None:
        if row.size != 0:
            log.fault("log_head", "1", "checkpoint", "the head is not signed")
        return
    try:
        found = checkpoints.opened(bytes(row.checkpoint), key)
    except (checkpoints.CheckpointInvalid, TypeError) as exc:
        log.fault("log_head", "1", "checkpoint", str(exc))
        return
    if (found.size, found.root) != (row.size, row.root):
        log.fault("log_head", "1", "size, root", "not the head that was signed")
    log.claim(found.size, "log_head", "1", found.root)


def _check_frontier(db: sa.Connection, log: _Log) -> None:
    row = db.execute(sa.select(log_head).where(log_head.c.id == 1)).one_or_none()
    if row is None:
        return  # told by _check_head
    if row.size != log.frontier.size:
        what = f"says {row.size} entries, the log has {log.frontier.size}"
        log.fault("log_head", "1", "size", what)
    if row.root != log.frontier.root().hex():
        log.fault("log_head", "1", "root", "not the root of the log's entries")
    edge = msgspec.json.encode([one.hex() for one in log.frontier.edge]).decode()
    if row.frontier != edge:
        log.fault("log_head", "1", "frontier", "not the edge of the log's entries")


def _batches(db: sa.Connection) -> Iterator[Sequence[sa.Row[Any]]]:
    """Yield the log's entries in order, some at a time."""
    query = sa.select(*_raw(log_entry)).order_by(log_entry.c.log_index)
    yield from db.execute(query).partitions(BATCH)


def _check_batch(
    db: sa.Connection, log: _Log, batch: Sequence[sa.Row[Any]], signed: SignedRows
) -> None:
    first, last = batch[0].log_index, batch[-1].log_index
    rows = {table.name: _rows_between(db, table, first, last) for table in LOGGED}
    for entry in batch:
        body = _check_entry(log, entry)
        log.check_claims()
        table = next((one for one in LOGGED if one.name == entry.kind), None)
        if body is None or table is None:
            continue
        row = rows[table.name].pop(entry.log_index, None)
        if row is None:
            _missing(db, log, table, body)
            continue
        _check_row(log, table, row, body)
        for fault in signed.faults(table, row):
            log.fault(table.name, _subject(table, row), *fault)
    for name, left in rows.items():
        for row in left.values():
            table = next(one for one in LOGGED if one.name == name)
            log.fault(name, _subject(table, row), "row", "the log has no entry of this row")


def _rows_between(
    db: sa.Connection, table: sa.Table, first: int, last: int
) -> dict[int, sa.Row[Any]]:
    query = sa.select(*_raw(table)).where(table.c.log_index.between(first, last))
    return {row.log_index: row for row in db.execute(query)}


def _subject(table: sa.Table, row: sa.Row[Any]) -> str:
    return subject_of(table, dict(row._mapping))


def _check_entry(log: _Log, entry: sa.Row[Any]) -> dict[str, Any] | None:
    """Check one entry in itself and grow the tree by it; return its body when it reads."""
    name = str(entry.log_index)
    if entry.log_index != log.next_index:
        what = "is missing; it was deleted or its index was changed"
        log.fault("log_entry", str(log.next_index), "row", what)
    log.next_index = entry.log_index + 1
    raw = exact_bytes(entry.body)
    digest = merkle.leaf_hash(raw)
    log.frontier = log.frontier.append(digest)
    if entry.leaf_hash != digest:
        log.fault("log_entry", name, "body, leaf_hash", "the hash is not that of the body")
    try:
        body = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        log.fault("log_entry", name, "body", "does not read")
        return None
    if body.keys() != _BODY or not isinstance(body["row"], dict):
        log.fault("log_entry", name, "body", "is not a body of an entry")
        return None
    columns = {"log_index": "index", "kind": "table", "subject": "subject", "at": "at"}
    for column, part in columns.items():
        if getattr(entry, column) != body[part]:
            log.fault("log_entry", name, column, "differs from what was logged")
    return body


def _missing(db: sa.Connection, log: _Log, table: sa.Table, body: dict[str, Any]) -> None:
    """Say whether a row is gone, or only its place in the log was changed."""
    names = [column.name for column in table.primary_key.columns]
    parts = str(body["subject"]).rsplit(" ", len(names) - 1)
    held = None
    if len(parts) == len(names):
        same = [
            sa.cast(table.c[name], sa.String) == part
            for name, part in zip(names, parts, strict=True)
        ]
        held = db.execute(sa.select(table.c.log_index).where(*same)).first()
    if held is None:
        log.fault(table.name, str(body["subject"]), "row", "is logged, but not there any more")
    else:
        log.fault(table.name, str(body["subject"]), "log_index", "differs from what was logged")


def _check_row(log: _Log, table: sa.Table, row: sa.Row[Any], body: dict[str, Any]) -> None:
    for column in logged_columns(table):
        if plain(getattr(row, column.name)) != body["row"].get(column.name):
            log.fault(table.name, _subject(table, row), column.name, "differs from what was logged")


def _check_strays(db: sa.Connection, log: _Log) -> None:
    """Find rows whose place in the log is before its start, in a gap, or past its end."""
    places = sa.select(log_entry.c.log_index)
    for table in LOGGED:
        query = sa.select(*_raw(table)).where(table.c.log_index.not_in(places))
        for row in db.execute(query):
            log.fault(table.name, _subject(table, row), "row", "the log has no entry of this row")


def _check_file(log: _Log, url: sa.URL, file: Path | None) -> None:
    """Find that the file of signed heads is gone; of several replicas one may have none yet."""
    missing = file is not None and not any(checkpoints.lines(file))
    if missing and log.frontier.size and url.get_backend_name() == "sqlite":
        log.fault("checkpoints", "file", "row", "no signed head is left, and the log has entries")


def _check_unreached(log: _Log) -> None:
    size = log.frontier.size
    for longer, claims in sorted(log.claims.items()):
        for claim in claims:
            what = f"{longer} entries were signed, the log has {size}: {longer - size} are missing"
            log.fault(claim.table, claim.row, "size", what)
