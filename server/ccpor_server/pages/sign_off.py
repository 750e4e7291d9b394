"""Signing go-live and close-out, and undoing a signature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import DecisionKind, Party, Workaround
from ccpor_reporting.checklist.sign_off import standing, undone_by
from ccpor_server.access import Access, Entry, collector, source
from ccpor_server.pages.forms import LONGEST_NOTE, Fault, day_from, read_form
from ccpor_server.pages.render import answer
from ccpor_server.pages.sign_off_desk import (
    KINDS,
    SUBJECTS,
    Asked,
    Desk,
    desk_of,
    needed,
    speaks_for,
)
from ccpor_server.pages.sign_off_page import MOST_WORKAROUNDS, sign_off_page
from ccpor_server.problems import Forbidden, NotFound
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, audit, decisions
from ccpor_server.store.people import Person


async def sign_off_shown(request: Request) -> Response:
    """Show what is to be signed and who has signed it. 200; 404."""
    desk = await desk_of(request)
    return _shown(request, desk, {})


async def sign(request: Request) -> Response:
    """Record a signature once it is confirmed.

    200 to confirm; 303 recorded; 403 whoever has no say; 404; 409 the checklist is another one than
    the person saw; 422.
    """
    desk = await desk_of(request)
    person: Person = request.state.person
    party = speaks_for(person, desk)
    if party is None:
        raise Forbidden("this is signed by the court, the AOC and, where in scope, the sheriff")
    given = await read_form(request)
    faults, asked = _asked(given, desk)
    if given.get("basis") != desk.basis:
        words = "the checklist changed while you looked at it; read it again before you sign"
        return _shown(request, desk, given, (Fault("what", words),), status=409)
    if asked is None:
        return _shown(request, desk, given, faults, status=422)
    if given.get("confirmed") != "yes":
        confirming = None if given.get("confirmed") == "change" else asked
        return _shown(request, desk, given, confirming=confirming)
    await _record(request, desk, party, asked)
    return RedirectResponse(f"/courts/{desk.view.court.id}/sign-off/{desk.subject}", 303)


def _asked(given: Mapping[str, str], desk: Desk) -> tuple[tuple[Fault, ...], Asked | None]:
    faults: list[Fault] = []
    kind = next((one for one in KINDS if one.value == given.get("kind")), None)
    note = given.get("note", "")
    if kind is None:
        faults.append(Fault("kind", "choose go, go with workarounds, or no-go"))
    if kind is DecisionKind.NO_GO and not note:
        faults.append(Fault("note", "say what must change before you can say go"))
    if len(note) > LONGEST_NOTE:
        faults.append(Fault("note", f"shorten the note to {LONGEST_NOTE} characters"))
    found: list[Workaround] = []
    if kind is DecisionKind.GO_WITH_WORKAROUNDS:
        for row in range(MOST_WORKAROUNDS):
            _workaround(given, row, desk.view.checklist.as_of.date(), found, faults)
        if not found and not faults:
            faults.append(Fault("item-0", "name at least one workaround, with its last day"))
    if faults or kind is None:
        return tuple(faults), None
    return (), Asked(kind=kind, note=note, workarounds=tuple(found))


def _workaround(
    given: Mapping[str, str], row: int, today: date, found: list[Workaround], faults: list[Fault]
) -> None:
    item, text = given.get(f"item-{row}", ""), given.get(f"text-{row}", "")
    typed = given.get(f"until-{row}", "")
    if not (item or text or typed):
        return
    try:
        until = day_from(typed)
    except ValueError:
        until = None
    if our_checklist().item(item) is None:
        faults.append(Fault(f"item-{row}", "choose the item that the workaround is for"))
    elif not text or len(text) > LONGEST_NOTE:
        faults.append(Fault(f"text-{row}", "say what is done instead"))
    elif until is None or until < today:
        faults.append(Fault(f"until-{row}", "a workaround needs a last day, today or later"))
    else:
        found.append(Workaround(item=item, text=text, until=until))


async def _record(request: Request, desk: Desk, party: Party, asked: Asked) -> None:
    person: Person = request.state.person
    facts, court = source(request), desk.view.court.id
    size, root = desk.seen
    newest = {
        one.id: one.last_run_id
        for one in desk.view.machines
        if one.revoked_at is None and one.last_run_id
    }

    def job(tx: Transaction) -> None:
        signature = decisions.add(
            tx,
            court,
            desk.subject,
            asked.kind,
            party,
            who=person.name,
            seen_size=size,
            seen_root=root,
            basis=desk.basis,
            note=asked.note,
            workarounds=asked.workarounds,
        )
        audit.record(tx, "signature", asked.kind.value, facts, about=f"{court} {desk.subject}")
        signed = standing(decisions.of_court(tx.db, court), desk.subject)
        going = [signed.get(one) for one in needed(desk)]
        agreed = all(one and one.kind is not DecisionKind.NO_GO for one in going)
        if agreed and len({one.basis for one in going if one}) == 1:
            for machine, run_id in newest.items():
                decisions.accept(tx, court, machine, run_id, who=person.name, decision_id=signature)

    await collector(request).store.awrite(job)


async def undo(request: Request) -> Response:
    """Ask to undo the signature of one's party; its second person undoes it. 303; 403; 404."""
    desk = await desk_of(request)
    person: Person = request.state.person
    party = speaks_for(person, desk)
    wanted = request.path_params["decision_id"]
    found = next((one for one in desk.signed.values() if one.id == wanted), None)
    if found is None:
        raise NotFound("no such signature stands")
    if party is not found.party:
        raise Forbidden("a signature is undone by two people of the party that gave it")
    given = await read_form(request)
    facts, court = source(request), desk.view.court.id
    size, root = desk.head.size, desk.head.root

    def job(tx: Transaction) -> None:
        if person.name in undone_by(decisions.of_court(tx.db, court), found):
            raise Forbidden("you have asked for this already; somebody else must ask, too")
        decisions.add(
            tx,
            court,
            desk.subject,
            DecisionKind.UNDO,
            found.party,
            who=person.name,
            seen_size=size,
            seen_root=root,
            basis=desk.basis,
            note=given.get("note", "")[:LONGEST_NOTE],
            refers_to=found.id,
        )
        audit.record(tx, "signature", "undo", facts, about=f"{court} {desk.subject}")

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court}/sign-off/{desk.subject}", 303)


def _shown(
    request: Request,
    desk: Desk,
    given: Mapping[str, str],
    faults: tuple[Fault, ...] = (),
    *,
    confirming: Asked | None = None,
    status: int = 200,
) -> Response:
    page = sign_off_page(
        desk,
        request.state.person,
        collector(request).now(),
        given,
        faults=faults,
        confirming=confirming,
    )
    names = (desk.view.court.name, f"Sign {SUBJECTS[desk.subject].lower()}")
    return answer(request, "sign_off.html", page, *names, status=status)


_PATH = "/courts/{court_id}/sign-off/{subject}"
ENTRIES: tuple[Entry, ...] = (
    Entry(path=_PATH, methods=("GET",), access=Access.READER, endpoint=sign_off_shown),
    Entry(path=_PATH, methods=("POST",), access=Access.READER, right=Right.SIGN, endpoint=sign),
    Entry(
        path=f"{_PATH}/{{decision_id}}/undo",
        methods=("POST",),
        access=Access.READER,
        right=Right.SIGN,
        endpoint=undo,
    ),
)
