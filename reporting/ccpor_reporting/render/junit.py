"""JUnit XML: one test suite a target, one test case a finding; skipped and error are never passed.

A failed warning is a failure too (its severity stands in the properties): JUnit has no third word.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from ccpor_reporting.model import Finding, Report, Status
from ccpor_reporting.render.markup import marked, marked_lines
from ccpor_reporting.render.words import retried, target_title
from ccpor_reporting.text import value_words

if TYPE_CHECKING:
    from ccpor_reporting.render import Style


def write(report: Report, _style: Style) -> str:
    targets = dict.fromkeys(finding.target for finding in report.findings)
    name = f"ccpor-check {report.profile.id}"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {_attributes(name=name, time=_run_s(report), **_totals(report.findings))}>",
    ]
    for target in targets:
        lines += _suite(target, report)
    lines.append("</testsuites>")
    return "\n".join(lines) + "\n"


def _suite(target: str, report: Report) -> list[str]:
    findings = tuple(finding for finding in report.findings if finding.target == target)
    durations = {
        seen.check: seen.duration_ms for seen in report.observations if seen.target == target
    }
    started = f"{report.started_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    head = _attributes(
        name=target,
        timestamp=started,
        hostname=report.machine.name,
        time=f"{sum(durations.values()) / 1000:.3f}",
        **_totals(findings),
    )
    lines = [f"  <testsuite {head}>", *_properties(4, title=target_title(report, target))]
    for finding in findings:
        # A check's time is told once, at its first finding, so that sums stay true.
        spent_ms = durations.pop(finding.check, 0.0)
        lines += _case(finding, spent_ms, report)
    return [*lines, "  </testsuite>"]


def _case(finding: Finding, spent_ms: float, report: Report) -> list[str]:
    head = _attributes(classname=finding.target, name=finding.code, time=f"{spent_ms / 1000:.3f}")
    properties = _properties(
        6,
        severity=finding.severity.value,
        owner=finding.owner.value,
        fault=finding.fault or "",
        observed=value_words(finding.observed, finding.unit),
        expected=finding.expected or "",
        retried=retried(finding, report),
    )
    return [f"    <testcase {head}>", *properties, *_outcome(finding), "    </testcase>"]


def _outcome(finding: Finding) -> list[str]:
    told = marked(finding.summary)
    match finding.status:
        case Status.FAIL:
            head = _attributes(type=finding.fault or finding.code, message=finding.summary)
            body = marked_lines(
                f"{finding.summary}\nFix: {finding.fix or ''}\nWho: {finding.owner.value}"
            )
            return [f"      <failure {head}>{body}</failure>"]
        case Status.ERROR:
            head = _attributes(type="not-assessed", message=finding.summary)
            return [f"      <error {head}>{told}</error>"]
        case Status.SKIP:
            return [f"      <skipped {_attributes(message=finding.summary)}/>"]
        case Status.NOT_APPLICABLE:
            said = f"not applicable: {finding.summary}"
            return [f"      <skipped {_attributes(message=said)}/>"]
        case _:
            return [f"      <system-out>{told}</system-out>"]


def _totals(findings: tuple[Finding, ...]) -> dict[str, str]:
    statuses = [finding.status for finding in findings]
    not_run = statuses.count(Status.SKIP) + statuses.count(Status.NOT_APPLICABLE)
    return {
        "tests": str(len(statuses)),
        "failures": str(statuses.count(Status.FAIL)),
        "errors": str(statuses.count(Status.ERROR)),
        "skipped": str(not_run),
    }


def _run_s(report: Report) -> str:
    return f"{(report.finished_at - report.started_at).total_seconds():.3f}"


def _properties(indent: int, **values: str) -> list[str]:
    blank = " " * indent
    told = [
        f"{blank}  <property {_attributes(name=name, value=value)}/>"
        for name, value in values.items()
        if value
    ]
    return [f"{blank}<properties>", *told, f"{blank}</properties>"] if told else []


def _attributes(**values: str) -> str:
    return " ".join(f'{name}="{marked(value)}"' for name, value in values.items())
