"""From findings to the one word, and from the word to the exit code."""

from __future__ import annotations

from collections.abc import Iterable

from ccpor_reporting.model import Finding, Severity, Status, Verdict

ASSESSED = frozenset({Status.PASS, Status.FAIL})
UNASSESSED = frozenset({Status.ERROR, Status.SKIP})
_EXIT = {Verdict.READY: 0, Verdict.NOT_READY: 1, Verdict.UNKNOWN: 3}


def verdict(
    findings: Iterable[Finding], excluded_blocking: int = 0, interrupted: bool = False
) -> Verdict:
    """Return ready, not-ready or unknown; what nobody looked at never counts as passed.

    excluded_blocking: how many blocking findings ``--only`` or ``--skip`` left out.
    One failed blocker is proof enough for *not-ready*, however little else was seen.
    """
    kept = tuple(findings)
    blocking = [finding for finding in kept if finding.severity is Severity.BLOCKER]
    if any(finding.status is Status.FAIL for finding in blocking):
        return Verdict.NOT_READY
    unproven = (
        interrupted
        or excluded_blocking > 0
        or not any(finding.status in ASSESSED for finding in kept)
        or any(finding.status in UNASSESSED for finding in blocking)
    )
    return Verdict.UNKNOWN if unproven else Verdict.READY


def exit_code(said: Verdict) -> int:
    """Return 0 ready, 1 not ready, 3 could not tell."""
    return _EXIT[said]
