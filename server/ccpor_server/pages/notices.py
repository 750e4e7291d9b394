"""The outbox for people to see, and reminders to several courts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server.access import Access, Entry, collector, source
from ccpor_server.board_lines import CourtLine
from ccpor_server.mail import message
from ccpor_server.mail.planning import write
from ccpor_server.pages.board import Choice, query_from, selected
from ccpor_server.pages.forms import read_form
from ccpor_server.pages.loading import board_lines, read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import Mark
from ccpor_server.pages.worklist import clean_query
from ccpor_server.problems import BadRequest
from ccpor_server.rights import Right
from ccpor_server.store import Transaction, audit, people
from ccpor_server.store import notices as outbox
from ccpor_server.store.notices import Notice
from ccpor_server.store.people import Account, Person

KINDS = {
    "digest": "weekly digest",
    "due": "items due",
    "regression": "ready no more",
    "silence": "silence",
    "incident": "incident",
    "ask": "reminder",
}
SENT = Mark("sent", "check", "good")
WAITS = Mark("waits", "clock", "calm")
AGAIN = Mark("tried again", "warning", "warn")
GIVEN_UP = Mark("given up", "cross", "bad")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRow:
    mark: Mark
    kind: str
    recipient: str
    subject: str
    body: str
    at: Stamp
    tries: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticesPage:
    rows: tuple[NoticeRow, ...]
    kinds: tuple[Choice, ...]
    counted: str
    mail_is_sent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderPage:
    """Who would get a reminder; courts without anybody to write to are named too."""

    query: str
    courts: tuple[tuple[str, tuple[str, ...]], ...]
    nobody: tuple[str, ...]
    mail_is_sent: bool


def _mark(one: Notice) -> Mark:
    if one.sent_at:
        return SENT
    if one.given_up_at:
        return GIVEN_UP
    return AGAIN if one.tries else WAITS


def _may_see(one: Notice, person: Person, mine: set[str]) -> bool:
    return not person.is_of_court or (one.court == person.court and one.recipient in mine)


async def notices_list(request: Request) -> Response:
    """Show the newest messages: the AOC's people all, a court's those to itself. 200."""
    person: Person = request.state.person
    running, asked = collector(request), request.query_params.get("kind", "")

    def ask(db: sa.Connection) -> tuple[Sequence[Notice], set[str]]:
        known = {one.email for one in people.every(db) if one.court == person.court and one.email}
        return outbox.newest(db, person.court), known

    found, mine = await read(request, ask)
    rows = tuple(
        _row(one, running.now())
        for one in found
        if _may_see(one, person, mine) and one.kind == (asked or one.kind)
    )
    page = NoticesPage(
        rows=rows,
        kinds=tuple(Choice(name, word, name == asked) for name, word in KINDS.items()),
        counted=f"{len(rows)} message{'' if len(rows) == 1 else 's'}",
        mail_is_sent=bool(running.settings.smtp_url),
    )
    return answer(request, "notices.html", page, "Messages")


def _row(one: Notice, now: datetime) -> NoticeRow:
    return NoticeRow(
        mark=_mark(one),
        kind=KINDS.get(one.kind, one.kind),
        recipient=one.recipient,
        subject=one.subject,
        body=one.body,
        at=stamp(one.sent_at or one.created_at, now),
        tries=one.tries,
        said=one.last_answer,
    )


async def _asked(request: Request, query: str) -> tuple[list[CourtLine], dict[str, list[Account]]]:
    """Return the courts that *query* of the board asks for, and their people with an address."""
    now = collector(request).now()
    lines = await board_lines(request, request.state.person)
    kept = selected(lines, query_from(dict(parse_qsl(query))), now)
    found = await read(request, people.every)
    reached: dict[str, list[Account]] = {}
    for one in found:
        if one.court and one.email and one.disabled_at is None:
            reached.setdefault(one.court, []).append(one)
    return [one for one in kept if one.readiness.blocking_open], reached


async def reminder_form(request: Request) -> Response:
    """Show who a reminder would go to; nothing is sent yet. 200."""
    query = clean_query(request.url.query)
    lines, reached = await _asked(request, query)
    page = ReminderPage(
        query=query,
        courts=tuple(
            (one.court.name, tuple(who.name for who in reached[one.court.id]))
            for one in lines
            if one.court.id in reached
        ),
        nobody=tuple(one.court.name for one in lines if one.court.id not in reached),
        mail_is_sent=bool(collector(request).settings.smtp_url),
    )
    return answer(request, "reminder.html", page, "Remind courts")


async def reminders_send(request: Request) -> Response:
    """Write a reminder to each court asked for, once a day each. 303 to the messages; 400."""
    running, person, facts = collector(request), request.state.person, source(request)
    query = clean_query((await read_form(request)).get("query", ""))
    lines, reached = await _asked(request, query)
    day, base = running.now().date(), running.settings.public_url
    messages = [
        message.reminder(who, one, day, person.name, base)
        for one in lines
        for who in reached.get(one.court.id, ())
    ]
    if not messages:
        raise BadRequest("none of these courts has anybody with an e-mail address")
    count = await run_in_threadpool(write, running.store, messages)

    def job(tx: Transaction) -> None:
        audit.record(tx, "reminder", f"{count} messages", facts, about=query[:300])

    await running.store.awrite(job)
    return RedirectResponse("/messages?kind=ask", 303)


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/messages", methods=("GET",), access=Access.READER, endpoint=notices_list),
    Entry(
        path="/reminders",
        methods=("GET",),
        access=Access.READER,
        right=Right.REMIND,
        endpoint=reminder_form,
    ),
    Entry(
        path="/reminders",
        methods=("POST",),
        access=Access.READER,
        right=Right.REMIND,
        endpoint=reminders_send,
    ),
)
