"""Audit events: what, when, where, source, outcome, who (NIST 800-53 AU-3); written, never changed.

An event is written by the same job as the act it tells of: without it, the act does not happen.
"""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.schema import audit_event
from ccpor_server.store.writer import Transaction


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where an act came from, and who did it."""

    who: str  # a sign-in name, "machine <id>", "anonymous" or "console <login>"
    place: str  # "POST /api/v1/reports" or "ccpor-collector court add"
    address: str  # the client's address, or "console"


class AuditEvent(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    what: str
    at: datetime
    place: str
    source: str
    outcome: str
    who: str
    about: str
    log_index: int


def record(tx: Transaction, what: str, outcome: str, source: Source, *, about: str = "") -> None:
    """Write one event; all six facts are cut to what their columns hold, none may be empty."""
    facts = {"what": what, "outcome": outcome, "who": source.who, "place": source.place}
    empty = [name for name, value in {**facts, "source": source.address}.items() if not value]
    if empty:
        raise ValueError(f"an audit event lacks {', '.join(empty)}")
    tx.record(
        audit_event,
        {
            "id": str(uuid.uuid4()),
            "what": what[:64],
            "at": tx.now,
            "place": one_line(source.place)[:300],
            "source": one_line(source.address)[:100],
            "outcome": outcome[:64],
            "who": one_line(source.who)[:200],
            "about": one_line(about)[:300],
        },
    )


def one_line(text: str) -> str:
    """Return foreign text fit for a database, a log line and a page."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def newest(db: sa.Connection, limit: int = 200) -> tuple[AuditEvent, ...]:
    """Return the newest events, newest first."""
    rows = db.execute(sa.select(audit_event).order_by(audit_event.c.log_index.desc()).limit(limit))
    return tuple(AuditEvent(**row._mapping) for row in rows)
