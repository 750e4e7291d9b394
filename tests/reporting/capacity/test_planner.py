"""The planner: the numbers that a court decides by, and the words around them."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ccpor_reporting.capacity.model import Line, predict, required_mbit
from ccpor_reporting.capacity.numbers import number, seconds_words
from ccpor_reporting.capacity.plan_text import plan_text
from ccpor_reporting.capacity.planner import Plan, advice, is_gray, plan
from ccpor_reporting.capacity.workload import Load

SMALL = Load(users=15, pages_per_order=9, kb_per_page=60)
GRAY = Load(users=2, kb_per_page=1000)
SLOW = Line(mbit=1.5)


def changes(found: Plan) -> dict[str, Plan]:
    return {each.change.partition(" (")[0]: each for each in found.what_ifs}


def test_a_plan_names_need_requirement_and_margin() -> None:
    """The three figures of the first paragraph."""
    found = plan(SMALL, Line(mbit=5, rtt_ms=40, loss=0.001))

    assert found.need_mbit == pytest.approx(0.54)
    assert found.required_mbit == required_mbit(SMALL, Line(mbit=5, rtt_ms=40, loss=0.001))
    assert found.margin == pytest.approx(5 / found.required_mbit)
    assert found.in_time
    assert "need 0.54 Mbit/s on average" in found.summary
    assert found.summary.endswith("In time.")


def test_without_a_rate_the_plan_stands_at_the_required_one_and_is_in_time() -> None:
    """What is to be ordered from the county must be enough by our own account."""
    found = plan(SMALL, Line(mbit=1), rate_given=False)

    assert found.line.mbit == found.required_mbit
    assert found.in_time
    assert "This line" not in found.summary


def test_each_change_is_the_models_own_answer() -> None:
    """No figure of the table is made up."""
    line = Line(mbit=5, rtt_ms=80, loss=0.005)
    found = plan(Load(users=40, kb_per_page=200), line)

    assert list(changes(found)) == [
        "scan in black and white at 300 dpi",
        "scan in black and white at 200 dpi",
        "20 users on this line",
        "repair what loses 0.5 % of the packets",
        "half the latency",
        "twice the rate",
    ]
    for each in found.what_ifs:
        assert each.prediction == predict(each.load, each.line)
        assert each.in_time == each.prediction.within(10)


def test_changes_that_make_no_sense_are_left_out() -> None:
    """Half a user, loss that is not there, and pages that are small already."""
    assert list(changes(plan(Load(kb_per_page=30), Line(mbit=5)))) == [
        "half the latency",
        "twice the rate",
    ]


@pytest.mark.parametrize(("kb", "gray"), [(35, False), (149, False), (150, True), (1000, True)])
def test_gray_scans_are_known_by_their_size(kb: float, gray: bool) -> None:
    """A black-and-white page has 35 to 60 kB, with pictures up to 150."""
    assert is_gray(Load(kb_per_page=kb)) is gray
    assert ("black and white at 300" in str(plan(Load(kb_per_page=kb), SLOW).what_ifs)) is gray


def test_black_and_white_is_faster_by_the_classic_factor() -> None:
    """1000 kB against 52: the time falls by about as much."""
    change = changes(plan(Load(kb_per_page=1000), SLOW))["scan in black and white at 300 dpi"]

    assert change.times_faster == pytest.approx(1000 / 52, rel=0.1)


def test_advice_to_gray_scanners_has_both_times() -> None:
    """The sentence of the finding, with computed numbers."""
    said = advice(Load(kb_per_page=1000), SLOW)

    pattern = (
        r"at 1\.5 Mbit/s a 12-page gray or colour order takes up to (\d+) s at the peak; "
        r"scan in black and white: ([\d.]+) s"
    )
    match = re.fullmatch(pattern, said)
    assert match is not None, said
    assert float(match[1]) / float(match[2]) == pytest.approx(1000 / 52, rel=0.1)


@pytest.mark.parametrize(
    ("load", "line", "end"),
    [
        (SMALL, Line(mbit=5), "takes up to 2.3 s at the peak"),
        (SMALL, Line(mbit=1), "; 1.7 Mbit/s would do"),
        (Load(users=60, kb_per_page=1000), SLOW, "; then 4.1 Mbit/s would do"),
        (
            Load(max_order_seconds_p95=1),
            Line(mbit=50, rtt_ms=300),
            "no rate is enough at 300 ms: the way must be shorter",
        ),
        (
            Load(pages_per_order=60),
            Line(mbit=50, rtt_ms=100, loss=0.01),
            "repair what loses 1 % of the packets, no rate is enough with it",
        ),
        (
            Load(pages_per_order=60),
            Line(mbit=2, rtt_ms=100, loss=0.01),
            "no rate is enough with it; then 3.9 Mbit/s would do",
        ),
    ],
    ids=["in time", "rate", "gray and rate", "far", "loss", "loss and rate"],
)
def test_advice_names_what_would_help(load: Load, line: Line, end: str) -> None:
    """One sentence, what to do at its end."""
    assert advice(load, line).endswith(end)


def test_advice_about_orders_that_come_too_fast_has_no_time() -> None:
    """There is none."""
    said = advice(Load(users=100, kb_per_page=100), SLOW)

    assert "12-page orders come faster at the peak than the line carries them" in said


def test_a_line_known_to_carry_at_least_a_rate_is_called_so() -> None:
    """At least X is never said as X."""
    assert advice(SMALL, Line(mbit=5, is_lower_bound=True)).startswith("at 5 Mbit/s or more a 9-p")


@settings(max_examples=6, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.builds(
        Load,
        users=st.integers(1, 300),
        pages_per_order=st.sampled_from([0.1, 1.0, 12.0, 500.0]),
        kb_per_page=st.sampled_from([1.0, 52.0, 1000.0]),
        max_order_seconds_p95=st.sampled_from([0.2, 10.0, 600.0]),
    ),
    st.builds(
        Line,
        mbit=st.sampled_from([0.05, 1.5, 100.0, 10_000.0]),
        rtt_ms=st.sampled_from([0.0, 1.0, 40.0, 600.0]),
        loss=st.sampled_from([0.0, 0.0001, 0.05]),
    ),
    st.integers(66, 120),
)
def test_any_plan_can_be_shown_and_read_by_programs(load: Load, line: Line, width: int) -> None:
    """Lines no longer than asked, plain ASCII, no number that JSON does not know."""
    found = plan(load, line)
    text = plan_text(found, width)

    assert text.isascii()
    assert max(map(len, text.splitlines())) <= width
    assert msgspec.json.decode(msgspec.json.encode(found), type=Plan) == found
    assert [point.mbit for point in found.series] == sorted(point.mbit for point in found.series)


def test_the_plot_has_the_limit_and_a_bar_as_long_as_the_time() -> None:
    """Seen at one glance from which rate on the bars end before the mark."""
    lines = plan_text(plan(SMALL, Line(mbit=2))).partition("Mbit/s  time of an order")[2]
    bars = [line for line in lines.splitlines()[1:] if line.strip()]

    marks = {line.index("|") for line in bars}
    assert len(marks) == 1
    lengths = [line.count("#") for line in bars]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > marks.pop() - 10 > lengths[-1]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (0.0416, "0.042"),
        (0.54, "0.54"),
        (3.44, "3.4"),
        (9.96, "10"),
        (63.7, "64"),
        (1500, "1500"),
    ],
)
def test_numbers_have_two_figures(value: float, words: str) -> None:
    """More would claim what no model knows."""
    assert number(value) == words


def test_long_times_are_minutes() -> None:
    """Nobody thinks in 1200 s."""
    assert (seconds_words(64.2), seconds_words(1200)) == ("64 s", "20 min")
