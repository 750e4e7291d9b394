"""The report as one HTML file: no script, nothing loaded, good on paper and in the dark."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from ccpor_reporting.model import Cause, Finding, NotAssessed, Report, Severity, Status, Verdict
from ccpor_reporting.render.capacity_page import capacity_section
from ccpor_reporting.render.markup import marked, marked_lines
from ccpor_reporting.render.scanner_page import scanner_section
from ccpor_reporting.render.words import (
    by_why,
    counted,
    next_step,
    not_ours,
    outcome,
    place,
    place_beside,
    retried,
    seen_words,
    short_state,
    target_title,
)
from ccpor_reporting.text import (
    SEVERITY_WORDS,
    VERDICT_WORDS,
    owner_words,
    plain_time,
    seen_value,
)

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

_SAYS = {
    Verdict.READY: "This workstation is ready for go-live.",
    Verdict.NOT_READY: "This workstation is not ready for go-live.",
    Verdict.UNKNOWN: "Something that blocks go-live was not looked at, so nobody can say.",
}
_MARK = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.ERROR: "?",
    Status.SKIP: "–",
    Status.NOT_APPLICABLE: "·",
}


@cache
def _css() -> str:
    return files("ccpor_reporting.render").joinpath("page.css").read_text(encoding="utf-8")


def write(report: Report, _style: Style) -> str:
    css = _css()
    digest = b64encode(sha256(css.encode()).digest()).decode()
    name = marked(place(report.location))
    word = VERDICT_WORDS[report.verdict]
    return "\n".join(
        (
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy" '
            f"content=\"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
            "form-action 'none'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{name}: {word.lower()} – CCPOR readiness</title>",
            f"<style>{css}</style>",
            "</head>",
            "<body>",
            '<a class="jump" href="#causes">Skip to what to do</a>',
            *_header(report),
            "<main>",
            *_causes(report),
            *_coverage(report),
            *capacity_section(report),
            *scanner_section(report),
            *_findings(report),
            *_run(report),
            "</main>",
            f"<footer><p>ccpor-check {marked(report.agent.version)} · "
            f"run <code>{marked(report.run_id)}</code></p>{_others(report)}</footer>",
            "</body>",
            "</html>",
            "",
        )
    )


def _others(report: Report) -> str:
    said = not_ours(report)
    return f"<p>{marked(said)}</p>" if said else ""


def _header(report: Report) -> list[str]:
    interrupted = (
        "<p><strong>The run was interrupted:</strong> the rest was not looked at.</p>"
        if report.interrupted
        else ""
    )
    return [
        "<header>",
        '<p class="product">CCPOR go-live readiness</p>',
        f"<h1>{marked(place(report.location))}</h1>",
        f'<div class="verdict {report.verdict.value}">',
        f'<p class="word">{VERDICT_WORDS[report.verdict]}</p>',
        f"<p>{_SAYS[report.verdict]} <strong>{outcome(report)}.</strong></p>",
        interrupted,
        "</div>",
        f'<p class="seen">Looked from <strong>{marked(report.machine.name)}</strong> at '
        f"{_time(report)}. {marked(counted(report.findings))}.</p>",
        "</header>",
    ]


def _time(report: Report) -> str:
    at = report.started_at
    return f'<time datetime="{at:%Y-%m-%dT%H:%M:%SZ}">{plain_time(at)}</time>'


def _causes(report: Report) -> list[str]:
    lines = ['<section id="causes" aria-labelledby="causes-title">']
    lines.append('<h2 id="causes-title">What to do</h2>')
    if not report.causes:
        lines.append("<p>No fault was found among what was looked at.</p>")
    else:
        lines.append('<ol class="causes">')
        for number, cause in enumerate(report.causes, 1):
            lines += _cause(number, cause, report)
        lines.append("</ol>")
    lines.append(f'<p class="next">Next: <code>{marked(next_step(report))}</code></p>')
    return [*lines, "</section>"]


def _cause(number: int, cause: Cause, report: Report) -> list[str]:
    first, *others = cause.evidence or (cause.fault,)
    where = "".join(
        f"<li>{marked(target_title(report, target))} <code>{marked(target)}</code></li>"
        for target in cause.targets
    )
    proof = "".join(f"<li>{marked(sentence)}</li>" for sentence in (first, *others))
    return [
        f'<li class="cause {cause.severity.value}">',
        f'<article aria-labelledby="cause-{number}">',
        f'<h3 id="cause-{number}">{marked(cause.summary)}</h3>',
        f'<p class="tags"><span class="tag {cause.severity.value}">'
        f"{SEVERITY_WORDS[cause.severity]}</span> "
        f'<span class="tag">{marked(owner_words(cause.owner))} acts</span> '
        f"<code>{marked(cause.fault)}</code></p>",
        "<dl>",
        f"<dt>Fix</dt><dd>{marked(cause.fix)}</dd>",
        f"<dt>Why</dt><dd><ul>{proof}</ul></dd>",
        f"<dt>Where</dt><dd><ul>{where}</ul></dd>",
        *(f"<dt>Place</dt><dd>{marked(said)}</dd>" for said in place_beside(cause)),
        f"<dt>How sure</dt><dd>{cause.confidence.value}; explains "
        f"{len(cause.explains)} finding{'s' if len(cause.explains) != 1 else ''}</dd>",
        "</dl>",
        f"<details><summary>Text to send to {marked(owner_words(cause.owner))}</summary>",
        f'<pre tabindex="0">{marked_lines(cause.ticket)}</pre></details>',
        "</article>",
        "</li>",
    ]


def _coverage(report: Report) -> list[str]:
    covered = report.coverage
    lines = ['<section aria-labelledby="coverage-title">']
    lines.append('<h2 id="coverage-title">What was not looked at</h2>')
    if not covered.not_assessed:
        lines.append(f"<p>Everything planned was looked at: {covered.planned} findings.</p>")
        return [*lines, "</section>"]
    rows = [(marked(why), _unproven(items)) for why, items in by_why(covered.not_assessed).items()]
    missing = covered.planned - covered.assessed
    left_out = f"; {covered.excluded} left out" if covered.excluded else ""
    caption = f"{missing} of {covered.planned} planned findings{left_out}"
    heads = ("Why not", "Nobody knows whether")
    return [*lines, *_table(caption, heads, rows), "</section>"]


def _unproven(items: Iterable[NotAssessed]) -> str:
    told = "".join(
        f"<li>{marked(item.unproven.removeprefix('unproven: '))} {_code(item.finding)}"
        + (' <span class="tag blocker">blocks go-live</span>' if item.blocking else "")
        + "</li>"
        for item in items
    )
    return f"<ul>{told}</ul>"


def _code(text: str) -> str:
    """Return a code as markup that may break after its slashes."""
    return f"<code>{marked(text).replace('/', '/<wbr>')}</code>"


def _findings(report: Report) -> list[str]:
    lines = ['<section aria-labelledby="findings-title">']
    lines.append('<h2 id="findings-title">All findings</h2>')
    by_id = {target.id: target for target in report.targets}
    for target in dict.fromkeys(finding.target for finding in report.findings):
        reference = by_id.get(target)
        lines.append(f"<h3>{marked(reference.title if reference else target)}</h3>")
        if reference:
            need = "required" if reference.required else "not required: nothing here blocks"
            lines.append(
                f'<p class="target"><code>{marked(reference.url)}</code> · {need}'
                f"<br>{marked(reference.why)}</p>"
            )
        rows = [_row(finding, report) for finding in report.findings if finding.target == target]
        heads = ("Code", "State", "What was seen", "Wanted")
        lines += _table(f"Findings on {marked(target)}", heads, rows)
    return [*lines, "</section>"]


def _row(finding: Finding, report: Report) -> tuple[str, ...]:
    kind = finding.status.value
    if finding.status is Status.FAIL and finding.severity is not Severity.BLOCKER:
        kind = "warn"
    again = retried(finding, report)
    seen = marked(seen_words(finding))
    value = seen_value(finding)
    if value:
        seen += f'<br><span class="value">{marked(value)}</span>'
    if again:
        seen += f'<br><span class="tag">{marked(again)}</span>'
    state = (
        f'<span class="state {kind}"><span aria-hidden="true">{_MARK[finding.status]}</span> '
        f"{short_state(finding)}</span>"
    )
    return (
        _code(finding.fault or finding.code),
        state,
        seen,
        marked(finding.expected or ""),
    )


def _run(report: Report) -> list[str]:
    told = (
        ("Court and location", f"{report.location.court}, {report.location.name}"),
        ("Role of this workstation", report.location.role),
        ("Workstation", f"{report.machine.name} ({report.machine.os})"),
        ("Reason for the run", report.reason.value),
        *((("Incident", report.incident),) if report.incident else ()),
        ("Started", plain_time(report.started_at)),
        ("Finished", plain_time(report.finished_at)),
        ("Profile", f"{report.profile.id}, version {report.profile.version}"),
        ("Profile's SHA-256", report.profile.sha256),
    )
    rows = "".join(f"<dt>{label}</dt><dd>{marked(value)}</dd>" for label, value in told)
    return [
        '<section aria-labelledby="run-title">',
        '<h2 id="run-title">This run</h2>',
        f'<dl class="run">{rows}</dl>',
        "</section>",
    ]


def _table(caption: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return a table; cells are markup already. Each cell repeats its head for narrow screens."""
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    lines = [
        f'<table class="columns-{len(heads)}">',
        f"<caption>{caption}</caption>",
        f"<thead><tr>{head}</tr></thead>",
        "<tbody>",
    ]
    for first, *cells in rows:
        told = "".join(
            f'<td data-head="{label}">{cell}</td>'
            for label, cell in zip(heads[1:], cells, strict=True)
        )
        lines.append(f'<tr><th scope="row">{first}</th>{told}</tr>')
    return [*lines, "</tbody>", "</table>"]
