"""From one observation to its findings: every planned code comes out exactly once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import (
    Ending,
    Finding,
    Owner,
    Severity,
    Status,
    TargetRef,
    finding_id,
)
from ccpor_reporting.rules import Judgement, Rule, Setting, not_applicable, unassessed, unmet

INTERNAL = "internal"
NOT_APPLICABLE = "not-applicable"
WEIGHT = {Severity.BLOCKER: 2, Severity.WARNING: 1, Severity.INFO: 0}


@dataclass(frozen=True, slots=True)
class Judged:
    """The findings of one check on one target, and whether checks that need it may run.

    `gate` is the id of the finding that stops them, or None when they may. It is decided on what
    a fault costs on a required target: a closed port stops TLS even where the target is optional.
    """

    findings: tuple[Finding, ...]
    gate: str | None


def planned_rules(rules: Iterable[Rule[Any, Any]], options: Any) -> tuple[Rule[Any, Any], ...]:
    """Return the rules whose question the profile asks at all."""
    return tuple(rule for rule in rules if rule.planned(options))


def judge(
    *,
    check: str,
    rules: Sequence[Rule[Any, Any]],
    staged: bool,
    target: TargetRef,
    options: Any,
    evidence: Any | None,
    ending: Ending | None,
    setting: Setting,
) -> Judged:
    """Return one finding for each of *rules*, in order.

    evidence: what the check returned; None when it ended otherwise, then *ending* says how.
    A staged check whose first rule does not pass gives that one finding and skips the rest.
    """
    findings: list[Finding] = []
    gate: str | None = None
    stage_down: str | None = None
    for position, rule in enumerate(rules):
        if stage_down is not None:
            findings.append(skipped(check, rule, target, stage_down))
            continue
        said = (
            _from_ending(rule, position, ending)
            if evidence is None
            else rule.judge(evidence, options, setting)
        )
        finding = _finding(check, rule, target, said)
        findings.append(finding)
        if _stops(finding, said, rule):
            gate = gate or finding.id
            if (staged and position == 0) or evidence is None:
                stage_down = finding.id
    return Judged(tuple(findings), gate)


def skipped(check: str, rule: Rule[Any, Any], target: TargetRef, because: str) -> Finding:
    """Return the skip of one rule; *because* is the id of the finding that explains it."""
    return _finding(
        check,
        rule,
        target,
        Judgement(status=Status.SKIP, summary=f"not looked at: {because} did not pass"),
        because,
    )


def not_observed(check: str, rule: Rule[Any, Any], target: TargetRef, why: str) -> Finding:
    """Return the error of one rule that nobody could look at."""
    return _finding(check, rule, target, unassessed(why))


def _from_ending(rule: Rule[Any, Any], position: int, ending: Ending | None) -> Judgement:
    if ending is None:
        return unassessed("the check returned no evidence")
    if ending.kind == NOT_APPLICABLE:
        return not_applicable(ending.detail)
    if ending.kind == "target-failed" and ending.reason:
        if ending.code == rule.code:
            return unmet(ending.reason, ending.detail)
        if position == 0:
            return unassessed(f"{ending.code}/{ending.reason} is not a rule of this check")
    return unassessed(ending.detail)


def _stops(finding: Finding, said: Judgement, rule: Rule[Any, Any]) -> bool:
    natural = said.severity or rule.severity
    match finding.status:
        case Status.FAIL:
            return natural is Severity.BLOCKER
        case Status.ERROR:
            return rule.severity is Severity.BLOCKER
        case _:
            return False


def _finding(
    check: str,
    rule: Rule[Any, Any],
    target: TargetRef,
    said: Judgement,
    because: str | None = None,
) -> Finding:
    if said.because:
        because = finding_id(target.id, said.because)
    severity = said.severity or rule.severity
    if severity is Severity.BLOCKER and not target.required:
        severity = Severity.WARNING
    owner, fix = said.owner, said.fix
    if said.status is Status.FAIL:
        owner, fix = _who_and_how(rule.code, said, target)
    return Finding(
        id=finding_id(target.id, rule.code),
        target=target.id,
        check=check,
        code=rule.code,
        status=said.status,
        severity=severity,
        summary=said.summary,
        owner=owner or target.owner,
        reason=said.reason,
        observed=said.observed,
        expected=said.expected,
        unit=said.unit,
        fix=fix,
        because=because,
    )


def _who_and_how(code: str, said: Judgement, target: TargetRef) -> tuple[Owner, str]:
    entry = catalogue().get(code)
    reason = entry.reasons.get(said.reason or "") if entry else None
    if reason is None:  # a third party's check brings its own words
        return said.owner or target.owner, said.fix or "see the documentation of this check"
    return said.owner or reason.owner_for(target.owner), said.fix or reason.fix


def counts(findings: Iterable[Finding]) -> Mapping[Status, int]:
    """Return how many findings have each status."""
    total = dict.fromkeys(Status, 0)
    for finding in findings:
        total[finding.status] += 1
    return total
