"""What people wrote on an item or an incident; never changed."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import comment
from ccpor_server.store.writer import Transaction


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """item or incident: what it is about; one of them is set."""

    id: str
    court: str
    item: str | None
    incident: str | None
    text: str
    who: str
    at: datetime
    log_index: int


def add(
    tx: Transaction,
    court: str,
    text: str,
    *,
    who: str,
    item: str | None = None,
    incident: str | None = None,
) -> str:
    """Append a comment; return its id. The caller writes the audit event."""
    comment_id = str(uuid.uuid4())
    tx.record(
        comment,
        {
            "id": comment_id,
            "court": court,
            "item": item,
            "incident": incident,
            "text": text,
            "who": who,
            "at": tx.now,
        },
    )
    return comment_id


def of_court(
    db: sa.Connection, court: str, *, item: str | None = None, incident: str | None = None
) -> tuple[Comment, ...]:
    """Return a court's comments, oldest first: all, or those of one item or incident."""
    query = sa.select(comment).where(comment.c.court == court)
    if item is not None:
        query = query.where(comment.c.item == item)
    if incident is not None:
        query = query.where(comment.c.incident == incident)
    return tuple(Comment(**row._mapping) for row in db.execute(query.order_by(comment.c.log_index)))
