"""Sentences that several renderings share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ccpor_reporting.judging import counts
from ccpor_reporting.model import (
    Cause,
    Finding,
    Json,
    Location,
    NotAssessed,
    Report,
    Severity,
    Status,
    Verdict,
)
from ccpor_reporting.text import STATUS_WORDS
from ccpor_reporting.verdict import UNASSESSED

NOT_PASSED = frozenset({Status.FAIL, *UNASSESSED})
MOST_ALIKE = 3


def place(location: Location) -> str:
    """Return e.g. ``Sonoma, Santa Rosa, scan station``; ids are written as names."""
    court = location.court.removeprefix("ca-")
    return f"{named(court)}, {named(location.name)}, {location.role.replace('-', ' ')}"


def named(identifier: str) -> str:
    """Return ``santa-rosa`` as ``Santa Rosa``; what has capitals of its own stays as it is."""
    spaced = identifier.replace("-", " ").replace("_", " ")
    return spaced if spaced != spaced.lower() else spaced.title()


def cause_counts(causes: Sequence[Cause]) -> str:
    """Return e.g. ``2 causes block, 1 warning``; ``no faults`` when there are none."""
    blocking = sum(cause.severity is Severity.BLOCKER for cause in causes)
    warnings = len(causes) - blocking
    said = []
    if blocking:
        said.append("1 cause blocks" if blocking == 1 else f"{blocking} causes block")
    if warnings:
        said.append("1 warning" if warnings == 1 else f"{warnings} warnings")
    return ", ".join(said) or "no faults"


def counted(findings: Iterable[Finding]) -> str:
    """Return e.g. ``41 findings: 30 pass, 4 FAIL, 1 error, 5 skipped, 1 n/a``."""
    total = counts(findings)
    said = ", ".join(
        f"{number} {STATUS_WORDS[status]}" for status, number in total.items() if number
    )
    every = sum(total.values())
    return f"{every} finding{'s' if every != 1 else ''}" + (f": {said}" if said else "")


def short_state(finding: Finding) -> str:
    """Return one word for status and cost together; a failed warning does not shout."""
    if finding.status is not Status.FAIL or finding.severity is Severity.BLOCKER:
        return STATUS_WORDS[finding.status]
    return "warning" if finding.severity is Severity.WARNING else "note"


def seen_words(finding: Finding) -> str:
    """Return what was seen; for a skip, what stopped it."""
    if finding.status is Status.SKIP and finding.because:
        return f"because of {finding.because}"
    return finding.summary


def retried(finding: Finding, report: Report) -> str:
    """Return ``passed on try 2 of 3`` where a pass needed more than one try, else "".

    Told once, at the first finding of the check.
    A check that always tries several times lists them as `tries`, each with the reason it failed
    for; then only failed ones among them count.
    """
    first = next(
        (f for f in report.findings if (f.target, f.check) == (finding.target, finding.check)), None
    )
    if finding.status is not Status.PASS or finding is not first:
        return ""
    for seen in report.observations:
        if (seen.target, seen.check) == (finding.target, finding.check):
            tries = seen.evidence.get("tries")
            if isinstance(tries, list | tuple):
                return _of_tries(tries)
            return f"passed on try {seen.attempts}" if seen.attempts > 1 else ""
    return ""


def _of_tries(tries: Sequence[Json]) -> str:
    good = [not (isinstance(each, Mapping) and each.get("reason")) for each in tries]
    if all(good) or not any(good):
        return ""
    if good[0]:
        return f"passed on {sum(good)} of {len(good)} tries"
    return f"passed on try {good.index(True) + 1} of {len(good)}"


def by_why(items: Iterable[NotAssessed]) -> dict[str, list[NotAssessed]]:
    """Return what was not assessed by its reason; "not looked at" is left to the title."""
    grouped: dict[str, list[NotAssessed]] = {}
    for item in items:
        grouped.setdefault(item.why.removeprefix("not looked at: "), []).append(item)
    return grouped


def by_why_and_code(
    items: Iterable[NotAssessed],
) -> list[tuple[str, list[list[NotAssessed]]]]:
    """Return paragraphs of what was not assessed, those alike but for the target as one.

    Each is its reason and its lines; the items of one line differ in their target only.
    """
    paragraphs: dict[str, list[NotAssessed]] = {}
    for item in items:
        paragraphs.setdefault(_anywhere(item), []).append(item)
    told = []
    for why, alike in paragraphs.items():
        targets = list(dict.fromkeys(_target_of(item) for item in alike))
        reason = alike[0].why if len(targets) == 1 else f"{why}{_on(why, alike, targets)}"
        lines: dict[tuple[str, str, bool], list[NotAssessed]] = {}
        for item in alike:
            key = (item.finding.rpartition("/")[2], item.unproven, item.blocking)
            lines.setdefault(key, []).append(item)
        told.append((reason.removeprefix("not looked at: "), list(lines.values())))
    return told


def _anywhere(item: NotAssessed) -> str:
    """Return why without the name of the item's own target before a code."""
    own = re.escape(_target_of(item))
    return re.sub(rf"(?<![\w.-]){own}/", "", item.why)


