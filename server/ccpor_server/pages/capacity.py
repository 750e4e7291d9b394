"""The planner: what a court's orders need, how they fare on a line, and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from ccpor_reporting.capacity.model import Line
from ccpor_reporting.capacity.numbers import mbit_words, number, seconds_words
from ccpor_reporting.capacity.planner import (
    BLACK_AND_WHITE_KB,
    COARSE_KB,
    Plan,
    Point,
    WhatIf,
    plan,
)
from ccpor_reporting.capacity.words import mbit, ms, percent
from ccpor_reporting.capacity.workload import Load
from ccpor_server.access import collector
from ccpor_server.pages import plots
from ccpor_server.pages.board import Choice
from ccpor_server.pages.capacity_form import Asked, Shown, asked, line_from, scans, shown, way_of
from ccpor_server.pages.capacity_lines import MeasuredLine, measured_lines
from ccpor_server.pages.forms import Fault
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import Mark
from ccpor_server.store import courts
from ccpor_server.store.people import Person

IN_TIME = Mark("in time", "check", "good")
TOO_SLOW = Mark("not in time", "cross", "bad")
NO_RATE = Mark("no rate is enough", "cross", "bad")
NEEDED = Mark("what is needed", "flag", "calm")
ENOUGH_FOR_LATENCY = 100.0  # Mbit/s at which only round trips and loss still take time
_ONE_AT_A_TIME = CapacityLimiter(1)  # a plan keeps a core busy; others wait their turn


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """One change. halves: the order takes half the time, or arrives at all."""

    change: str
    takes: str
    effect: str
    halves: bool
    mark: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    mark: Mark
    takes: str
    keeps_up: bool
    target: str
    needs: str
    offered: str
    is_own: bool  # somebody named the line's rate
    line: str
    margin: str
    way: str
    summary: str
    advice: str
    gray_times: str | None  # how many times the bytes of black and white; None: it is bilevel
    effects: tuple[EffectRow, ...]
    plot: Markup
    points: tuple[tuple[str, str, Mark], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The measurement that the line is taken from."""

    href: str
    machine: str
    target: str
    at: Stamp
    said: str
    least: bool
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityPage:
    court_fields: tuple[Shown, ...]
    order_fields: tuple[Shown, ...]
    line_fields: tuple[Shown, ...]
    scans: tuple[Choice, ...]
    courts: tuple[Choice, ...]
    lines: tuple[Choice, ...]
    faults: tuple[Fault, ...]
    source: Source | None
    result: Result | None
    example_href: str


async def capacity(request: Request) -> Response:
    """Show the planner. 200; 422 the form with its faults; 429."""
    person: Person = request.state.person
    given, now = asked(dict(request.query_params)), collector(request).now()
    known = await read(request, lambda db: _readable(courts.every(db), person))
    chosen = next((one for one in known if one.id == given.court), None)
    found: tuple[MeasuredLine, ...] = ()
    if chosen is not None:
        court_id = chosen.id
        found = await read(request, lambda db: measured_lines(db, court_id))
    line = next((one for one in found if one.key == given.line), found[0] if found else None)
    faults = (*given.faults, *_court_faults(given, chosen, line))
    result = None
    if given.load is not None and not faults:
        collector(request).limits.may_plan(person.name)
        result = await to_thread.run_sync(_planned, given, given.load, line, limiter=_ONE_AT_A_TIME)
    page = CapacityPage(
        court_fields=shown(given, "court"),
        order_fields=shown(given, "order"),
        line_fields=shown(given, "line", is_measured=line is not None),
        scans=scans(given),
        courts=tuple(Choice(one.id, one.name, one.id == given.court) for one in known),
        lines=_line_choices(found, line, chosen, now) if chosen and len(found) > 1 else (),
        faults=faults,
        source=_source(line, chosen, now) if line and chosen else None,
        result=result,
        example_href="/capacity?" + urlencode({"users": 15, "scan": "bw300", "mbit": 10}),
    )
    return answer(request, "capacity.html", page, "Capacity", status=422 if faults else 200)


def _readable(every: Sequence[courts.Court], person: Person) -> tuple[courts.Court, ...]:
    return tuple(court for court in every if person.may_read(court.id))


def _court_faults(
    given: Asked, chosen: courts.Court | None, line: MeasuredLine | None
) -> tuple[Fault, ...]:
    if not given.court:
        return ()
    if chosen is None:
        return (Fault("court", "choose a court of the list"),)
    if line is None and given.mbit is None:
        text = f"no report of {chosen.name} holds a measured upload; write the Mbit/s below"
        return (Fault("court", text),)
    return ()


