"""One report: what it says, what explains it, and what proves it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ccpor_reporting.model import Finding, Observation, Report, Severity, Status, TargetRef
from ccpor_reporting.text import OWNER_WORDS, SEVERITY_WORDS, value_words
from ccpor_server.consistency import judged_verdict, skew_s
from ccpor_server.pages.capacity_block import CapacityBlock, capacity_blocks
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import CONTRADICTS, VERDICTS, Mark, finding_mark, skew_mark
from ccpor_server.store.courts import Court
from ccpor_server.store.reports import StoredReport

FITS = Mark("signature fits", "check", "good")
DOES_NOT_FIT = Mark("signature does not fit", "cross", "bad")
_FINE = frozenset({Status.PASS, Status.NOT_APPLICABLE})
_ORDER = (Status.FAIL, Status.ERROR, Status.SKIP, Status.PASS, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseBlock:
    fault: str
    target: str
    summary: str
    owner: str
    confidence: str
    blocks: bool
    explains: tuple[str, ...]
    evidence: tuple[str, ...]
    fix: str
    ticket: str
    ticket_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    id: str
    target: str
    code: str
    mark: Mark
    fault: str | None
    severity: str
    summary: str
    observed: str
    expected: str
    owner: str
    fix: str | None
    because: str | None
    unproven: str | None  # what stays unproven where nobody looked


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetBlock:
    """One target's findings, worst first.

    failing: something failed or could not be looked at; what passed is then apart, in `passed`.
    """

    id: str
    title: str
    url: str
    failing: bool
    counts: tuple[tuple[Mark, int], ...]
    findings: tuple[FindingRow, ...]
    passed: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationBlock:
    target: str
    title: str
    check: str
    took: str
    attempts: int
    ending: str | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportPage:
    court_id: str
    court: str
    run_id: str
    machine: str
    os: str
    place: str
    verdict: Mark
    doubts: tuple[Mark, ...]  # what makes the signed words hard to believe
    signed_verdict: str
    counts: tuple[tuple[Mark, int], ...]
    signature: Mark
    readable: bool
    log_index: int
    digest: str
    level: str
    started: Stamp
    finished: Stamp
    received: Stamp
    took: str
    reason: str
    agent: str
    profile: str
    clock: str
    interrupted: bool
    causes: tuple[CauseBlock, ...]
    nothing_failed: bool
    findings: int
    targets: tuple[TargetBlock, ...]
    capacity: tuple[CapacityBlock, ...]
    observations: tuple[ObservationBlock, ...]
    not_assessed: tuple[tuple[str, str, str, bool], ...]
    coverage: str


def report_page(
    stored: StoredReport, report: Report | None, court: Court, now: datetime
) -> ReportPage:
    """Return the page of one report; *report* is None when its signature does not fit."""
    zone = court.time_zone
    received = stamp(stored.received_at, now, zone)
    common = {
        "court_id": court.id,
        "court": court.name,
        "run_id": stored.run_id,
        "place": f"{stored.location}, {stored.role}",
        "log_index": stored.log_index,
        "digest": stored.digest,
        "received": received,
        "reason": stored.reason,
    }
    if report is None:
        return _unreadable(stored, received, common)
    seconds = (report.finished_at - report.started_at).total_seconds()
    judged, contradicts = judged_verdict(report)
    doubts = (CONTRADICTS if contradicts else None, skew_mark(skew_s(report, stored.received_at)))
    failing = {Status.FAIL, Status.ERROR}
    return ReportPage(
        **common,  # type: ignore[arg-type]
        machine=report.machine.name,
        os=report.machine.os,
        verdict=VERDICTS[judged],
        doubts=tuple(mark for mark in doubts if mark),
        signed_verdict=VERDICTS[report.verdict].word,
        counts=_counts(report.findings),
        signature=FITS,
        readable=True,
        level="L1",
        started=stamp(report.started_at, now, zone),
        finished=stamp(report.finished_at, now, zone),
        took=f"{seconds:.1f} s",
        agent=f"ccpor-check {report.agent.version}",
        profile=f"{report.profile.id}, version {report.profile.version}",
        clock=_clock(report.clock_offset_ms),
        interrupted=report.interrupted,
        causes=_causes(report),
        nothing_failed=not any(one.status in failing for one in report.findings),
        findings=len(report.findings),
        targets=_targets(report),
        capacity=capacity_blocks(report),
        observations=tuple(_observation(one, report) for one in report.observations),
        not_assessed=_left_out(report),
        coverage=_coverage(report),
    )


def _unreadable(stored: StoredReport, received: Stamp, common: dict[str, object]) -> ReportPage:
    """Return the page of bytes that prove nothing: what the row says, and no content."""
    return ReportPage(
        **common,  # type: ignore[arg-type]
        machine=stored.machine_name,
        os="",
        verdict=VERDICTS["unknown"],
        doubts=(),
        signed_verdict="",
        counts=(),
        signature=DOES_NOT_FIT,
        readable=False,
        level="none",
        started=received,
        finished=received,
        took="",
        agent="",
        profile="",
        clock="",
        interrupted=False,
        causes=(),
        nothing_failed=False,
        findings=0,
        targets=(),
        capacity=(),
        observations=(),
        not_assessed=(),
        coverage="",
    )


def _clock(offset_ms: float | None) -> str:
    return "not measured" if offset_ms is None else f"{offset_ms / 1000:+.3f} s"


def _coverage(report: Report) -> str:
    seen = report.coverage
    said = f"{seen.assessed} of {seen.planned} planned findings were assessed"
    return f"{said}, {seen.excluded} left out by choice" if seen.excluded else said


def _worst_first(finding: Finding) -> tuple[int, int, str]:
    blocking = finding.severity is not Severity.BLOCKER
    return (_ORDER.index(finding.status), int(blocking), finding.id)


def _targets(report: Report) -> tuple[TargetBlock, ...]:
    """Return the findings target by target: failing ones first, else in the report's order."""
    known = {one.id: one for one in report.targets}
    unproven = {one.finding: one.unproven for one in report.coverage.not_assessed}
    held: dict[str, list[Finding]] = {}
    for finding in sorted(report.findings, key=_worst_first):
        held.setdefault(finding.target, []).append(finding)
    order = [*known, *(name for name in held if name not in known)]
    blocks = [
        _target(name, known.get(name), held[name], unproven) for name in order if name in held
    ]
    return tuple(sorted(blocks, key=lambda one: not one.failing))


