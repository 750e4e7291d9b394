"""The estimators, on arrivals that are made up and whose truth is known."""

from __future__ import annotations

import math
import random

import pytest

from ccpor_checks.capacity.estimate import (
    LEAST_BLOCKS,
    Arrivals,
    Point,
    block_ms,
    estimate,
    limited_by,
    past_loan,
    past_ramp,
    since_begun,
    t_quantile,
)
from ccpor_checks.capacity.planned import Judge
from ccpor_checks.capacity.saturated import LADDER, Ladder

TICK = 50.0


def arrivals(rates: list[tuple[float, float]], *, noise: float = 0.0, seed: int = 1) -> Arrivals:
    """Return what arrives at (seconds, Mbit/s) one after the other, told each 50 ms."""
    dice = random.Random(seed)
    points, ms, count = [Point(0.0, 0)], 0.0, 0.0
    for seconds, mbit in rates:
        for _ in range(round(seconds * 1000 / TICK)):
            ms += TICK
            count += mbit * 1000 / 8 * TICK * max(0.0, dice.gauss(1.0, noise))
            points.append(Point(ms, round(count)))
    return Arrivals(points)


def test_a_steady_rate_is_told_exactly() -> None:
    """The point of all: 8 Mbit/s for 4 s is 8 Mbit/s, and the interval is a hair."""
    found = estimate(arrivals([(4, 8.0)]), 0.0, 40)

    assert found is not None
    assert found.mbit == pytest.approx(8.0, rel=1e-3)
    assert found.low == pytest.approx(8.0, rel=2e-3)
    assert found.high == pytest.approx(8.0, rel=2e-3)
    assert found.seconds == pytest.approx(4.0, abs=0.06)


def test_blocks_are_never_shorter_than_two_round_trips() -> None:
    """What one round trip does decides the next one: shorter blocks would not be independent."""
    lengths = {rtt: block_ms(rtt) for rtt in (5, 125, 200)}
    found = estimate(arrivals([(3, 8.0)]), 0.0, 200)

    assert lengths == {5: 250.0, 125: 250.0, 200: 400.0}
    assert found is not None
    assert found.blocks == 7


@pytest.mark.parametrize("truth", [1.5, 1000.0])
def test_the_interval_holds_the_truth(truth: float) -> None:
    """95 of 100, by its own words; 90 of 100 here leaves room for chance, and 60 would not pass."""
    held = 0
    for seed in range(100):
        found = estimate(arrivals([(4, truth)], noise=0.3, seed=seed), 0.0, 40)
        assert found is not None
        assert found.low <= found.mbit <= found.high
        held += found.low <= truth <= found.high

    assert held >= 90


def test_a_stall_moves_the_low_end_and_not_the_point() -> None:
    """Half a second of nothing in four is not a slower line, but no steady one either."""
    smooth = estimate(arrivals([(4, 10.0)]), 0.0, 40)
    stalled = estimate(arrivals([(1.5, 10.0), (0.5, 0.0), (3, 10.0)]), 0.0, 40)

    assert smooth is not None
    assert stalled is not None
    assert stalled.mbit == pytest.approx(10.0, rel=0.02)
    assert stalled.low < 0.9 * smooth.low


def test_a_silence_at_the_end_counts_as_one() -> None:
    """A line that went dead must not be told by what it did before."""
    points = [Point(k * TICK, int(k * 62_500)) for k in range(41)]
    dead = [Point(2000 + k * TICK, 40 * 62_500) for k in range(1, 41)]

    alive, silent = Arrivals(points), Arrivals([*points, *dead])

    assert alive.last_ms == 2000
    assert silent.last_ms == 4000
    assert silent.mbit(2000, 4000) == pytest.approx(0.0, abs=0.01)


def test_the_ramp_is_left_out() -> None:
    """Slow start is no line of 5 Mbit/s."""
    seen = arrivals([(0.2, 1), (0.2, 4), (0.2, 9), (0.4, 16), (2.5, 20.0)])
    start = past_ramp(seen, 0.0, 40)
    found = estimate(seen, start, 40)

    assert 500 <= start <= 1100
    assert found is not None
    assert found.mbit == pytest.approx(20.0, rel=0.01)


