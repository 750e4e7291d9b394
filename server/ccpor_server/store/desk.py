"""What a person's desk keeps: saved views of the board, and drafts over a locked session."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import draft, saved_view
from ccpor_server.store.writer import Transaction


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """query: of the board's address."""

    id: str
    person_id: str
    name: str
    query: str
    created_at: datetime


def save_view(tx: Transaction, person_id: str, name: str, query: str) -> str:
    """Keep a view under a name; one of this name gives way."""
    same = sa.and_(saved_view.c.person_id == person_id, saved_view.c.name == name)
    tx.db.execute(saved_view.delete().where(same))
    view_id = str(uuid.uuid4())
    tx.db.execute(
        saved_view.insert().values(
            id=view_id, person_id=person_id, name=name, query=query, created_at=tx.now
        )
    )
    return view_id


def forget_view(tx: Transaction, person_id: str, view_id: str) -> None:
    """Forget one's own view."""
    mine = sa.and_(saved_view.c.person_id == person_id, saved_view.c.id == view_id)
    tx.db.execute(saved_view.delete().where(mine))


def views(db: sa.Connection, person_id: str) -> tuple[SavedView, ...]:
    """Return a person's views by name."""
    query = sa.select(saved_view).where(saved_view.c.person_id == person_id)
    return tuple(SavedView(**row._mapping) for row in db.execute(query.order_by(saved_view.c.name)))


def keep_draft(tx: Transaction, person_id: str, path: str, fields: dict[str, str]) -> None:
    """Keep what was typed into the form at *path*; the last word stands."""
    mine = sa.and_(draft.c.person_id == person_id, draft.c.path == path)
    tx.db.execute(draft.delete().where(mine))
    tx.db.execute(
        draft.insert().values(
            person_id=person_id,
            path=path[:300],
            fields=msgspec.json.encode(fields).decode(),
            at=tx.now,
        )
    )


def draft_of(db: sa.Connection, person_id: str, path: str) -> dict[str, str] | None:
    """Return what was typed there before the session locked; None when nothing is kept."""
    query = sa.select(draft.c.fields).where(draft.c.person_id == person_id, draft.c.path == path)
    found = db.execute(query).scalars().first()
    return None if found is None else msgspec.json.decode(found, type=dict[str, str])


def forget_draft(tx: Transaction, person_id: str, path: str) -> None:
    """Forget a draft that was given back or sent."""
    tx.db.execute(draft.delete().where(draft.c.person_id == person_id, draft.c.path == path))
