"""Which courts something changed at, without reading what it was.

A mark is equal as long as nothing was written that a court's checklist could rest on. Records are
only ever appended, so their number is enough; what may change is in the mark itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ccpor_server.store.readiness_schema import assignment, decision, waiver
from ccpor_server.store.schema import declaration, declared, heard, location, machine, revocation

_COUNTED = (declaration, waiver, decision, assignment)
_HELD: tuple[sa.Select[Any], ...] = (
    sa.select(location.c.court, location.c.name).order_by(location.c.court, location.c.name),
    sa.select(declared.c.court, declared.c.location, declared.c.role, declared.c.machines).order_by(
        declared.c.court, declared.c.location, declared.c.role
    ),
    sa.select(machine.c.court, machine.c.id, heard.c.last_heard_at, heard.c.last_run_id)
    .join(heard, heard.c.machine_id == machine.c.id, isouter=True)
    .order_by(machine.c.id),
    sa.select(machine.c.court, revocation.c.machine_id)
    .join(machine, machine.c.id == revocation.c.machine_id)
    .order_by(revocation.c.machine_id),
    *(
        sa.select(table.c.court, sa.func.count()).group_by(table.c.court).order_by(table.c.court)
        for table in _COUNTED
    ),
)


def by_court(db: sa.Connection) -> Mapping[str, tuple[object, ...]]:
    """Return the mark of every court about which anything is held."""
    found: defaultdict[str, list[object]] = defaultdict(list)
    for number, query in enumerate(_HELD):
        for court, *held in db.execute(query):
            found[court].append((number, *held))
    return {court: tuple(seen) for court, seen in found.items()}
