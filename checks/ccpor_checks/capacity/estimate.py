"""From what arrived, and when, to a rate with its interval. Pure.

The point is the median of 1-s windows past the ramp; the interval comes from the means of blocks
long enough to be nearly independent (batch means). Source: RFC 9097 section 6 on sub-intervals;
Student's t for few blocks.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from ccpor_checks.capacity.evidence import LimitedBy

LEAST_BLOCKS, MOST_BLOCKS = 6, 10
LEAST_BLOCK_MS = 250.0
WINDOW_MS = 1000.0
SLIDE_MS = 50.0
LOAN_STEP_MS, LEAST_LOAN = 100.0, 2
LOAN_OVER_CHANCE = 12.0  # the 0.998 quantile of F with 1 and 30 degrees of freedom
LEVEL = 0.12  # a window within so much of the plateau belongs to it
WIRE_OVER_GOODPUT = 1500 / 1448  # headers of TCP with timestamps in packets of 1500 bytes

# Two-sided 95 %: the 0.975 quantile of Student's t by degrees of freedom
T_975 = {
    1: 12.706,
    2: 4.303,
    3: 3.182,
    4: 2.776,
    5: 2.571,
    6: 2.447,
    7: 2.365,
    8: 2.306,
    9: 2.262,
    10: 2.228,
    12: 2.179,
    15: 2.131,
    20: 2.086,
    30: 2.042,
    60: 2.000,
    120: 1.980,
}


class Point(NamedTuple):
    """How many bytes had arrived by then, on the receiver's clock."""

    ms: float
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A rate past its ramp, in Mbit/s; `low` and `high` hold it in 95 of 100 cases."""

    mbit: float
    low: float
    high: float
    blocks: int
    seconds: float  # past the ramp

    @property
    def half_share(self) -> float:
        """Return half the interval as a share of the rate: the precision."""
        return (self.high - self.low) / 2 / self.mbit if self.mbit > 0 else math.inf


def t_quantile(degrees: int) -> float:
    """Return the 0.975 quantile; between two entries the larger one, so never too narrow."""
    if degrees < 1:
        return math.inf
    return T_975[max(known for known in T_975 if known <= degrees)]


def since_begun(points: Sequence[Point]) -> list[Point]:
    """Return *points* from 0 ms on: the time in which connections were made is no part of a test.

    What was counted before 0 ms (nothing, as a rule) is the count at 0 ms.
    """
    before = [point for point in points if point.ms <= 0]
    first = [Point(0.0, before[-1].bytes)] if before else []
    return first + [point for point in points if point.ms > 0]


def block_ms(rtt_ms: float) -> float:
    return max(LEAST_BLOCK_MS, 2 * rtt_ms)


class Arrivals:
    """Cumulative points, asked at any time between them.

    A receiver that reads whole TLS records stands still between two; only points at which the
    count grew are kept, and the line between them is what the line carried.
    """

    def __init__(self, points: Sequence[Point]) -> None:
        kept: list[Point] = []
        for point in points:
            if not kept or point.bytes > kept[-1].bytes:
                kept.append(point)
        last = points[-1] if points else None
        # a pause of more than a block at the end is a stall, not the wait for the next record
        if last is not None and kept and last.ms - kept[-1].ms > LEAST_BLOCK_MS:
            kept.append(last)
        self.ms = [point.ms for point in kept]
        self.bytes = [point.bytes for point in kept]

    @property
    def first_ms(self) -> float:
        return self.ms[0] if self.ms else 0.0

    @property
    def last_ms(self) -> float:
        return self.ms[-1] if self.ms else 0.0

    def at(self, ms: float) -> float:
        """Return the bytes that had arrived by *ms*, between two points by the straight line."""
        place = bisect_left(self.ms, ms)
        if place == 0:
            return self.bytes[0] if self.ms else 0.0
        if place == len(self.ms):
            return self.bytes[-1]
        (before, after), (low, high) = (
            self.ms[place - 1 : place + 1],
            self.bytes[place - 1 : place + 1],
        )
        return low + (high - low) * (ms - before) / (after - before)

    def mbit(self, from_ms: float, to_ms: float) -> float:
        """Return the rate between two moments."""
        if to_ms <= from_ms:
            return 0.0
        return (self.at(to_ms) - self.at(from_ms)) * 8 / (to_ms - from_ms) / 1000


def estimate(arrivals: Arrivals, from_ms: float, rtt_ms: float) -> Estimate | None:
    """Return the rate from *from_ms* on; None: nothing to tell a rate by.

    With less than 1 s the windows are half of what there is; with one block the interval begins
    at nothing.
    """
    start, end = max(from_ms, arrivals.first_ms), arrivals.last_ms
    span = end - start
    if span <= 0:
        return None
    mbit = statistics.median(_windows(arrivals, start, end))
    # longer blocks where there is time: what waits behind one lost packet comes all at once after
    # it, and only a block that holds both tells what the line carried
    length = max(block_ms(rtt_ms), span / MOST_BLOCKS)
    count = int(span / length + 1e-9)
    # counted from the end: what is left over lies next to the ramp
    means = [arrivals.mbit(end - (k + 1) * length, end - k * length) for k in range(count)]
    low = high = mbit
    if count >= 2:
        mean = statistics.fmean(means)
        half = t_quantile(count - 1) * statistics.stdev(means) / math.sqrt(count)
        low, high = min(mbit, mean) - half, max(mbit, mean) + half
    else:
        low, high = 0.0, 2 * mbit
    return Estimate(mbit=mbit, low=max(0.0, low), high=high, blocks=count, seconds=span / 1000)


def _windows(arrivals: Arrivals, start: float, end: float) -> list[float]:
    length = min(WINDOW_MS, max(min(SLIDE_MS, end - start), (end - start) / 2))
    count = max(1, int((end - start - length) / SLIDE_MS + 1e-6) + 1)
    return [arrivals.mbit(end - k * SLIDE_MS - length, end - k * SLIDE_MS) for k in range(count)]


def past_ramp(arrivals: Arrivals, from_ms: float, rtt_ms: float) -> float:
    """Return when the plateau began: from then on no block lies off the level of the last ones.

    The ramp may lead up to it (slow start), or down to it (the burst that a token bucket lends).
    Never past the middle of what there is: a plateau of one block is none.
    """
    length = max(100.0, rtt_ms)
    start, end = max(from_ms, arrivals.first_ms), arrivals.last_ms
    count = int((end - start) / length)
    if count < 4:
        return start
    rates = [arrivals.mbit(end - (k + 1) * length, end - k * length) for k in range(count)][::-1]
    level = statistics.median(rates[count // 2 :])
    begun = end - count * length
    for place in range(count // 2):
        # two bins together: one alone is as noisy as the sender's bursts
        pair = statistics.fmean(rates[place : place + 2])
        if abs(pair - level) <= LEVEL * level:
            return begun + place * length
    return begun + (count // 2) * length


def past_loan(arrivals: Arrivals, from_ms: float, least_ms: float) -> float:
    """Return since when the line carries what it can: a token bucket that lends a burst is empty.

    That is the one step down which explains the course best (least squares), where it explains far
    more than chance would (F test); else *from_ms*. At least *least_ms* are left after it.
    """
    start, end = max(from_ms, arrivals.first_ms), arrivals.last_ms
    count = int((end - start) / LOAN_STEP_MS)
    most = count - math.ceil(least_ms / LOAN_STEP_MS)
    if most < LEAST_LOAN:
        return start
    begun = end - count * LOAN_STEP_MS
    steps = [begun + k * LOAN_STEP_MS for k in range(count + 1)]
    rates = [arrivals.mbit(since, until) for since, until in pairwise(steps)]
    best, place = 0.0, 0
    for k in range(LEAST_LOAN, most + 1):
        before, after = statistics.fmean(rates[:k]), statistics.fmean(rates[k:])
        explained = k * (count - k) / count * (before - after) ** 2
        if before > (1 + LEVEL) * after and explained > best:
            best, place = explained, k
    chance = (statistics.pvariance(rates) * count - best) / max(1, count - 2)
    return steps[place] if place and best > LOAN_OVER_CHANCE * chance else start


def limited_by(
    idle_min_ms: float | None, loaded_ms: float | None, retransmitted_pct: float | None
) -> LimitedBy:
    """Return what shows that the line was full: its queue, its losses, or nothing.

    loaded_ms: the middle round trip under load, of the probes or of the kernel.
    """
    added = 0.0 if idle_min_ms is None or loaded_ms is None else loaded_ms - idle_min_ms
    if added > min(25.0, max(10.0, 0.25 * (idle_min_ms or 0.0))):
        return "queue"
    if retransmitted_pct is not None and retransmitted_pct > 0.2:
        return "loss"
    return "none"
