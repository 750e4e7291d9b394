"""Incidents: open one, ask for fresh runs, compare with the accepted baseline, close it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server.access import Access, Endpoint, Entry, collector, readable_court, source
from ccpor_server.api.incidents import readable
from ccpor_server.pages.forms import LONGEST_NOTE, Fault, read_form
from ccpor_server.pages.incident_page import (
    IncidentForm,
    incident_page,
    incidents_page,
    looked_at,
)
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import zone
from ccpor_server.problems import NotFound
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, audit, courts, incidents, machines
from ccpor_server.store.incidents import CLOSED, OPEN, PRIORITIES, Incident
from ccpor_server.store.people import Person

LONGEST_TITLE = 150
REQUEST_LIVES = timedelta(days=3)
_ONE = "/courts/{court_id}/incidents/{incident_id}"


async def incidents_list(request: Request) -> Response:
    """Show every incident that one may read, the open and urgent ones first. 200."""
    person: Person = request.state.person
    found = await read(request, lambda _db: readable(request, person))
    every = await read(request, courts.every)
    asked = dict(request.query_params)
    names = {one.id: one for one in every if person.may_read(one.id)}
    page = incidents_page(found, names, asked, person, collector(request).now())
    return answer(request, "incidents.html", page, "Incidents")


async def incident_form(request: Request) -> Response:
    """Show the form that opens an incident. 200; 404."""
    court = await readable_court(request, request.path_params["court_id"])
    return _form_page(request, court, {}, ())


def _form_page(
    request: Request,
    court: courts.Court,
    given: Mapping[str, str],
    faults: tuple[Fault, ...],
) -> Response:
    now = collector(request).now().astimezone(zone(court.time_zone))
    page = IncidentForm(
        court_id=court.id,
        court=court.name,
        typed={"began": f"{now:%Y-%m-%dT%H:%M}", **given},
        faults=faults,
        time_zone=court.time_zone,
    )
    status = 422 if faults else 200
    return answer(
        request, "incident_form.html", page, court.name, "Open an incident", status=status
    )


async def incident_open(request: Request) -> Response:
    """Open an incident. 303 to it; 404; 422."""
    court = await readable_court(request, request.path_params["court_id"])
    given, person, now = await read_form(request), request.state.person, collector(request).now()
    title, text = given.get("title", ""), given.get("text", "")
    priority, faults = given.get("priority", ""), []
    if not 5 <= len(title) <= LONGEST_TITLE or not title.isprintable():
        words = f"say in 5 to {LONGEST_TITLE} characters what is wrong"
        faults.append(Fault("title", words))
    if priority not in PRIORITIES:
        faults.append(Fault("priority", "choose a priority"))
    if not text or len(text) > LONGEST_NOTE:
        faults.append(Fault("text", f"describe it in 1 to {LONGEST_NOTE} characters"))
    began = _moment(given.get("began", ""), court, now)
    if began is None:
        faults.append(Fault("began", "say when it was first noticed; not in the future"))
    if faults or began is None:
        return _form_page(request, court, given, tuple(faults))
    facts = source(request)

    def job(tx: Transaction) -> str:
        made, number = incidents.open_one(
            tx,
            court.id,
            title=title,
            priority=priority,
            text=text,
            began_at=began,
            who=person.name,
        )
        audit.record(tx, "incident", "opened", facts, about=f"{court.id} {number}")
        return made

    done = await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court.id}/incidents/{done.value}", 303)


def _moment(text: str, court: courts.Court, now: datetime) -> datetime | None:
    """Return the moment that *text* names in the court's own time; None for another text."""
    try:
        local = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = local.replace(tzinfo=zone(court.time_zone)) if local.tzinfo is None else local
    return at if at <= now + timedelta(minutes=5) else None


async def _incident(request: Request) -> tuple[courts.Court, Incident]:
    court = await readable_court(request, request.path_params["court_id"])
    wanted = request.path_params["incident_id"]
    found = await read(request, lambda db: incidents.by_id(db, wanted))
    if found is None or found.court != court.id:
        raise NotFound("no such incident")
    return court, found


async def incident_shown(request: Request) -> Response:
    """Show one incident: timeline, fresh runs, comparison with the baseline. 200; 404."""
    court, found = await _incident(request)
    return await _shown(request, court, found, {}, ())


