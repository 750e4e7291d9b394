"""Run one check against a real peer and judge what it saw, as the engine does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from ccpor_checks.base import Check, Context, Target, TargetFailed
from ccpor_reporting.judging import judge, planned_rules
from ccpor_reporting.model import Ending, Finding, Severity, Status, TargetRef
from ccpor_reporting.rules import Setting


@dataclass(frozen=True)
class Looked:
    """What came of it. `seconds` is how long the look took."""

    evidence: Any
    findings: Mapping[str, Finding]  # by code
    gate: str | None
    seconds: float
    attempts: int

    @property
    def failed(self) -> set[str]:
        """The faults of every failed finding."""
        return {str(f.fault) for f in self.findings.values() if f.status is Status.FAIL}

    @property
    def blocking(self) -> set[str]:
        return {
            str(f.fault)
            for f in self.findings.values()
            if f.status is Status.FAIL and f.severity is Severity.BLOCKER
        }

    @property
    def statuses(self) -> set[Status]:
        return {f.status for f in self.findings.values()}


def looked(
    check: Check[Any, Any],
    target: Target,
    options: Mapping[str, Any] | None = None,
    *,
    run: Callable[..., Any] | None = None,
    earlier: Mapping[str, Any] | None = None,
    base_dir: Path | None = None,
    seconds: float = 30.0,
) -> Looked:
    """Look once; evidence goes through JSON before it is judged, as in a stored report."""
    wanted = msgspec.convert(dict(options or {}), check.options)
    context = Context(
        deadline=time.monotonic() + seconds, earlier=earlier or {}, base_dir=base_dir or Path.cwd()
    )
    started = time.monotonic()
    evidence, ending = None, None
    try:
        evidence = (run or check.run)(target, wanted, context)
    except TargetFailed as exc:
        ending = Ending(kind="target-failed", detail=exc.detail, code=exc.code, reason=exc.reason)
    took = time.monotonic() - started
    if evidence is not None:
        evidence = msgspec.json.decode(msgspec.json.encode(evidence), type=check.evidence)
    judged = judge(
        check=check.id,
        rules=planned_rules(check.rules, wanted),
        staged=check.staged,
        target=TargetRef(
            id=target.id,
            title=target.title,
            url=target.url,
            why=target.why,
            owner=target.owner,
            required=target.required,
        ),
        options=wanted,
        evidence=evidence,
        ending=ending,
        setting=Setting(observed_at=context.now(), host=target.host),
    )
    return Looked(
        evidence=evidence,
        findings={finding.code: finding for finding in judged.findings},
        gate=judged.gate,
        seconds=took,
        attempts=context.attempts,
    )
