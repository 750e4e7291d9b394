"""Pages for administrators; every change writes its audit event in the same transaction."""

from __future__ import annotations

from datetime import timedelta

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import sessions
from ccpor_server.access import collector, readable_court, source
from ccpor_server.pages import admin, admin_courts
from ccpor_server.pages.forms import Fault, read_form
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.problems import NotFound
from ccpor_server.rights import OF_COURT, Role
from ccpor_server.store import Transaction, audit, codes, courts, machines, people
from ccpor_server.store.people import Person

AUDIT_NEWEST = 500


async def _people(
    request: Request,
    typed: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    created: tuple[str, str] | None = None,
) -> Response:
    accounts, every = await read(request, lambda db: (people.every(db), courts.every(db)))
    page = admin.people_page(
        accounts,
        every,
        request.state.person,
        collector(request).now(),
        typed=typed,
        faults=faults,
        created=created,
    )
    return answer(request, "people.html", page, "People", status=422 if faults else 200)


async def people_list(request: Request) -> Response:
    """Show everybody who signs in. 200; 403."""
    return await _people(request)


async def person_add(request: Request) -> Response:
    """Add a person and show the one-time password, once. 200; 403; 422."""
    given = await read_form(request)
    known = await read(request, lambda db: [one.id for one in courts.every(db)])
    faults = admin.person_faults(given, known)
    if faults:
        return await _people(request, given, faults)
    role = Role(given["role"])
    court_id = given["court"] if role in OF_COURT else None
    password = sessions.one_time_password()
    hashed = await run_in_threadpool(sessions.hash_password, password)
    facts = source(request)

    def job(tx: Transaction) -> None:
        people.add(tx, given["name"], role, court_id, hashed)
        audit.record(tx, "person.add", role.value, facts, about=given["name"])

    try:
        await collector(request).store.awrite(job)
    except people.NameTaken:
        return await _people(request, given, (Fault("name", "somebody has this name already"),))
    return await _people(request, created=(given["name"], password))


async def person_disable(request: Request) -> Response:
    """Refuse a person from now on. 303; 403; 404 no such person, or oneself."""
    wanted, me = request.path_params["person_id"], request.state.person
    accounts = await read(request, people.every)
    account = next((one for one in accounts if one.id == wanted and one.id != me.id), None)
    if account is None:
        raise NotFound("no such person, or yourself")
    facts = source(request)

    def job(tx: Transaction) -> None:
        people.disable(tx, account.id)
        audit.record(tx, "person.disable", "ok", facts, about=account.name)

    await collector(request).store.awrite(job)
    return RedirectResponse("/admin/people", 303)


async def courts_list(request: Request) -> Response:
    """Show all courts and the form for one more. 200; 403."""
    every = await read(request, courts.every)
    return answer(
        request, "admin_courts.html", admin_courts.courts_page(every, {}), "Manage courts"
    )


async def court_add(request: Request) -> Response:
    """Add a court. 303 to its form; 403; 422."""
    given = await read_form(request)
    every = await read(request, courts.every)
    made, faults = admin_courts.new_court(given, [one.id for one in every])
    if made is None:
        page = admin_courts.courts_page(every, given, tuple(faults))
        return answer(request, "admin_courts.html", page, "Manage courts", status=422)
    await _put(request, made, "court.add")
    return RedirectResponse(f"/admin/courts/{made.id}", 303)


async def _put(request: Request, court: courts.Court, what: str) -> None:
    facts = source(request)

    def job(tx: Transaction) -> None:
        courts.put(tx, court)
        audit.record(tx, what, "ok", facts, about=court.id)

    await collector(request).store.awrite(job)


