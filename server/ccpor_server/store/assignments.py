"""Whose item it is and until when; the newest row of an item stands."""

from __future__ import annotations

import uuid
from datetime import date

import sqlalchemy as sa

from ccpor_reporting.checklist.model import Assignment
from ccpor_server.store.readiness_schema import assignment
from ccpor_server.store.writer import Transaction


def add(tx: Transaction, court: str, item: str, owner: str, due: date | None, *, who: str) -> None:
    """Append one; the caller writes the audit event."""
    tx.record(
        assignment,
        {
            "id": str(uuid.uuid4()),
            "court": court,
            "item": item,
            "owner": owner,
            "due": due.isoformat() if due else None,
            "who": who,
            "at": tx.now,
        },
    )


def of_court(db: sa.Connection, court: str) -> tuple[Assignment, ...]:
    """Return all of a court, oldest first."""
    query = sa.select(assignment).where(assignment.c.court == court)
    return tuple(
        Assignment(
            item=row.item,
            owner=row.owner,
            due=date.fromisoformat(row.due) if row.due else None,
            by=row.who,
            at=row.at,
        )
        for row in db.execute(query.order_by(assignment.c.log_index))
    )