async def _shown(
    request: Request,
    court: courts.Court,
    found: Incident,
    given: Mapping[str, str],
    faults: tuple[Fault, ...],
) -> Response:
    now = collector(request).now()
    seen = await read(request, lambda db: looked_at(db, found, now))
    page = incident_page(court, found, seen, request.state.person, now, given=given, faults=faults)
    status = 422 if faults else 200
    return answer(request, "incident.html", page, court.name, found.number, status=status)


async def incident_tell(request: Request) -> Response:
    """Add a note, change the priority, close or reopen. 303; 403 closing; 404; 422."""
    court, found = await _incident(request)
    given, person = await read_form(request), request.state.person
    text, act = given.get("text", ""), given.get("act", "note")
    priority = given.get("priority") or None
    faults = []
    if not text or len(text) > LONGEST_NOTE:
        faults.append(Fault("text", f"write 1 to {LONGEST_NOTE} characters"))
    if priority is not None and priority not in PRIORITIES:
        faults.append(Fault("priority", "choose one of the four priorities"))
    kind = {"note": "note", "close": "closed", "reopen": "reopened"}.get(act)
    if kind is None or (kind == "closed") > (found.state == OPEN):
        faults.append(Fault("text", "this incident is closed already"))
    if kind == "reopened" and found.state != CLOSED:
        faults.append(Fault("text", "this incident is open"))
    if kind in {"closed", "reopened"} and not person.may(Right.CLOSE_INCIDENT):
        faults.append(Fault("text", "only the AOC closes and reopens an incident"))
    if faults or kind is None:
        return await _shown(request, court, found, given, tuple(faults))
    facts, runs = source(request), await _evidence(request, found, kind)

    def job(tx: Transaction) -> None:
        incidents.tell(tx, found.id, kind, text, who=person.name, priority=priority, run_ids=runs)
        audit.record(tx, "incident", kind, facts, about=f"{court.id} {found.number}")

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court.id}/incidents/{found.id}", 303)


async def _evidence(request: Request, found: Incident, kind: str) -> tuple[str, ...]:
    """Return the runs that a closing rests on: each workstation's newest under the incident."""
    if kind != "closed":
        return ()
    now = collector(request).now()
    seen = await read(request, lambda db: looked_at(db, found, now))
    return tuple(one.new_run for one in seen.compared if one.new_run)


async def incident_ask(request: Request) -> Response:
    """Ask chosen workstations for a fresh run under a nonce. 303; 404; 422."""
    court, found = await _incident(request)
    given, person = await read_form(request), request.state.person
    enrolled = await read(request, lambda db: machines.of_court(db, court.id))
    chosen = [
        one for one in enrolled if one.revoked_at is None and given.get(f"machine-{one.id}") == "on"
    ]
    if not chosen:
        fault = Fault("machines", "choose at least one workstation")
        return await _shown(request, court, found, given, (fault,))
    facts = source(request)

    def job(tx: Transaction) -> None:
        for one in chosen:
            incidents.ask(
                tx,
                court.id,
                one.id,
                who=person.name,
                lives=REQUEST_LIVES,
                incident_id=found.id,
            )
        names = ", ".join(one.name for one in chosen)
        incidents.tell(tx, found.id, "asked", f"fresh runs of {names}", who=person.name)
        audit.record(tx, "incident", "asked", facts, about=f"{court.id} {found.number}")

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{court.id}/incidents/{found.id}#runs", 303)


def _entry(path: str, method: str, endpoint: Endpoint, right: Right = Right.READ) -> Entry:
    return Entry(path=path, methods=(method,), access=Access.READER, right=right, endpoint=endpoint)


ENTRIES: tuple[Entry, ...] = (
    _entry("/incidents", "GET", incidents_list),
    _entry("/courts/{court_id}/incidents", "GET", incident_form, Right.INCIDENT),
    _entry("/courts/{court_id}/incidents", "POST", incident_open, Right.INCIDENT),
    _entry(_ONE, "GET", incident_shown),
    _entry(_ONE, "POST", incident_tell, Right.INCIDENT),
    _entry(f"{_ONE}/runs", "POST", incident_ask, Right.INCIDENT),
)
