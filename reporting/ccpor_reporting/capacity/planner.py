"""What a court needs, what its line gives, and what would halve the time: for people to choose.

The classic mistake is scanning in gray or colour: a page then has 20 to 40 times the bytes of a
black-and-white one, and no line that courts usually have carries that at the peak.
"""

from __future__ import annotations

import math

import msgspec

from ccpor_reporting.capacity.model import (
    HIGHEST_MBIT,
    LOWEST_MBIT,
    Line,
    Prediction,
    predict,
    required_mbit,
)
from ccpor_reporting.capacity.numbers import mbit_words, number, seconds_words
from ccpor_reporting.capacity.workload import Load

# One letter page, CCITT G4, as a US bankruptcy court states it: 52 kB at 300 dpi, 35 kB at 200;
# pages with pictures reach 200. What lies above GRAY_KB on average was not scanned bilevel.
BLACK_AND_WHITE_KB, COARSE_KB, GRAY_KB = 52.0, 35.0, 150.0
PLOT_POINTS = 12
PLOT_ORDERS = 1000  # a point: enough to see, and the whole plan in 3 s


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """One change, and the time of an order after it."""

    change: str  # in words: what to do
    load: Load
    line: Line
    prediction: Prediction
    in_time: bool
    times_faster: float | None  # of the 95th percentile; None: either does not keep up


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One point of the plot; the times are None where the orders come too fast for the rate."""

    mbit: float
    p95_s: float | None
    at_most_s: float | None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What *load* needs, and what it meets on *line*.

    required_mbit: goodput at which the orders arrive in time; None: no rate is enough, since
        latency and loss alone take too long.
    margin: the line's rate over the required one.
    rate_given: False: nobody named a rate; `line` then has the required one.
    """

    load: Load
    line: Line
    rate_given: bool
    need_mbit: float
    required_mbit: float | None
    margin: float | None
    prediction: Prediction
    in_time: bool
    is_gray: bool
    summary: str
    advice: str
    what_ifs: tuple[WhatIf, ...]
    series: tuple[Point, ...]


def plan(load: Load, line: Line, *, rate_given: bool = True) -> Plan:
    """Return what *load* needs, how it fares on *line*, and what changes would do.

    rate_given: False takes the required rate in place of *line*'s own.
    """
    required = required_mbit(load, line)
    if not rate_given and required is not None:
        line = _with(line, mbit=required)
    found = predict(load, line)
    in_time = found.within(load.max_order_seconds_p95)
    return Plan(
        load=load,
        line=line,
        rate_given=rate_given,
        need_mbit=load.need_mbit,
        required_mbit=required,
        margin=line.mbit / required if required else None,
        prediction=found,
        in_time=in_time,
        is_gray=is_gray(load),
        summary=_summary(load, line, required, rate_given=rate_given),
        advice=advice(load, line),
        what_ifs=what_ifs(load, line),
        series=_series(load, line, required),
    )


def is_gray(load: Load) -> bool:
    """Say whether pages of this size were scanned in gray or colour, by all experience."""
    return load.kb_per_page >= GRAY_KB


def what_ifs(load: Load, line: Line) -> tuple[WhatIf, ...]:
    """Return each change that makes sense here, the cheapest for a court first."""
    now = predict(load, line)
    return tuple(_what_if(now, *change) for change in _changes(load, line))


def advice(load: Load, line: Line) -> str:
    """Return one sentence: what an order takes on *line* at the peak, and what to do about it."""
    says = _takes(load, line)
    limit = load.max_order_seconds_p95
    if predict(load, line).within(limit):
        return says if not is_gray(load) else f"{says}; {_black_and_white(load, line)}"
    remedies = []
    if is_gray(load):
        remedies.append(_black_and_white(load, line))
        load = _with_load(load, kb_per_page=BLACK_AND_WHITE_KB)
    if not predict(load, line).within(limit):
        remedies.append(_faster(load, line, then="then " if remedies else ""))
    return "; ".join([says, *remedies])


def _what_if(now: Prediction, change: str, load: Load, line: Line) -> WhatIf:
    then = predict(load, line)
    return WhatIf(
        change=change,
        load=load,
        line=line,
        prediction=then,
        in_time=then.within(load.max_order_seconds_p95),
        times_faster=now.p95_s / then.p95_s if now.p95_s and then.p95_s else None,
    )


