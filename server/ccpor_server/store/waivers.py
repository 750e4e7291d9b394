"""Waivers as kept: granted and withdrawn by rows, never changed."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import sqlalchemy as sa

from ccpor_reporting.checklist.model import Waiver
from ccpor_server.store.readiness_schema import waiver
from ccpor_server.store.writer import Transaction


def grant(
    tx: Transaction,
    court: str,
    item: str,
    *,
    reason: str,
    until: date,
    who: str,
    code: str | None = None,
    location: str | None = None,
    machine: str | None = None,
) -> str:
    """Append a waiver; return its id. The caller writes the audit event."""
    return _add(
        tx,
        court,
        item,
        kind="granted",
        reason=reason,
        until=until.isoformat(),
        who=who,
        code=code,
        location=location,
        machine=machine,
    )


def withdraw(tx: Transaction, court: str, granted: Waiver, *, reason: str, who: str) -> str:
    """Append the withdrawal of *granted*; return the row's id."""
    return _add(
        tx, court, granted.item, kind="withdrawn", refers_to=granted.id, reason=reason, who=who
    )


def _add(tx: Transaction, court: str, item: str, **values: Any) -> str:
    row_id = str(uuid.uuid4())
    blank = dict.fromkeys(("refers_to", "code", "location", "machine", "until"))
    tx.record(waiver, {"id": row_id, "court": court, "item": item, "at": tx.now, **blank, **values})
    return row_id


def of_court(db: sa.Connection, court: str) -> tuple[Waiver, ...]:
    """Return every waiver of a court, oldest first, with its withdrawal."""
    query = sa.select(waiver).where(waiver.c.court == court).order_by(waiver.c.log_index)
    rows = db.execute(query).all()
    back = {row.refers_to: row for row in rows if row.kind == "withdrawn"}
    return tuple(
        Waiver(
            id=row.id,
            item=row.item,
            reason=row.reason,
            until=date.fromisoformat(row.until),
            by=row.who,
            at=row.at,
            code=row.code,
            location=row.location,
            machine=row.machine,
            withdrawn_at=back[row.id].at if row.id in back else None,
            withdrawn_by=back[row.id].who if row.id in back else None,
        )
        for row in rows
        if row.kind == "granted"
    )
