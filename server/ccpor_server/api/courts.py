"""Courts for people's scripts: a court sees itself only."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_server import checklist_state
from ccpor_server.access import collector, readable_court
from ccpor_server.problems import json_response
from ccpor_server.store import courts, machines
from ccpor_server.store.people import Person


def _shown(court: courts.Court) -> dict[str, object]:
    return {
        "id": court.id,
        "name": court.name,
        "kind": court.kind,
        "time_zone": court.time_zone,
        "go_live": court.go_live,
    }


async def courts_list(request: Request) -> Response:
    """List the courts that this person may read. 200; 401."""
    person: Person = request.state.person
    every = await run_in_threadpool(_every, request)
    return json_response({"courts": [_shown(one) for one in every if person.may_read(one.id)]})


def _every(request: Request) -> tuple[courts.Court, ...]:
    with collector(request).store.reading() as db:
        return courts.every(db)


async def court_machines(request: Request) -> Response:
    """List a court's workstations and what it declared to have. 200; 401; 404."""
    court = await readable_court(request, request.path_params["court_id"])
    return json_response(await run_in_threadpool(_machines, request, court.id))


async def court_checklist(request: Request) -> Response:
    """Compute a court's checklist as of now, each item with its evidence. 200; 401; 404."""
    court = await readable_court(request, request.path_params["court_id"])
    running = collector(request)
    found = await run_in_threadpool(
        checklist_state.court_checklist, running.store, court.id, running.now()
    )
    return json_response(found)


def _machines(request: Request, court_id: str) -> dict[str, object]:
    with collector(request).store.reading() as db:
        enrolled = machines.of_court(db, court_id)
        inventory = courts.inventory(db, court_id)
    return {
        "machines": [
            {
                "id": one.id,
                "name": one.name,
                "os": one.os,
                "location": one.location,
                "role": one.role,
                "key_id": one.key_id,
                "enrolled_at": one.enrolled_at,
                "revoked_at": one.revoked_at,
                "last_heard_at": one.last_heard_at,
                "last_run_id": one.last_run_id,
            }
            for one in enrolled
        ],
        "declared": [
            {"location": one.location, "role": one.role, "machines": one.machines}
            for one in inventory
        ],
    }
