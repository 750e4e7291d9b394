"""The verdict over several runs: what counts, what is missing, and what only seems to be known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ccpor_reporting.capacity.hours import HoursVerdict, judged
from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.capacity.workload import Load

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
LOAD = Load(users=15, pages_per_order=9, kb_per_page=60)  # 1.7 Mbit/s at 40 ms
GRAY = Load(kb_per_page=1000)
GOOD = 10.0
FIVE = ((0, 9.0), (0, 12.5), (0, 16.0), (1, 9.5), (1, 16.5))


def sample(day: int, hour: float, up: float | None = GOOD, **more: object) -> Sample:
    at = MONDAY + timedelta(days=day, hours=hour)
    return Sample(
        at=at,
        local_hour=hour,
        local_day=at.date().isoformat(),
        up_mbit=up,
        **{"rtt_ms": 40.0, "loss_up": 0.0, **more},
    )


def runs(*times: tuple[int, float], up: float = GOOD) -> list[Sample]:
    return [sample(day, hour, up) for day, hour in times]


def said(verdict: HoursVerdict) -> tuple[str, tuple[str, ...]]:
    return verdict.state, verdict.missing


def test_five_runs_on_two_court_days_in_all_bands_are_in_time() -> None:
    """What the checklist asks for, and nothing is missing."""
    verdict = judged(LOAD, runs(*FIVE))

    assert said(verdict) == ("in-time", ())
    assert (verdict.runs, verdict.days) == (5, 2)
    assert verdict.prediction is not None
    assert verdict.prediction.within(10)


@pytest.mark.parametrize(
    ("times", "missing"),
    [
        (
            [(0, 9)],
            "4 more runs in court hours: one between 12 and 13 h, one between 15 and 17 h, "
            "one on another court day",
        ),
        (
            [(0, 9), (0, 12), (0, 15)],
            "2 more runs in court hours: one on another court day",
        ),
        (
            [(0, 9), (0, 9.5), (0, 16)],
            "2 more runs in court hours: one between 12 and 13 h, one on another court day",
        ),
        (
            [(0, 9), (0, 9.5), (0, 16), (0, 16.5)],
            "1 more run in court hours: between 12 and 13 h, on another court day",
        ),
        ([(0, 9), (0, 12), (0, 15), (1, 9)], "1 more run in court hours"),
        (
            [(0, 9), (1, 9), (2, 9), (3, 9), (4, 9), (4, 11)],
            "2 more runs in court hours: one between 12 and 13 h, one between 15 and 17 h",
        ),
        (
            [(0, 9), (0, 9.1), (0, 9.2), (0, 9.3)],
            "2 more runs in court hours: one between 12 and 13 h, one between 15 and 17 h, "
            "one of them on another court day",
        ),
    ],
    ids=str,
)
def test_what_is_missing_is_said_in_words(times: list[tuple[int, float]], missing: str) -> None:
    """A person reads it and sets the schedule."""
    assert said(judged(LOAD, runs(*times))) == ("not-yet", (missing,))


def test_without_any_run_that_counts_everything_is_missing() -> None:
    """At night nobody knows how the line is by day."""
    night = judged(LOAD, runs((0, 3), (0, 22)))

    assert night.state == "not-yet"
    assert night.worst is None
    assert night.missing[0].startswith("5 more runs in court hours: one between 8 and 10 h")
    assert night.missing[0].endswith("one on a second court day")
    assert judged(LOAD, []).state == "not-yet"


def test_one_court_hour_that_is_too_slow_is_a_verdict_at_once() -> None:
    """Whoever stands at the counter then waits, however good the other hours are."""
    verdict = judged(LOAD, [*runs(*FIVE), sample(2, 12.2, 1.0)])

    assert verdict.state == "too-slow"
    assert verdict.worst is not None
    assert verdict.worst.up_mbit == 1.0
    assert verdict.helps is not None
    assert "Mbit/s would do" in verdict.helps


def test_gray_scans_on_a_slow_line_are_told_to_scan_in_black_and_white() -> None:
    """The classic mistake has its own words, with the time that it would take instead."""
    verdict = judged(GRAY, [sample(0, 9, 1.5)])

    assert verdict.state == "too-slow"
    assert verdict.helps is not None
    assert "12-page gray or colour order takes up to" in verdict.helps
    assert "; scan in black and white: 5." in verdict.helps


def test_the_worst_hour_decides_not_the_mean() -> None:
    """Four hours at 100 Mbit/s do not help the fifth."""
    verdict = judged(LOAD, [*runs(*FIVE[:4], up=100.0), sample(1, 16.5, 2.5)])

    assert verdict.state == "in-time"
    assert verdict.worst is not None
    assert verdict.worst.up_mbit == 2.5


@pytest.mark.parametrize("ratio", [0.5, 2.0])
def test_orders_that_the_model_cannot_explain_leave_it_open(ratio: float) -> None:
    """Then something limits this line that nobody measured."""
    verdict = judged(LOAD, [*runs(*FIVE), sample(2, 9, replay_ratio=ratio)])

    assert verdict.state == "inconclusive"
    assert verdict.doubt is not None
    assert f"{ratio:.2g} times" in verdict.doubt


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.4])
def test_orders_that_fit_the_model_count(ratio: float) -> None:
    """The bounds themselves are still within."""
    assert judged(LOAD, [*runs(*FIVE), sample(2, 9, replay_ratio=ratio)]).state == "in-time"


def test_at_least_a_rate_that_does_is_in_time() -> None:
    """A line that was never filled carries what it carried."""
    found = [
        sample(day, hour, GOOD, up_is_lower_bound=True)  # as a planned test leaves it
        for day, hour in FIVE
    ]

    assert judged(LOAD, found).state == "in-time"


def test_at_least_a_rate_that_would_not_do_says_nothing() -> None:
    """Nobody knows how much more the line carries: never "too slow", never "in time"."""
    verdict = judged(GRAY, [*runs(*FIVE, up=50.0), sample(2, 9, 2.0, up_is_lower_bound=True)])

    assert verdict.state == "inconclusive"
    assert verdict.doubt is not None
    assert "at least 2 Mbit/s" in verdict.doubt


def test_an_old_doubtful_run_does_not_count_and_does_not_block() -> None:
    """A proxy that was repaired since is no reason to wait for two weeks."""
    doubtful = sample(0, 10.5, replay_ratio=3.0)

    verdict = judged(LOAD, [doubtful, *runs(*FIVE)])

    assert said(verdict) == ("in-time", ())
    assert verdict.runs == 5


@pytest.mark.parametrize(
    "other",
    [
        sample(-2, 9, 0.5),  # Saturday
        sample(0, 7.9, 0.5),
        sample(0, 17.0, 0.5),
        sample(0, 9, None),
        sample(0, 9, 0.0),
        sample(0, 9, -1.0),
        sample(-28, 9, 0.5),
        sample(7, 9, 0.5),  # later than the run of now
        Sample(at=MONDAY, local_hour=9, local_day="a Monday", up_mbit=0.5),
    ],
    ids=["weekend", "before", "after", "no rate", "zero", "negative", "old", "future", "no day"],
)
def test_what_does_not_tell_of_a_court_hour_does_not_count(other: Sample) -> None:
    """Nights, weekends, failed runs, old runs and clocks that were wrong."""
    assert said(judged(LOAD, [other, *runs(*FIVE)])) == ("in-time", ())


def test_the_same_run_twice_is_one_run() -> None:
    """A history that was written twice proves no more."""
    found = runs((0, 9), (0, 12.5), (0, 16), (1, 9))

    assert judged(LOAD, [*found, found[-1]]).runs == 4


def test_a_sample_without_latency_and_loss_is_judged_by_the_usual_ones() -> None:
    """The echo may be blocked where the upload passes."""
    bare = [sample(day, hour, rtt_ms=None, loss_up=None) for day, hour in FIVE]

    assert judged(LOAD, bare).state == "in-time"
