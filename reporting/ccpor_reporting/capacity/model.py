"""How long the orders of a court take on a given line at its busiest, and what rate they need.

The simulation (`simulation`) draws the orders of the busiest quarter of an hour (`traffic`) and
lets them share the line. What is quoted to people is `Prediction.at_most_s`: `MARGIN` times the
simulated 95th percentile; the margin comes from the comparison with real uploads in
docs/capacity-model.md. Pure: the same numbers and the same seed give the same answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.capacity.simulation import Path, times
from ccpor_reporting.capacity.traffic import FINITE_BELOW, Order, Traffic, at_peak
from ccpor_reporting.capacity.workload import Load

MARGIN = 1.35  # of the quoted time over the simulated one: docs/capacity-model.md
OVERLOAD = 0.97  # of the line's rate: beyond it orders come faster than they go
WARM_UP = 0.05  # of the orders, that still met an empty line
USUAL_RTT_MS = 40.0  # from a Californian court to the datacenter, where nobody measured
WINDOW_KB = 2000.0  # the most that one connection has under way; Linux and Windows tune up to it
HANDSHAKE_ROUND_TRIPS = 2  # TCP (RFC 9293 section 3.5), TLS 1.3 (RFC 8446 section 2)
REPLAY_LOW, REPLAY_HIGH = 0.7, 1.4  # beyond it the model lacks a limit of this line
LOWEST_MBIT, HIGHEST_MBIT = 0.01, 1_000_000.0
LEAST_RTT_MS = 0.1
MOST_AT_ONCE = 40.0  # orders under way that are simulated one by one
SEARCH_ORDERS, SEARCH_STEP = 1000, 1.02


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """What a line does to an order on its way.

    mbit: goodput that is left for the orders; at least so much where `is_lower_bound`.
    loss: share of the packets lost at random, 0 to 1, not those that a full queue drops.
    """

    mbit: float
    rtt_ms: float = USUAL_RTT_MS
    loss: float = 0.0
    is_lower_bound: bool = False
    handshake_round_trips: float = HANDSHAKE_ROUND_TRIPS
    window_kb: float = WINDOW_KB


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The time of an order at the peak, from its start to its receipt, in s.

    The times are None where the orders come faster than the line carries them (`keeps_up`).
    """

    p50_s: float | None
    p95_s: float | None
    at_most_s: float | None  # MARGIN × p95_s: what is quoted
    rho: float  # share of the line that the peak uses; 1 and more: it cannot
    keeps_up: bool

    def within(self, seconds: float) -> bool:
        """Say whether 95 of 100 orders arrive within *seconds*, the margin included."""
        return self.at_most_s is not None and self.at_most_s <= seconds


def line_of(sample: Sample) -> Line | None:
    """Return the line that *sample* found for orders, which go up; None: it did not say."""
    if sample.up_mbit is None or not sample.up_mbit > 0:
        return None
    return Line(
        mbit=sample.up_mbit,
        rtt_ms=USUAL_RTT_MS if sample.rtt_ms is None else sample.rtt_ms,
        loss=sample.loss_up or 0.0,
        is_lower_bound=sample.up_is_lower_bound,
    )


@lru_cache(maxsize=512)
def predict(load: Load, line: Line, *, seed: int = 1, orders: int = 2500) -> Prediction:
    """Return how long *load*'s orders take on *line* at the busiest quarter of an hour."""
    rho = load.need_mbit / max(line.mbit, LOWEST_MBIT)
    if rho >= OVERLOAD:
        return Prediction(p50_s=None, p95_s=None, at_most_s=None, rho=rho, keeps_up=False)
    load, line = _part(load, line)
    early = round(orders * WARM_UP)
    took = times(at_peak(load, orders + early, seed), _path(line))[early:]
    seconds = sorted(second for _number, second in took)
    p95 = nearest_rank(seconds, 0.95)
    return Prediction(
        p50_s=nearest_rank(seconds, 0.5),
        p95_s=p95,
        at_most_s=MARGIN * p95,
        rho=rho,
        keeps_up=True,
    )


def replay(line: Line, arrivals: Sequence[tuple[float, float]], *, seed: int = 1) -> list[float]:
    """Return the time in s of each of *arrivals* (second, bytes) on *line*, in their order."""
    import random

    dice = random.Random(seed)  # noqa: S311 - a simulation
    orders = [
        Order(at_s, number, size, 1.0 - dice.random())
        for number, (at_s, size) in enumerate(arrivals)
    ]
    took = times(Traffic(sorted(orders), total=len(orders)), _path(line))
    return [seconds for _number, seconds in sorted(took)]


def single_order_s(order_bytes: float, line: Line) -> float:
    """Return the median time in s of one order of exactly *order_bytes* on the idle line.

    The sooner the first loss the longer it takes, so that median luck gives the median time.
    """
    alone = Traffic([Order(0.0, 0, order_bytes, 0.5)], total=1)
    return times(alone, _path(line))[0][1]


def required_mbit(load: Load, line: Line, *, seed: int = 1) -> float | None:
    """Return the least goodput in Mbit/s at which *load*'s orders arrive in time on *line*.

    *line* gives the round trip, the loss and the window; its own rate does not matter. None: no
    rate is enough, since round trips or loss alone take too long.
    """

    def enough(mbit: float) -> bool:
        at_rate = msgspec.structs.replace(line, mbit=mbit)
        found = predict(load, at_rate, seed=seed, orders=SEARCH_ORDERS)
        return found.within(load.max_order_seconds_p95)

    if not enough(HIGHEST_MBIT):
        return None
    low = max(LOWEST_MBIT, load.need_mbit / OVERLOAD)
    high = max(low, load.required_mbit)
    while high < HIGHEST_MBIT and not enough(high):
        low, high = high, high * 2
    while high / low > SEARCH_STEP:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    limit = load.max_order_seconds_p95
    while not predict(load, msgspec.structs.replace(line, mbit=high), seed=seed).within(limit):
        high *= SEARCH_STEP  # what the quicker search found must hold for the full prediction
        if high > HIGHEST_MBIT:
            return None
    return high


def nearest_rank(ordered: Sequence[float], share: float) -> float:
    """Return the percentile of the sorted *ordered*, nearest rank (RFC 2330 section 11.3)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def _part(load: Load, line: Line) -> tuple[Load, Line]:
    """Return *load* and *line*, or an equal part of both where too many orders run at once.

    A part has less room to even out than the whole: the times err to the slow side, near the
    line's limit by up to a sixth.
    """
    at_once = load.peak_orders_per_s * single_order_s(load.order_bytes, line)
    if load.users < FINITE_BELOW or at_once <= MOST_AT_ONCE:
        return load, line
    part = MOST_AT_ONCE / at_once
    fewer = msgspec.structs.replace(load, orders_per_hour=load.orders_per_hour * part)
    return fewer, msgspec.structs.replace(line, mbit=line.mbit * part)


def _path(line: Line) -> Path:
    return Path(
        bytes_per_s=max(line.mbit, LOWEST_MBIT) * 1e6 / 8,
        rtt_s=max(line.rtt_ms, LEAST_RTT_MS) / 1000,
        loss=min(max(line.loss, 0.0), 0.99),
        window_bytes=line.window_kb * 1000,
        handshake_round_trips=line.handshake_round_trips,
    )
