"""A plan as text of fixed width: a paragraph, a table and a plot, for a terminal or a letter."""

from __future__ import annotations

import textwrap

from ccpor_reporting.capacity.numbers import mbit_words, number, seconds_words
from ccpor_reporting.capacity.planner import Plan, Point, WhatIf

TOO_FAST = "orders come faster than they go"
NARROWEST = 66
SAME = 0.05  # less of a difference is the dice's
LONGEST_BAR = 3.0  # times the limit; what takes longer has an arrow at its end


def plan_text(plan: Plan, width: int = 80) -> str:
    """Return *plan* in lines of at most *width* columns, 66 at the least, in ASCII."""
    width = max(NARROWEST, width)
    blocks = [
        textwrap.fill(plan.summary, width),
        textwrap.fill(_advised(plan), width),
        _table(plan, width),
        _plot(plan, width),
    ]
    return "\n\n".join(blocks) + "\n"


def _advised(plan: Plan) -> str:
    words = f"{plan.advice[0].upper()}{plan.advice[1:]}."
    if plan.is_gray:
        words += " Gray and colour pages have 20 to 40 times the bytes of black-and-white ones."
    return words


def _table(plan: Plan, width: int) -> str:
    now = plan.prediction.at_most_s
    first = f"as it is, at {mbit_words(plan.line.mbit)}"
    rows = [(first, _time(now), "", _in_time(plan.in_time))]
    rows += [_row(each) for each in plan.what_ifs]
    head = ("change", "order takes", "faster", "in time")
    room = width - 13 - 9 - 9
    lines = []
    for change, time, faster, in_time in (head, *rows):
        wrapped = textwrap.wrap(change, room - 1, subsequent_indent="  ")
        lines.append(f"{wrapped[0]:{room}}{time:>13}{faster:>9}{in_time:>9}")
        lines += wrapped[1:]
    return "\n".join(lines)


def _row(each: WhatIf) -> tuple[str, str, str, str]:
    return (
        each.change,
        _time(each.prediction.at_most_s),
        _faster(each.times_faster),
        _in_time(each.in_time),
    )


def _faster(times: float | None) -> str:
    if times is None:
        return "-"
    return "same" if abs(times - 1) < SAME else f"{number(times)} x"


def _time(seconds: float | None) -> str:
    return "never ends" if seconds is None else f"<= {seconds_words(seconds)}"


def _in_time(in_time: bool) -> str:
    return "yes" if in_time else "no"


def _plot(plan: Plan, width: int) -> str:
    """Return a bar a rate: as long as the order takes, with a mark where the limit is."""
    limit = plan.load.max_order_seconds_p95
    known = [each.at_most_s for each in plan.series if each.at_most_s is not None]
    longest = min(max([limit * 1.2, *known]), limit * LONGEST_BAR)
    room = width - 10 - 12
    mark = min(room - 1, round(limit / longest * room))
    lines = [f"{'Mbit/s':>8}  time of an order at the peak; | is the limit, {number(limit)} s"]
    lines += [_bar(each, longest, room, mark) for each in plan.series]
    return "\n".join(lines)


def _bar(point: Point, longest: float, room: int, mark: int) -> str:
    if point.at_most_s is None:
        bar, time = TOO_FAST[:room].ljust(room), ""
    else:
        long = point.at_most_s > longest
        filled = room - 1 if long else max(1, round(point.at_most_s / longest * room))
        bar = ("#" * filled + ">" * long).ljust(room)
        bar = bar[:mark] + "|" + bar[mark + 1 :]
        time = seconds_words(point.at_most_s)
    return f"{number(point.mbit):>8}  {bar} {time:>10}".rstrip()
