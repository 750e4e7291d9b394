"""Enrolment, and the profile that an enrolled workstation fetches."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.envelope import ENVELOPE_MEDIA_TYPE, PublicKey, public_key_from_pem
from ccpor_reporting.request_signature import (
    RequestSignatureInvalid,
    read_signature,
    verify_request,
)
from ccpor_server import enrollment
from ccpor_server.access import collector, source
from ccpor_server.api.reports import require_media_type
from ccpor_server.client import client_address
from ccpor_server.limits import read_body
from ccpor_server.problems import Forbidden, NotFound, Unauthorised, json_response
from ccpor_server.store import machines, profiles
from ccpor_server.store.machines import MachineRecord
from ccpor_server.store.profiles import StoredProfile

WISH_LIMIT = 16 * 1024


async def enroll(request: Request) -> Response:
    """Turn a code and a public key into an identity.

    201 enrolled; 200 the same code and key again; 400, 413, 415, 422 not a wish we read;
    403 the code is not good; 409 the key is enrolled by another code; 429 too many wrong codes.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    running.limits.may_try_code(client_address(request))
    require_media_type(request, "application/json")
    body = await read_body(request, running.settings, limit=WISH_LIMIT)
    wish = enrollment.read_wish(body)
    new, answer = await enrollment.enrol(running, wish, source(request))
    return json_response(answer, 201 if new else 200)


async def profile(request: Request) -> Response:
    """Send the newest signed profile of the workstation that signed this request.

    200 with ETag; 304; 401 unsigned or unknown; 403 revoked; 404 none published; 429.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    machine = await run_in_threadpool(signed_by, request)
    running.limits.from_machine(machine.id, machine.court)
    found = await run_in_threadpool(newest_profile, request, machine)
    if found is None:
        raise NotFound(f"no profile is published for {enrollment.profile_id(machine)}")
    tag = f'"{found.digest}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    asked = request.headers.get("if-none-match", "")
    if asked.strip() == "*" or tag in {one.strip().removeprefix("W/") for one in asked.split(",")}:
        return Response(status_code=304, headers=headers)
    return Response(found.envelope, media_type=ENVELOPE_MEDIA_TYPE, headers=headers)


def newest_profile(request: Request, machine: MachineRecord) -> StoredProfile | None:
    with collector(request).store.reading() as db:
        return profiles.newest(db, enrollment.profile_id(machine))


def signed_by(request: Request) -> MachineRecord:
    """Return the workstation that signed this request; Unauthorised, or Forbidden when revoked."""
    running = collector(request)
    found: list[MachineRecord] = []

    def enrolled(key_id: str) -> PublicKey | None:
        with running.store.reading() as db:
            machine = machines.by_key_id(db, key_id)
        if machine is None:
            return None
        found.append(machine)
        return public_key_from_pem(machine.public_key)

    headers = dict(request.headers)
    now = int(running.now().timestamp())
    try:
        key_id = verify_request(request.method, request.url.path, headers, enrolled, now)
        nonce = read_signature(headers).nonce
    except RequestSignatureInvalid as exc:
        raise Unauthorised(str(exc)) from exc
    (machine,) = found
    if machine.revoked_at is not None:
        raise Forbidden("this workstation is revoked; ask your AOC administrator for a new code")
    if not running.limits.is_fresh_nonce(key_id, nonce):
        raise Unauthorised("this signature was used before; sign each request anew")
    return machine
