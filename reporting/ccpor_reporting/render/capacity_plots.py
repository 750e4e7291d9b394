"""The plots of a measured or a planned line: its course, its waiting, and seconds over rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ccpor_reporting.capacity.numbers import mbit_words, seconds_words
from ccpor_reporting.capacity.reading import Delay, Seen, Transfer
from ccpor_reporting.capacity.words import mbit, ms, plain, seconds
from ccpor_reporting.render.plot import Axis, Panel, Sheet, both, spanning

ROW = 46.0
MOST_TICKS_DRAWN = 200
WAITING = {"up": "while sending", "down": "while receiving"}


@dataclass(frozen=True, slots=True)
class Rates:
    """What the planner's plot shows: quoted seconds at rates; None where a rate does not do.

    own, needed: rates in Mbit/s; own_s: what is quoted at the own one.
    """

    points: Sequence[tuple[float, float | None]]
    limit_s: float
    own_mbit: float | None
    own_s: float | None
    needed_mbit: float | None


def course_plot(one: Transfer, idle: Delay | None) -> str:
    """Return rate and round trip over the seconds of a test; "" where its course is unknown."""
    rates = [(each.at_s, each.mbit) for each in one.course if each.mbit is not None]
    trips = [(each.at_s, each.rtt_ms) for each in one.course if each.rtt_ms is not None]
    if len(rates) < 2:
        return ""
    x = Axis(0.0, max(each.at_s for each in one.course) or 1.0)

    def draw(sheet: Sheet) -> None:
        few = sheet.width < 500
        asked = one.asked_mbit
        top = sheet.panel(x, spanning([r for _, r in rates] + [asked or 0.0]), top=28, height=110)
        top.frame("" if trips else "seconds", "Mbit/s", x_ticks=5 if few else 9, y_ticks=4)
        top.curve(rates, "series")
        if asked is not None:
            top.level(asked, f"sent {plain(asked)}", "aim")
        if not trips:
            return
        quiet = [idle.p50_ms] if idle else []
        y = spanning([t for _, t in trips] + quiet, least=10)
        low = sheet.panel(x, y, top=176, height=90)
        low.frame("seconds", "round trip, ms", x_ticks=5 if few else 9, y_ticks=4)
        if idle:
            low.level(idle.p50_ms, f"idle {ms(idle.p50_ms)}", "rest", below=True)
        low.curve(trips, "second")

    return both(_course_words(one, trips), 310 if trips else 180, draw)


def _course_words(one: Transfer, trips: Sequence[tuple[float, float]]) -> str:
    said = f"Rate over time, {one.direction}: about {mbit(one.mbit)} for {seconds(one.seconds)}"
    if not trips:
        return said
    values = [trip for _, trip in trips]
    return f"{said}; round trips between {ms(min(values))} and {ms(max(values))}"


def waiting_plot(seen: Seen) -> str:
    """Return idle and loaded round trips as strips on one axis; "" without two of them to show."""
    rows: list[tuple[str, Delay]] = [("idle line", seen.idle)] if seen.idle else []
    for transfer in seen.transfers:
        if transfer.loaded:
            rows.append((WAITING[transfer.direction], transfer.loaded))
    if len(rows) < 2:
        return ""
    values = [value for _, one in rows for value in (one.min_ms, one.p99_ms, *one.rtts_ms)]
    low, high = max(min(values), 0.1), max(*values, 0.2)
    x = spanning([low, high], log=True) if high / low > 8 else spanning([high])

    def draw(sheet: Sheet) -> None:
        bottom = 14 + ROW * len(rows)
        panel = sheet.panel(x, spanning([1]), top=14, height=bottom - 14, left=14)
        for value in x.ticks(5 if sheet.width < 500 else 9):
            sheet.line(panel.px(value), 14, panel.px(value), bottom, "grid")
            sheet.text(panel.px(value), bottom + 16, f"{value:.3g}", "at middle")
        sheet.line(panel.left, bottom, panel.right, bottom, "axis")
        sheet.text(panel.right, bottom + 33, "round trip, ms", "name end")
        for place, (name, one) in enumerate(rows):
            _strip(sheet, panel, 14 + ROW * place, name, one)

    said = "; ".join(
        f"{name}: median {ms(one.p50_ms)}, 95 of 100 within {ms(one.p95_ms)}" for name, one in rows
    )
    return both(f"Round trips. {said}", 14 + ROW * len(rows) + 38, draw)


def _strip(sheet: Sheet, panel: Panel, top: float, name: str, one: Delay) -> None:
    """Draw one row: every kept round trip a stroke, a bar from least to p95, the median in it."""
    words = f"{name}: {ms(one.p50_ms)}, 95 % within {ms(one.p95_ms)}"
    sheet.text(panel.left, top + 14, words, "said")
    for value in one.rtts_ms[:MOST_TICKS_DRAWN]:
        sheet.line(panel.px(value), top + 22, panel.px(value), top + 38, "stroke-of")
    left = panel.px(one.min_ms)
    sheet.box(left, top + 27, panel.px(one.p95_ms) - left, 6, "range")
    sheet.line(panel.px(one.p50_ms), top + 20, panel.px(one.p50_ms), top + 40, "median")


def rates_plot(rates: Rates) -> str:
    """Return the quoted seconds of an order over the line's rate, both logarithmic."""
    good = [(rate, took) for rate, took in rates.points if took is not None]
    if not good:
        return ""
    every = [rate for rate, _ in rates.points]
    marks = [one for one in (rates.own_mbit, rates.needed_mbit) if one]
    times = [took for _, took in good]
    x = spanning([*every, *marks], log=True)
    y = spanning([*times, rates.limit_s, *([rates.own_s] if rates.own_s else [])], log=True)
    y = Axis(y.low / 1.6, y.high, log=True)  # room for words below the curve

    def draw(sheet: Sheet) -> None:
        slim = sheet.width < 500
        panel = sheet.panel(x, y, top=30, height=230)
        if bad := [rate for rate, took in rates.points if took is None]:
            _too_slow(sheet, panel, max(bad), good[0][0])
        panel.frame("Mbit/s of the line", "seconds", x_ticks=6 if slim else 10, y_ticks=7)
        panel.level(rates.limit_s, f"target {seconds_words(rates.limit_s)}", "aim")
        panel.curve(good, "series")
        for rate, took in good:
            sheet.dot(panel.px(rate), panel.py(took), 2.5, "series")
        if rates.needed_mbit:
            at = max(panel.px(rates.needed_mbit), panel.left + 105)
            panel.upright(rates.needed_mbit, "need")
            sheet.text(at, panel.top - 8, f"needed {mbit_words(rates.needed_mbit)}", "rest middle")
        _own(sheet, panel, rates)

    return both(_rates_words(rates), 300, draw)


