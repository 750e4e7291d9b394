"""The orders of a busy quarter of an hour, drawn at random from a seed.

Orders come independently of each other (Poisson). Below `FINITE_BELOW` users, who together have
few orders under way, each user's next one waits until the one before has arrived (a finite
source). The same seed gives the same orders at the same times whatever the line is, so that two
lines are compared on equal terms.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from heapq import heapify

from ccpor_reporting.capacity.workload import Load

FINITE_BELOW = 20
PAGE_CV = 0.5  # standard deviation over mean of one page's bytes, log-normal
MOST_PAGES_DRAWN = 30  # beyond it the sum is drawn as one log-normal of the same mean and CV


@dataclass(frozen=True, slots=True, order=True)
class Order:
    """One order as it comes: when, its bytes, and the luck that it has with random loss."""

    at_s: float
    number: int
    size: float = field(compare=False)
    luck: float = field(compare=False)  # uniform in (0, 1]: how far it gets before the first loss


@dataclass(slots=True)
class Traffic:
    """The orders that are known already, as a heap, and what follows when one has arrived."""

    known: list[Order]
    total: int
    users: list[User] = field(default_factory=list)  # of a finite source

    def after(self, order: Order, done_s: float) -> Order | None:
        """Return the next order of whoever sent *order*; None from an independent source."""
        if not self.users:
            return None
        user = self.users[order.number % len(self.users)]
        return user.next_order(order.number + len(self.users), done_s)


@dataclass(slots=True)
class User:
    """One user of a finite source, with dice of its own: what others do changes nothing for it."""

    load: Load
    dice: random.Random
    due_s: float = 0.0

    def next_order(self, number: int, free_s: float) -> Order:
        """Return the next order: when it is due, or at *free_s* where that is later."""
        self.due_s += self.dice.expovariate(self.load.peak_orders_per_s / self.load.users)
        size, luck = order_bytes(self.dice, self.load), 1.0 - self.dice.random()
        return Order(max(self.due_s, free_s), number, size, luck)


def at_peak(load: Load, orders: int, seed: int) -> Traffic:
    """Return at least *orders* orders of *load*'s busiest quarter of an hour."""
    if load.users < FINITE_BELOW:
        return _finite(load, orders, seed)
    dice = random.Random(seed)  # noqa: S311 - a simulation, no secret
    now, known = 0.0, []
    for number in range(orders):
        now += dice.expovariate(load.peak_orders_per_s)
        known.append(Order(now, number, order_bytes(dice, load), 1.0 - dice.random()))
    return Traffic(known, orders)


def _finite(load: Load, orders: int, seed: int) -> Traffic:
    users = [
        User(load, random.Random(f"{seed}/{number}"))  # noqa: S311
        for number in range(load.users)
    ]
    known = [user.next_order(number, 0.0) for number, user in enumerate(users[:orders])]
    heapify(known)
    return Traffic(known, orders, users)


def order_bytes(dice: random.Random, load: Load) -> float:
    """Return the bytes of one order: the sum of its log-normal pages."""
    pages = max(1, round(load.pages_per_order))
    mean, cv = load.order_bytes / pages, PAGE_CV
    if pages > MOST_PAGES_DRAWN:
        mean, cv, pages = load.order_bytes, PAGE_CV / math.sqrt(pages), 1
    spread = math.log(1 + cv * cv)
    mu, sigma = math.log(mean) - spread / 2, math.sqrt(spread)
    return sum(dice.lognormvariate(mu, sigma) for _ in range(pages))
