"""All courts at a glance: the map, readiness over time, blockers by cause, who is silent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.checklist.blockers import Blocker, blockers
from ccpor_reporting.model import Owner
from ccpor_reporting.render.plot import Sheet, both, spanning
from ccpor_reporting.text import OWNER_WORDS
from ccpor_server.access import Access, Entry, collector
from ccpor_server.board_lines import CourtLine
from ccpor_server.maps import california
from ccpor_server.pages.board import Choice
from ccpor_server.pages.loading import board_lines, read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, day, stamp
from ccpor_server.pages.words import COURT_VERDICTS, PHASES, Mark
from ccpor_server.regions import county_of
from ccpor_server.store import standings
from ccpor_server.store.people import Person
from ccpor_server.store.standings import Standing

NOBODY = Mark("no court known", "dash", "none")
SILENT = {"3": "3 days", "7": "a week", "14": "two weeks", "30": "a month"}
AT_LEAST = {"1": "one court", "2": "two courts", "3": "three courts", "5": "five courts"}
COURSE = timedelta(days=90)
MOST_NAMED = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A county of the map; href: its court, where there is one."""

    d: str
    title: str
    tone: str
    href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountyRow:
    county: str
    court: str
    href: str | None
    phase: str
    go_live: str
    blocking: str
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    fault: str
    owner: str
    summary: str
    courts: tuple[tuple[str, str, str], ...]  # address, name, workstations
    more: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentRow:
    href: str
    name: str
    heard: Stamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    day: str
    counts: tuple[int, ...]  # not ready, not known yet, ready


@dataclass(frozen=True, slots=True, kw_only=True)
class StatewidePage:
    width: int
    height: int
    shapes: tuple[Shape, ...]
    legend: tuple[tuple[Mark, int], ...]
    rows: tuple[CountyRow, ...]
    others: tuple[CountyRow, ...]  # courts of no county on the map
    causes: tuple[CauseRow, ...]
    at_least: tuple[Choice, ...]
    silent: tuple[SilentRow, ...]
    silences: tuple[Choice, ...]
    plot: Markup
    days: tuple[DayRow, ...]
    as_of: Stamp


async def statewide(request: Request) -> Response:
    """Show all courts that one may read at a glance. 200."""
    person: Person = request.state.person
    now, asked = collector(request).now(), dict(request.query_params)
    lines = await board_lines(request, person)
    shown = {one.court.id for one in lines}
    course = await read(request, lambda db: standings.since(db, (now - COURSE).date()))
    known = [one for one in course if one.court in shown]
    page = statewide_page(lines, known, asked, now)
    return answer(request, "statewide.html", page, "Statewide")


def statewide_page(
    lines: Sequence[CourtLine],
    course: Sequence[Standing],
    asked: Mapping[str, str],
    now: datetime,
) -> StatewidePage:
    """Return the page for the courts of *lines*."""
    drawn = california()
    superior = {county_of(one.court): one for one in lines if one.court.kind == "superior"}
    slugs = {one.slug for one in drawn.counties}
    others = [
        one
        for one in lines
        if county_of(one.court) not in slugs or superior.get(county_of(one.court)) is not one
    ]
    rows = tuple(_county(one.name, superior.get(one.slug)) for one in drawn.counties)
    least = asked.get("courts", "1") if asked.get("courts", "1") in AT_LEAST else "1"
    days = asked.get("silent", "7") if asked.get("silent", "7") in SILENT else "7"
    courses = _days(course)
    faulty = {one.court.id: one.faulty for one in lines}
    return StatewidePage(
        width=drawn.width,
        height=drawn.height,
        shapes=tuple(
            Shape(
                d=county.d,
                title=f"{county.name}: {row.mark.word}",
                tone=row.mark.tone,
                href=row.href,
            )
            for county, row in zip(drawn.counties, rows, strict=True)
        ),
        legend=tuple(
            (mark, sum(row.mark is mark for row in rows))
            for mark in (*COURT_VERDICTS.values(), NOBODY)
        ),
        rows=rows,
        others=tuple(_county("", one) for one in others),
        causes=tuple(_cause(one, lines) for one in blockers(faulty, at_least=int(least))),
        at_least=tuple(Choice(name, word, name == least) for name, word in AT_LEAST.items()),
        silent=_silent(lines, timedelta(days=int(days)), now),
        silences=tuple(Choice(name, word, name == days) for name, word in SILENT.items()),
        plot=_plot(courses),
        days=tuple(DayRow(day=day(when), counts=counts) for when, counts in reversed(courses)),
        as_of=stamp(now, now),
    )


