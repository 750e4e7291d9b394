"""What today's model says of each point that was measured, and whether it is good enough."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import fmean, median

from ccpor_reporting.capacity.model import MARGIN, Line, replay
from tests.lab.model.points import Point, percentile

LOW, HIGH = 0.75, 1.3  # of predicted over measured
WITHIN_AT_LEAST, BOUND_AT_LEAST, SETTINGS_AT_LEAST = 0.90, 0.95, 25
SEEDS = range(1, 8)  # luck with loss is the simulation's own
RESAMPLES = 400


@dataclass(frozen=True)
class Judged:
    """One point beside its prediction. Times in s."""

    point: Point
    p50: float
    p95: float
    p95_low: float  # bootstrap, 95 %
    p95_high: float
    predicted_p50: float
    predicted_p95: float

    @property
    def ratio(self) -> float:
        return self.predicted_p95 / self.p95

    @property
    def within(self) -> bool:
        return LOW <= self.ratio <= HIGH

    @property
    def holds(self) -> bool:
        """Say whether the time that is quoted to people is at least the measured one."""
        return MARGIN * self.predicted_p95 >= self.p95


@dataclass(frozen=True)
class Outcome:
    """How true the model is over some points."""

    settings: int
    within: float  # share of ratios in LOW to HIGH
    holds: float  # share of points at which the quoted time is no less than the measured
    lowest: float
    middle: float
    highest: float

    @property
    def good_enough(self) -> bool:
        return (
            self.settings >= SETTINGS_AT_LEAST
            and self.within >= WITHIN_AT_LEAST
            and self.holds >= BOUND_AT_LEAST
        )


def judged(point: Point) -> Judged:
    """Return *point* beside what the model predicts for the same orders on the same line."""
    took = sorted(order[2] for order in point.orders)
    arrivals = [(at, size) for at, size, _ in point.orders]
    line = Line(
        mbit=point.setting.truth_mbit,
        rtt_ms=point.setting.rtt_ms,
        loss=point.setting.loss_pct / 100,
    )
    seeds = SEEDS if line.loss else SEEDS[:1]
    runs = [sorted(replay(line, arrivals, seed=seed)) for seed in seeds]
    low, high = _bootstrap(took)
    return Judged(
        point=point,
        p50=percentile(took, 0.5),
        p95=percentile(took, 0.95),
        p95_low=low,
        p95_high=high,
        predicted_p50=fmean(percentile(run, 0.5) for run in runs),
        predicted_p95=fmean(percentile(run, 0.95) for run in runs),
    )


def outcome(each: list[Judged]) -> Outcome:
    ratios = [one.ratio for one in each]
    return Outcome(
        settings=len(each),
        within=fmean(one.within for one in each),
        holds=fmean(one.holds for one in each),
        lowest=min(ratios),
        middle=median(ratios),
        highest=max(ratios),
    )


def _bootstrap(took: list[float]) -> tuple[float, float]:
    """Return the interval of 95 % of the 95th percentile, by drawing the orders again and again."""
    dice = random.Random(1)
    drawn = sorted(
        percentile(sorted(dice.choices(took, k=len(took))), 0.95) for _ in range(RESAMPLES)
    )
    edge = RESAMPLES // 40
    return drawn[edge], drawn[-1 - edge]
