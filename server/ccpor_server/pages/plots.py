"""Plots on pages: drawn by `ccpor_reporting.render`, already escaped, in our classes only."""

from __future__ import annotations

from markupsafe import Markup

from ccpor_reporting.capacity.planner import Plan
from ccpor_reporting.capacity.reading import Delay, Seen, Transfer
from ccpor_reporting.render.capacity_plots import Rates, course_plot, rates_plot, waiting_plot


def course(one: Transfer, idle: Delay | None) -> Markup:
    """Return rate and round trip over time; empty where the report holds no course."""
    return Markup(course_plot(one, idle))  # noqa: S704 - numbers and escaped words


def waiting(seen: Seen) -> Markup:
    """Return idle and loaded round trips; empty where there are not two to compare."""
    return Markup(waiting_plot(seen))  # noqa: S704 - numbers and escaped words


def rates(plan: Plan) -> Markup:
    """Return the seconds of an order over the rate of the line; empty where no rate does."""
    drawn = rates_plot(
        Rates(
            points=[(one.mbit, one.at_most_s) for one in plan.series],
            limit_s=plan.load.max_order_seconds_p95,
            own_mbit=plan.line.mbit if plan.rate_given else None,
            own_s=plan.prediction.at_most_s,
            needed_mbit=plan.required_mbit,
        )
    )
    return Markup(drawn)  # noqa: S704 - numbers and escaped words