def _target(
    name: str, known: TargetRef | None, findings: list[Finding], unproven: dict[str, str]
) -> TargetBlock:
    failing = any(one.status in {Status.FAIL, Status.ERROR} for one in findings)
    apart = [one for one in findings if failing and one.status in _FINE]
    return TargetBlock(
        id=name,
        title=(known.title if known else "") or name,
        url=known.url if known else "",
        failing=failing,
        counts=_counts(findings),
        findings=tuple(_finding(one, unproven.get(one.id)) for one in findings if one not in apart),
        passed=tuple(_finding(one, None) for one in apart),
    )


def _titles(report: Report) -> dict[str, str]:
    return {one.id: one.title or one.id for one in report.targets}


def _left_out(report: Report) -> tuple[tuple[str, str, str, bool], ...]:
    """Return what was not looked at and is no finding either; the others say it themselves."""
    held = {one.id for one in report.findings}
    return tuple(
        (one.finding, one.why, one.unproven, one.blocking)
        for one in report.coverage.not_assessed
        if one.finding not in held
    )


def _counts(findings: Iterable[Finding]) -> tuple[tuple[Mark, int], ...]:
    counted: dict[Mark, int] = {}
    for finding in sorted(findings, key=_worst_first):
        mark = finding_mark(finding)
        counted[mark] = counted.get(mark, 0) + 1
    return tuple(counted.items())


def _causes(report: Report) -> tuple[CauseBlock, ...]:
    titles = _titles(report)
    return tuple(
        CauseBlock(
            fault=cause.fault,
            target=", ".join(titles.get(name, name) for name in cause.targets),
            summary=cause.summary,
            owner=OWNER_WORDS[cause.owner],
            confidence=cause.confidence.value,
            blocks=cause.severity is Severity.BLOCKER,
            explains=cause.explains,
            evidence=cause.evidence,
            fix=cause.fix,
            ticket=cause.ticket,
            ticket_rows=min(24, max(4, len(cause.ticket.splitlines()) + 1)),
        )
        for cause in report.causes
    )


def _finding(one: Finding, unproven: str | None) -> FindingRow:
    is_fine = one.status in _FINE  # then it costs nobody anything
    return FindingRow(
        id=one.id,
        target=one.target,
        code=one.code,
        mark=finding_mark(one),
        fault=one.fault,
        severity="" if is_fine else SEVERITY_WORDS[one.severity],
        summary=one.summary,
        observed=value_words(one.observed, one.unit),
        expected=one.expected or "",
        owner="" if is_fine else OWNER_WORDS[one.owner],
        fix=one.fix,
        because=one.because,
        unproven=unproven,
    )


def _observation(one: Observation, report: Report) -> ObservationBlock:
    ending = one.ending
    return ObservationBlock(
        target=one.target,
        title=_titles(report).get(one.target, one.target),
        check=one.check,
        took=f"{one.duration_ms:.0f} ms",
        attempts=one.attempts,
        ending=f"{ending.kind}: {ending.detail}" if ending else None,
        evidence=json.dumps(one.evidence, indent=2, ensure_ascii=False, sort_keys=True),
    )
