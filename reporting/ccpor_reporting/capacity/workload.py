"""What a court will send at its busiest, and the rate that this asks of its line.

Where nobody said otherwise: 12 orders an hour and user, 12 pages of 52 kB (a black-and-white page
at 300 dpi), within 10 s. `peak_share` is the share of a day's orders that falls into its busiest
hour; a court day has 8 hours, so a share of 0.25 is twice the mean hour. Within that hour the
busiest quarter carries a little more: `QUARTER_OVER_HOUR`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

COURT_DAY_HOURS = 8.0
QUARTER_OVER_HOUR = 1.25  # with a peak share of 0.25: 2.5 times the mean, as planned by the AOC
MARGIN = 1.5  # of what is required over what is needed at the peak
FLOOR_MBIT = 1.5  # no court plans for less: one order of 624 kB then takes about 3 s
# What one order in time asks for, beside the others: processor sharing gives it a share of what
# they leave, and its 95th percentile with the model's margin takes 2.8 times the mean alone.
# Compared with the model itself in tests/reporting/capacity/test_model.py.
ORDER_SHARE = 2.8
WIRE_OVER_PAYLOAD = 1.04 * 1.01  # TCP/IP headers; TLS and HTTP framing


class Workload(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[workload]``: what the court does at its busiest; None: nobody said, the usual is taken."""

    users: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    orders_per_hour: Annotated[float, Meta(gt=0, le=100_000)] | None = None  # of each user
    peak_share: Annotated[float, Meta(gt=0, le=1)] | None = None
    pages_per_order: Annotated[float, Meta(gt=0, le=10_000)] | None = None
    kb_per_page: Annotated[float, Meta(gt=0, le=100_000)] | None = None
    max_order_seconds_p95: Annotated[float, Meta(gt=0, le=86_400)] | None = None


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """A workload with every gap filled: what the model works on."""

    users: int = 1
    orders_per_hour: float = 12.0
    peak_share: float = 0.25
    pages_per_order: float = 12.0
    kb_per_page: float = 52.0  # 1 kB = 1000 bytes
    max_order_seconds_p95: float = 10.0

    @property
    def order_bytes(self) -> float:
        return self.pages_per_order * self.kb_per_page * 1000

    @property
    def peak_orders_per_s(self) -> float:
        """Return the orders of the whole site in a second of the busiest quarter of an hour."""
        peak = self.peak_share * COURT_DAY_HOURS * QUARTER_OVER_HOUR
        return self.users * self.orders_per_hour * peak / 3600

    @property
    def need_mbit(self) -> float:
        """Return the payload in Mbit/s that the busiest quarter of an hour offers on average."""
        return self.peak_orders_per_s * self.order_bytes * 8 / 1e6

    @property
    def required_mbit(self) -> float:
        """Return the goodput in Mbit/s that the line must show.

        The most of: the floor, the need with its margin, and what lets one order arrive in time
        beside the others. Before anyone knows the line's latency and loss; with them see
        `model.required_mbit`.
        """
        one_order = self.order_bytes * 8 / 1e6 / self.max_order_seconds_p95
        beside = self.need_mbit + ORDER_SHARE * one_order
        return max(FLOOR_MBIT, MARGIN * self.need_mbit, beside)

    @property
    def streams(self) -> int:
        """Return how many orders are under way at once at the peak, 1 to 12, for the test."""
        seconds = min(self.max_order_seconds_p95, 10.0)
        return max(1, min(12, self.users, round(self.peak_orders_per_s * seconds + 1)))


def filled(workload: Workload | None) -> Load:
    """Return *workload* with the usual values where it says nothing."""
    given = {} if workload is None else msgspec.structs.asdict(workload)
    return Load(**{key: value for key, value in given.items() if value is not None})
