"""Signatures on go-live and close-out as kept, and the baselines that they accept."""

from __future__ import annotations

import uuid
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.model import Decision, DecisionKind, Party, Workaround
from ccpor_server.store.readiness_schema import baseline, decision
from ccpor_server.store.writer import Transaction


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The accepted run of one workstation."""

    machine: str
    run_id: str
    who: str
    at: datetime


def add(
    tx: Transaction,
    court: str,
    subject: str,
    kind: DecisionKind,
    party: Party,
    *,
    who: str,
    seen_size: int,
    seen_root: str,
    basis: str,
    note: str = "",
    workarounds: tuple[Workaround, ...] = (),
    refers_to: str | None = None,
) -> str:
    """Append a signature; return its id. The caller writes the audit event."""
    decision_id = str(uuid.uuid4())
    tx.record(
        decision,
        {
            "id": decision_id,
            "court": court,
            "subject": subject,
            "kind": kind.value,
            "party": party.value,
            "note": note,
            "workarounds": msgspec.json.encode(workarounds).decode(),
            "seen_size": seen_size,
            "seen_root": seen_root,
            "basis": basis,
            "refers_to": refers_to,
            "who": who,
            "at": tx.now,
        },
    )
    return decision_id


def of_court(db: sa.Connection, court: str) -> tuple[Decision, ...]:
    """Return every signature of a court, oldest first."""
    query = sa.select(decision).where(decision.c.court == court).order_by(decision.c.log_index)
    return tuple(
        Decision(
            id=row.id,
            subject=row.subject,
            kind=DecisionKind(row.kind),
            party=Party(row.party),
            by=row.who,
            at=row.at,
            note=row.note,
            workarounds=msgspec.json.decode(row.workarounds, type=tuple[Workaround, ...]),
            seen_size=row.seen_size,
            seen_root=row.seen_root,
            basis=row.basis,
            refers_to=row.refers_to,
        )
        for row in db.execute(query)
    )


def accept(
    tx: Transaction, court: str, machine: str, run_id: str, *, who: str, decision_id: str | None
) -> None:
    """Append the run that stands as the workstation's baseline from now on."""
    tx.record(
        baseline,
        {
            "id": str(uuid.uuid4()),
            "court": court,
            "machine": machine,
            "run_id": run_id,
            "decision": decision_id,
            "who": who,
            "at": tx.now,
        },
    )


def baselines(db: sa.Connection, court: str) -> dict[str, Baseline]:
    """Return the baseline of each workstation that has one, by the workstation's id."""
    query = sa.select(baseline).where(baseline.c.court == court).order_by(baseline.c.log_index)
    return {
        row.machine: Baseline(machine=row.machine, run_id=row.run_id, who=row.who, at=row.at)
        for row in db.execute(query)
    }
