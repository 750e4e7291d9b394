"""The sheet's three files: the data that was measured, and what is made of it by today's model, never by hand."""

from __future__ import annotations

from tests.lab.model import page, plot
from tests.lab.model.judging import SEEDS, Judged, judged
from tests.lab.model.points import DATA, points
from tests.lab.shaped import GOODPUT

PAGE, PLOT = DATA.with_suffix(".md"), DATA.with_suffix(".svg")


def every() -> list[Judged]:
    """Return each point of the data file beside what today's model says of it."""
    return [judged(point) for point in points()]


def made(each: list[Judged]) -> tuple[str, str]:
    """Return the sheet and its plot."""
    return page.written(each, GOODPUT, len(SEEDS)), plot.drawn(each)


def write(each: list[Judged]) -> None:
    words, picture = made(each)
    PAGE.write_text(words, encoding="utf-8")
    PLOT.write_text(picture, encoding="utf-8")
