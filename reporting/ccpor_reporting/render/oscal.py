"""OSCAL 1.1.3 assessment results (NIST): an observation and a finding for each of ours.

OSCAL knows satisfied and not-satisfied only. What nobody looked at is *not-satisfied* with the
reason *other*: unknown is never satisfied. What does not apply gives an observation and no finding.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from ccpor_reporting.model import Finding, Report, Status
from ccpor_reporting.render.readable import escaped
from ccpor_reporting.render.words import place, target_title
from ccpor_reporting.text import single_line, value_words

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

OSCAL_VERSION = "1.1.3"
NAMESPACE = "urn:ccpor-check"
_REASON = {Status.PASS: "pass", Status.FAIL: "fail", Status.ERROR: "other", Status.SKIP: "other"}


def write(report: Report, _style: Style) -> str:
    name = place(report.location)
    finished = f"{report.finished_at:%Y-%m-%dT%H:%M:%SZ}"
    result = {
        "uuid": _uuid(report, "result"),
        "title": f"CCPOR go-live readiness of {name}",
        "description": (
            f"One run of ccpor-check {report.agent.version}; verdict: {report.verdict.value}"
        ),
        "start": f"{report.started_at:%Y-%m-%dT%H:%M:%SZ}",
        "end": finished,
        "props": [_prop("verdict", report.verdict.value), _prop("run-id", report.run_id)],
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
        "observations": [_observation(finding, report) for finding in report.findings],
        "findings": [
            _finding(finding, report) for finding in report.findings if finding.status in _REASON
        ],
    }
    if not report.findings:  # OSCAL lists are never empty
        del result["observations"]
    if not result["findings"]:
        del result["findings"]
    whole = {
        "assessment-results": {
            "uuid": _uuid(report, "assessment-results"),
            "metadata": {
                "title": f"CCPOR readiness, {name}",
                "last-modified": finished,
                "version": report.run_id,
                "oscal-version": OSCAL_VERSION,
            },
            "import-ap": {"href": f"urn:ccpor-profile:{report.profile.sha256}"},
            "results": [result],
        }
    }
    return escaped(json.dumps(whole, indent=2, ensure_ascii=False)) + "\n"


def _observation(finding: Finding, report: Report) -> dict[str, Any]:
    return {
        "uuid": _uuid(report, f"observation {finding.id}"),
        "title": finding.code,
        "description": single_line(finding.summary) or finding.code,
        "props": [
            _prop("target", finding.target),
            _prop("status", finding.status.value),
            _prop("severity", finding.severity.value),
            _prop("owner", finding.owner.value),
            *_optional("observed", value_words(finding.observed, finding.unit)),
            *_optional("expected", finding.expected),
        ],
        "methods": ["TEST"],
        "collected": f"{report.started_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def _finding(finding: Finding, report: Report) -> dict[str, Any]:
    satisfied = finding.status is Status.PASS
    return {
        "uuid": _uuid(report, f"finding {finding.id}"),
        "title": single_line(f"{target_title(report, finding.target)}: {finding.code}"),
        "description": single_line(finding.summary) or finding.code,
        "props": [_prop("target", finding.target), *_optional("fault", finding.fault)],
        "target": {
            "type": "objective-id",
            "target-id": finding.code,
            "status": {
                "state": "satisfied" if satisfied else "not-satisfied",
                "reason": _REASON[finding.status],
                **({"remarks": single_line(finding.fix)} if finding.fix else {}),
            },
        },
        "related-observations": [{"observation-uuid": _uuid(report, f"observation {finding.id}")}],
    }


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": single_line(value).strip()}


def _optional(name: str, value: str | None) -> list[dict[str, str]]:
    return [_prop(name, value)] if value and value.strip() else []


def _uuid(report: Report, what: str) -> str:
    """Return a UUIDv5 in the run: the same report gives the same file."""
    return str(uuid5(UUID(report.run_id), what))
