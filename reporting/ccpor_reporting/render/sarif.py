"""SARIF 2.1.0 (OASIS): failed findings, for tools that collect them.

What blocks and was not looked at makes the execution unsuccessful: no result is no pass.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Finding, NotAssessed, Report, Severity, Status
from ccpor_reporting.render.readable import escaped
from ccpor_reporting.text import single_line

if TYPE_CHECKING:
    from ccpor_reporting.render import Style

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVEL = {Severity.BLOCKER: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def write(report: Report, _style: Style) -> str:
    failed = [finding for finding in report.findings if finding.status is Status.FAIL]
    unseen = [item for item in report.coverage.not_assessed if item.blocking]
    rules = list(dict.fromkeys(finding.fault or finding.code for finding in failed))
    driver = {
        "name": "ccpor-check",
        "semanticVersion": report.agent.version,
        "rules": [_rule(fault) for fault in rules],
    }
    run = {
        "tool": {"driver": driver},
        # `guid` takes versions 1 to 5 of a UUID only, ours is 7.
        "automationDetails": {"id": f"{report.profile.id}/{report.run_id}"},
        "invocations": [
            {
                "executionSuccessful": not (report.interrupted or unseen),
                "startTimeUtc": f"{report.started_at:%Y-%m-%dT%H:%M:%SZ}",
                "endTimeUtc": f"{report.finished_at:%Y-%m-%dT%H:%M:%SZ}",
                "toolExecutionNotifications": [_notification(item) for item in unseen],
            }
        ],
        "properties": {"verdict": report.verdict.value},
        "results": [_result(finding, rules, report) for finding in failed],
    }
    whole = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return escaped(json.dumps(whole, indent=2, ensure_ascii=False)) + "\n"


def _notification(item: NotAssessed) -> dict[str, Any]:
    """Return what nobody looked at although it blocks."""
    said = single_line(f"{item.finding}: {item.why}; {item.unproven}")
    return {
        "level": "error",
        "message": {"text": said},
        "descriptor": {"id": item.finding.rpartition("/")[2]},
        "locations": [
            {"logicalLocations": [{"fullyQualifiedName": item.finding, "kind": "resource"}]}
        ],
    }


def _rule(fault: str) -> dict[str, Any]:
    code, _, reason = fault.partition("/")
    entry = catalogue().get(code)
    known = entry.reasons.get(reason) if entry else None
    rule: dict[str, Any] = {"id": fault}
    if known:
        rule["shortDescription"] = {"text": known.means}
        rule["help"] = {"text": f"See it by hand: {known.see}\nFix: {known.fix}"}
    return rule


def _result(finding: Finding, rules: list[str], report: Report) -> dict[str, Any]:
    fault = finding.fault or finding.code
    same_everywhere = (report.location.court, report.location.name, finding.target, fault)
    return {
        "ruleId": fault,
        "ruleIndex": rules.index(fault),
        "level": _LEVEL[finding.severity],
        "message": {"text": single_line(f"{finding.target}: {finding.summary}")},
        "locations": [
            {"logicalLocations": [{"fullyQualifiedName": finding.id, "kind": "resource"}]}
        ],
        # The same fault at the same place has the same print in every run.
        "partialFingerprints": {
            "ccporFault/v1": sha256(
                "\x00".join(same_everywhere).encode("utf-8", "replace")
            ).hexdigest()
        },
        "properties": {
            "owner": finding.owner.value,
            "severity": finding.severity.value,
            "fix": finding.fix or "",
        },
    }
