"""Sentences that several renderings share."""

from __future__ import annotations

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


def target_title(report: Report, target: str) -> str:
    return next((known.title for known in report.targets if known.id == target), target)


def next_step(report: Report) -> str:
    """Return the next command for this verdict, as the end of a sentence."""
    if report.verdict is Verdict.NOT_READY and report.causes:
        return f"ccpor-check explain {report.causes[0].fault}"
    if report.verdict is Verdict.READY:
        if report.machine.id is None:  # not enrolled: nobody else will get this report
            return "ccpor-check show last --format html, to keep or send"
        return "ccpor-check spool, to see that the report is acknowledged"
    if report.coverage.excluded:
        return "ccpor-check run, without --only and --skip"
    return "ccpor-check doctor, then ccpor-check run"
