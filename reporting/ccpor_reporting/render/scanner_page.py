"""The sample scans of a report as part of the HTML page: a paragraph each, and a table of pages."""

from __future__ import annotations

from ccpor_reporting.model import Report
from ccpor_reporting.render.markup import marked
from ccpor_reporting.render.scanner_text import scans
from ccpor_reporting.render.words import target_title
from ccpor_reporting.scans import HEADS, Scan, rows, spoken


def scanner_section(report: Report) -> list[str]:
    """Return the section; nothing where the report looked at no scanner."""
    found = scans(report)
    if not found:
        return []
    lines = ['<section aria-labelledby="scans-title">']
    lines.append('<h2 id="scans-title">Sample scans</h2>')
    for target, scan in found:
        title = target_title(report, target)
        lines.append(f"<h3>{marked(title)}</h3>")
        lines.append(f"<p>{marked(spoken(scan))}</p>")
        if scan.pages:
            lines += _table(scan, title)
    return [*lines, "</section>"]


def _table(scan: Scan, title: str) -> list[str]:
    heads = "".join(f'<th scope="col">{head}</th>' for head in HEADS)
    body = "".join(
        f'<tr><th scope="row">{marked(first)}</th>'
        + "".join(
            f'<td data-head="{head}">{marked(cell)}</td>'
            for head, cell in zip(HEADS[1:], cells, strict=True)
        )
        + "</tr>"
        for first, *cells in rows(scan)
    )
    return [
        f'<table class="columns-{len(HEADS)}">',
        f"<caption>Pages from {marked(title)}</caption>",
        f"<thead><tr>{heads}</tr></thead>",
        f"<tbody>{body}</tbody>",
        "</table>",
    ]
