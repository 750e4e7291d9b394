"""What the pages of incidents show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ccpor_reporting.compare import KINDS, Change, compare
from ccpor_reporting.model import Report
from ccpor_server.held_reports import signed_report
from ccpor_server.pages.board import Choice
from ccpor_server.pages.forms import Fault
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import Mark
from ccpor_server.rights import Right
from ccpor_server.store import courts, decisions, incidents, machines, reports
from ccpor_server.store.incidents import CLOSED, PRIORITIES, Incident, RunRequest
from ccpor_server.store.machines import MachineRecord
from ccpor_server.store.people import Person
from ccpor_server.store.readiness_schema import run_request

PRIORITY_WORDS = {
    "P1": "P1: orders cannot be entered or seen",
    "P2": "P2: some cannot work, or all slowly",
    "P3": "P3: a nuisance with a way round it",
    "P4": "P4: a question or a wish",
}
TONES = {"P1": "bad", "P2": "warn", "P3": "calm", "P4": "none"}
STATES = {"open": Mark("open", "warning", "warn"), "closed": Mark("closed", "check", "good")}
EVENTS = {
    "opened": Mark("opened", "warning", "warn"),
    "note": Mark("note", "flag", "none"),
    "asked": Mark("asked", "clock", "calm"),
    "answered": Mark("came in", "check", "good"),
    "closed": Mark("closed", "check", "good"),
    "reopened": Mark("reopened", "warning", "warn"),
}
TITLES = {
    "new": "new faults",
    "worse": "worse",
    "better": "better",
    "gone": "gone",
    "same": "the same",
    "not_comparable": "not comparable",
}
TELLING = ("new", "worse", "not_comparable", "better", "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One workstation against its baseline. runs: None where there is none."""

    machine: MachineRecord
    old_run: str | None
    old_is_baseline: bool
    new_run: str | None
    changes: Mapping[str, tuple[Change, ...]]  # by kind; empty where nothing can be compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the store holds about an incident."""

    requests: tuple[RunRequest, ...]
    machines: tuple[MachineRecord, ...]
    compared: tuple[Compared, ...]


def looked_at(db: sa.Connection, found: Incident, now: datetime) -> Looked:
    """Return the fresh runs asked for, and each workstation compared with its baseline.

    The new run of a workstation is its newest since the incident was opened; the old one is the
    accepted baseline, else its last run from before the incident began.
    """
    enrolled = machines.of_court(db, found.court)
    accepted = decisions.baselines(db, found.court)
    asked = incidents.requests(db, run_request.c.incident == found.id)
    until = found.closed_at or now
    compared = []
    for machine in enrolled:
        new = _newest(db, machine, found.at, until)
        base = accepted.get(machine.id)
        old = base.run_id if base else _newest(db, machine, None, found.began_at)
        if new is None and machine.revoked_at is not None:
            continue
        compared.append(_compared(db, machine, old, new, is_baseline=base is not None))
    return Looked(requests=asked, machines=enrolled, compared=tuple(compared))


def _newest(
    db: sa.Connection, machine: MachineRecord, after: datetime | None, until: datetime
) -> str | None:
    """Return the newest run that came in between."""
    for one in reports.newest_of(db, machine.id, until=until):
        if after is None or one.received_at >= after:
            return one.run_id
    return None


def _compared(
    db: sa.Connection,
    machine: MachineRecord,
    old: str | None,
    new: str | None,
    *,
    is_baseline: bool,
) -> Compared:
    before, after = _report(db, machine, old), _report(db, machine, new)
    changes: dict[str, tuple[Change, ...]] = {}
    if before is not None and after is not None:
        found = compare(before, after)
        changes = {kind: getattr(found, kind) for kind in KINDS}
    return Compared(
        machine=machine,
        old_run=old if before else None,
        old_is_baseline=is_baseline,
        new_run=new if after else None,
        changes=changes,
    )


