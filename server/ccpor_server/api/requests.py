"""Fresh runs asked of a workstation."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.access import Access, Entry, collector
from ccpor_server.api.enroll import signed_by
from ccpor_server.client import client_address
from ccpor_server.problems import json_response
from ccpor_server.store import incidents


class AskedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh run that the workstation is asked for; its report carries the nonce."""

    incident: str | None  # its number, as people say it
    nonce: str
    asked_at: datetime
    expires_at: datetime


class AskedRuns(msgspec.Struct, frozen=True, kw_only=True):
    requests: tuple[AskedRun, ...]


async def waiting_requests(request: Request) -> Response:
    """List the fresh runs that the workstation that signed this request is asked for.

    200; 401 unsigned or unknown; 403 revoked; 429.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    machine = await run_in_threadpool(signed_by, request)
    running.limits.from_machine(machine.id, machine.court)
    found = await run_in_threadpool(_waiting, request, machine.id)
    return json_response(AskedRuns(requests=found))


def _waiting(request: Request, machine: str) -> tuple[AskedRun, ...]:
    running = collector(request)
    with running.store.reading() as db:
        asked = incidents.waiting(db, machine, running.now())
        return tuple(
            AskedRun(
                incident=_number(db, one.incident),
                nonce=one.nonce,
                asked_at=one.at,
                expires_at=one.expires_at,
            )
            for one in asked
        )


def _number(db: sa.Connection, incident: str | None) -> str | None:
    found = incidents.by_id(db, incident) if incident else None
    return found.number if found else None


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/api/v1/requests", methods=("GET",), access=Access.MACHINE, endpoint=waiting_requests
    ),
)