def _county(name: str, line: CourtLine | None) -> CountyRow:
    if line is None:
        return CountyRow(
            county=name, court="", href=None, phase="", go_live="", blocking="", mark=NOBODY
        )
    ready = line.readiness
    return CountyRow(
        county=name,
        court=line.court.name,
        href=f"/courts/{line.court.id}",
        phase=PHASES[ready.phase],
        go_live=day(line.court.go_live) if line.court.go_live else "no date",
        blocking=str(len(ready.blocking_open)),
        mark=COURT_VERDICTS[ready.verdict],
    )


def _cause(one: Blocker, lines: Sequence[CourtLine]) -> CauseRow:
    names = {line.court.id: line.court.name for line in lines}
    some = [
        (f"/courts/{court}", names[court], ", ".join(found))
        for court, found in one.machines.items()
    ]
    return CauseRow(
        fault=one.fault,
        owner=OWNER_WORDS[Owner(one.owner)],
        summary=one.summary,
        courts=tuple(some[:MOST_NAMED]),
        more=len(some) - MOST_NAMED,
        count=one.courts,
    )


def _silent(lines: Sequence[CourtLine], longest: timedelta, now: datetime) -> tuple[SilentRow, ...]:
    """Return the courts that nothing was heard of for longer, those never heard first."""
    quiet = [one for one in lines if one.last_heard_at is None or now - one.last_heard_at > longest]
    quiet.sort(key=lambda one: (one.last_heard_at is not None, one.last_heard_at or now))
    return tuple(
        SilentRow(
            href=f"/courts/{one.court.id}",
            name=one.court.name,
            heard=stamp(one.last_heard_at, now, one.court.time_zone) if one.last_heard_at else None,
        )
        for one in quiet
    )


def _days(course: Sequence[Standing]) -> list[tuple[date, tuple[int, ...]]]:
    """Return for each day how many courts were not ready, not known yet, ready; oldest first."""
    by_day: dict[date, list[str]] = {}
    for one in course:
        by_day.setdefault(one.day, []).append(one.verdict)
    kinds = ("not-ready", "unknown", "ready")
    return [
        (when, tuple(said.count(kind) for kind in kinds)) for when, said in sorted(by_day.items())
    ]


def _plot(courses: Sequence[tuple[date, tuple[int, ...]]]) -> Markup:
    """Return how many courts were ready, and how many known, day by day; empty for one day."""
    if len(courses) < 2:
        return Markup()
    first = courses[0][0]
    ready = [(float((when - first).days), float(counts[2])) for when, counts in courses]
    every = [(float((when - first).days), float(sum(counts))) for when, counts in courses]

    def draw(sheet: Sheet) -> None:
        across = spanning([x for x, _ in every], least=1)
        up = spanning([y for _, y in every], least=1)
        panel = sheet.panel(across, up, top=26, height=150)
        panel.frame(f"days since {day(first)}", "courts")
        panel.curve(every, "second")
        panel.curve(ready, "series")
        sheet.text(sheet.width - 14, 14, "upper line: all courts; lower: ready", "name end")

    says = f"Courts that were ready, from {ready[0][1]:.0f} to {ready[-1][1]:.0f}"
    return Markup(both(says, 230, draw))  # noqa: S704 - numbers and escaped words


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/statewide", methods=("GET",), access=Access.READER, endpoint=statewide),
)
