"""The report of a run, and its evidence judged again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ccpor_agent.engine import Surroundings, run_plan
from ccpor_agent.judging_again import judged_again
from ccpor_agent.plan import Plan
from ccpor_agent.report_builder import (
    Occasion,
    build_report,
    clock_offset_ms,
    new_occasion_id,
    this_machine,
)
from ccpor_checks.base import Check
from ccpor_reporting.codec import decode_report, encode_report
from ccpor_reporting.model import Observation, Report, RunReason
from tests.agent import fake_checks as fake

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def reported(plan: Plan) -> Report:
    """Run *plan* and return its report as the collector would read it."""
    occasion = Occasion(
        run_id=new_occasion_id(NOW),
        reason=RunReason.AD_HOC,
        started_at=NOW,
        machine=this_machine(None),
    )
    seen = run_plan(plan, Surroundings(now=lambda: NOW))
    return decode_report(encode_report(build_report(plan, seen, occasion, NOW)))


def again(report: Report, *checks: Check[Any, Any], extra: str = "") -> dict[str, str]:
    """Return what the report's evidence says under *checks* as they are now."""
    plan = fake.planned({"t": [each.id for each in checks]}, *checks, extra=extra)
    judged = judged_again(report, plan, retest="ccpor-check run")
    assert [finding.id for finding in judged.findings] == list(plan.finding_ids)
    return {finding.id: finding.status.value for finding in judged.findings}


@pytest.mark.parametrize(
    "run", [fake.passes, fake.fails, fake.target_failed, fake.cannot, fake.times_out, fake.crashes]
)
def test_each_ending_is_judged_again_as_it_was(run: fake.Run) -> None:
    """What the world said, and what we could not see, does not change with the day."""
    checks = (fake.check("a", run), fake.check("b", needs=["a"]))
    report = reported(fake.planned({"t": ["a", "b"]}, *checks))

    assert again(report, *checks) == {f.id: f.status.value for f in report.findings}


def test_another_limit_gives_another_finding_from_the_same_evidence() -> None:
    """9 is above 5 and below 10."""
    check = fake.check("a", fake.fails, rules=1)
    report = reported(fake.planned({"t": ["a"]}, check))

    assert again(report, check, extra="a = { limit = 10 }\n") == {"t/a.stage": "pass"}


def test_evidence_of_another_version_of_the_check_is_not_judged() -> None:
    """A field that changed its meaning must not be read with the new one."""
    check = fake.check("a", rules=1)
    report = reported(fake.planned({"t": ["a"]}, check))

    assert again(report, replace(check, version=2)) == {"t/a.stage": "error"}


def test_evidence_that_no_longer_reads_is_an_error() -> None:
    """A report edited by hand, or by another program."""
    check = fake.check("a", rules=1)
    report = reported(fake.planned({"t": ["a"]}, check))
    (seen,) = report.observations
    torn = msgspec.structs.replace(seen, evidence={"value": "much"})

    assert again(msgspec.structs.replace(report, observations=(torn,)), check) == {
        "t/a.stage": "error"
    }


def test_a_rule_that_failed_of_our_own_bug_is_judged_once_it_is_mended() -> None:
    """The evidence was kept, so nobody has to look again."""
    broken = fake.check("a", rules=1, judge=fake.JUDGES["explodes"])
    report = reported(fake.planned({"t": ["a"]}, broken))

    assert [finding.status.value for finding in report.findings] == ["error"]
    assert again(report, fake.check("a", rules=1)) == {"t/a.stage": "pass"}


def test_what_was_left_out_blocks_the_verdict() -> None:
    """All that was asked passed; what was not asked keeps it from being ready."""
    checks = (fake.check("a"), fake.check("b"))

    assert reported(fake.planned({"t": ["a", "b"]}, *checks)).verdict == "ready"
    assert reported(fake.planned({"t": ["a", "b"]}, *checks, skip=["b"])).verdict == "unknown"


def test_the_clock_is_told_as_this_machine_minus_the_reference() -> None:
    """NTP says what to add to this clock; the report says how far it stands ahead."""
    seen = Observation(
        target="t",
        check="clock",
        version=1,
        started_at=NOW,
        duration_ms=1.0,
        attempts=1,
        evidence={"offset_s": -4.5},
    )
    other = msgspec.structs.replace(seen, check="tcp")
    unknown = msgspec.structs.replace(seen, evidence={"offset_s": None})

    assert clock_offset_ms((other, unknown, seen)) == 4500.0
    assert clock_offset_ms((other, unknown)) is None