def _report(db: sa.Connection, machine: MachineRecord, run_id: str | None) -> Report | None:
    stored = reports.by_run_id(db, run_id) if run_id else None
    return None if stored is None else signed_report(stored.envelope, machine.public_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentLine:
    href: str
    number: str
    title: str
    court: str
    priority: Mark
    state: Mark
    opened: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentsPage:
    rows: tuple[IncidentLine, ...]
    counted: str
    states: tuple[Choice, ...]
    priorities: tuple[Choice, ...]
    open_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentForm:
    court_id: str
    court: str
    typed: Mapping[str, str]
    faults: tuple[Fault, ...]
    time_zone: str
    priorities: tuple[tuple[str, str], ...] = tuple(PRIORITY_WORDS.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    mark: Mark
    who: str
    at: Stamp
    text: str
    priority: str
    runs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    machine: str
    mark: Mark
    at: Stamp
    run_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedRow:
    """counts: word and number of each kind; lines: what changed, worst first."""

    machine: str
    old_href: str | None
    old_words: str
    new_href: str | None
    counts: tuple[tuple[str, int], ...]
    lines: tuple[tuple[str, str], ...]
    words: str  # why nothing can be compared


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentPage:
    court_id: str
    court: str
    number: str
    address: str
    title: str
    priority: Mark
    state: Mark
    began: Stamp
    opened: Stamp
    opened_by: str
    events: tuple[EventRow, ...]
    requests: tuple[RequestRow, ...]
    compared: tuple[ComparedRow, ...]
    machines: tuple[tuple[str, str, str], ...]  # id, name, location
    may_tell: bool
    may_close: bool
    is_open: bool
    typed: Mapping[str, str]
    faults: tuple[Fault, ...]
    priorities: tuple[tuple[str, str], ...]


def priority_mark(priority: str) -> Mark:
    """Return the mark of P1 to P4."""
    return Mark(priority, "flag", TONES[priority])


def incidents_page(
    found: Sequence[Incident],
    names: Mapping[str, courts.Court],
    asked: Mapping[str, str],
    person: Person,
    now: datetime,
) -> IncidentsPage:
    """Return the list: open before closed, urgent before not, newest first."""
    state, priority = asked.get("state", ""), asked.get("priority", "")
    kept = [
        one
        for one in found
        if one.state == (state or one.state) and one.priority == (priority or one.priority)
    ]
    kept.sort(key=lambda one: (one.state == CLOSED, one.priority))
    return IncidentsPage(
        rows=tuple(
            IncidentLine(
                href=f"/courts/{one.court}/incidents/{one.id}",
                number=one.number,
                title=one.title,
                court=names[one.court].name,
                priority=priority_mark(one.priority),
                state=STATES[one.state],
                opened=stamp(one.at, now, names[one.court].time_zone),
            )
            for one in kept
        ),
        counted=f"{len(kept)} of {len(found)} incident{'' if len(found) == 1 else 's'}",
        states=tuple(Choice(name, mark.word, name == state) for name, mark in STATES.items()),
        priorities=tuple(Choice(name, name, name == priority) for name in PRIORITIES),
        open_href=f"/courts/{person.court}/incidents" if person.court else None,
    )


def incident_page(
    court: courts.Court,
    found: Incident,
    seen: Looked,
    person: Person,
    now: datetime,
    *,
    given: Mapping[str, str],
    faults: tuple[Fault, ...],
) -> IncidentPage:
    """Return the page of one incident."""
    zone = court.time_zone
    names = {one.id: one.name for one in seen.machines}
    return IncidentPage(
        court_id=court.id,
        court=court.name,
        number=found.number,
        address=f"/courts/{court.id}/incidents/{found.id}",
        title=found.title,
        priority=priority_mark(found.priority),
        state=STATES[found.state],
        began=stamp(found.began_at, now, zone),
        opened=stamp(found.at, now, zone),
        opened_by=found.who,
        events=tuple(
            EventRow(
                mark=EVENTS[one.kind],
                who=one.who,
                at=stamp(one.at, now, zone),
                text=one.text,
                priority=one.priority or "",
                runs=one.run_ids,
            )
            for one in found.events
        ),
        requests=tuple(_request(one, names, now, zone) for one in reversed(seen.requests)),
        compared=tuple(_row(one) for one in seen.compared),
        machines=tuple(
            (one.id, one.name, one.location) for one in seen.machines if one.revoked_at is None
        ),
        may_tell=person.may(Right.INCIDENT),
        may_close=person.may(Right.CLOSE_INCIDENT),
        is_open=found.state != CLOSED,
        typed=given,
        faults=faults,
        priorities=tuple(PRIORITY_WORDS.items()),
    )


def _request(one: RunRequest, names: Mapping[str, str], now: datetime, zone: str) -> RequestRow:
    if one.run_id:
        mark = Mark("came in", "check", "good")
    else:
        waits = one.expires_at > now
        mark = Mark("waits", "clock", "calm") if waits else Mark("never came", "cross", "bad")
    return RequestRow(
        machine=names.get(one.machine, one.machine),
        mark=mark,
        at=stamp(one.at, now, zone),
        run_href=f"/reports/{one.run_id}" if one.run_id else None,
    )


def _row(one: Compared) -> ComparedRow:
    words = ""
    if one.new_run is None:
        words = "no run since the incident was opened: ask for one"
    elif one.old_run is None:
        words = "there is no accepted run to compare with"
    counts = tuple((TITLES[kind], len(one.changes[kind])) for kind in KINDS if one.changes)
    lines = tuple(
        (TITLES[kind], f"{change.finding}: {change.words}")
        for kind in TELLING
        for change in (one.changes.get(kind) or ())
    )
    return ComparedRow(
        machine=one.machine.name,
        old_href=f"/reports/{one.old_run}" if one.old_run else None,
        old_words="the accepted baseline" if one.old_is_baseline else "the last run before",
        new_href=f"/reports/{one.new_run}" if one.new_run else None,
        counts=counts,
        lines=lines,
        words=words,
    )
