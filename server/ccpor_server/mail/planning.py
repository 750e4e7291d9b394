"""Which messages there should be now; those of a known key were written before.

Weekly: the digest and what is due. At once: a court that was ready and is so no more, a court that
fell silent near its go-live, an incident. Nobody gets a word about a court that they may not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from ccpor_reporting.checklist.state import SETTLED
from ccpor_server.board_lines import CourtLine, court_lines
from ccpor_server.checklist_state import court_view
from ccpor_server.mail import message
from ccpor_server.mail.message import Message
from ccpor_server.rights import Role
from ccpor_server.store import Store, Transaction, courts, incidents, notices, people, standings
from ccpor_server.store.people import Account

SOON = timedelta(days=14)
SILENT_AFTER = timedelta(days=7)
NEAR = timedelta(days=60)  # before and after go-live: when silence is a matter
TOLD_FOR = timedelta(days=3)  # an incident of longer ago is no news
DECIDING = frozenset({Role.ADMINISTRATOR, Role.REVIEWER, Role.APPROVER})


def plan(db: sa.Connection, now: datetime, base: str) -> list[Message]:
    """Return all messages as of *now*; base: where the pages are, for links."""
    readers = [one for one in people.every(db) if one.email and one.disabled_at is None]
    if not readers:
        return []
    lines = court_lines(db, [one for one in courts.every(db) if not one.sample], now)
    found: list[Message] = []
    for line in lines:
        known = [one for one in readers if one.person.may_read(line.court.id)]
        found += _of_court(db, line, known, now, base)
    found += _digests(lines, readers, now, base)
    return found


def _digests(
    lines: Sequence[CourtLine], readers: Sequence[Account], now: datetime, base: str
) -> Iterator[Message]:
    for one in readers:
        if Role(one.role) in DECIDING and lines:
            yield message.digest(one, lines, now, base)


def _of_court(
    db: sa.Connection, line: CourtLine, readers: Sequence[Account], now: datetime, base: str
) -> Iterator[Message]:
    mine = [one for one in readers if one.court == line.court.id]
    deciding = [one for one in readers if Role(one.role) in DECIDING]
    yield from _due(db, line, mine, now, base)
    yesterday = now.date() - timedelta(days=1)
    was_ready = [
        one.day for one in standings.since(db, yesterday, line.court.id) if one.verdict == "ready"
    ]
    if was_ready and line.readiness.verdict != "ready":
        for one in (*mine, *deciding):
            yield message.regression(one, line, max(was_ready), base)
    if _is_silent(line, now):
        for one in (*mine, *deciding):
            yield message.silence(one, line, line.last_heard_at, base)
    for found in incidents.of_court(db, line.court.id):
        for event in found.events:
            told = event.kind in {"opened", "closed", "reopened"}
            if told and timedelta() <= now - event.at < TOLD_FOR:
                for one in (*mine, *deciding):
                    yield message.incident(one, line.court.name, found, event, base)


def _due(
    db: sa.Connection, line: CourtLine, mine: Sequence[Account], now: datetime, base: str
) -> Iterator[Message]:
    last = now.date() + SOON
    if not mine or not (line.overdue or (line.next_due and line.next_due <= last)):
        return
    items = [
        one
        for one in court_view(db, line.court, now).checklist.items
        if one.state not in SETTLED and one.due and one.due <= last
    ]
    for one in mine:
        yield message.due(one, line, items, now, base)


def _is_silent(line: CourtLine, now: datetime) -> bool:
    go_live, heard = line.court.go_live, line.last_heard_at
    if go_live is None or abs(go_live - now.date()) > NEAR:
        return False
    return heard is None or now - heard > SILENT_AFTER


def write(store: Store, messages: Sequence[Message]) -> int:
    """Put those into the outbox that are not there; return how many were new."""

    def job(tx: Transaction) -> int:
        return sum(
            notices.put(
                tx,
                one.key,
                one.kind,
                court=one.court,
                recipient=one.recipient,
                subject=one.subject,
                body=one.body,
            )
            for one in messages
        )

    return store.write(job).value if messages else 0
