"""Incidents for people's scripts: a court sees its own only."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.access import Access, Entry, collector
from ccpor_server.problems import json_response
from ccpor_server.store import courts, incidents
from ccpor_server.store.incidents import Incident
from ccpor_server.store.people import Person


async def incidents_list(request: Request) -> Response:
    """List the incidents that this person may read, newest first, with timelines. 200; 401."""
    person: Person = request.state.person
    found = await run_in_threadpool(readable, request, person)
    return json_response({"incidents": [_shown(one) for one in found]})


def readable(request: Request, person: Person) -> tuple[Incident, ...]:
    """Return every incident that *person* may read, newest first; blocking."""
    with collector(request).store.reading() as db:
        shown = {one.id for one in courts.every(db)}
        every = incidents.every(db)
    return tuple(one for one in every if one.court in shown and person.may_read(one.court))


def _shown(one: Incident) -> dict[str, object]:
    return {
        "id": one.id,
        "number": one.number,
        "court": one.court,
        "title": one.title,
        "priority": one.priority,
        "state": one.state,
        "began_at": one.began_at,
        "opened_at": one.at,
        "opened_by": one.who,
        "closed_at": one.closed_at,
        "timeline": one.events,
    }


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/api/v1/incidents", methods=("GET",), access=Access.READER, endpoint=incidents_list
    ),
)
