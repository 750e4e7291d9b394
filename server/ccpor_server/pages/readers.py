"""Pages for whoever is signed in; a court sees itself only."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_reporting.checklist.model import ItemState
from ccpor_server.access import collector, source
from ccpor_server.api.reports import readable_report
from ccpor_server.checklist_state import CourtView
from ccpor_server.held_reports import recent_reports, signed_report
from ccpor_server.pages.board import board_page, query_from
from ccpor_server.pages.court import court_page
from ccpor_server.pages.forms import Fault, read_form
from ccpor_server.pages.item import Word, confirm_page, item_page, kinds_for, word_from
from ccpor_server.pages.item_work import work_of
from ccpor_server.pages.loading import board_lines, item_of, read, view_of
from ccpor_server.pages.machines import machines_page
from ccpor_server.pages.render import answer
from ccpor_server.pages.report import report_page
from ccpor_server.problems import Forbidden, NotFound
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, audit, courts, declarations, desk, machines
from ccpor_server.store.people import Person


async def board(request: Request) -> Response:
    """Show every court; a court's own people are sent to their court. 200; 303."""
    person: Person = request.state.person
    if person.is_of_court:
        return RedirectResponse(f"/courts/{person.court}", 303)
    query = query_from(dict(request.query_params))
    views = await read(request, lambda db: desk.views(db, person.id))
    lines, now = await board_lines(request, person), collector(request).now()
    page = board_page(lines, query, now, views, may_remind=person.may(Right.REMIND))
    return answer(request, "board.html", page, "Courts")


async def court(request: Request) -> Response:
    """Show one court's checklist with its evidence. 200; 404."""
    view = await view_of(request, request.path_params["court_id"])
    asked = request.query_params.get("show", "")
    page = court_page(view, request.state.person, asked, collector(request).now())
    return answer(request, "court.html", page, view.court.name, "Checklist")


async def court_workstations(request: Request) -> Response:
    """Show one court's workstations and newest reports. 200; 404."""
    view = await view_of(request, request.path_params["court_id"])
    recent = await read(request, lambda db: recent_reports(db, view.machines))
    page = machines_page(view, recent, request.state.person, collector(request).now())
    return answer(request, "machines.html", page, view.court.name, "Workstations")


async def report_shown(request: Request) -> Response:
    """Show one report. 200; 404."""
    stored = await readable_report(request, request.path_params["run_id"])
    held = await read(
        request, lambda db: (courts.by_id(db, stored.court), machines.by_id(db, stored.machine_id))
    )
    its_court, machine = held
    if its_court is None or machine is None:
        raise NotFound("no such report")
    content = await run_in_threadpool(signed_report, stored.envelope, machine.public_key)
    page = report_page(stored, content, its_court, collector(request).now())
    return answer(request, "report.html", page, its_court.name, f"Report of {machine.name}")


async def item_form(request: Request) -> Response:
    """Show one item: its evidence, the work on it, and the form for a person's word. 200; 404."""
    view, state = await item_of(request)
    return await shown_item(request, view, state)


async def shown_item(
    request: Request,
    view: CourtView,
    state: ItemState,
    *,
    given: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    status: int = 200,
) -> Response:
    """Return the item's page; *given* is what was typed before, *faults* what is wrong with it."""
    person, now = request.state.person, collector(request).now()
    work = await work_of(request, view, state)
    page = item_page(view, state, person, now, work=work, given=given, faults=faults)
    names = (view.court.name, f"Item {state.item.id}")
    return answer(request, "item.html", page, *names, status=status)


async def item_declare(request: Request) -> Response:
    """Record a person's word once it is confirmed.

    200 shows what is to be confirmed; 303 recorded; 403 nothing to declare for this person;
    404; 422 the form with its faults.
    """
    view, state = await item_of(request)
    person: Person = request.state.person
    if not kinds_for(state, person):
        raise Forbidden("this item is not yours to declare")
    given, now = await read_form(request), collector(request).now()
    word, faults = word_from(given, state, person, now.date())
    names = (view.court.name, f"Declare {state.item.id}")
    if word is None or given.get("confirmed") == "change":
        status = 422 if faults else 200
        return await shown_item(request, view, state, given=given, faults=faults, status=status)
    if given.get("confirmed") != "yes":
        return answer(request, "confirm.html", confirm_page(view, state, person, word, now), *names)
    await _record(request, view.court.id, state.item.id, word)
    return RedirectResponse(f"/courts/{view.court.id}#{state.item.id}", 303)


async def _record(request: Request, court_id: str, item_id: str, word: Word) -> None:
    person: Person = request.state.person
    facts = source(request)

    def job(tx: Transaction) -> None:
        declarations.add(
            tx,
            court_id,
            item_id,
            word.kind,
            word.party,
            who=person.name,
            note=word.note,
            done_on=word.done_on,
            until=word.until,
        )
        about = f"{court_id} {item_id}"
        audit.record(tx, "declaration", word.kind.value, facts, about=about)

    await collector(request).store.awrite(job)