def _line_choices(
    found: Sequence[MeasuredLine], line: MeasuredLine | None, court: courts.Court, now: datetime
) -> tuple[Choice, ...]:
    return tuple(
        Choice(one.key, f"{one.machine}, {one.location}: {_when(one, court, now)}", one is line)
        for one in found
    )


def _when(one: MeasuredLine, court: courts.Court, now: datetime) -> str:
    return f"{mbit(one.line.mbit)}, {stamp(one.at, now, court.time_zone).local}"


def _source(one: MeasuredLine, court: courts.Court, now: datetime) -> Source:
    return Source(
        href=f"/reports/{one.run_id}",
        machine=one.machine,
        target=one.target,
        at=stamp(one.at, now, court.time_zone),
        said=_way(one.line, rate=True),
        least=one.line.is_lower_bound,
        trusted=one.trusted,
    )


def _way(line: Line, *, rate: bool = False) -> str:
    """Return e.g. ``at least 9.8 Mbit/s, 41 ms, 0.10 % loss``."""
    least = "at least " if line.is_lower_bound else ""
    said = [f"{least}{mbit(line.mbit)}"] if rate else []
    loss = f"{percent(100 * line.loss)} loss" if line.loss else "no loss"
    return ", ".join([*said, ms(line.rtt_ms), loss])


def _planned(given: Asked, load: Load, measured: MeasuredLine | None) -> Result:
    held = measured.line if measured else None
    line = line_from(given, held)
    if line is not None:
        return _result(_plan(load, line, rate_given=True))
    return _result(_plan(load, way_of(given, held, ENOUGH_FOR_LATENCY), rate_given=False))


@lru_cache(maxsize=256)
def _plan(load: Load, line: Line, *, rate_given: bool) -> Plan:
    return plan(load, line, rate_given=rate_given)


def _result(found: Plan) -> Result:
    limit = found.load.max_order_seconds_p95
    is_possible = found.required_mbit is not None
    verdict = IN_TIME if found.in_time else TOO_SLOW
    if not found.rate_given:
        verdict = NEEDED if is_possible else NO_RATE
    return Result(
        mark=verdict,
        takes=_takes(found.prediction.at_most_s),
        keeps_up=found.prediction.keeps_up,
        target=seconds_words(limit),
        needs=mbit_words(found.required_mbit) if found.required_mbit else "no rate is enough",
        offered=mbit_words(found.need_mbit),
        line=f"{_exact(found.line.mbit)} Mbit/s",
        is_own=found.rate_given,
        margin=_margin(found),
        way=_way(found.line),
        summary=found.summary,
        advice=_sentence(found.advice),
        gray_times=_gray_times(found.load) if found.is_gray else None,
        effects=tuple(_effect(one, found) for one in found.what_ifs),
        plot=plots.rates(found),
        points=tuple(_point(one, limit) for one in found.series),
    )


def _exact(value: float) -> str:
    return number(value) if value >= 100 else f"{value:.3g}"


def _gray_times(load: Load) -> str:
    """Return how many times the bytes of a black-and-white page: ``16 to 24``."""
    times = (number(load.kb_per_page / each) for each in (BLACK_AND_WHITE_KB, COARSE_KB))
    return " to ".join(times)


def _margin(found: Plan) -> str:
    if not found.rate_given or found.margin is None:
        return ""
    if found.margin >= 1:
        return f"{number(found.margin)} times what is needed"
    return f"{number(100 * found.margin)} % of what is needed"


def _takes(at_most_s: float | None) -> str:
    return "cannot keep up" if at_most_s is None else seconds_words(at_most_s)


def _effect(one: WhatIf, now: Plan) -> EffectRow:
    faster = one.times_faster
    keeps_up, kept_up = one.prediction.keeps_up, now.prediction.keeps_up
    if faster is None:
        effect = (
            "the line keeps up" if keeps_up and not kept_up else "the line still cannot keep up"
        )
    elif faster < 1.05:
        effect = "no difference"
    else:
        effect = f"{number(faster)} times faster"
    return EffectRow(
        change=one.change[:1].upper() + one.change[1:],
        takes=_takes(one.prediction.at_most_s),
        effect=effect,
        halves=(keeps_up and not kept_up) or (faster is not None and faster >= 2),
        mark=IN_TIME if one.in_time else TOO_SLOW,
    )


def _point(one: Point, limit_s: float) -> tuple[str, str, Mark]:
    good = one.at_most_s is not None and one.at_most_s <= limit_s
    return (mbit_words(one.mbit), _takes(one.at_most_s), IN_TIME if good else TOO_SLOW)


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}." if said else ""
