"""Measured values over time: of one workstation run by run, of a location or a court day by day."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.compare import measured
from ccpor_reporting.model import Report, Status
from ccpor_reporting.render.plot import Sheet, both, spanning
from ccpor_reporting.text import value_words
from ccpor_server.access import Access, Entry, collector, readable_court
from ccpor_server.held_reports import signed_report
from ccpor_server.pages.board import Choice
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, day, stamp
from ccpor_server.pages.words import STATUSES, Mark
from ccpor_server.store import courts, machines, reports
from ccpor_server.store.machines import MachineRecord

MEASURES = {
    "path.latency": "round trip",
    "path.loss": "packets lost",
    "capacity.upload": "upload rate",
    "capacity.download": "download rate",
    "capacity.order": "time of an order at peak",
    "http.latency": "time to the first byte",
    "dns.latency": "time of a resolver",
    "tcp.reach": "time to connect",
    "clock.offset": "clock",
    "scanner.size": "size of a scanned page",
}
ONE_MACHINE, EACH_MACHINE = 100, 12  # newest runs that are read


@dataclass(frozen=True, slots=True)
class Point:
    """One measured value. run_id: of the run; None for a median of a day."""

    at: datetime
    value: float
    run_id: str | None
    status: Status
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PointRow:
    at: Stamp
    day: str
    value: str
    href: str | None
    mark: Mark | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One target's measure: a plot and the table that says the same."""

    anchor: str
    title: str
    plot: Markup
    rows: tuple[PointRow, ...]
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendsPage:
    court_id: str
    court: str
    measures: tuple[Choice, ...]
    locations: tuple[Choice, ...]
    machines: tuple[Choice, ...]
    series: tuple[Series, ...]
    of_one: bool
    scope: str
    runs: int


async def trends(request: Request) -> Response:
    """Show how measured values of a court went. 200; 404."""
    court = await readable_court(request, request.path_params["court_id"])
    asked, now = dict(request.query_params), collector(request).now()
    page = await read(request, lambda db: trends_page(db, court, asked, now))
    return answer(request, "trends.html", page, court.name, "Trends")


def trends_page(
    db: sa.Connection, court: courts.Court, asked: dict[str, str], now: datetime
) -> TrendsPage:
    """Return the page; what *asked* names and is not there counts as not asked."""
    enrolled = [one for one in machines.of_court(db, court.id) if one.revoked_at is None]
    places = sorted({one.location for one in enrolled})
    place = asked.get("location", "") if asked.get("location", "") in places else ""
    chosen = next((one for one in enrolled if one.id == asked.get("machine")), None)
    scoped = [chosen] if chosen else [one for one in enrolled if place in {"", one.location}]
    found = _reports(db, scoped, ONE_MACHINE if chosen else EACH_MACHINE)
    shown = {
        finding.code for one in found for finding in one.findings if measured(finding) is not None
    }
    known = {code: words for code, words in MEASURES.items() if code in shown}
    code = asked.get("measure", "") if asked.get("measure", "") in known else next(iter(known), "")
    return TrendsPage(
        court_id=court.id,
        court=court.name,
        measures=tuple(Choice(name, words, name == code) for name, words in known.items()),
        locations=tuple(Choice(one, one, one == place) for one in places),
        machines=tuple(Choice(one.id, one.name, one is chosen) for one in enrolled),
        series=tuple(
            _series(found, code, of_one=chosen is not None, zone=court.time_zone, now=now)
        ),
        of_one=chosen is not None,
        scope=chosen.name if chosen else (place or court.name),
        runs=len(found),
    )


def _reports(db: sa.Connection, scoped: Iterable[MachineRecord], each: int) -> list[Report]:
    found = []
    for machine in scoped:
        for stored in reports.newest_of(db, machine.id, each=each):
            report = signed_report(stored.envelope, machine.public_key)
            if report is not None:
                found.append(report)
    return found


def _series(
    found: Sequence[Report], code: str, *, of_one: bool, zone: str, now: datetime
) -> Iterable[Series]:
    points: dict[str, list[Point]] = {}
    units: dict[str, str] = {}
    titles: dict[str, str] = {}
    for report in found:
        names = {one.id: one.title or one.id for one in report.targets}
        for finding in report.findings:
            value = measured(finding) if finding.code == code else None
            if value is None:
                continue
            at = report.finished_at
            points.setdefault(finding.target, []).append(
                Point(at, value, report.run_id, finding.status)
            )
            units[finding.target] = finding.unit or ""
            titles.setdefault(finding.target, names.get(finding.target, finding.target))
    for target, some in sorted(points.items()):
        some.sort(key=lambda one: one.at)
        shown = some if of_one else _daily(some)
        title = f"{titles[target]}: {MEASURES[code]}"
        yield Series(
            anchor=f"to-{len(title)}-{target}",
            title=title,
            plot=_plot(shown, title, units[target]),
            rows=tuple(_row(one, units[target], zone, now) for one in reversed(shown)),
            said=_said(shown, units[target], of_one=of_one),
        )


def _daily(points: Sequence[Point]) -> list[Point]:
    """Return each day's median over all runs of it; failed where any of them failed."""
    days: dict[date, list[Point]] = {}
    for one in points:
        days.setdefault(one.at.date(), []).append(one)
    return [
        Point(
            some[0].at,
            statistics.median(one.value for one in some),
            None,
            Status.FAIL if any(one.status is Status.FAIL for one in some) else some[0].status,
            len(some),
        )
        for some in days.values()
    ]


def _row(one: Point, unit: str, zone: str, now: datetime) -> PointRow:
    return PointRow(
        at=stamp(one.at, now, zone),
        day=day(one.at.date()),
        value=value_words(round(one.value, 3), unit),
        href=f"/reports/{one.run_id}" if one.run_id else None,
        mark=STATUSES[one.status],
        count=one.count,
    )


def _said(points: Sequence[Point], unit: str, *, of_one: bool) -> str:
    values = [one.value for one in points]
    low, high = (value_words(round(one, 3), unit) for one in (min(values), max(values)))
    newest = value_words(round(points[-1].value, 3), unit)
    what = "runs" if of_one else "days"
    return f"{len(points)} {what}: {low} to {high}, newest {newest}"


def _plot(points: Sequence[Point], title: str, unit: str) -> Markup:
    """Return the course; empty for a single point, which the table says as well."""
    if len(points) < 2:
        return Markup()
    first = points[0].at
    course = [((one.at - first).total_seconds() / 86_400, one.value) for one in points]
    failed = [place for place, one in zip(course, points, strict=True) if one.status is Status.FAIL]

    def draw(sheet: Sheet) -> None:
        across = spanning([x for x, _ in course], least=1)
        up = spanning([y for _, y in course], least=0.001)
        panel = sheet.panel(across, up, top=26, height=150)
        panel.frame(f"days since {day(first.date())}", unit)
        panel.curve(course, "series")
        for x, y in failed:
            sheet.dot(panel.px(x), panel.py(y), 4, "limit")

    says = f"{title}, {len(points)} values from {min(y for _, y in course):g} to "
    says += f"{max(y for _, y in course):g} {unit}; the table below says the same"
    return Markup(both(says, 230, draw))  # noqa: S704 - numbers and escaped words


ENTRIES: tuple[Entry, ...] = (
    Entry(
        path="/courts/{court_id}/trends", methods=("GET",), access=Access.READER, endpoint=trends
    ),
)