def _changes(load: Load, line: Line) -> list[tuple[str, Load, Line]]:
    changes: list[tuple[str, Load, Line]] = []
    if is_gray(load):
        scanned = _with_load(load, kb_per_page=BLACK_AND_WHITE_KB)
        words = f"scan in black and white at 300 dpi ({BLACK_AND_WHITE_KB:g} kB a page)"
        changes.append((words, scanned, line))
    if load.kb_per_page > COARSE_KB:
        coarse = _with_load(load, kb_per_page=COARSE_KB)
        words = f"scan in black and white at 200 dpi ({COARSE_KB:g} kB a page)"
        changes.append((words, coarse, line))
    if load.users > 1:
        half = math.ceil(load.users / 2)
        changes.append((f"{half} users on this line", _with_load(load, users=half), line))
    if line.loss > 0:
        words = f"repair what loses {number(line.loss * 100)} % of the packets"
        changes.append((words, load, _with(line, loss=0.0)))
    latency = f"half the latency ({number(line.rtt_ms / 2)} ms)"
    changes.append((latency, load, _with(line, rtt_ms=line.rtt_ms / 2)))
    rate = f"twice the rate ({mbit_words(line.mbit * 2)})"
    changes.append((rate, load, _with(line, mbit=line.mbit * 2)))
    return changes


def _takes(load: Load, line: Line) -> str:
    """Return e.g. ``at 1.5 Mbit/s a 12-page gray order takes up to 105 s at the peak``."""
    kind = "gray or colour order" if is_gray(load) else "order"
    found = predict(load, line)
    rate = f"at {mbit_words(line.mbit)}{' or more' if line.is_lower_bound else ''}"
    if found.at_most_s is None:
        pages = f"{number(load.pages_per_order)}-page {kind}s"
        return f"{rate} {pages} come faster at the peak than the line carries them"
    article = f"a {number(load.pages_per_order)}-page {kind}"
    return f"{rate} {article} takes up to {seconds_words(found.at_most_s)} at the peak"


def _black_and_white(load: Load, line: Line) -> str:
    found = predict(_with_load(load, kb_per_page=BLACK_AND_WHITE_KB), line)
    if found.at_most_s is None:
        return "scan in black and white"
    return f"scan in black and white: {seconds_words(found.at_most_s)}"


def _faster(load: Load, line: Line, *, then: str) -> str:
    """Return what the line itself needs so that *load* arrives in time."""
    if (required := required_mbit(load, line)) is not None:
        return f"{then}{mbit_words(max(required, 1.1 * line.mbit))} would do"
    required = required_mbit(load, _with(line, loss=0.0))
    if line.loss > 0 and required is not None:
        lost = f"repair what loses {number(line.loss * 100)} % of the packets"
        faster = f"; then {mbit_words(required)} would do" if required > line.mbit else ""
        return f"{lost}, no rate is enough with it{faster}"
    return f"no rate is enough at {number(line.rtt_ms)} ms: the way must be shorter"


def _summary(load: Load, line: Line, required: float | None, *, rate_given: bool) -> str:
    limit = seconds_words(load.max_order_seconds_p95)
    many = "1 user who sends" if load.users == 1 else f"{load.users} users who each send"
    way = f"{number(line.rtt_ms)} ms" + (f" and {number(line.loss * 100)} % loss" * (line.loss > 0))
    said = [
        f"{many} {number(load.orders_per_hour)} orders an hour, of {number(load.pages_per_order)} "
        f"pages at {number(load.kb_per_page)} kB, need {mbit_words(load.need_mbit)} on average in "
        f"the busiest quarter of an hour."
    ]
    if required is None:
        said.append(f"At {way} no rate brings 95 of 100 orders to their end within {limit}.")
    else:
        said.append(
            f"For 95 of 100 orders to arrive within {limit} then, the line must carry "
            f"{mbit_words(required)} at {way}."
        )
    if rate_given:
        said.append(_fares(load, line, required))
    return " ".join(said)


def _fares(load: Load, line: Line, required: float | None) -> str:
    found = predict(load, line)
    carries = f"This line carries {mbit_words(line.mbit)}{_share(line, required)}"
    if found.at_most_s is None:
        return f"{carries}: at the peak orders come faster than it carries them. Not in time."
    good = "In time" if found.within(load.max_order_seconds_p95) else "Not in time"
    return f"{carries}: 95 of 100 orders take at most {seconds_words(found.at_most_s)}. {good}."


def _share(line: Line, required: float | None) -> str:
    if not required:
        return ""
    times = line.mbit / required
    return f", {number(times)} times that" if times >= 1 else f", {number(times * 100)} % of that"


def _series(load: Load, line: Line, required: float | None) -> tuple[Point, ...]:
    """Return the time of an order at rates around the required one and the line's own."""
    middle = required or line.mbit
    low = max(LOWEST_MBIT, min(middle / 3, line.mbit / 1.5))
    high = min(HIGHEST_MBIT, max(middle * 4, line.mbit * 1.5))
    step = (high / low) ** (1 / (PLOT_POINTS - 1))
    return tuple(_point(load, _with(line, mbit=low * step**n)) for n in range(PLOT_POINTS))


def _point(load: Load, line: Line) -> Point:
    found = predict(load, line, orders=PLOT_ORDERS)
    return Point(mbit=line.mbit, p95_s=found.p95_s, at_most_s=found.at_most_s)


def _with(line: Line, **changes: float) -> Line:
    return msgspec.structs.replace(line, **changes)


def _with_load(load: Load, **changes: float) -> Load:
    return msgspec.structs.replace(load, **changes)
