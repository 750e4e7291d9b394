"""Documents attached to an item or an incident, kept by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import attachment
from ccpor_server.store.writer import Transaction

_FACTS = tuple(one for one in attachment.columns if one.name != "content")


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """size in bytes; digest: SHA-256 of the content, hex."""

    id: str
    court: str
    item: str | None
    incident: str | None
    name: str
    media_type: str
    size: int
    digest: str
    who: str
    at: datetime
    log_index: int


def add(
    tx: Transaction,
    court: str,
    content: bytes,
    *,
    name: str,
    media_type: str,
    who: str,
    item: str | None = None,
    incident: str | None = None,
) -> str:
    """Append a document; return its id. The caller has checked name, kind and size."""
    attachment_id = str(uuid.uuid4())
    tx.record(
        attachment,
        {
            "id": attachment_id,
            "court": court,
            "item": item,
            "incident": incident,
            "name": name,
            "media_type": media_type,
            "size": len(content),
            "digest": hashlib.sha256(content).hexdigest(),
            "content": content,
            "who": who,
            "at": tx.now,
        },
    )
    return attachment_id


def of_court(
    db: sa.Connection, court: str, *, item: str | None = None, incident: str | None = None
) -> tuple[Attachment, ...]:
    """Return the facts of a court's documents, oldest first: all, or one item's or incident's."""
    query = sa.select(*_FACTS).where(attachment.c.court == court)
    if item is not None:
        query = query.where(attachment.c.item == item)
    if incident is not None:
        query = query.where(attachment.c.incident == incident)
    return tuple(
        Attachment(**row._mapping) for row in db.execute(query.order_by(attachment.c.log_index))
    )


def content(db: sa.Connection, court: str, attachment_id: str) -> tuple[Attachment, bytes] | None:
    """Return a document of *court* with its bytes; None when the court has none of this id."""
    query = sa.select(attachment).where(
        attachment.c.court == court, attachment.c.id == attachment_id
    )
    row = db.execute(query).one_or_none()
    if row is None:
        return None
    facts = dict(row._mapping)
    body: bytes = facts.pop("content")
    return Attachment(**facts), body
