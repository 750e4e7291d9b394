"""One spelling and one tone for every state, status and verdict that a page shows.

A mark is a word, an icon and a tone; colour alone never says anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ccpor_reporting.checklist.model import Kind, Party, State
from ccpor_reporting.model import Finding, Severity, Status


@dataclass(frozen=True, slots=True)
class Mark:
    """icon: name in the icons macro; tone: good, bad, warn, old, calm or none."""

    word: str
    icon: str
    tone: str


STATES = {
    State.MET: Mark("met", "check", "good"),
    State.NOT_MET: Mark("not met", "cross", "bad"),
    State.STALE: Mark("stale", "clock", "warn"),
    State.WAIVED: Mark("waived", "flag", "calm"),
    State.NOT_APPLICABLE: Mark("n/a", "dash", "none"),
    State.OPEN: Mark("open", "ring", "old"),
}
VERDICTS = {
    "ready": Mark("ready", "check", "good"),
    "not-ready": Mark("not ready", "cross", "bad"),
    "unknown": Mark("could not tell", "question", "old"),
}
COURT_VERDICTS = {**VERDICTS, "unknown": Mark("not known yet", "ring", "old")}
STATUSES = {
    Status.PASS: Mark("pass", "check", "good"),
    Status.FAIL: Mark("fail", "cross", "bad"),
    Status.ERROR: Mark("error", "question", "old"),
    Status.SKIP: Mark("skipped", "skip", "none"),
    Status.NOT_APPLICABLE: Mark("n/a", "dash", "none"),
}
CONTRADICTS = Mark("the signed verdict contradicts its findings", "warning", "warn")
WARNING = Mark("warning", "warning", "warn")
NOT_SEEN = Mark("not seen", "ring", "none")
DECLARED = {
    "met": Mark("attested", "check", "good"),
    "not-met": Mark("not done", "cross", "bad"),
    "open": Mark("taken back", "ring", "old"),
    "waived": Mark("waived", "flag", "calm"),
    "n/a": Mark("left out", "dash", "none"),
    "declared": Mark("declared", "flag", "calm"),
    "reported": Mark("reported", "check", "good"),
    "go": Mark("go", "check", "good"),
    "go-with-workarounds": Mark("go, with workarounds", "flag", "calm"),
    "no-go": Mark("no-go", "cross", "bad"),
    "undo": Mark("undone", "ring", "old"),
}
PARTIES = {
    Party.AOC: "AOC",
    Party.COURT: "court",
    Party.SHERIFF: "sheriff",
    Party.DOJ: "California DOJ",
}
KINDS = {
    Kind.TECHNICAL: "filled by signed reports",
    Kind.ATTESTED: "attested by a person",
    Kind.MIXED: "signed reports and a person's word",
}
PHASES = {
    "planning": "Planning",
    "implement": "Implement",
    "go-live": "Go-live",
    "post-go-live": "After go-live",
}
ROLES = {
    "administrator": "administrator",
    "aoc-reviewer": "AOC reviewer",
    "aoc-approver": "AOC approver",
    "auditor": "auditor",
    "court-manager": "court manager",
    "court-it": "court IT",
    "sheriff": "sheriff",
}
_WORST_FIRST = (Status.FAIL, Status.ERROR, Status.SKIP, Status.PASS, Status.NOT_APPLICABLE)


def skew_mark(seconds: float) -> Mark | None:
    """Return the mark of a report that says it ended *seconds* after it came in; None for 0."""
    if not seconds:
        return None
    span = f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
    return Mark(f"its clock is {span} ahead", "clock", "warn")


def finding_mark(finding: Finding) -> Mark:
    """Return the mark of a finding: a failed one that does not block is a warning."""
    if finding.status is Status.FAIL and finding.severity is not Severity.BLOCKER:
        return WARNING if finding.severity is Severity.WARNING else Mark("note", "flag", "calm")
    return STATUSES[finding.status]


def worst_mark(findings: Iterable[Finding]) -> Mark:
    """Return the mark that stands for all *findings*; blockers before warnings."""
    kept = sorted(
        findings,
        key=lambda one: (
            not (one.status is Status.FAIL and one.severity is Severity.BLOCKER),
            _WORST_FIRST.index(one.status) if one.status is not Status.FAIL else 2.5,
        ),
    )
    return finding_mark(kept[0]) if kept else NOT_SEEN
