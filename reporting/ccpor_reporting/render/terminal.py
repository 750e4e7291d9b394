"""The report for a person: the verdict, then what to do, then what is unproven, then all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccpor_reporting.model import Cause, Finding, Report, Severity, Status, Verdict
from ccpor_reporting.render.capacity_text import capacity_lines
from ccpor_reporting.render.lines import cells, padded, plain_ascii, wrap
from ccpor_reporting.render.scanner_text import scanner_lines
from ccpor_reporting.render.words import (
    by_why_and_code,
    counted,
    few,
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
    VERDICT_WORDS,
    local_time,
    owner_words,
    plain_time,
    seen_value,
)

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

LABEL = 8  # columns of "Where", "Fix" and their blanks, after an indent of three
STATE = 10
LEAST_TEXT = 24  # less room than this beside the code: the text goes below it
SYMBOL = {
    Status.PASS: "✓",
    Status.FAIL: "✗",
    Status.ERROR: "?",
    Status.SKIP: "-",
    Status.NOT_APPLICABLE: "·",
}
_RED, _GREEN, _YELLOW, _BOLD, _OFF = "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"
_VERDICT_COLOR = {Verdict.READY: _GREEN, Verdict.NOT_READY: _RED, Verdict.UNKNOWN: _YELLOW}


def write(report: Report, style: Style) -> str:
    lines = [
        *_head(report, style),
        *_causes(report, style),
        *_coverage(report, style),
        *_capacity(report, style),
        *_scans(report, style),
        *(_details(report, style) if style.details else ()),
        "",
        *_last(report, style),
    ]
    text = "".join(f"{line}\n" for line in lines)
    return text if style.unicode else plain_ascii(text)


def _head(report: Report, style: Style) -> list[str]:
    word = VERDICT_WORDS[report.verdict]
    said = f"{word}  {place(report.location)} · {outcome(report)}"
    first, *more = wrap(said, style.width, rest=" " * (len(word) + 2))
    # `wrap` joins words by one blank; the verdict stands apart by two.
    lines = [_paint(word, _VERDICT_COLOR[report.verdict], style) + " " + first[len(word) :], *more]
    looked = (
        f"{counted(report.findings)} · looked from {report.machine.name} at {_time(report, style)}"
    )
    lines += wrap(looked, style.width)
    if others := not_ours(report):
        lines += wrap(others, style.width)
    if report.interrupted:
        lines += wrap("The run was interrupted: the rest was not looked at.", style.width)
    return lines


def _time(report: Report, style: Style) -> str:
    at = report.started_at
    if style.local is None:
        return plain_time(at)
    if not at.astimezone(style.local).utcoffset():  # the zone is UTC: once is enough
        return plain_time(at)
    return f"{local_time(at, style.local)} ({plain_time(at)})"


def _causes(report: Report, style: Style) -> list[str]:
    if not report.causes:
        return []
    lines = ["", _paint("What to do", _BOLD, style)]
    for number, cause in enumerate(report.causes, 1):
        lines += ["", *_cause(number, cause, report, style)]
    return lines


def _cause(number: int, cause: Cause, report: Report, style: Style) -> list[str]:
    blocks = cause.severity is Severity.BLOCKER
    weight = "[BLOCKS]" if blocks else "[warning]"
    lead = f"{number}. "
    indent = " " * len(lead)
    first, *more = wrap(f"{weight} {cause.summary}", style.width, lead, indent)
    painted = _paint(weight, _RED if blocks else _YELLOW, style)
    lines = [first.replace(weight, painted, 1), *more]
    where = "; ".join(
        f"{target_title(report, target)} ({target})" for target in cause.targets[:5]
    ) + (f"; and {len(cause.targets) - 5} more" if len(cause.targets) > 5 else "")
    for label, said in (
        ("Why", cause.evidence[0] if cause.evidence else cause.fault),
        *(("", sentence) for sentence in cause.evidence[1:]),
        ("Where", where),
        *(("Place", said) for said in place_beside(cause)),
        ("Fix", cause.fix),
        ("Who", f"{owner_words(cause.owner)} (confidence: {cause.confidence.value})"),
        ("More", f"ccpor-check explain {cause.fault}"),
    ):
        lead = indent + padded(label, LABEL)
        lines += wrap(said, style.width, lead, indent + " " * LABEL)
    return lines


def _coverage(report: Report, style: Style) -> list[str]:
    covered = report.coverage
    if not covered.not_assessed:
        return ["", *wrap(f"Everything planned was looked at ({covered.planned}).", style.width)]
    missing = covered.planned - covered.assessed
    left_out = f", {covered.excluded} left out" if covered.excluded else ""
    title = f"Not looked at: {missing} of {covered.planned} planned{left_out}"
    if not missing and not covered.excluded:
        title = f"Everything planned was looked at ({covered.planned}), not all of it was proven"
    lines = ["", *(_paint(line, _BOLD, style) for line in wrap(title, style.width))]
    for why, items in by_why_and_code(covered.not_assessed):
        lines += wrap(f"{why}. Unproven:", style.width, "  ", "    ")
        if style.details:
            for alike in items:
                item = alike[0]
                weight = " (blocks)" if item.blocking else ""
                told = item.unproven.removeprefix("unproven: ")
                said = f"{told}{weight}: {few([each.finding for each in alike])}"
                lines += wrap(said, style.width, "    ", "      ")
        else:
            number = sum(len(alike) for alike in items)
            lines.append(f"    {number} finding{'s' if number > 1 else ''}")
    return lines


def _capacity(report: Report, style: Style) -> list[str]:
    lines = capacity_lines(report, style)
    return ["", _paint("Capacity of the line", _BOLD, style), *lines] if lines else []


def _scans(report: Report, style: Style) -> list[str]:
    lines = scanner_lines(report, style)
    return ["", _paint("Sample scans", _BOLD, style), *lines] if lines else []


def _details(report: Report, style: Style) -> list[str]:
    lines = ["", _paint("All findings", _BOLD, style)]
    for target in dict.fromkeys(finding.target for finding in report.findings):
        lines += ["", *_target_head(report, target, style)]
        here = [finding for finding in report.findings if finding.target == target]
        codes = min(24, max(cells(finding.code) for finding in here))
        for finding in here:
            lines += _finding(finding, report, codes, style)
    return lines


def _target_head(report: Report, target: str, style: Style) -> list[str]:
    reference = next((known for known in report.targets if known.id == target), None)
    if reference is None:
        return wrap(target, style.width)
    optional = "" if reference.required else " · not required"
    return wrap(f"{reference.title} ({target}) · {reference.url}{optional}", style.width, "", "  ")


def _finding(finding: Finding, report: Report, codes: int, style: Style) -> list[str]:
    state = short_state(finding)
    lead = f"  {SYMBOL[finding.status]} {padded(state, STATE)} {padded(finding.code, codes)} "
    said = seen_words(finding)
    again = retried(finding, report)
    if again:
        said += f" ({again})"
    if finding.status is Status.FAIL and finding.expected:
        said += f" · wanted: {finding.expected}"
        seen = seen_value(finding)
        said += f" · seen: {seen}" if seen else ""
    if cells(lead) + LEAST_TEXT <= style.width:
        lines = wrap(said, style.width, lead, " " * (6 + STATE))
    else:
        head = f"{SYMBOL[finding.status]} {state} {finding.code}"
        lines = [*wrap(head, style.width, "  ", "      "), *wrap(said, style.width, "      ")]
    color = {Status.PASS: _GREEN, Status.FAIL: _RED}.get(finding.status, _YELLOW)
    if finding.status is Status.FAIL and finding.severity is not Severity.BLOCKER:
        color = _YELLOW
    mark = f"{SYMBOL[finding.status]} {state}"
    return [lines[0].replace(mark, _paint(mark, color, style), 1), *lines[1:]]


def _last(report: Report, style: Style) -> list[str]:
    word = VERDICT_WORDS[report.verdict]
    first, *more = wrap(f"{word}. Next: {next_step(report)}", style.width, "", "  ")
    return [first.replace(word, _paint(word, _VERDICT_COLOR[report.verdict], style), 1), *more]


def _paint(text: str, color: str, style: Style) -> str:
    return f"{color}{text}{_OFF}" if style.color else text
