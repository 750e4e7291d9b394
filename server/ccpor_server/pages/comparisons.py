"""Two runs, two workstations or two courts side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.checklist.model import ItemState
from ccpor_reporting.compare import Comparison, compare
from ccpor_reporting.model import Report
from ccpor_server.access import Access, Entry, collector
from ccpor_server.api.reports import readable_report
from ccpor_server.checklist_state import CourtView
from ccpor_server.held_reports import signed_report
from ccpor_server.pages.board import Choice
from ccpor_server.pages.loading import read, view_of
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import COURT_VERDICTS, PHASES, STATES, VERDICTS, Mark
from ccpor_server.problems import BadRequest, NotFound
from ccpor_server.store import courts, machines, reports
from ccpor_server.store.people import Person
from ccpor_server.store.reports import StoredReport

TITLES = {
    "new": ("New faults", "bad", "cross"),
    "worse": ("Worse", "bad", "cross"),
    "not_comparable": ("Not comparable", "none", "unknown"),
    "better": ("Better", "good", "check"),
    "gone": ("Gone", "good", "check"),
    "same": ("The same", "none", "dash"),
}
OFFERED = 12  # newest runs of the same workstation; of each other one the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHead:
    href: str
    machine: str
    place: str
    at: Stamp
    verdict: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The changes of one kind: what, and in which words."""

    mark: Mark
    anchor: str
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsPage:
    """choices: runs to compare the new one with; groups: empty until one is chosen."""

    court_id: str
    court: str
    new: RunHead
    new_id: str
    old: RunHead | None
    choices: tuple[Choice, ...]
    differs: tuple[str, ...]
    groups: tuple[Group, ...]
    same: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLine:
    id: str
    title: str
    one: Mark
    other: Mark
    differs: bool
    why_one: str
    why_other: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtHead:
    href: str
    name: str
    verdict: Mark
    phase: str
    blocking: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtsPage:
    one: CourtHead | None
    other: CourtHead | None
    ones: tuple[Choice, ...]
    others: tuple[Choice, ...]
    rows: tuple[ItemLine, ...]
    same: int


async def runs_compared(request: Request) -> Response:
    """Compare a run with another one of the same court. 200; 400; 404."""
    new = await readable_report(request, request.path_params["run_id"])
    wanted = request.query_params.get("with", "")
    old = await readable_report(request, wanted) if wanted else None
    if old is not None and old.court != new.court:
        raise BadRequest("compare two runs of one court; two courts have a page of their own")
    now = collector(request).now()
    page = await read(request, lambda db: runs_page(db, new, old, now))
    return answer(request, "compare_runs.html", page, page.court, "Compare")


def runs_page(
    db: sa.Connection, new: StoredReport, old: StoredReport | None, now: datetime
) -> RunsPage:
    """Return the page of *new* beside *old*. Raises: NotFound for one that its key did not sign."""
    court = courts.by_id(db, new.court)
    after, before = _report(db, new), _report(db, old) if old else None
    if court is None or after is None or (old is not None and before is None):
        raise NotFound("no such report")
    found = compare(before, after) if before else None
    zone = court.time_zone
    return RunsPage(
        court_id=court.id,
        court=court.name,
        new=_head(new, now, zone),
        new_id=new.run_id,
        old=_head(old, now, zone) if old else None,
        choices=tuple(_offered(db, new, old.run_id if old else "", now, zone)),
        differs=found.differs if found else (),
        groups=_groups(found) if found else (),
        same=len(found.same) if found else 0,
    )


def _report(db: sa.Connection, stored: StoredReport) -> Report | None:
    machine = machines.by_id(db, stored.machine_id)
    return signed_report(stored.envelope, machine.public_key) if machine else None


def _head(stored: StoredReport, now: datetime, zone: str) -> RunHead:
    return RunHead(
        href=f"/reports/{stored.run_id}",
        machine=stored.machine_name,
        place=f"{stored.location}, {stored.role}",
        at=stamp(stored.received_at, now, zone),
        verdict=VERDICTS[stored.verdict],
    )


def _offered(
    db: sa.Connection, new: StoredReport, chosen: str, now: datetime, zone: str
) -> Sequence[Choice]:
    """Return runs to compare with: earlier ones of this workstation, the newest of the others."""
    mine = reports.of_machine(db, new.machine_id, OFFERED)
    others = [
        line
        for one in machines.of_court(db, new.court)
        if one.id != new.machine_id
        for line in reports.of_machine(db, one.id, 1)
    ]
    return [
        Choice(
            line.run_id,
            f"{line.machine_name}, {stamp(line.received_at, now, zone).local}",
            line.run_id == chosen,
        )
        for line in (*mine, *others)
        if line.run_id != new.run_id
    ]


def _groups(found: Comparison) -> tuple[Group, ...]:
    groups = []
    for kind, (word, tone, icon) in TITLES.items():
        changes = getattr(found, kind)
        if changes and kind != "same":
            lines = tuple((one.finding, one.words) for one in changes)
            mark = Mark(word, icon, tone)
            groups.append(Group(mark=mark, anchor=kind.replace("_", "-"), lines=lines))
    return tuple(groups)


async def courts_compared(request: Request) -> Response:
    """Compare the checklists of two courts that one may read. 200; 404."""
    person: Person = request.state.person
    asked = [request.query_params.get(name, "") for name in ("one", "other")]
    views = [await view_of(request, name) if name else None for name in asked]
    known = await read(request, courts.every)
    readable = [one for one in known if person.may_read(one.id)]
    page = courts_page(readable, views[0], views[1])
    return answer(request, "compare_courts.html", page, "Compare courts")


def courts_page(
    known: Sequence[courts.Court], one: CourtView | None, other: CourtView | None
) -> CourtsPage:
    """Return the page; its rows are the items that differ, in the checklist's order."""
    rows: list[ItemLine] = []
    if one is not None and other is not None:
        pairs = zip(one.checklist.items, other.checklist.items, strict=True)
        rows = [_item(mine, theirs) for mine, theirs in pairs]
    return CourtsPage(
        one=_court(one) if one else None,
        other=_court(other) if other else None,
        ones=_choices(known, one),
        others=_choices(known, other),
        rows=tuple(row for row in rows if row.differs),
        same=sum(not row.differs for row in rows),
    )


def _choices(known: Sequence[courts.Court], chosen: CourtView | None) -> tuple[Choice, ...]:
    held = chosen.court.id if chosen else ""
    return tuple(Choice(one.id, one.name, one.id == held) for one in known)


def _court(view: CourtView) -> CourtHead:
    ready = view.checklist.readiness
    return CourtHead(
        href=f"/courts/{view.court.id}",
        name=view.court.name,
        verdict=COURT_VERDICTS[ready.verdict],
        phase=PHASES[ready.phase],
        blocking=len(ready.blocking_open),
    )


def _item(mine: ItemState, theirs: ItemState) -> ItemLine:
    return ItemLine(
        id=mine.item.id,
        title=mine.item.title,
        one=STATES[mine.state],
        other=STATES[theirs.state],
        differs=mine.state is not theirs.state,
        why_one=mine.why,
        why_other=theirs.why,
    )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/reports/{run_id}/compare",
        methods=("GET",),
        access=Access.READER,
        endpoint=runs_compared,
    ),
    Entry(path="/compare", methods=("GET",), access=Access.READER, endpoint=courts_compared),
)