def test_the_burst_of_a_token_bucket_is_left_out() -> None:
    """A lent second at ten times the rate is not what the line carries."""
    seen = arrivals([(0.8, 100.0), (2.5, 10.0)])
    start = past_ramp(seen, 0.0, 40)
    found = estimate(seen, start, 40)

    assert 700 <= start <= 1000
    assert found is not None
    assert found.mbit == pytest.approx(10.0, rel=0.02)


def test_connections_that_took_long_are_no_part_of_the_test() -> None:
    """Twelve handshakes on a lossy line last a second, in which nothing is sent."""
    points = [Point(-900.0, 0), Point(-20.0, 0), Point(50.0, 62_500), Point(100.0, 125_000)]
    seen = Arrivals(since_begun(points))

    assert seen.first_ms == 0.0
    assert seen.mbit(0.0, 100.0) == pytest.approx(10.0)
    assert since_begun([]) == []
    assert since_begun(points[2:]) == points[2:]


def test_a_loan_is_over_where_the_rate_steps_down() -> None:
    """A bucket of a second's rate, asked for half as much again, lasts two seconds."""
    seen = arrivals([(1.9, 15.0), (2.4, 10.0)], noise=0.3)
    start = past_loan(seen, 500.0, 1500.0)
    found = estimate(seen, start, 40)

    assert 1700 <= start <= 2100
    assert found is not None
    assert found.mbit == pytest.approx(10.0, rel=0.1)
    assert found.high < 12.0


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_no_loan(seed: int) -> None:
    """What is cut off for no reason is evidence lost, and the rest is the lower half of chance."""
    assert past_loan(arrivals([(4.5, 10.0)], noise=0.3, seed=seed), 500.0, 1500.0) == 500.0


@pytest.mark.parametrize("rates", [[(1.9, 10.0)], [(3.5, 15.0), (1.0, 10.0)], []])
def test_what_is_left_after_a_loan_suffices_for_an_interval(
    rates: list[tuple[float, float]],
) -> None:
    seen = arrivals(rates)

    assert seen.last_ms - past_loan(seen, 500.0, 1500.0) >= min(1400.0, seen.last_ms - 500.0)


def test_records_that_come_whole_do_not_look_like_stalls() -> None:
    """TLS hands over 16 kB at once: at 1.5 Mbit/s that is one each 87 ms."""
    each = 16384 * 8 / 1.5 / 1000
    points, at = [Point(0.0, 0)], 0.0
    for k in range(1, 1000):
        at = k * TICK
        points.append(Point(at, int(at / each) * 16384))
        if at > 4000:
            break
    found = estimate(Arrivals(points), 500, 40)

    assert found is not None
    assert found.mbit == pytest.approx(1.5, rel=0.03)
    assert found.half_share < 0.05


def test_too_little_to_tell_is_told_as_that() -> None:
    """Unknown never becomes a rate; one block alone has no lower end."""
    nothing = estimate(Arrivals([]), 0.0, 40)
    one_block = estimate(arrivals([(0.4, 8.0)]), 0.0, 40)

    assert nothing is None
    assert one_block is not None
    assert (one_block.blocks, one_block.low) == (1, 0.0)


@pytest.mark.parametrize(
    ("degrees", "expected"), [(1, 12.706), (5, 2.571), (11, 2.228), (29, 2.086), (10_000, 1.980)]
)
def test_the_quantile_is_never_too_narrow(degrees: int, expected: float) -> None:
    """Between two entries of the table the wider one stands."""
    assert t_quantile(degrees) == expected
    assert t_quantile(0) == math.inf


@pytest.mark.parametrize(
    ("idle", "loaded", "again", "expected"),
    [
        (5.0, 14.9, None, "none"),
        (5.0, 15.1, None, "queue"),
        (80.0, 99.9, 0.1, "none"),
        (80.0, 100.1, 0.1, "queue"),
        (200.0, 224.0, 0.1, "none"),
        (200.0, 226.0, 5.0, "queue"),
        (40.0, 41.0, 0.3, "loss"),
        (40.0, 41.0, None, "none"),
        (None, None, 0.0, "none"),
    ],
)
def test_what_held_it_back_needs_evidence(
    idle: float | None, loaded: float | None, again: float | None, expected: str
) -> None:
    """Without a queue or losses nobody knows how much more the line carries."""
    assert limited_by(idle, loaded, again) == expected


