"""The onboarding wizard: a court's scope, day, locations and identifiers, one question at a time.

What is answered fixes which items apply, what is declared fixes what must be covered, and the
go-live day dates everything. Each step saves by itself; leaving half-way loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_reporting.checklist.model import Phase, Scope, State
from ccpor_server.access import Access, Entry, collector, readable_court, source
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages import admin_courts
from ccpor_server.pages.admin_courts import Answer
from ccpor_server.pages.board import KINDS, Choice
from ccpor_server.pages.forms import Fault, day_from, read_form
from ccpor_server.pages.loading import read, view_of
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import day
from ccpor_server.pages.words import PHASES
from ccpor_server.problems import Forbidden, NotFound
from ccpor_server.rights import Right, Role
from ccpor_server.store import Transaction, audit, courts
from ccpor_server.store.courts import Court, Declared
from ccpor_server.store.people import Person

STEPS = {
    "scope": "What the court will do",
    "go-live": "The go-live day",
    "locations": "Locations and workstations",
    "identifiers": "Identifiers (ORIs)",
    "next": "What comes next",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """done: what it asks is answered. here: it is the one shown."""

    href: str
    text: str
    said: str
    done: bool
    here: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    id: str
    title: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardPage:
    court_id: str
    court: str
    step: str
    title: str
    steps: tuple[Step, ...]
    typed: Mapping[str, str]
    answers: tuple[Answer, ...]
    inventory: tuple[Declared, ...]
    roles: tuple[Choice, ...]
    dated: tuple[tuple[str, str], ...]
    phases: tuple[tuple[str, int], ...]
    left_out: tuple[LeftOut, ...]
    faults: tuple[Fault, ...]
    next_href: str | None
    may_make_codes: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCourtPage:
    kinds: tuple[Choice, ...]
    typed: Mapping[str, str]
    faults: tuple[Fault, ...]


def _done(view: CourtView) -> dict[str, tuple[bool, str]]:
    """Return for each step whether it is answered, and how far in words."""
    court = view.court
    answered = sum(name in court.scope for name in Scope.__struct_fields__)
    machines = sum(one.machines for one in view.inventory)
    return {
        "scope": (
            answered == len(Scope.__struct_fields__),
            f"{answered} of {len(Scope.__struct_fields__)} questions answered",
        ),
        "go-live": (court.go_live is not None, day(court.go_live) if court.go_live else "no day"),
        "locations": (machines > 0, f"{machines} workstations declared"),
        "identifiers": (bool(court.oris), f"{len(court.oris)} ORIs entered"),
        "next": (False, ""),
    }


def wizard_page(
    view: CourtView,
    step: str,
    person: Person,
    *,
    given: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> WizardPage:
    """Return the page of one step; *given* is what was typed before."""
    court, done, names = view.court, _done(view), tuple(STEPS)
    form = admin_courts.court_form_page(court, view.inventory, typed=given)
    at = names.index(step)
    items = view.checklist.items
    out = [one for one in items if one.state is State.NOT_APPLICABLE]
    return WizardPage(
        court_id=court.id,
        court=court.name,
        step=step,
        title=STEPS[step],
        steps=tuple(
            Step(
                href=f"/courts/{court.id}/onboarding?step={name}",
                text=words,
                said=done[name][1],
                done=done[name][0],
                here=name == step,
            )
            for name, words in STEPS.items()
        ),
        typed=form.typed,
        answers=form.answers,
        inventory=view.inventory,
        roles=form.roles,
        dated=_dated(court.go_live),
        phases=tuple(
            (
                PHASES[phase],
                sum(o.item.phase is phase and o.state is not State.NOT_APPLICABLE for o in items),
            )
            for phase in Phase
        ),
        left_out=tuple(LeftOut(id=o.item.id, title=o.item.title, why=o.why) for o in out),
        faults=faults,
        next_href=None
        if step == names[-1]
        else f"/courts/{court.id}/onboarding?step={names[at + 1]}",
        may_make_codes=person.role is Role.ADMINISTRATOR,
    )


def _dated(go_live: date | None) -> tuple[tuple[str, str], ...]:
    if go_live is None:
        return ()
    known = ((-60, "planning is done (T-60)"), (-30, "implementation is done (T-30)"),
             (0, "go-live (T-0)"), (30, "close-out (T+30)"))  # fmt: skip
    return tuple((day(date.fromordinal(go_live.toordinal() + n)), words) for n, words in known)


async def onboarding(request: Request) -> Response:
    """Show one step of a court's onboarding; the first that is open, unless asked. 200; 404."""
    view = await view_of(request, request.path_params["court_id"])
    asked = request.query_params.get("step", "")
    done = _done(view)
    step = asked if asked in STEPS else next(name for name in STEPS if not done[name][0])
    page = wizard_page(view, step, request.state.person)
    return answer(request, "wizard.html", page, view.court.name, "Onboarding")


