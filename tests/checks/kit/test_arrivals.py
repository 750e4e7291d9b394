"""What the order and the times of packets say: reckoned by hand, then against plain definitions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_checks.kit.arrivals import above_least, differences, lost_ways, percentile, reordering
from ccpor_checks.kit.wilson import wilson


@pytest.mark.parametrize(
    ("order", "late", "extent"),
    [
        ([], 0, 0),
        ([0, 1, 2, 3], 0, 0),
        ([0, 2, 1, 3], 1, 1),
        ([1, 2, 3, 0], 1, 3),
        ([1, 2, 3, 10, 4, 5, 6, 7, 8, 9, 11], 6, 6),  # RFC 4737 section 4.2.4's kind of example
        ([5, 4, 3], 2, 2),
        ([0, 3, 5, 9], 0, 0),  # a loss is no reordering
    ],
)
def test_reordering_and_its_extent(order: list[int], late: int, extent: int) -> None:
    """Late: after a higher one; extent: places since the first higher one (RFC 4737)."""
    assert reordering(order) == (late, extent)


@given(st.permutations(range(25)))
def test_reordering_agrees_with_its_definition(order: list[int]) -> None:
    """RFC 4737 section 3.3 and 4.2.2, word by word, without the quick search."""
    late = extent = 0
    for place, number in enumerate(order):
        higher = [before for before in range(place) if order[before] > number]
        if higher:
            late += 1
            extent = max(extent, place - higher[0])

    assert reordering(order) == (late, extent)


def test_differences_pass_over_what_was_not_timed() -> None:
    """A loss between two packets: they are no neighbours, D of them would be of two gaps."""
    assert differences([1.0, 4.0, None, 9.0, 8.0]) == [3.0, 1.0]
    assert differences([None, 1.0]) == []


def test_variation_is_above_the_least() -> None:
    """RFC 5481's PDV; percentiles by nearest rank."""
    assert above_least([41.0, 40.0, 45.0]) == [1.0, 0.0, 5.0]
    assert percentile([1.0, 2.0, 3.0], 99) == 3.0
    assert percentile([], 99) is None


@pytest.mark.parametrize(
    ("hits", "samples", "low", "high"),
    [
        (0, 1000, 0.0, 0.0038268),  # 3.84 / (n + 3.84)
        (10, 1000, 0.0054413, 0.0183113),
        (50, 1000, 0.0381302, 0.0653124),
        (1, 20, 0.0088813, 0.2361306),
        (20, 20, 0.8388748, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilsons_interval(hits: int, samples: int, low: float, high: float) -> None:
    """Known values: a thousand packets without a loss still leave 0.38 %."""
    assert wilson(hits, samples) == pytest.approx((low, high), abs=2e-6)


@given(st.integers(0, 500), st.integers(1, 500))
def test_the_interval_holds_what_was_counted(hits: int, samples: int) -> None:
    """Low, share, high, in that order, between nothing and all."""
    hits = min(hits, samples)
    low, high = wilson(hits, samples)

    assert 0 <= low <= hits / samples <= high <= 1
    assert low < high


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """95 of a hundred, reckoned for 2000 lines at rates that a court's line may have."""
    dice = random.Random(5)
    held = 0
    for run in range(2000):
        share = (0.001, 0.005, 0.01, 0.02, 0.05)[run % 5]
        hits = sum(dice.random() < share for _ in range(1000))
        low, high = wilson(hits, 1000)
        held += low <= share <= high

    assert held / 2000 >= 0.93


def ways(
    sent: int,
    lost_up: set[int],
    lost_down: set[int],
    *,
    order: list[int] | None = None,
    twice: frozenset[int] = frozenset(),
    silent_copy: frozenset[int] = frozenset(),
) -> dict[int, str] | None:
    """Return what is told of *sent* packets of which these were lost; the reflector counts from 100.

    order: in which they reach the reflector. twice: that reach it twice; silent_copy: of those, whose second
    answer is lost.
    """
    count, answered, counts = 100, {}, set()
    for number in order or range(sent):
        if number in lost_up:
            continue
        for copy in range(2 if number in twice else 1):
            if number not in lost_down and not (copy and number in silent_copy):
                answered.setdefault(number, count)
                counts.add(count)
            count += 1
    return lost_ways(range(sent), answered, counts, before=99, after=count)


def test_each_way_is_told_even_at_both_ends() -> None:
    """The first and the last packet stand between two known ones, too."""
    assert ways(10, {0, 4}, {9, 7}) == {0: "up", 4: "up", 7: "down", 9: "down"}
    assert ways(5, {0, 1, 2, 3, 4}, set()) == dict.fromkeys(range(5), "up")
    assert ways(5, set(), {0, 1, 2, 3, 4}) == dict.fromkeys(range(5), "down")


def test_a_copy_whose_answer_is_lost_is_no_loss() -> None:
    """Packet 3 came twice and was answered once: nothing is missing, and 6 is still lost there."""
    told = ways(10, {6}, {8}, twice=frozenset({3, 5}), silent_copy=frozenset({3}))

    assert told == {6: "up", 8: "down"}


def test_reordering_on_the_way_there_moves_no_loss() -> None:
    """Packet 3 overtook 2 and its answer was lost: it was seen there, as others that overtook show."""
    order = [0, 1, 3, 2, 4, 5, 7, 6, 8, 9]

    assert ways(10, set(), {3}, order=order) == {3: "down"}


@given(st.sets(st.integers(0, 99), max_size=20), st.sets(st.integers(0, 99), max_size=20))
def test_the_sums_of_both_ways_are_exact(up: set[int], down: set[int]) -> None:
    """Which of two neighbours was lost where cannot be known; how many were lost on each way can."""
    down -= up
    told = ways(100, up, down)

    assert told is not None
    assert sorted(told.values()) == ["down"] * len(down) + ["up"] * len(up)


def test_somebody_elses_packets_in_the_count_are_noticed() -> None:
    """Then nothing is said of ways, instead of something wrong."""
    answered = {number: 2 * number for number in range(100)}

    assert lost_ways(range(100), answered, set(answered.values())) is None


def test_unknown_ends_stand_on_neither_way() -> None:
    """Past the last answer nobody knows on which way the rest was lost."""
    assert lost_ways(range(6), {1: 11, 3: 12}, {11, 12}) == {2: "up"}
    assert lost_ways(range(6), {}, set()) == {}
