"""A few synthetic orders: their size, their time against the model, and what ends them."""

from __future__ import annotations

import pytest

from ccpor_checks.capacity.replay import EACH_S, line_of, replay, size_of
from ccpor_checks.capacity.schedule import REPLAYED_ORDERS
from ccpor_reporting.capacity.model import Line, single_order_s
from tests.checks.capacity.office import Office
from tests.checks.capacity.seen import GRAY, OFFICE, delay, options, transfer

FAST = Line(mbit=1000.0, rtt_ms=1.0)


def test_orders_have_the_workloads_true_size() -> None:
    """A smaller one would meet slow start only."""
    assert size_of(options(workload=OFFICE), FAST, 50.0) == 540_000


def test_bytes_and_time_cap_an_order() -> None:
    """Three gray orders on a small line would take the whole turn."""
    gray = options(workload=GRAY)
    slow = Line(mbit=1.0, rtt_ms=40.0)

    assert size_of(gray, FAST, 3.0) == 1_000_000
    assert single_order_s(size_of(gray, slow, 50.0), slow) <= EACH_S / 2


def test_the_model_is_asked_about_the_line_just_measured() -> None:
    """With its own round trip and loss."""
    found = line_of(transfer(limited_by="loss"), delay(), 0.01)

    assert (found.mbit, found.rtt_ms, found.loss, found.is_lower_bound) == (10.8, 41.0, 0.01, False)


def test_three_orders_arrive_and_are_compared(office: Office) -> None:
    """Over a connection of its own each, counted whole by the collector."""
    ctx = office.context()
    with office.turn(ctx) as turn:
        found = replay(turn, options(workload=OFFICE), FAST, 50.0, ctx)

    assert found is not None
    assert len(found.seconds) == REPLAYED_ORDERS
    middle = sorted(found.seconds)[1]
    assert found.ratio == pytest.approx(middle / found.predicted_s, rel=0.02)


def test_orders_that_nobody_takes_are_none(office: Office) -> None:
    """The turn is over: nothing arrives, and nothing is claimed."""
    ctx = office.context()
    with office.turn(ctx) as turn:
        pass

    assert replay(turn, options(workload=OFFICE), FAST, 50.0, ctx) is None
