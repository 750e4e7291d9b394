"""Courts that are only examples: marked as such, and taken out of every page at once.

What the log holds of a removed sample stays in the log, as everything does.
"""

from __future__ import annotations

import sqlalchemy as sa

from ccpor_server.store import machines
from ccpor_server.store.readiness_schema import sample
from ccpor_server.store.writer import Transaction


def mark(tx: Transaction, court: str) -> None:
    """Note that a court is an example; nothing happens when that is known."""
    if court not in marked(tx.db):
        tx.db.execute(sample.insert().values(court=court))


def marked(db: sa.Connection) -> frozenset[str]:
    """Return the ids of the examples that are shown."""
    query = sa.select(sample.c.court).where(sample.c.removed_at.is_(None))
    return frozenset(db.execute(query).scalars())


def remove(tx: Transaction, *, who: str) -> tuple[str, ...]:
    """Take every example out of sight and refuse its workstations; return their ids."""
    gone = tuple(sorted(marked(tx.db)))
    for court in gone:
        for machine in machines.of_court(tx.db, court):
            if machine.revoked_at is None:
                machines.revoke(tx, machine.id, who=who, note="its court was a sample")
    tx.db.execute(sample.update().where(sample.c.removed_at.is_(None)).values(removed_at=tx.now))
    return gone