def _too_slow(sheet: Sheet, panel: Panel, last_bad: float, first_good: float) -> None:
    """Shade the rates at which orders come faster than they go."""
    edge = panel.px(math.sqrt(last_bad * first_good))
    sheet.box(panel.left, panel.top, edge - panel.left, panel.bottom - panel.top, "shade")
    words = "too slow at any time" if edge - panel.left > 150 else "too slow"
    if edge - panel.left > 60:
        sheet.text((panel.left + edge) / 2, panel.bottom - 8, words, "said middle")


def _own(sheet: Sheet, panel: Panel, rates: Rates) -> None:
    if rates.own_mbit is None:
        return
    at = panel.px(rates.own_mbit)
    panel.upright(rates.own_mbit, "own")
    is_left = at > sheet.width - 150
    end, side = ("end", -8) if is_left else ("", 8)
    if rates.own_s is None:
        sheet.text(at + side, panel.top + 16, "this line: not in time", f"own said {end}")
        return
    height = panel.py(rates.own_s)
    sheet.dot(at, height, 5.5, "own")
    # the curve falls: above it on its right, below it on its left, there is room
    below = min(height + 20, panel.bottom - 6) if is_left else max(height - 10, panel.top + 12)
    sheet.text(at + side, below, f"this line: {seconds_words(rates.own_s)}", f"own said {end}")


def _rates_words(rates: Rates) -> str:
    good = [(rate, took) for rate, took in rates.points if took is not None]
    ends = (f"{seconds_words(took)} at {mbit_words(rate)}" for rate, took in (good[0], good[-1]))
    said = f"Seconds of an order over the rate of the line: {', '.join(ends)}"
    said += f"; target {seconds_words(rates.limit_s)}"
    if rates.needed_mbit:
        said += f", reached from {mbit_words(rates.needed_mbit)}"
    if rates.own_mbit is not None:
        own = "not in time" if rates.own_s is None else seconds_words(rates.own_s)
        said += f"; this line with {mbit_words(rates.own_mbit)}: {own}"
    return said
