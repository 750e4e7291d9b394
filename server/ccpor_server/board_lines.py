"""Every court on one line, as the board shows it: made anew where anything came in.

A court's line is held until something about it changes, and not for long: evidence ages by the
hour, and the board says as of when it is. What changed is seen from a few small tables, whatever
the number of reports kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa

from ccpor_reporting.checklist.model import Readiness, Received
from ccpor_reporting.checklist.state import SETTLED
from ccpor_server.checklist_state import CourtView, court_view
from ccpor_server.store import courts, marks

LIVES = timedelta(minutes=10)


class CourtLine(msgspec.Struct, frozen=True, kw_only=True):
    """A court as the board shows it.

    faulty: newest reports that name a cause; their findings are left out.
    """

    court: courts.Court
    readiness: Readiness
    last_heard_at: datetime | None
    overdue: int = 0  # items
    next_due: date | None = None  # of the items that are left
    owners: tuple[str, ...] = ()  # named for items that are left
    faulty: tuple[Received, ...] = ()


class _Line(msgspec.Struct, frozen=True):
    mark: object
    at: datetime
    line: CourtLine


_lines: WeakKeyDictionary[sa.Engine, dict[str, _Line]] = WeakKeyDictionary()


def court_lines(db: sa.Connection, asked: Sequence[courts.Court], now: datetime) -> list[CourtLine]:
    """Return the line of each of *asked*, in their order."""
    held = _lines.setdefault(db.engine, {})
    known = defaultdict(tuple, marks.by_court(db))
    found = []
    for court in asked:
        mark, before = (court, known[court.id]), held.get(court.id)
        if before is None or before.mark != mark or not timedelta() <= now - before.at < LIVES:
            before = _Line(mark, now, _line(court_view(db, court, now)))
            held[court.id] = before
        found.append(before.line)
    return found


def _line(view: CourtView) -> CourtLine:
    left = [one for one in view.checklist.items if one.state not in SETTLED]
    return CourtLine(
        court=view.court,
        readiness=view.checklist.readiness,
        last_heard_at=view.last_heard_at,
        overdue=sum(one.overdue for one in left),
        next_due=min((one.due for one in left if one.due and not one.overdue), default=None),
        owners=tuple(sorted({one.owner for one in left if one.owner})),
        faulty=tuple(
            msgspec.structs.replace(
                one, report=msgspec.structs.replace(one.report, findings=(), targets=())
            )
            for one in view.newest.values()
            if one.report.causes
        ),
    )