class TestJudge:
    """When a planned test has its answer."""

    def test_nothing_is_decided_from_the_ramp(self) -> None:
        judge = Judge(8.0, 40)

        assert not judge.is_answered(arrivals([(1.4, 10.0)]), 1400, 0.0)

    def test_enough_is_answered_before_the_full_time(self) -> None:
        judge = Judge(8.0, 40)

        assert not judge.is_answered(arrivals([(2.5, 10.0)]), 2500, 0.0)
        assert judge.is_answered(arrivals([(3.7, 10.0)]), 3700, 0.0)

    def test_barely_enough_takes_the_full_time(self) -> None:
        """8.5 where 8 are needed and 10 were offered: too near to stop early."""
        judge = Judge(8.0, 40)
        seen = arrivals([(4.4, 8.5)])

        assert not judge.is_answered(seen, 4300, 0.0)
        assert judge.is_answered(seen, 4600, 0.0)

    def test_a_full_queue_and_too_little_end_it_at_once(self) -> None:
        """Whoever shares the line has suffered enough for the answer."""
        judge = Judge(8.0, 40)

        assert judge.is_answered(arrivals([(1.7, 5.0)]), 1700, 110.0)
        assert not judge.is_answered(arrivals([(1.7, 5.0)]), 1700, 20.0)

    def test_a_full_queue_ends_it_soon_even_where_the_rate_jumps(self) -> None:
        """Four blocks of a jumping rate hold everything; two seconds more would not help others."""
        judge = Judge(8.0, 40)
        jumping = [(0.5, 5.0), *[(0.25, 2.0), (0.25, 9.0)] * 5]

        assert not judge.is_answered(arrivals(jumping[:5]), 1700, 110.0)
        assert judge.is_answered(arrivals(jumping[:10]), 2600, 110.0)

    @pytest.mark.parametrize("rtt", [5, 40, 100, 200])
    def test_an_answer_takes_five_seconds_at_most(self, rtt: float) -> None:
        judge = Judge(8.0, rtt)

        assert judge.ramp_ms + judge.measured_ms <= 5000
        assert judge.measured_ms >= LEAST_BLOCKS * block_ms(rtt)


class TestLadder:
    """When more flows begin, and when they do not."""

    def test_a_full_line_gets_two_flows(self) -> None:
        ladder = Ladder(40)

        assert ladder.climb(arrivals([(0.5, 10.0)]), 510, is_queued=True)
        assert ladder.flows == 2
        assert not ladder.climb(arrivals([(1.1, 10.0)]), 1020, is_queued=True)
        assert ladder.steady_ms is not None
        assert ladder.single == pytest.approx(10.0, rel=0.01)

    def test_flows_are_added_while_they_bring_more(self) -> None:
        """Under loss each flow brings its own share: two flows are no answer."""
        ladder, seen, at = Ladder(40), [], 0.0
        while ladder.steady_ms is None and at < 10_000:
            seen.append((ladder.step_ms / 1000, 1.0 * ladder.flows))
            at += ladder.step_ms
            ladder.climb(arrivals(seen), at, is_queued=False)

        assert ladder.flows == LADDER[-1]

    def test_no_step_is_shorter_than_six_round_trips(self) -> None:
        assert (Ladder(5).step_ms, Ladder(200).step_ms) == (500.0, 1200.0)

    def test_a_precise_rate_outlives_the_overflow_of_the_queue(self) -> None:
        """The test goes on to see how deep the queue is; seconds without arrivals are its price."""
        ladder = Ladder(5)
        ladder.steady_ms = 500.0
        clean = [(4.0, 1.45)]
        before = ladder.estimate(arrivals(clean))
        after = ladder.estimate(arrivals([*clean, (1.5, 0.03), (1.5, 2.5), (1.0, 0.4)]))

        assert before is not None
        assert before.mbit == pytest.approx(1.45, rel=0.01)
        assert after == before
        assert Ladder(5).estimate(arrivals([*clean, (1.5, 0.03), (1.5, 2.5)])) != before