async def _court_form(
    request: Request,
    court: courts.Court,
    typed: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> Response:
    inventory = await read(request, lambda db: courts.inventory(db, court.id))
    saved = request.query_params.get("saved") == "yes" and not faults
    page = admin_courts.court_form_page(court, inventory, typed=typed, faults=faults, saved=saved)
    names = (court.name, "Manage court")
    return answer(request, "admin_court.html", page, *names, status=422 if faults else 200)


async def court_form(request: Request) -> Response:
    """Show what a court declared about itself. 200; 403; 404."""
    return await _court_form(request, await readable_court(request, _court_id(request)))


def _court_id(request: Request) -> str:
    found: str = request.path_params["court_id"]
    return found


async def court_change(request: Request) -> Response:
    """Change a court. 303; 403; 404; 422."""
    court = await readable_court(request, _court_id(request))
    given = await read_form(request)
    changed, faults = admin_courts.changed_court(court, given)
    if changed is None:
        return await _court_form(request, court, given, tuple(faults))
    await _put(request, changed, "court.change")
    return RedirectResponse(f"/admin/courts/{court.id}?saved=yes", 303)


async def inventory_declare(request: Request) -> Response:
    """Write how many workstations of a role a location has. 303; 403; 404; 422."""
    court = await readable_court(request, _court_id(request))
    given = await read_form(request)
    row, faults = admin_courts.declared_from(court.id, given)
    if row is None:
        return await _court_form(request, court, given, faults)
    facts = source(request)

    def job(tx: Transaction) -> None:
        courts.declare(tx, row)
        about = f"{row.court}/{row.location}/{row.role}: {row.machines}"
        audit.record(tx, "court.declare", "ok", facts, about=about)

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/admin/courts/{court.id}?saved=yes", 303)


async def _codes(
    request: Request,
    typed: dict[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    created: tuple[str, str, int] | None = None,
) -> Response:
    held, every = await read(request, lambda db: (codes.every(db), courts.every(db)))
    now = collector(request).now()
    page = admin.codes_page(held, every, now, typed, faults, created=created)
    return answer(request, "codes.html", page, "Codes", status=422 if faults else 200)


async def codes_list(request: Request) -> Response:
    """Show which enrolment codes there are. 200; 403."""
    return await _codes(request)


async def code_add(request: Request) -> Response:
    """Make an enrolment code and show it, once. 200; 403; 422."""
    given = await read_form(request)
    known = await read(request, lambda db: [one.id for one in courts.every(db)])
    faults = admin.code_faults(given, known)
    if faults:
        return await _codes(request, given, faults)
    person: Person = request.state.person
    running, text, facts = collector(request), codes.fresh(), source(request)
    place = f"{given['court']}/{given['location']}/{given['role']}"
    hours = int(given["hours"])

    def job(tx: Transaction) -> None:
        courts.put_location(tx, given["court"], given["location"])
        codes.add(
            tx,
            text,
            court=given["court"],
            location=given["location"],
            role=given["role"],
            uses=int(given["uses"]),
            expires_at=tx.now + timedelta(hours=hours),
            who=person.name,
        )
        audit.record(tx, "code.add", "ok", facts, about=place)

    await running.store.awrite(job)
    return await _codes(request, created=(text, place, hours))


async def machine_revoke(request: Request) -> Response:
    """Refuse a workstation from now on. 303; 403; 404."""
    wanted = request.path_params["machine_id"]
    machine = await read(request, lambda db: machines.by_id(db, wanted))
    if machine is None:
        raise NotFound("no such workstation")
    person: Person = request.state.person
    given, facts = await read_form(request), source(request)

    def job(tx: Transaction) -> None:
        note = given.get("note", "")[:500] or "no note"
        done = machines.revoke(tx, machine.id, who=person.name, note=note)
        outcome = "ok" if done else "was revoked already"
        audit.record(tx, "machine.revoke", outcome, facts, about=machine.id)

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/courts/{machine.court}/machines", 303)


async def audit_list(request: Request) -> Response:
    """Show the newest audit events. 200; 403."""
    events = await read(request, lambda db: audit.newest(db, AUDIT_NEWEST))
    search = request.query_params.get("q", "")
    page = admin.audit_page(events, search, collector(request).now())
    return answer(request, "audit.html", page, "Audit")