async def onboarding_save(request: Request) -> Response:
    """Save one step. 303 to the next one, or to the same for another location; 404; 422."""
    court = await readable_court(request, request.path_params["court_id"])
    step, given = request.path_params["step"], await read_form(request)
    if step not in {"scope", "go-live", "locations", "identifiers"}:
        raise NotFound("no such step")
    changed, row, faults = _read(court, step, given)
    if faults:
        view = await view_of(request, court.id)
        page = wizard_page(view, step, request.state.person, given=given, faults=faults)
        return answer(request, "wizard.html", page, court.name, "Onboarding", status=422)
    facts = source(request)

    def job(tx: Transaction) -> None:
        if row is not None:
            courts.declare(tx, row)
            about = f"{row.court}/{row.location}/{row.role}: {row.machines}"
            audit.record(tx, "court.declare", "ok", facts, about=about)
        elif changed is not None:
            courts.put(tx, changed)
            audit.record(tx, "court.change", step, facts, about=court.id)

    await collector(request).store.awrite(job)
    names = tuple(STEPS)
    to = step if step == "locations" else names[names.index(step) + 1]
    return RedirectResponse(f"/courts/{court.id}/onboarding?step={to}", 303)


def _read(
    court: Court, step: str, given: Mapping[str, str]
) -> tuple[Court | None, Declared | None, tuple[Fault, ...]]:
    """Return what a step's form changes: the court or a row of its inventory, or its faults."""
    if step == "locations":
        row, faults = admin_courts.declared_from(court.id, given)
        return None, row, faults
    if step == "scope":
        scope = {
            name: given[f"scope_{name}"] == "yes"
            for name in Scope.__struct_fields__
            if given.get(f"scope_{name}") in {"yes", "no"}
        }
        return msgspec.structs.replace(court, scope=scope), None, ()
    if step == "identifiers":
        lists = {name: tuple(given.get(name, "").split()) for name in ("oris", "doj_oris")}
        return msgspec.structs.replace(court, **lists), None, ()
    try:
        go_live = day_from(given.get("go_live", ""))
    except ValueError:
        fault = Fault("go_live", "write the day as year-month-day, or leave it empty")
        return None, None, (fault,)
    return msgspec.structs.replace(court, go_live=go_live), None, ()


def _new_page(given: Mapping[str, str], faults: Sequence[Fault] = ()) -> NewCourtPage:
    return NewCourtPage(
        kinds=tuple(
            Choice(name, word, name == given.get("kind", "superior"))
            for name, word in KINDS.items()
        ),
        typed={name: given.get(name, "") for name in ("id", "name", "go_live")},
        faults=tuple(faults),
    )


def _require_office(person: Person) -> None:
    if person.is_of_court:
        raise Forbidden("only the AOC invites a court")


async def onboarding_new(request: Request) -> Response:
    """Show the form for a court that is invited. 200; 403 for a court's own people."""
    _require_office(request.state.person)
    return answer(request, "wizard_new.html", _new_page({}), "Invite a court")


async def onboarding_invite(request: Request) -> Response:
    """Add a court. 303 to its first step; 403; 422."""
    _require_office(request.state.person)
    given = await read_form(request)
    taken = await read(request, lambda db: [one.id for one in courts.every(db)])
    made, faults = admin_courts.new_court(given, taken)
    if made is None:
        page = _new_page(given, faults)
        return answer(request, "wizard_new.html", page, "Invite a court", status=422)
    facts = source(request)

    def job(tx: Transaction) -> None:
        courts.put(tx, made)
        audit.record(tx, "court.add", "ok", facts, about=made.id)

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{made.id}/onboarding?step=scope", 303)


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/courts/{court_id}/onboarding",
        methods=("GET",),
        access=Access.READER,
        right=Right.PLAN,
        endpoint=onboarding,
    ),
    Entry(
        path="/courts/{court_id}/onboarding/{step}",
        methods=("POST",),
        access=Access.READER,
        right=Right.PLAN,
        endpoint=onboarding_save,
    ),
    Entry(
        path="/onboarding",
        methods=("GET",),
        access=Access.READER,
        right=Right.REMIND,
        endpoint=onboarding_new,
    ),
    Entry(
        path="/onboarding",
        methods=("POST",),
        access=Access.READER,
        right=Right.REMIND,
        endpoint=onboarding_invite,
    ),
)
