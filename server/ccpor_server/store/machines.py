"""Workstations that enrolled: who they are never changes; a revocation is a row of its own."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_server.store.schema import heard, machine, revocation
from ccpor_server.store.writer import Transaction


class MachineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """An enrolled workstation."""

    id: str
    court: str
    location: str
    role: str
    public_key: str  # PEM
    key_id: str
    name: str
    os: str
    enrolled_at: datetime
    revoked_at: datetime | None
    last_heard_at: datetime | None
    last_run_id: str | None


class NewMachine(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    court: str
    location: str
    role: str
    public_key: str
    key_id: str
    name: str
    os: str
    code_id: str


def enrol(tx: Transaction, new: NewMachine) -> None:
    """Write the workstation's identity; it stands for ever."""
    tx.record(machine, {**msgspec.structs.asdict(new), "enrolled_at": tx.now})
    tx.db.execute(heard.insert().values(machine_id=new.id, last_heard_at=tx.now))


def revoke(tx: Transaction, machine_id: str, *, who: str, note: str) -> bool:
    """Refuse this workstation from now on; False when that was already so."""
    held = tx.db.execute(sa.select(revocation).where(revocation.c.machine_id == machine_id))
    if held.one_or_none() is not None:
        return False
    tx.record(revocation, {"machine_id": machine_id, "at": tx.now, "who": who, "note": note})
    return True


def code_of(tx: Transaction, machine_id: str) -> str:
    """Return the id of the code that this workstation enrolled with."""
    query = sa.select(machine.c.code_id).where(machine.c.id == machine_id)
    return str(tx.db.execute(query).scalar_one())


_KEY_ID = re.compile(r"[0-9a-f]{64}")  # ccpor_reporting.envelope.key_id
_COLUMNS = tuple(column for column in machine.c if column.name not in {"log_index", "code_id"})


def _query(*conditions: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return (
        sa.select(
            *_COLUMNS,
            revocation.c.at.label("revoked_at"),
            heard.c.last_heard_at,
            heard.c.last_run_id,
        )
        .join(revocation, revocation.c.machine_id == machine.c.id, isouter=True)
        .join(heard, heard.c.machine_id == machine.c.id, isouter=True)
        .where(*conditions)
        .order_by(machine.c.court, machine.c.location, machine.c.name, machine.c.id)
    )


def _one(db: sa.Connection, condition: sa.ColumnElement[bool]) -> MachineRecord | None:
    row = db.execute(_query(condition)).one_or_none()
    return None if row is None else MachineRecord(**row._mapping)


def by_key_id(db: sa.Connection, key_id: str) -> MachineRecord | None:
    """Return the workstation with this key; a hint of any other form is nobody's."""
    if not _KEY_ID.fullmatch(key_id):
        return None
    return _one(db, machine.c.key_id == key_id)


def by_id(db: sa.Connection, machine_id: str) -> MachineRecord | None:
    return _one(db, machine.c.id == machine_id)


def of_court(db: sa.Connection, court: str) -> tuple[MachineRecord, ...]:
    """Return a court's workstations, revoked ones included, by location and name."""
    return tuple(
        MachineRecord(**row._mapping) for row in db.execute(_query(machine.c.court == court))
    )


def every(db: sa.Connection) -> tuple[MachineRecord, ...]:
    return tuple(MachineRecord(**row._mapping) for row in db.execute(_query()))
