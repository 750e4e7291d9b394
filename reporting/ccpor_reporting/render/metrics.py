"""Prometheus text exposition 0.0.4, for the file collector of an exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ccpor_reporting.compare import measured
from ccpor_reporting.model import Report, Status, Verdict
from ccpor_reporting.text import single_line

if TYPE_CHECKING:
    from ccpor_reporting.render import Style


def write(report: Report, _style: Style) -> str:
    place = {
        "court": report.location.court,
        "location": report.location.name,
        "role": report.location.role,
    }
    lines = _family("ccpor_verdict", "1 for the verdict of the last run, 0 for the others")
    lines += [
        _sample("ccpor_verdict", {**place, "verdict": known.value}, float(known is report.verdict))
        for known in Verdict
    ]
    lines += _family("ccpor_run_finished_timestamp_seconds", "When the last run ended, Unix time")
    finished = report.finished_at.timestamp()
    lines.append(_sample("ccpor_run_finished_timestamp_seconds", place, finished))
    lines += _family("ccpor_finding", "1 for the status each finding has")
    seen: set[str] = set()
    for finding in report.findings:
        if finding.id in seen:  # a second sample of the same labels spoils the whole file
            continue
        seen.add(finding.id)
        labels = {
            **place,
            "target": finding.target,
            "code": finding.code,
            "status": finding.status.value,
            "severity": finding.severity.value,
            "reason": finding.reason or "",
        }
        lines.append(_sample("ccpor_finding", labels, 1.0))
    lines += _family("ccpor_observed", "The measured value of a finding, in its unit")
    seen.clear()
    for finding in report.findings:
        value = measured(finding)
        if value is None or finding.id in seen or finding.status is Status.SKIP:
            continue
        seen.add(finding.id)
        labels = {"target": finding.target, "code": finding.code, "unit": finding.unit or ""}
        lines.append(_sample("ccpor_observed", {**place, **labels}, value))
    return "\n".join(lines) + "\n"


def _family(name: str, told: str) -> list[str]:
    return [f"# HELP {name} {told}", f"# TYPE {name} gauge"]


def _sample(name: str, labels: dict[str, str], value: float) -> str:
    told = ",".join(f'{label}="{_quoted(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value:.15g}"


def _quoted(text: str) -> str:
    return single_line(text).replace("\\", "\\\\").replace('"', '\\"')
