"""The sample scans of a report for a terminal: a paragraph each, and a line for each page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccpor_reporting.model import Report
from ccpor_reporting.render.lines import cells, padded, wrap
from ccpor_reporting.render.words import target_title
from ccpor_reporting.scans import HEADS, Scan, read, rows, spoken

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

CHECK = "scanner"
INDENT = "  "
MOST_SHOWN = 12
LEAST_LAST = 16  # less room than this for the last column: it goes below


def scans(report: Report) -> tuple[tuple[str, Scan], ...]:
    """Return the target and what is told of it, for each scanner that was looked at."""
    return tuple(
        (one.target, read(one.evidence))
        for one in report.observations
        if one.check == CHECK and one.evidence
    )


def scanner_lines(report: Report, style: Style) -> list[str]:
    """Return the lines of all scanners; none where the report looked at none."""
    lines: list[str] = []
    for target, scan in scans(report):
        lines += ["", *wrap(f"{target_title(report, target)} ({target})", style.width)]
        lines += wrap(spoken(scan), style.width, INDENT, INDENT)
        if style.details and scan.pages:
            lines += ["", *_table(scan, style)]
    return lines


def _table(scan: Scan, style: Style) -> list[str]:
    told = rows(scan)
    shown = (HEADS, *told[:MOST_SHOWN])
    *widths, _last = (max(cells(row[at]) for row in shown) for at in range(len(HEADS)))
    lines = []
    for *first, last in shown:
        lead = INDENT + "".join(
            f"{padded(text, width)}  " for text, width in zip(first, widths, strict=True)
        )
        if cells(lead) + LEAST_LAST <= style.width:
            lines += wrap(last, style.width, lead, " " * cells(lead))
        else:
            lines += wrap(", ".join((*first, last)), style.width, INDENT, INDENT * 2)
    if len(told) > MOST_SHOWN:
        lines.append(f"{INDENT}... and {len(told) - MOST_SHOWN} more pages")
    return lines
