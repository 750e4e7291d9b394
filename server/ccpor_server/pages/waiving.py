"""Waivers: granted for a fault, until a day, by the AOC's approver; listed, and withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import ItemState, Waiver
from ccpor_reporting.checklist.waivers import WaiverState, review
from ccpor_server.access import Access, Entry, collector, source
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.board import Choice
from ccpor_server.pages.forms import LONGEST_NOTE, Fault, day_from, read_form
from ccpor_server.pages.loading import item_of, read, view_of
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, day, stamp
from ccpor_server.pages.words import Mark
from ccpor_server.problems import Forbidden, NotFound
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, audit, waivers
from ccpor_server.store.people import Person

LONGEST_DAYS = 180
SHORTEST_REASON = 10  # characters: a word is no reason
WAIVER_STATES = {
    WaiverState.IN_FORCE: Mark("in force", "flag", "calm"),
    WaiverState.UNUSED: Mark("covers nothing", "question", "warn"),
    WaiverState.EXPIRED: Mark("run out", "clock", "old"),
    WaiverState.WITHDRAWN: Mark("withdrawn", "ring", "none"),
    WaiverState.REFUSED: Mark("does not count", "cross", "bad"),
}
_ORDER = tuple(WAIVER_STATES)


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRow:
    id: str
    item: str
    item_href: str
    mark: Mark
    covers: str
    reason: str
    until: str
    by: str
    at: Stamp
    withdrawn: str
    withdraw_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiversPage:
    court_id: str
    court: str
    rows: tuple[WaiverRow, ...]
    counted: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WaivePage:
    court_id: str
    court: str
    item_id: str
    title: str
    why: str
    codes: tuple[Choice, ...]
    locations: tuple[Choice, ...]
    machines: tuple[Choice, ...]
    until: str
    reason: str
    first_day: str
    last_day: str
    faults: tuple[Fault, ...]
    confirming: tuple[tuple[str, str], ...]  # what is about to be granted; empty: not yet
    hidden: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A waiver as somebody asks for it."""

    code: str | None
    location: str | None
    machine: str | None
    until: date
    reason: str


def waiver_rows(
    some: Sequence[Waiver], view: CourtView, person: Person, now: datetime
) -> tuple[WaiverRow, ...]:
    """Return waivers as pages list them: those in force first, then the newest."""
    rows = review(some, view.checklist.items, our_checklist(), now)
    may = person.may(Right.WAIVE)
    names = {one.id: one.name for one in view.machines}
    ordered = sorted(rows, key=lambda one: (_ORDER.index(one.state), -one.waiver.at.timestamp()))
    return tuple(
        _row(one.waiver, WAIVER_STATES[one.state], view, names, now)
        if one.state in {WaiverState.EXPIRED, WaiverState.WITHDRAWN} or not may
        else _row(one.waiver, WAIVER_STATES[one.state], view, names, now, may=True)
        for one in ordered
    )


def _row(
    one: Waiver,
    mark: Mark,
    view: CourtView,
    names: Mapping[str, str],
    now: datetime,
    *,
    may: bool = False,
) -> WaiverRow:
    zone, base = view.court.time_zone, f"/courts/{view.court.id}"
    gone = ""
    if one.withdrawn_at is not None:
        gone = f"by {one.withdrawn_by}, {stamp(one.withdrawn_at, now, zone).local}"
    return WaiverRow(
        id=one.id,
        item=one.item,
        item_href=f"{base}/items/{one.item}",
        mark=mark,
        covers=covers_words(one.code, one.location, names.get(one.machine or "", one.machine)),
        reason=one.reason,
        until=day(one.until),
        by=one.by,
        at=stamp(one.at, now, zone),
        withdrawn=gone,
        withdraw_href=f"{base}/waivers/{one.id}/withdraw" if may else None,
    )


def covers_words(code: str | None, location: str | None, machine: str | None) -> str:
    """Return what a waiver covers, as one reads it."""
    if machine:
        place = f"on workstation {machine}"
    else:
        place = f"at {location}" if location else "everywhere"
    return f"{code or 'the whole item' if not (location or machine) else code or 'all'} {place}"


async def waivers_list(request: Request) -> Response:
    """Show a court's waivers: in force, covering nothing, run out, withdrawn. 200; 404."""
    view = await view_of(request, request.path_params["court_id"])
    some = await read(request, lambda db: waivers.of_court(db, view.court.id))
    rows = waiver_rows(some, view, request.state.person, collector(request).now())
    active = sum(one.mark is WAIVER_STATES[WaiverState.IN_FORCE] for one in rows)
    page = WaiversPage(
        court_id=view.court.id,
        court=view.court.name,
        rows=rows,
        counted=f"{active} in force, {len(rows)} in all",
    )
    return answer(request, "waivers.html", page, view.court.name, "Waivers")


def _require_waivable(state: ItemState) -> None:
    if state.item.mandatory:
        raise Forbidden("this item is mandatory: nobody can waive it")


async def waive_form(request: Request) -> Response:
    """Show the form for a waiver of one item. 200; 403 mandatory; 404."""
    view, state = await item_of(request)
    _require_waivable(state)
    page = _page(view, state, collector(request).now(), {})
    return answer(request, "waive.html", page, view.court.name, f"Waive {state.item.id}")


