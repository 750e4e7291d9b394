"""A court's checklist from what the store holds: the join between rows and the pure function.

A report counts only while its signature still fits its workstation's key: a row that somebody
changed in the database proves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import (
    Facts,
    ItemState,
    KnownMachine,
    Level,
    Place,
    Readiness,
    Received,
    Scope,
)
from ccpor_reporting.checklist.state import SETTLED, readiness
from ccpor_reporting.checklist.state import court_checklist as item_states
from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.envelope import (
    REPORT_TYPE,
    EnvelopeInvalid,
    PublicKey,
    open_envelope,
    public_key_from_pem,
)
from ccpor_reporting.model import Report
from ccpor_server.store import (
    Store,
    assignments,
    courts,
    decisions,
    declarations,
    incidents,
    machines,
    reports,
    waivers,
)
from ccpor_server.store.machines import MachineRecord

BEFORE_GO_LIVE = 12  # newest reports of a workstation: the several runs that an item may need
WATCHED = 30  # hourly runs over the watch's day
LINE_LIVES = timedelta(minutes=10)  # evidence ages by the hour; the board says as of when it is


class CourtChecklist(msgspec.Struct, frozen=True, kw_only=True):
    """One court's items at one moment; JSON-able."""

    court: str
    as_of: datetime
    checklist_version: int
    readiness: Readiness
    items: tuple[ItemState, ...]


class CourtLine(msgspec.Struct, frozen=True, kw_only=True):
    """A court as the board shows it."""

    court: courts.Court
    readiness: Readiness
    last_heard_at: datetime | None
    overdue: int = 0  # items
    next_due: date | None = None  # of the items that are left
    owners: tuple[str, ...] = ()  # named for items that are left


class CourtView(msgspec.Struct, frozen=True, kw_only=True):
    """A court with all that its pages show."""

    court: courts.Court
    checklist: CourtChecklist
    machines: tuple[MachineRecord, ...]
    received: tuple[Received, ...]  # newest first
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
    received = _received(db, court.id, enrolled, each)
    states = item_states(
        our_checklist(),
        _facts(court, courts.locations(db, court.id), inventory),
        tuple(_known(one) for one in enrolled if one.revoked_at is None),
        received,
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
        received=received,
        inventory=inventory,
    )


_lines: WeakKeyDictionary[Store, dict[str, tuple[object, datetime, CourtLine]]] = (
    WeakKeyDictionary()
)


def court_line(store: Store, db: sa.Connection, court: courts.Court, now: datetime) -> CourtLine:
    """Return a court's line of the board; made anew when anything came in, or after a while.

    A board over every court would else read each of their reports for every look at it.
    """
    held = _lines.setdefault(store, {})
    enrolled = machines.of_court(db, court.id)
    known = (
        court,
        courts.locations(db, court.id),
        courts.inventory(db, court.id),
        enrolled,  # with the run last heard of each
        len(declarations.of_court(db, court.id)),
        waivers.of_court(db, court.id),
        len(decisions.of_court(db, court.id)),
        assignments.of_court(db, court.id),
    )
    before, at, line = held.get(court.id, (None, now, None))
    if line is None or before != known or not timedelta() <= now - at < LINE_LIVES:
        view = court_view(db, court, now)
        left = [one for one in view.checklist.items if one.state not in SETTLED]
        line = CourtLine(
            court=court,
            readiness=view.checklist.readiness,
            last_heard_at=view.last_heard_at,
            overdue=sum(one.overdue for one in left),
            next_due=min((one.due for one in left if one.due and not one.overdue), default=None),
            owners=tuple(sorted({one.owner for one in left if one.owner})),
        )
        held[court.id] = (known, now, line)
    return line


def _known(machine: MachineRecord) -> KnownMachine:
    return KnownMachine(
        id=machine.id, name=machine.name, location=machine.location, role=machine.role
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


def _received(
    db: sa.Connection, court_id: str, enrolled: Sequence[MachineRecord], each: int
) -> tuple[Received, ...]:
    keys = {one.id: one for one in enrolled}
    found = []
    fresh = incidents.answering_runs(db, court_id)
    for stored in reports.newest_per_machine(db, court_id, each=each):
        machine = keys.get(stored.machine_id)
        report = None if machine is None else signed_report(stored.envelope, machine.public_key)
        if report is not None:
            found.append(
                Received(
                    report=report,
                    machine_id=stored.machine_id,
                    received_at=stored.received_at,
                    level=Level.L2 if stored.run_id in fresh else Level.L1,
                )
            )
    return tuple(found)


MOST_KEPT_BYTES = 128 * 1024  # 512 of them stay below 64 MiB; a larger one is read each time


def signed_report(envelope: bytes, public_key: str) -> Report | None:
    """Return the report in *envelope*; None unless the key (PEM) signed these very bytes."""
    read = _kept if len(envelope) <= MOST_KEPT_BYTES else _read
    return read(envelope, public_key)


@lru_cache(maxsize=512)
def _kept(envelope: bytes, public_key: str) -> Report | None:
    return _read(envelope, public_key)


def _read(envelope: bytes, public_key: str) -> Report | None:
    key = _key(public_key)
    try:
        opened = open_envelope(envelope, payload_type=REPORT_TYPE, key=lambda _hint: key)
        return decode_report(opened.payload)
    except (EnvelopeInvalid, ReportInvalid):
        return None


@lru_cache(maxsize=5000)
def _key(pem: str) -> PublicKey:
    return public_key_from_pem(pem)
