"""Two runs side by side: what changed, and what only wobbled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.compare import KINDS, Comparison, beyond_noise, compare, comparison_text
from ccpor_reporting.model import Finding, Report, Severity, Status, Verdict
from tests.reporting.reports import AT, failed, finding, report_of, rich_report, skipped

PASS = finding("web", "tcp.reach")
REFUSED = failed("web", "tcp.reach/refused")
DROPPED = failed("web", "tcp.reach/dropped")
WARNED = failed("web", "tcp.reach/refused", severity=Severity.WARNING)
ERROR = finding("web", "tcp.reach", Status.ERROR)
SKIP = skipped("web", "tcp.reach", "web/dns.answer")
NOT_HERE = finding("web", "tcp.reach", Status.NOT_APPLICABLE)


def run(*findings: Finding, days: float = 0) -> Report:
    return report_of(findings, at=AT + timedelta(days=days))


def kinds(comparison: Comparison) -> dict[str, list[str]]:
    """Return the findings of each kind that has any."""
    sorted_out = {kind: getattr(comparison, kind) for kind in KINDS}
    return {kind: [c.finding for c in changes] for kind, changes in sorted_out.items() if changes}


def kind_of(old: Finding, new: Finding, days: float = 0) -> str:
    (kind,) = kinds(compare(run(old), run(new, days=days)))
    return kind


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (PASS, PASS, "same"),
        (REFUSED, REFUSED, "same"),
        (NOT_HERE, PASS, "same"),
        (PASS, REFUSED, "new"),
        (NOT_HERE, REFUSED, "new"),
        (ERROR, REFUSED, "new"),
        (SKIP, REFUSED, "new"),
        (DROPPED, REFUSED, "new"),
        (REFUSED, PASS, "gone"),
        (REFUSED, NOT_HERE, "gone"),
        (REFUSED, ERROR, "not_comparable"),
        (REFUSED, SKIP, "not_comparable"),
        (ERROR, SKIP, "not_comparable"),
        (WARNED, REFUSED, "worse"),
        (REFUSED, WARNED, "better"),
        (PASS, ERROR, "worse"),
        (PASS, SKIP, "worse"),
        (ERROR, PASS, "better"),
        (SKIP, PASS, "better"),
    ],
)
def test_each_pair_of_states_has_its_kind(old: Finding, new: Finding, expected: str) -> None:
    """A fault that nobody looked for again is not gone."""
    assert kind_of(old, new) == expected


def measured(code: str, value: float, unit: str) -> Finding:
    return finding("web", code, observed=value, unit=unit)


@pytest.mark.parametrize(
    ("code", "old", "new", "unit", "expected"),
    [
        ("http.latency", 100, 119, "ms", "same"),  # under 20 %
        ("http.latency", 10, 29, "ms", "same"),  # under 20 ms
        ("http.latency", 100, 125, "ms", "worse"),
        ("http.latency", 200, 100, "ms", "better"),
        ("path.loss", 0.0, 0.4, "%", "same"),
        ("path.loss", 0.0, 0.7, "%", "worse"),
        ("capacity.upload", 50, 30, "Mbit/s", "worse"),
        ("capacity.upload", 50, 80, "Mbit/s", "better"),
        ("workstation.disk", 100, 60, "GB", "worse"),
        ("clock.offset", -1.0, 40.0, "s", "worse"),
        ("clock.offset", -40.0, 1.0, "s", "better"),
        ("clock.offset", -40.0, 40.0, "s", "same"),
    ],
)
def test_a_measured_value_changes_only_beyond_its_noise(
    code: str, old: float, new: float, unit: str, expected: str
) -> None:
    """A false "worse" after every incident teaches people to ignore the comparison."""
    assert kind_of(measured(code, old, unit), measured(code, new, unit)) == expected


@pytest.mark.parametrize(
    ("left_before", "left_now", "days", "expected"),
    [(60, 30, 30, "same"), (60, 31, 30, "same"), (60, 10, 30, "worse"), (20, 380, 10, "better")],
)
def test_days_that_pass_are_no_change(
    left_before: int, left_now: int, days: float, expected: str
) -> None:
    """A certificate has a day less every day; only another certificate is news."""
    old = measured("tls.validity", left_before, "days")
    new = measured("tls.validity", left_now, "days")

    assert kind_of(old, new, days) == expected


@pytest.mark.parametrize("odd", [None, "fast", True, [1.0], {"ms": 1}])
def test_what_is_no_number_is_not_measured(odd: Any) -> None:
    """Observed values are of many kinds."""
    old = finding("web", "http.latency", observed=odd, unit="ms")

    assert kind_of(old, measured("http.latency", 900, "ms")) == "same"


@given(st.floats(0.001, 1e6), st.sampled_from(["ms", "s", "%", "GB", "Mbit/s", "odd"]))
def test_a_value_is_never_beyond_its_own_noise(value: float, unit: str) -> None:
    """Nothing changed, nothing is reported."""
    assert not beyond_noise(value, value, unit, 0)
    assert not beyond_noise(value, value * 1.19, unit, 0)


def test_another_version_of_a_check_is_not_comparable() -> None:
    """A rule that changed its meaning makes old and new two questions."""
    new = run(REFUSED)
    agent = msgspec.structs.replace(new.agent, checks={"tcp": 2})

    comparison = compare(run(PASS), msgspec.structs.replace(new, agent=agent))

    assert kinds(comparison) == {"not_comparable": ["web/tcp.reach"]}
    assert comparison.not_comparable[0].words == "check tcp was version 1, is 2"


def test_findings_of_one_run_only_are_not_comparable_unless_they_failed() -> None:
    """A target that was added and fails is a new fault; one that was taken out is gone."""
    old = run(finding("gone-pass", "dns.answer"), failed("gone-fail", "dns.answer/nxdomain"))
    new = run(finding("new-pass", "dns.answer"), failed("new-fail", "dns.answer/nxdomain"))

    assert kinds(compare(old, new)) == {
        "new": ["new-fail/dns.answer"],
        "not_comparable": ["new-pass/dns.answer"],
        "gone": ["gone-pass/dns.answer", "gone-fail/dns.answer"],
    }


def test_a_target_taken_out_of_the_profile_is_gone_and_said_so() -> None:
    """Taking it out is a decision, not something that nobody looked at."""
    comparison = compare(run(PASS, failed("old", "dns.answer/nxdomain")), run(PASS))

    assert kinds(comparison) == {"same": ["web/tcp.reach"], "gone": ["old/dns.answer"]}
    assert comparison.differs == ("targets taken out: old",)
    assert comparison.verdict is Verdict.READY


CHAIN = (REFUSED, *(skipped("web", f"tls.{code}", "web/tcp.reach") for code in ("trust", "name")))


def test_a_chain_that_failed_in_both_runs_is_the_same() -> None:
    """The same report twice has nothing to say, and exit code 0."""
    comparison = compare(run(*CHAIN), run(*CHAIN))

    assert list(kinds(comparison)) == ["same"]
    assert comparison.verdict is Verdict.READY


def test_a_skip_for_another_reason_is_not_the_same() -> None:
    """Behind another fault, nobody knows whether anything changed."""
    old, new = SKIP, skipped("web", "tcp.reach", "web/link.up")

    assert kind_of(old, new) == "not_comparable"


def test_what_a_new_fault_stopped_stands_behind_it() -> None:
    """One port that closed is one change, not one for each question behind it."""
    before = (PASS, finding("web", "tls.trust"), finding("web", "tls.name"))

    comparison = compare(run(*before), run(*CHAIN))

    assert kinds(comparison) == {"new": ["web/tcp.reach"]}
    assert comparison.new[0].behind == ("web/tls.trust", "web/tls.name")
    assert "refused (blocks go-live); 2 more were not looked at because of this" in " ".join(
        comparison_text(comparison).split()
    )


def test_a_new_warning_that_stops_a_blocker_blocks() -> None:
    """Folding must not make a comparison milder than its parts."""
    before = (PASS, finding("web", "tls.trust"))

    comparison = compare(run(*before), run(WARNED, CHAIN[1]))

    assert kinds(comparison) == {"new": ["web/tcp.reach"]}
    assert comparison.verdict is Verdict.NOT_READY


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (REFUSED, REFUSED, Verdict.READY),
        (REFUSED, PASS, Verdict.READY),
        (PASS, REFUSED, Verdict.NOT_READY),
        (PASS, WARNED, Verdict.READY),
        (REFUSED, ERROR, Verdict.UNKNOWN),
        (PASS, ERROR, Verdict.NOT_READY),
    ],
)
def test_the_verdict_of_a_comparison_is_about_the_change(
    old: Finding, new: Finding, expected: Verdict
) -> None:
    """An incident is closed when nothing that blocks is new or worse."""
    assert compare(run(old), run(new)).verdict is expected


def test_every_finding_of_both_runs_comes_out_once() -> None:
    """Nothing vanishes between two runs."""
    old, new = rich_report(), run(PASS, *rich_report().findings[5:])
    comparison = compare(old, new)
    listed = [
        name
        for kind in KINDS
        for change in getattr(comparison, kind)
        for name in (change.finding, *change.behind)
    ]

    assert sorted(listed) == sorted({f.id for f in (*old.findings, *new.findings)})


def test_a_run_compared_with_itself_has_nothing_to_say() -> None:
    """Negative control."""
    comparison = compare(rich_report(), rich_report())

    assert set(kinds(comparison)) == {"same", "not_comparable"}
    assert comparison.differs == ()


def test_the_text_says_what_changed_and_in_what_the_runs_differ() -> None:
    """A comparison across two workstations must say so before anything else."""
    new = run(REFUSED, measured("http.latency", 900, "ms"), days=1)
    machine = msgspec.structs.replace(new.machine, name="SR-SCAN-04")
    new = msgspec.structs.replace(new, machine=machine)

    text = comparison_text(compare(run(PASS, measured("http.latency", 100, "ms")), new))

    assert text == (
        "Compared with the run of 2026-11-23 17:04:05 UTC: 1 new, 1 worse, 0 better, 0\n"
        "  gone, 0 same, 0 not comparable\n"
        "  not the same in both runs: workstation: SR-SCAN-03 -> SR-SCAN-04\n"
        "\n"
        "New faults\n"
        "  web/tcp.reach: pass -> FAIL refused (blocks go-live)\n"
        "\n"
        "Worse\n"
        "  web/http.latency: 100 ms -> 900 ms\n"
    )


def test_a_comparison_is_json() -> None:
    """Scripts at the AOC read it."""
    comparison = compare(rich_report(), run(REFUSED))

    assert msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison) == comparison
