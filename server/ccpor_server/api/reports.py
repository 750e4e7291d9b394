"""Reports: workstations post them, people and their scripts read them."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.envelope import (
    ENVELOPE_MEDIA_TYPE,
    REPORT_TYPE,
    EnvelopeInvalid,
    open_envelope,
    public_key_from_pem,
)
from ccpor_server import consistency, ingest
from ccpor_server.access import collector, source
from ccpor_server.client import client_address
from ccpor_server.limits import read_wire
from ccpor_server.problems import NotFound, WrongMediaType, json_response
from ccpor_server.store import machines, reports
from ccpor_server.store.people import Person
from ccpor_server.store.reports import Held, StoredReport


def require_media_type(request: Request, *accepted: str) -> None:
    """Raise WrongMediaType unless Content-Type is one of *accepted*; parameters are ignored."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in accepted:
        raise WrongMediaType(f"Content-Type must be {' or '.join(accepted)}")


async def receive_report(request: Request) -> Response:
    """Store one signed report; safe to repeat.

    201 stored; 200 held already, the same bytes; 409 held with other bytes; 400 not an envelope;
    401 unknown key or wrong signature; 403 revoked or another court's; 408, 413, 415 body;
    422 not a report we read; 429, 503 come back after Retry-After.
    """
    running = collector(request)
    running.limits.from_address(client_address(request))
    require_media_type(request, ENVELOPE_MEDIA_TYPE)
    wire = await read_wire(request, running.settings)
    async with running.turns.of(wire) as turn:
        held, answer = await ingest.receive(running, turn, source(request))
    status = 201 if held is Held.NEW else 200
    return json_response(answer, status, {"Location": f"/api/v1/reports/{answer.run_id}"})


async def readable_report(request: Request, run_id: str) -> StoredReport:
    """Return the report; NotFound when it is not there, or of a court that is not theirs."""
    person: Person | None = request.state.person
    stored = await run_in_threadpool(_stored, request, run_id)
    if stored is None or person is None or not person.may_read(stored.court):
        raise NotFound("no such report")
    return stored


def _stored(request: Request, run_id: str) -> StoredReport | None:
    with collector(request).store.reading() as db:
        return reports.by_run_id(db, run_id)


async def report(request: Request) -> Response:
    """Show one report with how it came and whether its signature still fits. 200; 401; 404."""
    stored = await readable_report(request, request.path_params["run_id"])
    return json_response(await run_in_threadpool(_shown, request, stored))


def _shown(request: Request, stored: StoredReport) -> dict[str, object]:
    with collector(request).store.reading() as db:
        machine = machines.by_id(db, stored.machine_id)
    signature, content = "does-not-fit", None
    if machine is not None:
        public = public_key_from_pem(machine.public_key)
        known = machine.key_id
        try:
            opened = open_envelope(
                stored.envelope,
                payload_type=REPORT_TYPE,
                key=lambda hint: public if hint == known else None,
            )
            content, signature = decode_report(opened.payload), "fits"
        except (EnvelopeInvalid, ReportInvalid):
            content = None  # shown as what it is: bytes that prove nothing
    judged, contradicts = consistency.judged_verdict(content) if content else (None, False)
    return {
        "run_id": stored.run_id,
        "machine_id": stored.machine_id,
        "received_at": stored.received_at,
        "digest": stored.digest,
        "log_index": stored.log_index,
        "signature": signature,
        "verdict": judged,  # the one to act on; `report` says what was signed
        "contradicts": contradicts,
        "ahead_of_our_clock_s": consistency.skew_s(content, stored.received_at) if content else 0.0,
        "report": content,
    }


async def report_envelope(request: Request) -> Response:
    """Send the exact bytes that came in. 200; 401; 404."""
    stored = await readable_report(request, request.path_params["run_id"])
    return Response(
        stored.envelope,
        media_type=ENVELOPE_MEDIA_TYPE,
        headers={"Content-Disposition": f'attachment; filename="{stored.run_id}.dsse.json"'},
    )
