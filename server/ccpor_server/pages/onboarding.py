"""A court's way from invitation to close-out, dated from its go-live day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.checklist.model import ItemState
from ccpor_reporting.checklist.state import SETTLED
from ccpor_reporting.render.plot import Axis, Sheet, both
from ccpor_server.access import Access, Entry, collector
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.loading import view_of
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, day, days_words, stamp, zone
from ccpor_server.pages.words import PARTIES, STATES, Mark

MARKS = {-60: "T-60", -30: "T-30", 0: "T-0", 30: "T+30"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DueItem:
    id: str
    title: str
    href: str
    mark: Mark
    who: str
    why: str
    settled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """One day on which items are due. words: T-60 (60 days before go-live)."""

    day: str
    machine: str
    words: str
    away: str
    overdue: int
    done: int
    items: tuple[DueItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePage:
    court_id: str
    court: str
    go_live: str | None
    countdown: str
    days: tuple[DueDay, ...]
    undated: tuple[DueItem, ...]
    plot: Markup
    as_of: Stamp


async def timeline(request: Request) -> Response:
    """Show what is due when, counted from go-live. 200; 404."""
    view = await view_of(request, request.path_params["court_id"])
    page = timeline_page(view, collector(request).now())
    return answer(request, "timeline.html", page, view.court.name, "Timeline")


def timeline_page(view: CourtView, now: datetime) -> TimelinePage:
    """Return the page; the days in the court's own time."""
    court, today = view.court, now.astimezone(zone(view.court.time_zone)).date()
    dated = sorted(
        (one for one in view.checklist.items if one.due is not None),
        key=lambda one: (one.due or today, one.item.id),
    )
    days = [(when, list(some)) for when, some in groupby(dated, key=lambda one: one.due or today)]
    return TimelinePage(
        court_id=court.id,
        court=court.name,
        go_live=day(court.go_live) if court.go_live else None,
        countdown=days_words(view.checklist.readiness.days_to_go_live),
        days=tuple(_day(when, some, view, today) for when, some in days),
        undated=tuple(_item(one, view) for one in view.checklist.items if one.due is None),
        plot=_plot(days, court.go_live, today) if court.go_live else Markup(),
        as_of=stamp(now, now, court.time_zone),
    )


def _day(when: date, some: Sequence[ItemState], view: CourtView, today: date) -> DueDay:
    go_live = view.court.go_live
    offset = (when - go_live).days if go_live else 0
    words = MARKS.get(offset, f"T{offset:+d}") if go_live else ""
    return DueDay(
        day=day(when),
        machine=when.isoformat(),
        words=words,
        away=days_words((when - today).days),
        overdue=sum(one.overdue for one in some),
        done=sum(one.state in SETTLED for one in some),
        items=tuple(_item(one, view) for one in some),
    )


def _item(one: ItemState, view: CourtView) -> DueItem:
    joint = " and " if one.item.all_owners else " or "
    return DueItem(
        id=one.item.id,
        title=one.item.title,
        href=f"/courts/{view.court.id}/items/{one.item.id}",
        mark=STATES[one.state],
        who=one.owner or joint.join(PARTIES[party] for party in one.item.owners),
        why=one.why,
        settled=one.state in SETTLED,
    )


def _plot(days: Sequence[tuple[date, Sequence[ItemState]]], go_live: date, today: date) -> Markup:
    """Return a line from the first due day to the last, with what is left of each, and today."""
    shown = [when for when, _ in days] + [go_live, today]
    first = min(shown) - timedelta(days=3)
    across = Axis(0.0, float((max(shown) - first).days + 3))
    most = max((len(some) for _, some in days), default=1)

    def at(when: date) -> float:
        return float((when - first).days)

    def draw(sheet: Sheet) -> None:
        panel = sheet.panel(across, Axis(0.0, float(most)), top=28, height=110, left=30)
        panel.sheet.line(panel.left, panel.bottom, panel.right, panel.bottom, "axis")
        for when, some in days:
            left = sum(one.state not in SETTLED for one in some)
            x, top = panel.px(at(when)), panel.py(len(some))
            sheet.box(x - 5, top, 10, panel.bottom - top, "share good")
            if left:
                middle = panel.py(left)
                sheet.box(x - 5, middle, 10, panel.bottom - middle, "share bad")
        for offset, words in MARKS.items():
            x = panel.px(at(go_live + timedelta(days=offset)))
            sheet.text(x, panel.bottom + 18, words, "at middle")
        panel.upright(at(today), "own")
        sheet.text(panel.px(at(today)), 16, "today", "name middle")

    left = sum(one.state not in SETTLED for _, some in days for one in some)
    says = f"Due days from {day(days[0][0])} to {day(days[-1][0])}; {left} items are left"
    return Markup(both(says, 170, draw))  # noqa: S704 - numbers and escaped words


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/courts/{court_id}/timeline",
        methods=("GET",),
        access=Access.READER,
        endpoint=timeline,
    ),
)
