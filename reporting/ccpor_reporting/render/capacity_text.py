"""The measured lines of a report for a terminal: a paragraph each, and the figures below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccpor_reporting.capacity.reading import Seen, read
from ccpor_reporting.capacity.words import Figure, figures, spoken
from ccpor_reporting.model import Observation, Report
from ccpor_reporting.render.lines import cells, padded, wrap
from ccpor_reporting.render.words import target_title

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

CHECK = "capacity"
INDENT = "  "
LEAST_BASIS = 24  # less room than this for the basis: it goes below its figure


def measured(report: Report) -> tuple[tuple[Observation, Seen], ...]:
    """Return the observations that hold anything of a line's capacity, read."""
    seen = ((one, read(one.evidence)) for one in report.observations if one.check == CHECK)
    return tuple((one, each) for one, each in seen if one.evidence)


def capacity_lines(report: Report, style: Style) -> list[str]:
    """Return the lines of all measured lines; none where the report measured none."""
    lines: list[str] = []
    for one, seen in measured(report):
        title = f"{target_title(report, one.target)} ({one.target})"
        lines += ["", *wrap(title, style.width)]
        lines += wrap(spoken(seen), style.width, INDENT, INDENT)
        if style.details and (known := figures(seen)):
            lines += ["", *_table(known, style)]
        if seen.unreadable:
            said = f"Not shown, of an unknown shape: {', '.join(seen.unreadable)}"
            lines += wrap(said, style.width, INDENT, INDENT)
    return lines


def _table(known: tuple[Figure, ...], style: Style) -> list[str]:
    names = max(cells(one.name) for one in known)
    values = max(cells(one.value) for one in known)
    lines = []
    for one in known:
        lead = f"{INDENT}{padded(one.name, names)}  {padded(one.value, values)}"
        if cells(lead) + 2 + LEAST_BASIS <= style.width:
            lines += wrap(one.basis, style.width, f"{lead}  ", " " * (cells(lead) + 2))
        else:
            lines += wrap(f"{one.name}: {one.value}", style.width, INDENT, INDENT * 2)
            if one.basis:
                lines += wrap(one.basis, style.width, INDENT * 2, INDENT * 2)
    return lines
