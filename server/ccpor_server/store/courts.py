"""Courts, their locations, and the workstations each says it has."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import sample
from ccpor_server.store.schema import court, declared, location
from ccpor_server.store.writer import Transaction

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")  # of courts and of locations
KINDS = ("superior", "tribal", "sheriff")
ROLES = ("scan-station", "clerk", "judge", "training-room", "lea")


class Court(msgspec.Struct, frozen=True, kw_only=True):
    """A court or agency.

    scope: its answers to the scope questionnaire, by the field names of
    `ccpor_reporting.checklist.model.Scope`; an answer that is missing is unknown.
    oris, doj_oris: its agency identifiers, as declared and as DOJ approved them.
    """

    id: str
    name: str
    kind: str = "superior"
    time_zone: str = "America/Los_Angeles"
    go_live: date | None = None
    scope: dict[str, bool] = {}
    oris: tuple[str, ...] = ()
    doj_oris: tuple[str, ...] = ()
    contacts: dict[str, str] = {}
    sample: bool = False  # only an example: see `ccpor_server.store.samples`; not written by `put`


class Declared(msgspec.Struct, frozen=True, kw_only=True):
    """How many workstations of one role a court says one location has."""

    court: str
    location: str
    role: str
    machines: int


def put(tx: Transaction, value: Court) -> None:
    """Write a court, new or changed; the caller writes the audit event."""
    row: dict[str, Any] = {
        "name": value.name,
        "kind": value.kind,
        "time_zone": value.time_zone,
        "go_live": value.go_live.isoformat() if value.go_live else None,
        "scope": msgspec.json.encode(value.scope, order="sorted").decode(),
        "identifiers": msgspec.json.encode(
            {"oris": value.oris, "doj_oris": value.doj_oris}, order="sorted"
        ).decode(),
        "contacts": msgspec.json.encode(value.contacts, order="sorted").decode(),
    }
    held = tx.db.execute(sa.select(court.c.id).where(court.c.id == value.id)).first()
    if held is None:
        tx.db.execute(court.insert().values(id=value.id, **row))
    else:
        tx.db.execute(court.update().where(court.c.id == value.id).values(**row))


def put_location(tx: Transaction, court_id: str, name: str) -> None:
    """Make a location known; nothing happens when it is."""
    if name not in locations(tx.db, court_id):
        tx.db.execute(location.insert().values(court=court_id, name=name))


def declare(tx: Transaction, value: Declared) -> None:
    """Write how many workstations of a role a location has; the last word stands."""
    put_location(tx, value.court, value.location)
    same = sa.and_(
        declared.c.court == value.court,
        declared.c.location == value.location,
        declared.c.role == value.role,
    )
    tx.db.execute(declared.delete().where(same))
    tx.db.execute(declared.insert().values(**msgspec.structs.asdict(value)))


def _court(row: sa.Row[Any]) -> Court:
    identifiers = msgspec.json.decode(row.identifiers, type=dict[str, tuple[str, ...]])
    return Court(
        id=row.id,
        name=row.name,
        kind=row.kind,
        time_zone=row.time_zone,
        go_live=date.fromisoformat(row.go_live) if row.go_live else None,
        scope=msgspec.json.decode(row.scope, type=dict[str, bool]),
        oris=identifiers.get("oris", ()),
        doj_oris=identifiers.get("doj_oris", ()),
        contacts=msgspec.json.decode(row.contacts, type=dict[str, str]),
        sample=bool(row.is_sample),
    )


def _shown() -> sa.Select[Any]:
    """Every court but samples that were removed."""
    removed = sa.select(sample.c.court).where(sample.c.removed_at.is_not(None))
    is_sample = court.c.id.in_(sa.select(sample.c.court)).label("is_sample")
    return sa.select(court, is_sample).where(court.c.id.not_in(removed))


def by_id(db: sa.Connection, court_id: str) -> Court | None:
    row = db.execute(_shown().where(court.c.id == court_id)).one_or_none()
    return None if row is None else _court(row)


def every(db: sa.Connection) -> tuple[Court, ...]:
    """Return all courts by name."""
    return tuple(_court(row) for row in db.execute(_shown().order_by(court.c.name)))


def locations(db: sa.Connection, court_id: str) -> tuple[str, ...]:
    query = sa.select(location.c.name).where(location.c.court == court_id).order_by("name")
    return tuple(db.execute(query).scalars())


def inventory(db: sa.Connection, court_id: str) -> tuple[Declared, ...]:
    """Return what the court declared, by location and role."""
    query = sa.select(declared).where(declared.c.court == court_id)
    rows = db.execute(query.order_by(declared.c.location, declared.c.role))
    return tuple(Declared(**row._mapping) for row in rows)
