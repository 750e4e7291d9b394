"""A court's readiness day by day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import standing
from ccpor_server.store.writer import Transaction


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A court at the end of a day; counts: items by state; blocking: how many block go-live."""

    court: str
    day: date
    verdict: str
    counts: dict[str, int]
    blocking: int


def put(
    tx: Transaction,
    court: str,
    day: date,
    *,
    verdict: str,
    counts: Mapping[str, int],
    blocking: int,
) -> None:
    """Write a court's standing of a day; the day's last word stands."""
    same = sa.and_(standing.c.court == court, standing.c.day == day.isoformat())
    tx.db.execute(standing.delete().where(same))
    tx.db.execute(
        standing.insert().values(
            court=court,
            day=day.isoformat(),
            verdict=verdict,
            counts=msgspec.json.encode(dict(counts)).decode(),
            blocking=blocking,
        )
    )


def since(db: sa.Connection, day: date, court: str | None = None) -> tuple[Standing, ...]:
    """Return standings from *day* on, oldest first: of one court, or of all."""
    query = sa.select(standing).where(standing.c.day >= day.isoformat())
    if court is not None:
        query = query.where(standing.c.court == court)
    return tuple(
        Standing(
            court=row.court,
            day=date.fromisoformat(row.day),
            verdict=row.verdict,
            counts=msgspec.json.decode(row.counts, type=dict[str, int]),
            blocking=row.blocking,
        )
        for row in db.execute(query.order_by(standing.c.day, standing.c.court))
    )