async def waive(request: Request) -> Response:
    """Grant a waiver once it is confirmed. 200 to confirm; 303; 403; 404; 422."""
    view, state = await item_of(request)
    _require_waivable(state)
    given, now = await read_form(request), collector(request).now()
    asked, faults = _asked(given, view, state, now.date())
    sure = given.get("confirmed") == "yes"
    if asked is None or not sure:
        change = given.get("confirmed") == "change"
        page = _page(view, state, now, given, faults=faults, asked=None if change else asked)
        names = (view.court.name, f"Waive {state.item.id}")
        return answer(request, "waive.html", page, *names, status=422 if faults else 200)
    person: Person = request.state.person
    facts, court, item = source(request), view.court.id, state.item.id

    def job(tx: Transaction) -> None:
        waivers.grant(
            tx,
            court,
            item,
            reason=asked.reason,
            until=asked.until,
            who=person.name,
            code=asked.code,
            location=asked.location,
            machine=asked.machine,
        )
        audit.record(tx, "waiver", "granted", facts, about=f"{court} {item}")

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court}/items/{item}#waivers", 303)


async def waiver_withdraw(request: Request) -> Response:
    """Withdraw a waiver that counts. 303 to the list; 404; 422 without a reason."""
    view = await view_of(request, request.path_params["court_id"])
    given, person = await read_form(request), request.state.person
    facts, court = source(request), view.court.id
    wanted, reason = request.path_params["waiver_id"], given.get("reason", "")[:LONGEST_NOTE]

    def job(tx: Transaction) -> None:
        for one in waivers.of_court(tx.db, court):
            if one.id == wanted and one.withdrawn_at is None:
                waivers.withdraw(
                    tx, court, one, reason=reason or "no reason given", who=person.name
                )
                audit.record(tx, "waiver", "withdrawn", facts, about=f"{court} {one.item}")
                return
        raise NotFound("no such waiver, or it is withdrawn already")

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court}/waivers", 303)


def _codes(state: ItemState) -> tuple[str, ...]:
    proof = state.item.proof
    return tuple(one.code for one in proof.needs) if proof else ()


def _asked(
    given: Mapping[str, str], view: CourtView, state: ItemState, today: date
) -> tuple[Asked | None, tuple[Fault, ...]]:
    faults: list[Fault] = []
    code, place = given.get("code") or None, given.get("location") or None
    machine, reason = given.get("machine") or None, given.get("reason", "")
    if code is not None and code not in _codes(state):
        faults.append(Fault("code", "choose a code of this item"))
    if place is not None and place not in _locations(view):
        faults.append(Fault("location", "choose a location of this court"))
    if machine is not None and machine not in {one.id for one in view.machines}:
        faults.append(Fault("machine", "choose a workstation of this court"))
    if not _codes(state) and (code or place or machine):
        faults.append(Fault("code", "this item can only be waived as a whole"))
    if not SHORTEST_REASON <= len(reason) <= LONGEST_NOTE:
        words = f"say why, in {SHORTEST_REASON} to {LONGEST_NOTE} characters"
        faults.append(Fault("reason", words))
    until = None
    try:
        until = day_from(given.get("until", ""))
    except ValueError:
        faults.append(Fault("until", "write the day as year-month-day"))
    else:
        if until is None or not today <= until <= today + timedelta(days=LONGEST_DAYS):
            words = f"choose a last day from today to {LONGEST_DAYS} days ahead"
            faults.append(Fault("until", words))
    if faults or until is None:
        return None, tuple(faults)
    return Asked(code=code, location=place, machine=machine, until=until, reason=reason), ()


def _locations(view: CourtView) -> tuple[str, ...]:
    return tuple(sorted({one.location for one in view.machines}))


def _page(
    view: CourtView,
    state: ItemState,
    now: datetime,
    given: Mapping[str, str],
    *,
    faults: tuple[Fault, ...] = (),
    asked: Asked | None = None,
) -> WaivePage:
    names = {one.id: one.name for one in view.machines}
    technical = bool(_codes(state))
    places = {one: one for one in _locations(view) if technical}
    lines: tuple[tuple[str, str], ...] = ()
    if asked is not None:
        lines = (
            ("Item", f"{state.item.id} {state.item.title}"),
            ("Court", view.court.name),
            ("Covers", covers_words(asked.code, asked.location, names.get(asked.machine or ""))),
            ("Until and including", day(asked.until)),
            ("Reason", asked.reason),
        )
    kept = ("code", "location", "machine", "until", "reason")
    return WaivePage(
        court_id=view.court.id,
        court=view.court.name,
        item_id=state.item.id,
        title=state.item.title,
        why=state.why,
        codes=_choices({one: one for one in _codes(state)}, given.get("code")),
        locations=_choices(places, given.get("location")),
        machines=_choices(names if technical else {}, given.get("machine")),
        until=given.get("until", ""),
        reason=given.get("reason", ""),
        first_day=now.date().isoformat(),
        last_day=(now.date() + timedelta(days=LONGEST_DAYS)).isoformat(),
        faults=faults,
        confirming=lines,
        hidden=tuple((name, given.get(name, "")) for name in kept),
    )


def _choices(words: Mapping[str, str], chosen: str | None) -> tuple[Choice, ...]:
    return tuple(Choice(value, text, value == chosen) for value, text in words.items())


_WAIVE = "/courts/{court_id}/items/{item_id}/waive"
ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/courts/{court_id}/waivers",
        methods=("GET",),
        access=Access.READER,
        endpoint=waivers_list,
    ),
    Entry(
        path=_WAIVE, methods=("GET",), access=Access.READER, right=Right.WAIVE, endpoint=waive_form
    ),
    Entry(path=_WAIVE, methods=("POST",), access=Access.READER, right=Right.WAIVE, endpoint=waive),
    Entry(
        path="/courts/{court_id}/waivers/{waiver_id}/withdraw",
        methods=("POST",),
        access=Access.READER,
        right=Right.WAIVE,
        endpoint=waiver_withdraw,
    ),
)
