"""What was not looked at, and what that leaves unproven."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import (
    Coverage,
    Finding,
    Json,
    NotAssessed,
    Observation,
    Severity,
    Status,
    finding_id,
)
from ccpor_reporting.verdict import UNASSESSED

LEFT_OUT = "left out of this run by --only or --skip"
SETTLED = frozenset({"good", "revoked"})  # a status of `evidence.revocation` that is an answer
NOT_PUBLISHED = "not-published"


@dataclass(frozen=True, slots=True)
class Excluded:
    """One planned finding that ``--only`` or ``--skip`` left out."""

    finding_id: str  # target/code
    blocking: bool


def coverage(
    findings: Iterable[Finding],
    excluded: Sequence[Excluded] = (),
    observations: Iterable[Observation] = (),
) -> Coverage:
    """Return how much of the plan was assessed.

    planned counts the findings of this run, so planned = assessed + errors + skips; what was left
    out is counted in `excluded` only. "Not applicable" is an answer and counts as assessed.
    A finding that passed with a doubt in its evidence is assessed and listed: see `doubts`.
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
    listed += doubts(kept, observations)
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


def doubts(
    findings: Sequence[Finding], observations: Iterable[Observation]
) -> Iterator[NotAssessed]:
    """Yield what a pass left open: a certificate that is trusted, revoked or not nobody knows."""
    passed = {finding.id for finding in findings if finding.status is Status.PASS}
    for seen in observations:
        name = finding_id(seen.target, "tls.trust")
        if seen.check == "tls" and name in passed:
            why = _revocation_doubt(seen.evidence.get("revocation"))
            if why:
                yield NotAssessed(
                    finding=name,
                    why=f"revocation could not be checked: {why}",
                    unproven="unproven: the certificate was not revoked",
                    blocking=False,
                )


def _revocation_doubt(asked: Json) -> str:
    """Return why the answers *asked* prove too little, in words; "" where they suffice.

    None asked means that the profile switched it off. An intermediate certificate that names no
    place to ask is common; of the server's own, the first, that leaves the question open.
    """
    if not isinstance(asked, list | tuple):
        return ""
    for position, answer in enumerate(asked):
        status = answer.get("status") if isinstance(answer, Mapping) else None
        if status in SETTLED or (status == NOT_PUBLISHED and position > 0):
            continue
        detail = answer.get("detail") if isinstance(answer, Mapping) else None
        return f"{status}, {detail}" if detail else str(status)
    return ""
