"""Moments of runs: random, in court hours, and in every band of every court day."""

from __future__ import annotations

import itertools
import random
import statistics
from datetime import datetime, timedelta

import pytest

from ccpor_agent.schedule.gaps import LEAST, next_run
from ccpor_reporting.capacity.hours import BANDS, CLOSES, OPENS

MONDAY = datetime(2026, 11, 23, 7, 30)


def moments(seed: int, weeks: int, mean_hours: float = 4.5) -> list[datetime]:
    dice, now = random.Random(seed), MONDAY
    found = []
    while now < MONDAY + timedelta(weeks=weeks):
        now = next_run(now, dice, mean_hours)
        found.append(now)
    return found


def hour(at: datetime) -> float:
    return at.hour + at.minute / 60 + at.second / 3600


@pytest.mark.parametrize("mean_hours", [0.6, 4.5, 45.0])
def test_every_run_lies_in_court_hours(mean_hours: float) -> None:
    found = moments(1, 4, mean_hours)

    assert all(OPENS <= hour(at) < CLOSES for at in found)
    assert all(at.weekday() < 5 for at in found)


@pytest.mark.parametrize("seed", range(5))
def test_every_band_of_every_court_day_gets_a_run(seed: int) -> None:
    """Two days then suffice for a verdict, however the dice fall."""
    found = moments(seed, 3)
    days = {at.date() for at in found if at < MONDAY + timedelta(weeks=2)}

    assert len(days) == 10
    for day in days:
        for start, end in BANDS:
            assert any(at.date() == day and start <= hour(at) < end for at in found), (day, start)


def test_two_runs_keep_their_distance() -> None:
    found = moments(2, 8, 0.6)

    assert min(b - a for a, b in itertools.pairwise(found)) >= LEAST


def test_the_moments_are_spread_not_fixed() -> None:
    """The same minute each day would meet the same backup job each day."""
    first = [at for at in moments(3, 30) if BANDS[1][0] <= hour(at) < BANDS[1][1]]
    minutes = [at.minute for at in first]

    assert len(first) > 100
    assert 22 < statistics.mean(minutes) < 38
    assert statistics.pstdev(minutes) > 12


def test_there_are_about_four_runs_a_day() -> None:
    per_day = len(moments(4, 20)) / 100

    assert 3.5 <= per_day <= 4.8
