"""The measured lines of a report as part of the HTML page: paragraph, plots, figures."""

from __future__ import annotations

from ccpor_reporting.capacity.reading import Seen
from ccpor_reporting.capacity.words import figures, spoken
from ccpor_reporting.model import Report
from ccpor_reporting.render.capacity_plots import course_plot, waiting_plot
from ccpor_reporting.render.capacity_text import measured
from ccpor_reporting.render.markup import marked
from ccpor_reporting.render.words import target_title

_TITLES = {"up": "Sending over time", "down": "Receiving over time"}


def capacity_section(report: Report) -> list[str]:
    """Return the section; nothing where the report measured no line."""
    found = measured(report)
    if not found:
        return []
    lines = ['<section aria-labelledby="capacity-title">']
    lines.append('<h2 id="capacity-title">Capacity of the line</h2>')
    for one, seen in found:
        lines.append(f"<h3>{marked(target_title(report, one.target))}</h3>")
        lines.append(f"<p>{marked(spoken(seen))}</p>")
        if seen.unreadable:
            said = f"Not shown, of an unknown shape: {', '.join(seen.unreadable)}."
            lines.append(f'<p class="target">{marked(said)}</p>')
        lines += _plots(seen)
        lines += _figures(seen, target_title(report, one.target))
    return [*lines, "</section>"]


def _plots(seen: Seen) -> list[str]:
    drawn = [(_TITLES[one.direction], course_plot(one, seen.idle)) for one in seen.transfers]
    drawn.append(("Round trips, idle and loaded", waiting_plot(seen)))
    return [
        f"<figure><figcaption>{title}</figcaption>{plot}</figure>" for title, plot in drawn if plot
    ]


def _figures(seen: Seen, title: str) -> list[str]:
    rows = "".join(
        f'<tr><th scope="row">{marked(one.name)}</th>'
        f'<td data-head="Value">{marked(one.value)}</td>'
        f'<td data-head="Rests on">{marked(one.basis)}</td></tr>'
        for one in figures(seen)
    )
    if not rows:
        return []
    return [
        '<table class="columns-3">',
        f"<caption>Figures of {marked(title)}, with interval and n</caption>",
        '<thead><tr><th scope="col">Figure</th><th scope="col">Value</th>'
        '<th scope="col">Interval, and what it rests on</th></tr></thead>',
        f"<tbody>{rows}</tbody>",
        "</table>",
    ]
