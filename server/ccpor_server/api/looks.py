"""A look from this side, asked for by an enrolled workstation on one target of its own profile."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.signed_profile import ProfileRefused, open_profile
from ccpor_server.access import collector, source
from ccpor_server.api.enroll import newest_profile, signed_by
from ccpor_server.client import client_address
from ccpor_server.problems import NotFound, json_response
from ccpor_server.store import audit


async def look(request: Request) -> Response:
    """Look at one target of the workstation's published profile from here, up to one check.

    200 what this side saw; 401 unsigned or unknown; 403 revoked; 404 no such target, no profile, or
    looks are switched off; 422 a check that is not looked at from here; 429 too often; 503 busy.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    machine = await run_in_threadpool(signed_by, request)
    if not running.settings.looks:
        raise NotFound("this collector makes no looks of its own")
    running.limits.may_look(machine.id, machine.court)
    found = await run_in_threadpool(newest_profile, request, machine)
    if found is None:
        raise NotFound("no profile is published for this workstation")
    try:
        profile = open_profile(found.envelope, running.key.public)
    except ProfileRefused as exc:
        raise NotFound("the profile published for this workstation is not signed by us") from exc
    target, check = request.path_params["target"], request.path_params["check"]
    seen = await running.looks.look(profile.toml, target, check, running.now())
    facts = source(request, f"machine {machine.id}")
    about = f"{target} {check}"
    await running.store.awrite(
        lambda tx: audit.record(tx, "look", seen.outcome, facts, about=about)
    )
    return json_response(seen)
