"""Incidents, their timelines, and the fresh runs that they ask for."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_server.store.readiness_schema import incident, incident_event, run_answer, run_request
from ccpor_server.store.writer import Transaction

PRIORITIES = ("P1", "P2", "P3", "P4")
OPEN, CLOSED = "open", "closed"


class IncidentEvent(msgspec.Struct, frozen=True, kw_only=True):
    """kind: opened, note, asked, answered, closed or reopened."""

    id: str
    incident: str
    kind: str
    priority: str | None
    text: str
    run_ids: tuple[str, ...]
    who: str
    at: datetime


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """priority and state as the newest event says."""

    id: str
    number: str
    court: str
    title: str
    began_at: datetime
    who: str
    at: datetime
    priority: str
    state: str
    events: tuple[IncidentEvent, ...]

    @property
    def closed_at(self) -> datetime | None:
        last = [one.at for one in self.events if one.kind == "closed"]
        return last[-1] if self.state == CLOSED else None


class RunRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh run asked of a workstation; run_id: the report that answered."""

    id: str
    court: str
    incident: str | None
    machine: str
    nonce: str
    expires_at: datetime
    who: str
    at: datetime
    run_id: str | None = None


def open_one(
    tx: Transaction,
    court: str,
    *,
    title: str,
    priority: str,
    text: str,
    began_at: datetime,
    who: str,
) -> tuple[str, str]:
    """Append an incident with its first event; return its id and its number (INC-2027-031)."""
    year = f"INC-{tx.now:%Y}-"
    count = tx.db.execute(
        sa.select(sa.func.count()).select_from(incident).where(incident.c.number.startswith(year))
    ).scalar_one()
    incident_id, number = str(uuid.uuid4()), f"{year}{count + 1:03d}"
    values = {"id": incident_id, "number": number, "court": court, "title": title}
    tx.record(incident, {**values, "began_at": began_at, "who": who, "at": tx.now})
    tell(tx, incident_id, "opened", text, who=who, priority=priority)
    return incident_id, number


def tell(
    tx: Transaction,
    incident_id: str,
    kind: str,
    text: str,
    *,
    who: str,
    priority: str | None = None,
    run_ids: tuple[str, ...] = (),
) -> None:
    """Append an event of the timeline; the caller writes the audit event."""
    tx.record(
        incident_event,
        {
            "id": str(uuid.uuid4()),
            "incident": incident_id,
            "kind": kind,
            "priority": priority,
            "text": text,
            "run_ids": msgspec.json.encode(run_ids).decode(),
            "who": who,
            "at": tx.now,
        },
    )


def ask(
    tx: Transaction,
    court: str,
    machine: str,
    *,
    who: str,
    lives: timedelta,
    incident_id: str | None = None,
) -> str:
    """Append a request for a fresh run; return its nonce (128 bits, hex)."""
    nonce = secrets.token_hex(16)
    tx.record(
        run_request,
        {
            "id": str(uuid.uuid4()),
            "court": court,
            "incident": incident_id,
            "machine": machine,
            "nonce": nonce,
            "expires_at": tx.now + lives,
            "who": who,
            "at": tx.now,
        },
    )
    return nonce


def answered(tx: Transaction, request_id: str, run_id: str) -> None:
    """Append that the report answers the request; once a request."""
    tx.record(run_answer, {"request": request_id, "run_id": run_id, "at": tx.now})


def requests(db: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[RunRequest, ...]:
    """Return requests, oldest first, each with the report that answered it."""
    query = (
        sa.select(run_request, run_answer.c.run_id)
        .outerjoin(run_answer, run_answer.c.request == run_request.c.id)
        .where(*conditions)
        .order_by(run_request.c.log_index)
    )
    return tuple(_without_index(row) for row in db.execute(query))


def _without_index(row: sa.Row[Any]) -> RunRequest:
    facts = dict(row._mapping)
    facts.pop("log_index")
    return RunRequest(**facts)


def waiting(db: sa.Connection, machine: str, now: datetime) -> tuple[RunRequest, ...]:
    """Return the requests that a workstation has still to answer."""
    return tuple(
        one
        for one in requests(db, run_request.c.machine == machine, run_request.c.expires_at > now)
        if one.run_id is None
    )


def answering_runs(db: sa.Connection, court: str) -> frozenset[str]:
    """Return the run ids of a court that answered a request under its nonce."""
    query = (
        sa.select(run_answer.c.run_id)
        .join(run_request, run_request.c.id == run_answer.c.request)
        .where(run_request.c.court == court)
    )
    return frozenset(db.execute(query).scalars())


def of_court(db: sa.Connection, court: str) -> tuple[Incident, ...]:
    """Return a court's incidents, newest first."""
    return _found(db, incident.c.court == court)


def every(db: sa.Connection) -> tuple[Incident, ...]:
    """Return all incidents, newest first."""
    return _found(db)


def by_id(db: sa.Connection, incident_id: str) -> Incident | None:
    """Return one by its id or its number; None when there is none."""
    found = _found(db, sa.or_(incident.c.id == incident_id, incident.c.number == incident_id))
    return found[0] if found else None


def _found(db: sa.Connection, *conditions: sa.ColumnElement[bool]) -> tuple[Incident, ...]:
    rows = db.execute(
        sa.select(incident).where(*conditions).order_by(incident.c.log_index.desc())
    ).all()
    told: dict[str, list[IncidentEvent]] = {row.id: [] for row in rows}
    query = (
        sa.select(incident_event)
        .join(incident, incident.c.id == incident_event.c.incident)
        .where(*conditions)
        .order_by(incident_event.c.log_index)
    )
    for row in db.execute(query):
        facts = dict(row._mapping)
        facts.pop("log_index")
        facts["run_ids"] = msgspec.json.decode(facts["run_ids"], type=tuple[str, ...])
        told[row.incident].append(IncidentEvent(**facts))
    return tuple(_incident(row, tuple(told[row.id])) for row in rows)


def _incident(row: sa.Row[Any], events: tuple[IncidentEvent, ...]) -> Incident:
    ranks = [one.priority for one in events if one.priority]
    turns = [one.kind for one in events if one.kind in {"opened", "closed", "reopened"}]
    return Incident(
        id=row.id,
        number=row.number,
        court=row.court,
        title=row.title,
        began_at=row.began_at,
        who=row.who,
        at=row.at,
        priority=ranks[-1] if ranks else "P4",
        state=CLOSED if turns and turns[-1] == "closed" else OPEN,
        events=events,
    )
