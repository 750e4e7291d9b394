"""The settings that the model is held against: chosen by a seed before anything was measured.

`BUILD`: some of the settings that the model was made with; it may be tuned on these. `hold_out(round)`: settings
that nothing was ever tuned on. Where a hold-out made the model change, it joins the build set and the next round
is drawn.
"""

from __future__ import annotations

import math
import random
from dataclasses import asdict, dataclass

from tests.lab.shaped import GOODPUT

HOLD_OUT = 30
TUNED_ON = (1, 2)  # rounds that made the model change: they count no more
QUEUE_MS = 100  # tail-drop, each way
LEAST, MOST = 100, 250  # orders of one setting
USUAL_S, LONGEST_S = 110.0, 240.0
PAGE_CV = 0.5  # standard deviation over mean of a page's bytes, log-normal


@dataclass(frozen=True)
class Setting:
    """One line and what is sent on it."""

    name: str  # "hold-out 1/07"
    mbit: float
    rtt_ms: float
    loss_pct: float  # each way
    rho: float  # share of the line's goodput that the orders ask for
    pages: int
    kb: float  # of a page

    @property
    def is_held_out(self) -> bool:
        """Say whether nothing was ever tuned on it."""
        kind, _, number = self.name.partition("/")[0].partition(" ")
        return kind == "hold-out" and int(number) not in TUNED_ON

    @property
    def truth_mbit(self) -> float:
        return self.mbit * GOODPUT

    @property
    def orders_per_s(self) -> float:
        return self.rho * self.truth_mbit * 1e6 / 8 / (self.pages * self.kb * 1000)

    @property
    def orders(self) -> int:
        return max(LEAST, min(MOST, int(self.orders_per_s * USUAL_S)))

    @property
    def seconds(self) -> float:
        """Return how long the orders take to come, about."""
        return self.orders / self.orders_per_s

    def arrivals(self) -> list[tuple[float, int]]:
        """Return (second, bytes) of each order: Poisson, a sum of log-normal pages."""
        dice = random.Random(f"arrivals {self.name}")
        spread = math.log(1 + PAGE_CV**2)
        mu, sigma = math.log(self.kb * 1000) - spread / 2, math.sqrt(spread)
        now, come = 0.0, []
        for _ in range(self.orders):
            now += dice.expovariate(self.orders_per_s)
            size = sum(dice.lognormvariate(mu, sigma) for _ in range(self.pages))
            come.append((round(now, 3), int(size)))
        return come

    def as_dict(self) -> dict[str, str | float]:
        return asdict(self)


def hold_out(number: int) -> list[Setting]:
    """Return the settings of the *number*-th round: spread evenly over what courts may have.

    One in each of 30 equal steps of rate, delay, load and page size (a Latin square), so that no corner is
    left to chance; half of them lose packets. Settings where 100 orders would take over 4 minutes to come
    get smaller pages.
    """
    dice = random.Random(f"hold-out {number}")

    def steps() -> list[float]:
        return dice.sample([(n + 0.5) / HOLD_OUT for n in range(HOLD_OUT)], HOLD_OUT)

    chosen = []
    columns = zip(steps(), steps(), steps(), steps(), steps(), strict=True)
    for number_in, (rate, rtt, loss, rho, kb) in enumerate(columns, 1):
        one = Setting(
            name=f"hold-out {number}/{number_in:02}",
            mbit=_between(2, 100, rate),
            rtt_ms=_between(10, 150, rtt),
            loss_pct=0.0 if loss < 0.5 else _between(0.05, 1, 2 * loss - 1),
            rho=round(0.2 + 0.6 * rho, 2),
            pages=dice.randint(9, 12),
            kb=_between(30, 300, kb),
        )
        if one.seconds > LONGEST_S:
            fits = max(30.0, math.floor(one.kb * LONGEST_S / one.seconds))
            one = Setting(**{**asdict(one), "kb": fits})
        if one.seconds > LONGEST_S:
            fits_rho = round(min(0.8, one.rho * one.seconds / LONGEST_S), 2)
            one = Setting(**{**asdict(one), "rho": fits_rho})
        chosen.append(one)
    return chosen


def _between(low: float, high: float, share: float) -> float:
    """Return a number of two digits, evenly on a scale of ratios."""
    return float(f"{low * (high / low) ** share:.2g}")


BUILD = [
    Setting(f"build/{number:02}", *values)
    for number, values in enumerate(
        (
            (40, 40, 0, 0.3, 9, 100),
            (40, 40, 0, 0.8, 9, 100),
            (40, 40, 0.5, 0.3, 9, 100),
            (10, 100, 0, 0.6, 9, 30),
            (10, 40, 1, 0.5, 9, 30),
            (20, 5, 0, 0.7, 9, 60),
            (20, 20, 0, 0.7, 9, 60),
            (5, 60, 0.2, 0.5, 9, 30),
            (100, 10, 0, 0.5, 9, 300),
            (20, 80, 1, 0.3, 9, 60),
            (20, 40, 0, 0.5, 9, 60),
            (50, 40, 0.1, 0.6, 9, 200),
        ),
        1,
    )
]


def called(name: str) -> list[Setting]:
    """Return the settings of "build" or "hold-out N"."""
    return BUILD if name == "build" else hold_out(int(name.removeprefix("hold-out ")))
