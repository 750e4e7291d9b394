"""The outbox: a message is kept before it is sent, and once by its key."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import notice
from ccpor_server.store.writer import Transaction

KINDS = ("digest", "due", "regression", "silence", "incident", "ask")


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """sent_at, given_up_at: both None while it waits; last_answer: of the mail server."""

    id: str
    key: str
    kind: str
    court: str | None
    recipient: str
    subject: str
    body: str
    created_at: datetime
    not_before: datetime
    sent_at: datetime | None
    given_up_at: datetime | None
    tries: int
    last_answer: str


def put(
    tx: Transaction,
    key: str,
    kind: str,
    *,
    court: str | None,
    recipient: str,
    subject: str,
    body: str,
) -> bool:
    """Write a message unless one with this key is there; return whether it was written."""
    held = tx.db.execute(sa.select(notice.c.id).where(notice.c.key == key)).first()
    if held is not None:
        return False
    tx.db.execute(
        notice.insert().values(
            id=str(uuid.uuid4()),
            key=key,
            kind=kind,
            court=court,
            recipient=recipient,
            subject=subject,
            body=body,
            created_at=tx.now,
            not_before=tx.now,
            tries=0,
            last_answer="",
        )
    )
    return True


def waiting(db: sa.Connection, now: datetime, limit: int = 100) -> tuple[Notice, ...]:
    """Return what is to be sent now, oldest first."""
    query = (
        sa.select(notice)
        .where(
            notice.c.sent_at.is_(None),
            notice.c.given_up_at.is_(None),
            notice.c.not_before <= now,
        )
        .order_by(notice.c.created_at)
        .limit(limit)
    )
    return tuple(Notice(**row._mapping) for row in db.execute(query))


def sent(tx: Transaction, notice_id: str, answer: str) -> None:
    """Note that the mail server took it."""
    tx.db.execute(
        notice.update()
        .where(notice.c.id == notice_id)
        .values(sent_at=tx.now, last_answer=answer[:300], tries=notice.c.tries + 1)
    )


def failed(tx: Transaction, notice_id: str, answer: str, *, again_at: datetime | None) -> None:
    """Note that it was not taken: to be tried *again_at*, or given up where that is None."""
    tx.db.execute(
        notice.update()
        .where(notice.c.id == notice_id)
        .values(
            tries=notice.c.tries + 1,
            last_answer=answer[:300],
            not_before=again_at or notice.c.not_before,
            given_up_at=None if again_at else tx.now,
        )
    )


def newest(db: sa.Connection, court: str | None = None, limit: int = 200) -> tuple[Notice, ...]:
    """Return the newest messages: of one court, or of all."""
    query = sa.select(notice).order_by(notice.c.created_at.desc()).limit(limit)
    if court is not None:
        query = query.where(notice.c.court == court)
    return tuple(Notice(**row._mapping) for row in db.execute(query))
