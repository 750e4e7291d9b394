"""Declarations: a person's word on a checklist item. A correction is a new row."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.model import Declaration, DeclarationKind, Party
from ccpor_server.store.schema import declaration
from ccpor_server.store.writer import Transaction


class StoredDeclaration(msgspec.Struct, frozen=True, kw_only=True):
    """One declaration as kept, with its place in the log."""

    id: str
    court: str
    declaration: Declaration
    log_index: int


def add(
    tx: Transaction,
    court: str,
    item: str,
    kind: DeclarationKind,
    party: Party,
    *,
    who: str,
    note: str = "",
    done_on: date | None = None,
    until: date | None = None,
) -> str:
    """Append one declaration; return its id. The caller writes the audit event."""
    declaration_id = str(uuid.uuid4())
    tx.record(
        declaration,
        {
            "id": declaration_id,
            "court": court,
            "item": item,
            "kind": kind.value,
            "party": party.value,
            "note": note,
            "done_on": done_on.isoformat() if done_on else None,
            "until": until.isoformat() if until else None,
            "who": who,
            "at": tx.now,
        },
    )
    return declaration_id


def _stored(row: sa.Row[Any]) -> StoredDeclaration:
    at: datetime = row.at
    word = Declaration(
        item=row.item,
        kind=DeclarationKind(row.kind),
        party=Party(row.party),
        by=row.who,
        at=at,
        note=row.note,
        done_on=date.fromisoformat(row.done_on) if row.done_on else None,
        until=date.fromisoformat(row.until) if row.until else None,
    )
    return StoredDeclaration(id=row.id, court=row.court, declaration=word, log_index=row.log_index)


def of_court(db: sa.Connection, court: str) -> tuple[StoredDeclaration, ...]:
    """Return every declaration of a court, oldest first."""
    query = sa.select(declaration).where(declaration.c.court == court)
    return tuple(_stored(row) for row in db.execute(query.order_by(declaration.c.log_index)))
