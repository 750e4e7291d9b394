"""Stored evidence judged under another profile: no look, no clock, no network."""

from __future__ import annotations

import msgspec

from ccpor_agent.engine import Seen, setting_of
from ccpor_agent.plan import Key, Node, Plan
from ccpor_agent.report_builder import Occasion, build_report
from ccpor_reporting.judging import INTERNAL, Judged, judge, not_observed, skipped
from ccpor_reporting.model import Finding, Observation, Report


def judged_again(report: Report, plan: Plan, *, retest: str) -> Report:
    """Return *report* with the findings that its evidence gives under *plan*.

    Only an observation of the same target, check and check version is judged; anything else is an
    error, or a skip where a check it needs did not pass.
    """
    found = {(each.target, each.check): each for each in report.observations}
    gates: dict[Key, str] = {}
    findings: list[Finding] = []
    for node in _in_order(plan):
        gate = next((gates[need] for need in node.needs if need in gates), None)
        judged = _judged(plan, node, found.get(node.key), gate, report)
        findings += judged.findings
        if judged.gate:
            gates[node.key] = judged.gate
    seen = Seen(
        observations=report.observations,
        findings=_as_planned(plan, findings),
        interrupted=report.interrupted,
    )
    occasion = Occasion(
        run_id=report.run_id,
        reason=report.reason,
        started_at=report.started_at,
        machine=report.machine,
        local=report.started_at.astimezone().tzinfo,
        incident=report.incident,
        nonce=report.nonce,
        retest=retest,
    )
    again = build_report(plan, seen, occasion, report.finished_at)
    # Who looked, where and how late its clock was do not change with the judgement.
    return msgspec.structs.replace(
        again, agent=report.agent, location=report.location, clock_offset_ms=report.clock_offset_ms
    )


def _in_order(plan: Plan) -> list[Node]:
    """Return the nodes, each after those it needs."""
    from graphlib import TopologicalSorter

    nodes = {node.key: node for node in plan.nodes}
    order = TopologicalSorter({node.key: node.needs for node in plan.nodes}).static_order()
    return [nodes[key] for key in order]


def _as_planned(plan: Plan, findings: list[Finding]) -> tuple[Finding, ...]:
    by_id = {finding.id: finding for finding in findings}
    return tuple(by_id[each] for each in plan.finding_ids)


def _judged(
    plan: Plan, node: Node, seen: Observation | None, gate: str | None, report: Report
) -> Judged:
    if gate is not None:
        findings = tuple(skipped(node.check_id, rule, node.ref, gate) for rule in node.rules)
        return Judged(findings, gate)
    if seen is None:
        return _nothing(node, "not observed in this report")
    if seen.version != node.check.version:
        return _nothing(
            node,
            f"observed by version {seen.version} of {node.check_id}, "
            f"this ccpor-check judges version {node.check.version}",
        )
    ref = next((each for each in report.targets if each.id == node.target.id), None)
    if ref is not None and ref.url != node.ref.url:
        return _nothing(node, f"observed at {ref.url}, the profile asks about {node.ref.url}")
    evidence, ending = None, seen.ending
    if ending is None or (ending.kind == INTERNAL and seen.evidence):
        try:
            evidence, ending = msgspec.convert(seen.evidence, node.check.evidence), None
        except msgspec.ValidationError as exc:
            return _nothing(node, f"the evidence in this report does not read: {exc}")
    return judge(
        check=node.check_id,
        rules=node.rules,
        staged=node.check.staged,
        target=node.ref,
        options=node.options,
        evidence=evidence,
        ending=ending,
        setting=setting_of(plan, node, seen.started_at),
    )


def _nothing(node: Node, why: str) -> Judged:
    findings = tuple(not_observed(node.check_id, rule, node.ref, why) for rule in node.rules)
    return Judged(findings, next((f.id for f in findings if f.severity != "info"), None))
