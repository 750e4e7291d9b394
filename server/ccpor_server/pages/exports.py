"""The pages as files: CSV, XLSX, JSON, PDF, iCalendar; what one may read, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.access import Access, Entry, collector
from ccpor_server.board_lines import CourtLine
from ccpor_server.checklist_state import CourtView
from ccpor_server.exports.assessment import junit_bytes, oscal_bytes
from ccpor_server.exports.calendar import calendar_bytes
from ccpor_server.exports.pdf import court_pdf, statewide_pdf
from ccpor_server.exports.rows import checklist_sheet, courts_sheet, evidence_sheet
from ccpor_server.exports.tables import csv_bytes, xlsx_bytes
from ccpor_server.pages.board import query_from, selected
from ccpor_server.pages.loading import board_lines, read, view_of
from ccpor_server.problems import NotFound
from ccpor_server.store import decisions
from ccpor_server.store.log import current_head
from ccpor_server.store.people import Person

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "ics": "text/calendar; charset=utf-8",
    "oscal": "application/json",
    "junit": "application/xml; charset=utf-8",
}

ENDINGS = {"oscal": "oscal.json", "junit": "junit.xml"}


def _file(body: bytes, name: str, kind: str, now: datetime) -> Response:
    ending = ENDINGS.get(kind, kind)
    headers = {"Content-Disposition": f'attachment; filename="{name}-{now:%Y-%m-%d}.{ending}"'}
    return Response(body, media_type=TYPES[kind], headers=headers)


async def court_export(request: Request) -> Response:
    """Send a court's checklist as a file. 200; 404 no such court, or no such kind of file."""
    view = await view_of(request, request.path_params["court_id"])
    kind, now = request.path_params["kind"], collector(request).now()
    person: Person = request.state.person
    made: dict[str, Callable[[], bytes]] = {
        "csv": lambda: csv_bytes(checklist_sheet(view)),
        "xlsx": lambda: xlsx_bytes(
            (checklist_sheet(view), evidence_sheet(view)), title=view.court.name, made_at=now
        ),
        "json": lambda: msgspec.json.encode(view.checklist),
        "ics": lambda: calendar_bytes(view, now),
        "oscal": lambda: oscal_bytes(view),
        "junit": lambda: junit_bytes(view),
    }
    if kind == "pdf":
        return await _pdf(request, view, person, now)
    if kind not in made:
        raise NotFound(
            "there is no such kind of file; use csv, xlsx, json, ics, pdf, oscal or junit"
        )
    return _file(await run_in_threadpool(made[kind]), view.court.id, kind, now)


async def _pdf(request: Request, view: CourtView, person: Person, now: datetime) -> Response:
    signatures, head = await read(
        request, lambda db: (decisions.of_court(db, view.court.id), current_head(db))
    )
    body = await run_in_threadpool(
        lambda: court_pdf(view, signatures, head, by=person.name, now=now)
    )
    return _file(body, view.court.id, "pdf", now)


async def board_export(request: Request) -> Response:
    """Send the board as a file: the courts that one may read and that the address asks for.

    200; 404 no such kind of file.
    """
    kind, now = request.path_params["kind"], collector(request).now()
    lines = await board_lines(request, request.state.person)
    asked = selected(lines, query_from(dict(request.query_params)), now)
    made: dict[str, Callable[[], bytes]] = {
        "csv": lambda: csv_bytes(courts_sheet(asked)),
        "xlsx": lambda: xlsx_bytes((courts_sheet(asked),), title="Courts", made_at=now),
        "json": lambda: msgspec.json.encode(
            {"as_of": now, "courts": [_shown(one) for one in asked]}
        ),
    }
    if kind == "pdf":
        person: Person = request.state.person
        head = await read(request, current_head)
        made["pdf"] = lambda: statewide_pdf(asked, head, by=person.name, now=now)
    if kind not in made:
        raise NotFound("there is no such kind of file; use csv, xlsx, json or pdf")
    return _file(await run_in_threadpool(made[kind]), "courts", kind, now)


def _shown(line: CourtLine) -> dict[str, object]:
    """Return what the board shows of *line*: the reports behind it have their own pages."""
    return {name: value for name, value in msgspec.structs.asdict(line).items() if name != "faulty"}


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/courts/{court_id}/export/{kind}",
        methods=("GET",),
        access=Access.READER,
        endpoint=court_export,
    ),
    Entry(path="/export/{kind}", methods=("GET",), access=Access.READER, endpoint=board_export),
)
