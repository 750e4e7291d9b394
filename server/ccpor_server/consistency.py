"""What a signed report says of itself, held against its own findings and our clock.

A signature proves who said it, not that it adds up. Such a report is kept, it is evidence, but
nobody is shown its verdict where its findings say worse, and nobody reads its times as ours.
"""

from __future__ import annotations

from datetime import datetime

from ccpor_reporting.model import Report, Verdict
from ccpor_reporting.verdict import verdict

SKEW_ALLOWED_S = 300.0
_WORSE = (Verdict.READY, Verdict.UNKNOWN, Verdict.NOT_READY)


def judged_verdict(report: Report) -> tuple[Verdict, bool]:
    """Return the verdict to show, the worse of the signed and the recomputed one.

    The second value is True where the findings prove less than the report claims.
    """
    found = verdict(report.findings, _left_out(report), report.interrupted)
    contradicts = _WORSE.index(found) > _WORSE.index(report.verdict)
    return (found if contradicts else report.verdict), contradicts


def skew_s(report: Report, received_at: datetime) -> float:
    """Return how many seconds after *received_at* the report says it ended; 0.0 when not.

    Up to `SKEW_ALLOWED_S` are two clocks that differ a little, and count as 0.0.
    """
    ahead = (report.finished_at - received_at).total_seconds()
    return ahead if ahead > SKEW_ALLOWED_S else 0.0


def faults(report: Report) -> list[str]:
    """Return why nobody can read *report* one way; empty for one that is in order."""
    found = []
    seen: set[str] = set()
    twice: set[str] = set()
    for finding in report.findings:
        (twice if finding.id in seen else seen).add(finding.id)
    if twice:
        shown = ", ".join(sorted(twice)[:3])
        found.append(f"{len(twice)} finding ids stand more than once: {shown}")
    if report.finished_at < report.started_at:
        found.append("finished_at is before started_at")
    return found


def _left_out(report: Report) -> int:
    """Return how many blocking findings nobody looked at; those counted but not named block."""
    held = {finding.id for finding in report.findings}
    named = [item for item in report.coverage.not_assessed if item.finding not in held]
    unnamed = max(0, report.coverage.excluded - len(named))
    return sum(item.blocking for item in named) + unnamed
