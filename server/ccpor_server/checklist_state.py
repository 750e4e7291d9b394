"""A court's checklist from what the store holds: the join between rows and the pure function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.ledger import Ledger
from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import Facts, ItemState, Place, Readiness, Received, Scope
from ccpor_reporting.checklist.state import ledger_checklist, readiness
from ccpor_server.held_reports import held_of
from ccpor_server.store import (
    Store,
    assignments,
    courts,
    decisions,
    declarations,
    incidents,
    machines,
    waivers,
)
from ccpor_server.store.machines import MachineRecord

BEFORE_GO_LIVE = 12  # newest reports of a workstation: the several runs that an item may need
WATCHED = 30  # hourly runs over the watch's day


class CourtChecklist(msgspec.Struct, frozen=True, kw_only=True):
    """One court's items at one moment; JSON-able."""

    court: str
    as_of: datetime
    checklist_version: int
    readiness: Readiness
    items: tuple[ItemState, ...]


class CourtView(msgspec.Struct, frozen=True, kw_only=True):
    """A court with all that its pages show."""

    court: courts.Court
    checklist: CourtChecklist
    machines: tuple[MachineRecord, ...]
    newest: Mapping[str, Received]  # by workstation, those neither revoked nor silent so far
    inventory: tuple[courts.Declared, ...]

    @property
    def last_heard_at(self) -> datetime | None:
        heard = [one.last_heard_at for one in self.machines if one.last_heard_at]
        return max(heard, default=None)


def court_checklist(store: Store, court_id: str, now: datetime) -> CourtChecklist | None:
    """Return the checklist of a court; None when there is no such court."""
    with store.reading() as db:
        court = courts.by_id(db, court_id)
        return None if court is None else court_view(db, court, now).checklist


def court_view(db: sa.Connection, court: courts.Court, now: datetime) -> CourtView:
    """Return a court with its checklist as of *now*."""
    enrolled = machines.of_court(db, court.id)
    inventory = courts.inventory(db, court.id)
    each = WATCHED if court.go_live and court.go_live <= now.date() else BEFORE_GO_LIVE
    fresh = incidents.answering_runs(db, court.id)
    held = {
        one.id: held_of(db, one, each=each, fresh=fresh, until=now)
        for one in enrolled
        if one.revoked_at is None
    }
    states = ledger_checklist(
        our_checklist(),
        _facts(court, courts.locations(db, court.id), inventory),
        Ledger({one.known: one.shown for one in held.values()}),
        tuple(one.declaration for one in declarations.of_court(db, court.id)),
        go_live=court.go_live,
        now=now,
        waivers=waivers.of_court(db, court.id),
        decisions=decisions.of_court(db, court.id),
        assignments=assignments.of_court(db, court.id),
    )
    checklist = CourtChecklist(
        court=court.id,
        as_of=now,
        checklist_version=our_checklist().version,
        readiness=readiness(states, go_live=court.go_live, today=now.date()),
        items=states,
    )
    return CourtView(
        court=court,
        checklist=checklist,
        machines=enrolled,
        newest={name: one.newest for name, one in held.items() if one.newest},
        inventory=inventory,
    )


def _facts(
    court: courts.Court, locations: Sequence[str], inventory: Sequence[courts.Declared]
) -> Facts:
    answers = {
        name: answer for name, answer in court.scope.items() if name in Scope.__struct_fields__
    }
    return Facts(
        scope=Scope(**answers),
        locations=tuple(locations),
        inventory=tuple(
            Place(location=one.location, role=one.role, machines=one.machines) for one in inventory
        ),
        oris=court.oris,
        doj_oris=court.doj_oris,
    )