def _on(why: str, alike: Sequence[NotAssessed], targets: Sequence[str]) -> str:
    return f" (on {few(targets)})" if any(item.why != why for item in alike) else ""


def _target_of(item: NotAssessed) -> str:
    return item.finding.rpartition("/")[0]


def place_beside(cause: Cause) -> tuple[str, ...]:
    """Return the place of *cause* where its summary does not name it already; else nothing."""
    return (cause.place,) if cause.place and cause.place not in cause.summary else ()


def few(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are: ``a, b, c … and 96 more``."""
    said = ", ".join(names[:MOST_ALIKE])
    more = len(names) - MOST_ALIKE
    return f"{said} … and {more} more" if more > 0 else said


def not_ours(report: Report) -> str | None:
    """Return which checks an installed package brought, None where all are the program's own."""
    if not report.agent.installed:
        return None
    brought = (f"{check} ({package})" for check, package in report.agent.installed.items())
    return f"Looked at by checks of installed packages, too: {', '.join(brought)}."


def target_title(report: Report, target: str) -> str:
    return next((known.title for known in report.targets if known.id == target), target)


def outcome(report: Report) -> str:
    """Return what the verdict rests on: causes, and what was left out on purpose if that is all."""
    left_out = report.coverage.excluded
    if (
        report.verdict is not Verdict.UNKNOWN
        or report.interrupted
        or not left_out
        or _unlooked(report)
    ):
        return cause_counts(report.causes)
    clean = any(finding.status is Status.PASS for finding in report.findings) and not any(
        finding.status in NOT_PASSED for finding in report.findings
    )
    said = "everything asked for passed" if clean else cause_counts(report.causes)
    noun = "finding was" if left_out == 1 else "findings were"
    return f"{said}; {left_out} {noun} left out by --only/--skip"


def _unlooked(report: Report) -> list[Finding]:
    """Return the blocking findings that were asked for and could not be looked at."""
    return [
        finding
        for finding in report.findings
        if finding.severity is Severity.BLOCKER and finding.status in UNASSESSED
    ]


def _lacking_checks(report: Report) -> list[str]:
    """Return the checks that this version does not have, where they alone leave us in the dark."""
    errors = [each for each in _unlooked(report) if each.status is Status.ERROR]
    lacking = [each.check for each in errors if each.check not in report.agent.checks]
    return sorted(set(lacking)) if len(lacking) == len(errors) else []


def next_step(report: Report) -> str:
    """Return the next command for this verdict, as the end of a sentence."""
    if report.verdict is Verdict.NOT_READY and report.causes:
        return f"ccpor-check explain {report.causes[0].fault}"
    if report.verdict is Verdict.READY:
        if report.machine.id is None:  # not enrolled: nobody else will get this report
            return "ccpor-check show last --format html, to keep or send"
        return "ccpor-check spool, to see that the report is acknowledged"
    lacking = _lacking_checks(report)
    if lacking:
        return (
            f"this version cannot look at {', '.join(lacking)}: remove that target, "
            "set required = false, or use a newer version"
        )
    if report.coverage.excluded and not _unlooked(report):
        return "ccpor-check run, without --only and --skip"
    return "ccpor-check doctor, then ccpor-check run"
