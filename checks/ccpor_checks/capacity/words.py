"""What was measured and judged, as people read it: the line, its delay, and orders at the peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ccpor_checks.capacity.evidence import CapacityEvidence, CapacityOptions, Delay, Transfer
from ccpor_reporting.capacity.hours import HoursVerdict
from ccpor_reporting.capacity.model import predict
from ccpor_reporting.capacity.numbers import number, seconds_words
from ccpor_reporting.capacity.planner import BLACK_AND_WHITE_KB, is_gray
from ccpor_reporting.capacity.words import paragraph as told
from ccpor_reporting.capacity.words import plain

BROKEN_OFF = "; broken off, since others on the line had to wait"
HELD = {
    "queue": "a queue that filled up held it back",
    "loss": "packets that were lost held it back",
    "none": "nothing on the line held it back",
}


def paragraph(evidence: CapacityEvidence | Mapping[str, Any], options: CapacityOptions) -> str:
    """Return for a court manager what was asked of the line and what it showed."""
    held = evidence if isinstance(evidence, Mapping) else msgspec.to_builtins(evidence)
    return f"This court {needs(options)}. {told(held)}"


def needs(options: CapacityOptions) -> str:
    """Return e.g. ``needs 8.7 Mbit/s at peak for 15 users``."""
    words = f"needs {plain(options.needed_mbit)} Mbit/s"
    if options.required_mbit is not None:
        return words
    if options.workload is None:
        return f"{words} at the least"
    users = options.load.users
    return f"{words} at peak for {users} user{'s' if users != 1 else ''}"


def received(one: Transfer, idle: Delay | None) -> str:
    """Return what came of one test: rate with its interval, round trips, what it took."""
    rate = f"{plain(one.mbit)} ({plain(one.low_mbit)}–{plain(one.high_mbit)})"
    if one.asked_mbit is not None:
        said = f"paced at {plain(one.asked_mbit)}, received {rate}"
    else:
        said = f"carries {'at least ' if one.is_lower_bound else ''}{rate}"
    cost = f"{one.megabytes:.3g} MB in {one.seconds:.3g} s"
    end = BROKEN_OFF if one.stopped_by == "guard" else ""
    return f"{said}{round_trips(one, idle)}; {cost}{end}"


def round_trips(one: Transfer, idle: Delay | None) -> str:
    """Return e.g. `` with round trips 41 → 44 ms``: idle median, loaded p95; "" if not known."""
    if one.loaded is None or idle is None:
        return ""
    return f" with round trips {idle.p50_ms:.3g} → {one.loaded.p95_ms:.3g} ms"


def at_peak(options: CapacityOptions, verdict: HoursVerdict) -> str:
    """Return what an order takes at the peak by the worst run, and which that was."""
    load, worst = options.load, verdict.worst
    found = verdict.prediction
    pages = f"{number(load.pages_per_order)}-page order"
    limit = seconds_words(load.max_order_seconds_p95)
    if found is None or worst is None or verdict.line is None:
        return "no run in court hours showed what the line carries"
    rate = f"{'at least ' if verdict.line.is_lower_bound else ''}{plain(verdict.line.mbit)} Mbit/s"
    when = f"measured on {worst.local_day} at {_clock(worst.local_hour)}"
    if found.at_most_s is None:
        return f"{pages}s come faster than {rate} carry them ({when}); {limit} are allowed"
    takes = seconds_words(found.at_most_s)
    return f"95 of 100 {pages}s take at most {takes} at {rate} ({when}); {limit} are allowed"


def remedy(options: CapacityOptions, verdict: HoursVerdict) -> str:
    """Return what would help: ``scan in black and white (3.4 s instead of 64 s)``."""
    load, line, found = options.load, verdict.line, verdict.prediction
    helps = (verdict.helps or "").partition("; ")[2]
    if line is None or found is None or not is_gray(load):
        return helps or "more upload speed or smaller orders would help"
    black = msgspec.structs.replace(load, kb_per_page=BLACK_AND_WHITE_KB)
    then = predict(black, line)
    words = "scan in black and white"
    if then.at_most_s is None:
        return f"{words}, and more: {helps}" if helps else words
    now = seconds_words(found.at_most_s) if found.at_most_s else "a queue without end"
    words += f" ({seconds_words(then.at_most_s)} instead of {now})"
    _, _, more = helps.partition("; ")
    return f"{words}; {more}" if more else words


def black_and_white_does(options: CapacityOptions, verdict: HoursVerdict) -> bool:
    """Say whether scanning in black and white alone brings the orders in time."""
    load = options.load
    if verdict.line is None or not is_gray(load):
        return False
    black = msgspec.structs.replace(load, kb_per_page=BLACK_AND_WHITE_KB)
    return predict(black, verdict.line).within(load.max_order_seconds_p95)


def sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _clock(hour: float) -> str:
    minutes = round(hour * 60) % (24 * 60)
    return f"{minutes // 60:02}:{minutes % 60:02}"
