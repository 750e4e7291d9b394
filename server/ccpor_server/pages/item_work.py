"""Work on one item: comments, documents, owner and due date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_reporting.checklist.model import ItemState, Waiver
from ccpor_server.access import Access, Endpoint, Entry, collector, readable_court, source
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.documents import KINDS, LARGEST, document_from
from ccpor_server.pages.forms import LONGEST_NOTE, Fault, day_from, read_form
from ccpor_server.pages.loading import item_of, read
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.waiving import WaiverRow, waiver_rows
from ccpor_server.problems import NotFound
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, assignments, attachments, audit, comments, waivers
from ccpor_server.store.attachments import Attachment
from ccpor_server.store.comments import Comment
from ccpor_server.store.people import Person

LONGEST_OWNER = 100
_ITEM = "/courts/{court_id}/items/{item_id}"


@dataclass(frozen=True, slots=True)
class CommentRow:
    who: str
    at: Stamp
    text: str


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """digest: SHA-256 of the bytes, hex."""

    href: str
    name: str
    size: str
    digest: str
    who: str
    at: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWork:
    """What people do about an item, beside what is known of it."""

    address: str
    comments: tuple[CommentRow, ...]
    documents: tuple[DocumentRow, ...]
    waivers: tuple[WaiverRow, ...]
    owner: str
    due: str
    may_comment: bool
    may_assign: bool
    waive_href: str | None
    mandatory: bool
    kinds: str
    largest: str


async def work_of(request: Request, view: CourtView, state: ItemState) -> ItemWork:
    """Return what people did about the item, and what whoever asks may do."""
    court, item, now = view.court, state.item, collector(request).now()
    person: Person = request.state.person
    said, kept, granted = await read(
        request,
        lambda db: (
            comments.of_court(db, court.id, item=item.id),
            attachments.of_court(db, court.id, item=item.id),
            waivers.of_court(db, court.id),
        ),
    )
    address = f"/courts/{court.id}/items/{item.id}"
    may_waive = person.may(Right.WAIVE) and not item.mandatory
    mine: tuple[Waiver, ...] = tuple(one for one in granted if one.item == item.id)
    return ItemWork(
        address=address,
        comments=tuple(_comment(one, now, court.time_zone) for one in said),
        documents=tuple(document_row(one, now, court.time_zone) for one in kept),
        waivers=waiver_rows(mine, view, person, now),
        owner=state.owner,
        due=state.due.isoformat() if state.due else "",
        may_comment=person.may(Right.COMMENT),
        may_assign=person.may(Right.ASSIGN),
        waive_href=f"{address}/waive" if may_waive else None,
        mandatory=item.mandatory,
        kinds=KINDS,
        largest=f"{LARGEST // 1024 // 1024} MB",
    )


def _comment(one: Comment, now: datetime, zone: str) -> CommentRow:
    return CommentRow(one.who, stamp(one.at, now, zone), one.text)


def document_row(one: Attachment, now: datetime, zone: str) -> DocumentRow:
    """Return a document as a page lists it."""
    return DocumentRow(
        href=f"/courts/{one.court}/documents/{one.id}",
        name=one.name,
        size=f"{max(1, round(one.size / 1000))} kB",
        digest=one.digest,
        who=one.who,
        at=stamp(one.at, now, zone),
    )


def _back(view: CourtView, state: ItemState, anchor: str) -> Response:
    return RedirectResponse(f"/courts/{view.court.id}/items/{state.item.id}#{anchor}", 303)


async def _refused(
    request: Request, view: CourtView, state: ItemState, given: dict[str, str], fault: Fault
) -> Response:
    from ccpor_server.pages.readers import shown_item

    return await shown_item(request, view, state, given=given, faults=(fault,), status=422)


async def comment_add(request: Request) -> Response:
    """Keep a comment. 303 to the item; 404; 422 the page with what is wrong."""
    view, state = await item_of(request)
    given = await read_form(request)
    text = given.get("comment", "")
    if not text or len(text) > LONGEST_NOTE:
        words = f"write a comment of 1 to {LONGEST_NOTE} characters"
        return await _refused(request, view, state, given, Fault("comment", words))
    person: Person = request.state.person
    facts, court, item = source(request), view.court.id, state.item.id

    def job(tx: Transaction) -> None:
        comments.add(tx, court, text, who=person.name, item=item)
        audit.record(tx, "comment", "ok", facts, about=f"{court} {item}")

    await collector(request).store.awrite(job)
    return _back(view, state, "comments")


async def document_add(request: Request) -> Response:
    """Keep a document. 303 to the item; 404; 413 too large; 415 of no kind we take; 422."""
    view, state = await item_of(request)
    document = await document_from(request)
    if document is None:
        fault = Fault("document", "choose a document that is not empty")
        return await _refused(request, view, state, {}, fault)
    person: Person = request.state.person
    facts, court, item = source(request), view.court.id, state.item.id

    def job(tx: Transaction) -> None:
        attachments.add(
            tx,
            court,
            document.content,
            name=document.name,
            media_type=document.media_type,
            who=person.name,
            item=item,
        )
        audit.record(tx, "document", "ok", facts, about=f"{court} {item} {document.name}")

    await collector(request).store.awrite(job)
    return _back(view, state, "documents")


async def document_shown(request: Request) -> Response:
    """Send a document to be saved, never to be shown in our place. 200; 304; 404."""
    court = await readable_court(request, request.path_params["court_id"])
    wanted = request.path_params["document_id"]
    found = await read(request, lambda db: attachments.content(db, court.id, wanted))
    if found is None:
        raise NotFound("no such document")
    facts, content = found
    headers = {
        "ETag": f'"{facts.digest}"',
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(facts.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=facts.media_type, headers=headers)


async def owner_set(request: Request) -> Response:
    """Say whose item it is, and until when. 303 to the item; 404; 422."""
    view, state = await item_of(request)
    given = await read_form(request)
    owner = given.get("owner", "")
    if len(owner) > LONGEST_OWNER or not owner.isprintable():
        fault = Fault("owner", f"write a name of at most {LONGEST_OWNER} characters")
        return await _refused(request, view, state, given, fault)
    try:
        due = day_from(given.get("due", ""))
    except ValueError:
        fault = Fault("due", "write the day as year-month-day")
        return await _refused(request, view, state, given, fault)
    if due == _of_checklist(view, state):
        due = None  # the checklist's own day, which moves with go-live
    person: Person = request.state.person
    facts, court, item = source(request), view.court.id, state.item.id

    def job(tx: Transaction) -> None:
        assignments.add(tx, court, item, owner, due, who=person.name)
        audit.record(tx, "assignment", "ok", facts, about=f"{court} {item}")

    await collector(request).store.awrite(job)
    return _back(view, state, "work")


def _of_checklist(view: CourtView, state: ItemState) -> date | None:
    if view.court.go_live is None:
        return None
    return view.court.go_live + timedelta(days=state.item.due_days)


def _form(path: str, right: Right, endpoint: Endpoint) -> Entry:
    return Entry(path=path, methods=("POST",), access=Access.READER, right=right, endpoint=endpoint)


ENTRIES: tuple[Entry, ...] = (
    _form(f"{_ITEM}/comments", Right.COMMENT, comment_add),
    _form(f"{_ITEM}/documents", Right.COMMENT, document_add),
    _form(f"{_ITEM}/owner", Right.ASSIGN, owner_set),
    Entry(
        path="/courts/{court_id}/documents/{document_id}",
        methods=("GET",),
        access=Access.READER,
        endpoint=document_shown,
    ),
)
