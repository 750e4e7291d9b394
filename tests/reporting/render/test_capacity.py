"""The capacity part of the text and the HTML rendering, and the drawing itself."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest

from ccpor_reporting.model import Observation, Report
from ccpor_reporting.render import render
from ccpor_reporting.render.capacity_plots import Rates, rates_plot
from ccpor_reporting.render.lines import cells
from ccpor_reporting.render.plot import Axis, Sheet, spanning
from tests.reporting.capacity_seen import enough, evidence, narrow
from tests.reporting.reports import ready_report

HOSTILE = {"not_measured": "<script>alert(1)</script>\x1b[2J", "transfers": 3}


def measured(*seen: dict[str, Any]) -> Report:
    """Return a report that measured the line of its first target, once for each of *seen*."""
    report = ready_report()
    observations = tuple(
        Observation(
            target=report.targets[0].id,
            check="capacity",
            version=1,
            started_at=report.started_at,
            duration_ms=9200.0,
            attempts=1,
            evidence=each,
        )
        for each in seen
    )
    return msgspec.structs.replace(report, observations=(*report.observations, *observations))


@pytest.mark.parametrize("width", [44, 80, 120])
def test_the_text_has_a_paragraph_and_the_figures_below(width: int) -> None:
    """The manager reads the first lines, the engineer the rest; nothing leaves the terminal."""
    text = render(measured(evidence(enough())), "text", width=width)
    part = text.partition("Capacity of the line\n")[2].partition("All findings")[0]
    joined = " ".join(part.split())

    assert "enough for the 8.7 Mbit/s it was tested for" in joined
    assert joined.index("enough for") < joined.index("10.7 to 10.9 Mbit/s, 95 %, 14 blocks")
    assert max(cells(line) for line in text.splitlines()) <= width


def test_without_details_the_paragraph_stays() -> None:
    """The short form is what a person reads every day."""
    text = render(measured(evidence(narrow())), "text", details=False)

    assert "more would only have waited in its queue" in " ".join(text.split())
    assert "14 blocks" not in text


def test_a_report_without_a_measured_line_says_nothing_of_it() -> None:
    """Most runs measure none."""
    assert "Capacity" not in render(ready_report(), "text")
    assert "Capacity" not in render(ready_report(), "html")


def test_the_page_draws_what_the_text_says() -> None:
    """One self-contained file: no script, no style but its own sheet."""
    page = render(measured(evidence(enough()), evidence(narrow())), "html")

    assert page.count('class="plot broad"') == page.count('class="plot slim"') == 5
    assert "Figures of web, with interval and n" in page
    assert not re.search(r"<script|\sstyle=", page)


def test_foreign_words_are_neither_markup_nor_escape_sequences() -> None:
    """Evidence comes from outside."""
    report = measured(HOSTILE)
    text, page = render(report, "text"), render(report, "html")

    assert "\x1b" not in text + page
    assert "<script" not in page
    assert "Not shown, of an unknown shape: transfers" in text


def test_a_drawing_is_well_formed_and_within_its_sheet() -> None:
    """A browser drops the rest of a broken drawing without a word."""
    drawn = render(measured(evidence(enough())), "html")
    for svg in re.findall(r"<svg class=.*?</svg>", drawn, re.S):
        tree = ElementTree.fromstring(svg)
        _, _, width, height = map(float, tree.attrib["viewBox"].split())
        for one in tree.iter():
            for name in ("x", "x1", "x2", "cx"):
                assert 0 <= float(one.get(name, "0")) <= width
            for name in ("y", "y1", "y2", "cy"):
                assert 0 <= float(one.get(name, "0")) <= height
        assert tree.attrib["role"] == "img"
        assert tree.attrib["aria-label"]


@pytest.mark.parametrize(
    ("own", "took", "needed", "said"),
    [
        (10.0, 1.2, 2.0, "this line: 1.2 s"),
        (0.5, None, 2.0, "this line: not in time"),
        (None, None, 2.0, "needed 2 Mbit/s"),
        (90.0, 0.4, None, "target 10 s"),
    ],
)
def test_the_plan_shows_its_marks(
    own: float | None, took: float | None, needed: float | None, said: str
) -> None:
    """The court looks for its own line first."""
    points = [(0.6, None), (1.0, 30.0), (2.0, 10.0), (8.0, 1.4), (20.0, 0.8)]
    drawn = rates_plot(
        Rates(points=points, limit_s=10.0, own_mbit=own, own_s=took, needed_mbit=needed)
    )

    assert drawn.count(said) >= 2  # for wide and for narrow screens
    assert drawn.count('class="shade"') == 2


def test_a_plan_that_no_rate_meets_has_no_plot() -> None:
    """Empty axes would look like a fault of the page."""
    rates = Rates(points=[(1.0, None)], limit_s=1.0, own_mbit=1.0, own_s=None, needed_mbit=None)

    assert rates_plot(rates) == ""


@pytest.mark.parametrize(
    ("axis", "expected"),
    [
        (Axis(0.0, 12.0), (0.0, 5.0, 10.0)),
        (Axis(0.0, 0.9), (0.0, 0.25, 0.5, 0.75)),
        (Axis(0.6, 25.0, log=True), (1.0, 2.0, 5.0, 10.0, 20.0)),
        (Axis(0.01, 90_000.0, log=True), (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)),
    ],
)
def test_ticks_are_round(axis: Axis, expected: tuple[float, ...]) -> None:
    """3.7, 7.4, 11.1 cannot be read."""
    most = 7 if axis.log else 5

    assert axis.ticks(most) == pytest.approx(expected)


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [1e-9], [1e7, 1e-7], [float("nan")]])
@pytest.mark.parametrize("log", [False, True])
def test_any_values_make_an_axis(values: list[float], log: bool) -> None:
    """One point, equal points, no point: a plot of a broken run is still a plot."""
    axis = spanning(values, log=log)
    sheet = Sheet(350, 200)
    panel = sheet.panel(axis, axis, top=10, height=100)
    panel.frame("x", "y")

    assert axis.high > axis.low
    assert all(10 <= panel.py(one) <= 110 for one in values if one == one)
    assert len(sheet.parts) < 60
