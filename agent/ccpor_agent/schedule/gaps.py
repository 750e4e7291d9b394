"""When to look again: exponential gaps within court hours, and no band of the day left out.

Measurements at random moments see what arrivals see (PASTA, Wolff 1982), where fixed ones may meet
the same backup job every day. A band that the drawn gap would jump over gets its run at an even
random moment of its own.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta

from ccpor_reporting.capacity.hours import BANDS, CLOSES, OPENS, SATURDAY

MEAN_HOURS = 4.5  # of court time: with a run in each band about four a day
LEAST = timedelta(minutes=36)  # ndt7 keeps the same distance between two tests of one client


def next_run(now: datetime, dice: random.Random, mean_hours: float = MEAN_HOURS) -> datetime:
    """Return when to look next; *now* and the answer are local and naive, within court hours."""
    least = LEAST / timedelta(hours=1)
    drawn = _court_time_after(now, max(least, dice.expovariate(1 / mean_hours)))
    start, end = next(_bands_after(now))
    if end > drawn:
        return drawn
    start = max(start, now + LEAST)
    return start + dice.random() * (end - start)


def _court_time_after(now: datetime, hours: float) -> datetime:
    """Return the moment when *hours* of court time have passed since *now*."""
    left = timedelta(hours=hours)
    while True:
        opens, closes = _at(now, OPENS), _at(now, CLOSES)
        begin = max(now, opens)
        if now.weekday() < SATURDAY and begin < closes:
            if begin + left < closes:
                return begin + left
            left -= closes - begin
        now = _at(now, 0) + timedelta(days=1)


def _bands_after(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the bands that begin after *now*, each with room for a run."""
    day = _at(now, 0)
    while True:
        if day.weekday() < SATURDAY:
            for band in BANDS:
                start, end = _at(day, band[0]), _at(day, band[1])
                if start > now and now + LEAST < end:
                    yield start, end
        day += timedelta(days=1)


def _at(day: datetime, hour: float) -> datetime:
    return datetime.combine(day.date(), time()) + timedelta(hours=hour)
