"""Evidence from outside: whatever stands in it, reading, words and plots never fail."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.capacity.reading import MOST_POINTS, read
from ccpor_reporting.capacity.words import figures, paragraph, spoken
from ccpor_reporting.render.capacity_plots import course_plot, waiting_plot
from tests.reporting.capacity_seen import enough, evidence, narrow

GOOD = evidence(enough())
BAD: tuple[Any, ...] = (
    None, True, -1, -0.5, 1e300, 10**400, "12", "", [], {}, [[]], {"mbit": {}}, float("nan"),
    float("inf"), "\x1b[2J" * 10, "x" * 100_000,
)  # fmt: skip


def shown(seen: Any) -> str:
    """Return all that any output makes of *seen*."""
    plots = [course_plot(one, seen.idle) for one in seen.transfers]
    return "".join([spoken(seen), repr(figures(seen)), waiting_plot(seen), *plots])


def test_our_own_evidence_is_read_whole() -> None:
    """A field renamed on one side would silently vanish from every report."""
    seen = read(GOOD)

    assert seen.unreadable == ()
    assert [one.direction for one in seen.transfers] == ["up", "down"]
    assert len(seen.transfers[0].course) == 18
    assert (seen.idle is not None and len(seen.idle.rtts_ms)) == 120
    assert seen.quality is not None
    assert seen.quality.losses[1].lost_up == 1
    assert seen.replay is not None
    assert seen.replay.seconds == (0.91, 0.88, 0.95)
    assert seen.words.waited_s == 3.2


def test_one_broken_part_leaves_the_others() -> None:
    """A newer agent's new shape of one part must not hide the measured rate."""
    broken = {**GOOD, "idle": {"p50_ms": "fast"}, "replay": 3}
    seen = read(broken)

    assert seen.unreadable == ("idle", "replay")
    assert "10.8 of the 10.9 Mbit/s" in spoken(seen)


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: repr(bad)[:20])
def test_each_field_may_hold_anything(bad: Any) -> None:
    """A report comes from outside; the page of a court must not fall over it."""
    small = copy.deepcopy(GOOD)
    del small["transfers"][1]
    for delay in (small["idle"], small["transfers"][0]["loaded"]):
        del delay["rtts_ms"][3:]
    del small["transfers"][0]["course"][3:]
    for path in every_path(small):
        broken = copy.deepcopy(small)
        put(broken, path, bad)
        said = shown(read(broken))
        assert "nan" not in said.lower().replace("nanosec", ""), path
        assert "\x1b" not in waiting_plot(read(broken)), path


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(GOOD)) | st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), ANY))
def test_any_json_is_read(given_evidence: dict[str, Any]) -> None:
    """Never an exception, always a sentence."""
    seen = read(given_evidence)

    assert shown(seen)
    assert spoken(seen) == paragraph(given_evidence)


def test_endless_lists_are_cut() -> None:
    """A million points would make a page of a hundred megabytes."""
    flood = copy.deepcopy(GOOD)
    flood["idle"]["rtts_ms"] = [41.0] * 100_000
    flood["transfers"][0]["course"] = [{"at_s": 0.1 * n, "mbit": 3.0} for n in range(100_000)]
    flood["transfers"] = flood["transfers"] * 50
    seen = read(flood)

    assert seen.idle is not None
    assert len(seen.idle.rtts_ms) == MOST_POINTS
    assert len(seen.transfers[0].course) == MOST_POINTS
    assert len(seen.transfers) == 8
    assert len(shown(seen)) < 2_000_000


def test_nothing_at_all_is_said_to_be_nothing() -> None:
    """An empty paragraph looks like a fault of the page."""
    assert paragraph({}) == "The report holds no figures of this line that can be read."
    assert paragraph({"not_measured": "the server is busy"}) == "Not measured: the server is busy."


def test_the_paragraph_of_a_line_that_is_enough() -> None:
    """Who runs a court must understand it without a network engineer."""
    assert paragraph(GOOD) == (
        "From the court, the line carried 10.8 of the 10.9 Mbit/s that were sent: enough for the "
        "8.7 Mbit/s it was tested for. Meanwhile an answer took 45 ms instead of 42 ms on the idle "
        "line, and 95 of 100 came within 52 ms. To the court, the line carried 10.8 of the 10.9 "
        "Mbit/s that were sent: enough for the 8.7 Mbit/s it was tested for. Meanwhile an answer "
        "took 44 ms instead of 42 ms on the idle line, and 95 of 100 came within 49 ms. Of 1000 "
        "test packets 1 was lost (0.10 %). Alone on the line each of 3 test orders of 624 kB took "
        "about 0.9 s, as expected. The test took 9.2 s and moved 13.4 MB, after 3.2 s of waiting "
        "for its turn."
    )


def test_what_was_not_saturated_is_never_the_rate_of_the_line() -> None:
    """ "At least" is the difference between a measurement and a guess."""
    wide = evidence(narrow())
    wide["transfers"][0]["limited_by"] = "none"

    assert "carried at least 1.44 Mbit/s" in paragraph(wide)
    assert figures(read(wide))[1].value == "at least 1.44 Mbit/s"
    assert "at least" not in paragraph(evidence(narrow()))


def test_a_line_that_fell_short_is_too_little() -> None:
    """The lower end of the interval decides, as in the rule."""
    short = copy.deepcopy(GOOD)
    short["transfers"][0].update(mbit=8.0, low_mbit=7.9, high_mbit=8.1)

    assert "8.00 of the 10.9 Mbit/s that were sent: too little for the 8.7" in paragraph(short)


def test_every_figure_has_its_interval_and_n() -> None:
    """A number without them cannot be checked."""
    held = {one.name: one.basis for one in figures(read(GOOD))}

    assert held["Up, planned"] == "10.7 to 10.9 Mbit/s, 95 %, 14 blocks"
    assert held["Loss, 1400-byte packets"] == "0.04 to 1.12 %, 95 %, 1 of 500 (1 up, 0 down)"
    assert "n 120" in held["Round trip, idle"]


def every_path(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every field; of long lists the first element only."""
    found = [here] if here else []
    items = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list | tuple) and value:
        items = [(0, value[0])]
    for key, inner in items:
        found += every_path(inner, (*here, key))
    return found


def put(value: Any, path: tuple[Any, ...], bad: Any) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = bad
