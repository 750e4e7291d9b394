"""Reports as received: the exact bytes, never updated."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_reporting.codec import UUID7
from ccpor_server.store.schema import heard, machine, report
from ccpor_server.store.writer import Transaction


class Held(enum.StrEnum):
    """What the store held before: nothing, the same bytes, or other bytes under the same run id."""

    NEW = "new"
    SAME = "same"
    OTHER = "other"


class NewReport(msgspec.Struct, frozen=True, kw_only=True):
    """A verified report on its way in; `digest` is the SHA-256 of `envelope` in hex."""

    run_id: str
    machine_id: str
    digest: str
    envelope: bytes
    started_at: str
    verdict: str
    reason: str
    schema: str


class ReportLine(msgspec.Struct, frozen=True, kw_only=True):
    """One report without its bytes."""

    run_id: str
    machine_id: str
    court: str
    location: str
    role: str
    machine_name: str
    received_at: datetime
    digest: str
    started_at: str
    verdict: str
    reason: str
    schema: str
    log_index: int


class StoredReport(ReportLine, frozen=True, kw_only=True):
    """One report with the exact bytes of its envelope."""

    envelope: bytes


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a report that came in."""

    held: Held
    log_index: int
    received_at: datetime


def add(tx: Transaction, new: NewReport) -> Kept:
    """Store a report once; the same bytes again change nothing, other bytes are refused."""
    held = tx.db.execute(
        sa.select(report.c.digest, report.c.log_index, report.c.received_at).where(
            report.c.run_id == new.run_id
        )
    ).one_or_none()
    if held is not None:
        answer = Held.SAME if held.digest == new.digest else Held.OTHER
        return Kept(held=answer, log_index=held.log_index, received_at=held.received_at)
    values = msgspec.structs.asdict(new)
    index = tx.record(report, {**values, "received_at": tx.now})
    tx.db.execute(
        heard.update()
        .where(heard.c.machine_id == new.machine_id)
        .values(last_heard_at=tx.now, last_run_id=new.run_id)
    )
    return Kept(held=Held.NEW, log_index=index, received_at=tx.now)


_PLACE = (machine.c.court, machine.c.location, machine.c.role, machine.c.name.label("machine_name"))
_LINE = (*(column for column in report.c if column.name != "envelope"), *_PLACE)


def _lines(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(*_LINE).join(machine, machine.c.id == report.c.machine_id).where(*conditions)


def by_run_id(db: sa.Connection, run_id: str) -> StoredReport | None:
    """Return the report; None for a text that is no run id, too."""
    if not UUID7.fullmatch(run_id):
        return None
    query = (
        sa.select(*_LINE, report.c.envelope)
        .join(machine, machine.c.id == report.c.machine_id)
        .where(report.c.run_id == run_id)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else StoredReport(**row._mapping)


def of_machine(db: sa.Connection, machine_id: str, limit: int = 50) -> tuple[ReportLine, ...]:
    """Return one workstation's newest reports, newest first, without their bytes."""
    query = _lines(report.c.machine_id == machine_id)
    query = query.order_by(report.c.received_at.desc(), report.c.log_index.desc()).limit(limit)
    return tuple(ReportLine(**row._mapping) for row in db.execute(query))


def newest_of(
    db: sa.Connection, machine_id: str, *, each: int = 1, until: datetime | None = None
) -> tuple[StoredReport, ...]:
    """Return a workstation's newest *each* reports with their bytes, newest first.

    until: only those that had come in by then.
    """
    query = (
        sa.select(*_LINE, report.c.envelope)
        .join(machine, machine.c.id == report.c.machine_id)
        .where(report.c.machine_id == machine_id)
        .order_by(report.c.received_at.desc(), report.c.log_index.desc())
        .limit(each)
    )
    if until is not None:
        query = query.where(report.c.received_at <= until)
    return tuple(StoredReport(**row._mapping) for row in db.execute(query))
