"""What was not looked at, and what that leaves unproven."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Coverage, Finding, NotAssessed, Severity
from ccpor_reporting.verdict import UNASSESSED

LEFT_OUT = "left out of this run by --only or --skip"


@dataclass(frozen=True, slots=True)
class Excluded:
    """One planned finding that ``--only`` or ``--skip`` left out."""

    finding_id: str  # target/code
    blocking: bool


def coverage(findings: Iterable[Finding], excluded: Sequence[Excluded] = ()) -> Coverage:
    """Return how much of the plan was assessed.

    planned counts the findings of this run, so planned = assessed + errors + skips; what was left
    out is counted in `excluded` only. "Not applicable" is an answer and counts as assessed.
    """
    kept = tuple(findings)
    missing = [finding for finding in kept if finding.status in UNASSESSED]
    listed = [
        NotAssessed(
            finding=finding.id,
            why=finding.summary,
            unproven=unproven(finding.code),
            blocking=finding.severity is Severity.BLOCKER,
        )
        for finding in missing
    ]
    listed += [
        NotAssessed(
            finding=item.finding_id,
            why=LEFT_OUT,
            unproven=unproven(item.finding_id.rpartition("/")[2]),
            blocking=item.blocking,
        )
        for item in excluded
    ]
    return Coverage(
        planned=len(kept),
        assessed=len(kept) - len(missing),
        excluded=len(excluded),
        not_assessed=tuple(sorted(listed, key=lambda item: not item.blocking)),
    )


def unproven(code: str) -> str:
    """Return what nobody knows as long as *code* was not looked at."""
    entry = catalogue().get(code)
    return f"unproven: {entry.title}" if entry else f"unproven: what {code} shows"
