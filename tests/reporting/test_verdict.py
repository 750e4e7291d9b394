"""The one word: unknown never becomes ready."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.model import Finding, Severity, Status, Verdict
from ccpor_reporting.verdict import exit_code, verdict
from tests.reporting.reports import finding

READINESS = {Verdict.NOT_READY: 0, Verdict.UNKNOWN: 1, Verdict.READY: 2}


def of(status: Status, severity: Severity = Severity.BLOCKER) -> Finding:
    reason = "dropped" if status is Status.FAIL else None
    return finding("web", "tcp.reach", status, reason, severity=severity)


PASS = of(Status.PASS)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        ([PASS], Verdict.READY),
        ([PASS, of(Status.FAIL)], Verdict.NOT_READY),
        ([PASS, of(Status.FAIL, Severity.WARNING)], Verdict.READY),
        ([PASS, of(Status.FAIL, Severity.INFO)], Verdict.READY),
        ([PASS, of(Status.ERROR)], Verdict.UNKNOWN),
        ([PASS, of(Status.SKIP)], Verdict.UNKNOWN),
        ([PASS, of(Status.ERROR, Severity.WARNING)], Verdict.READY),
        ([PASS, of(Status.SKIP, Severity.WARNING)], Verdict.READY),
        ([PASS, of(Status.NOT_APPLICABLE)], Verdict.READY),
        ([of(Status.NOT_APPLICABLE)], Verdict.UNKNOWN),
        ([of(Status.ERROR, Severity.INFO)], Verdict.UNKNOWN),
        ([of(Status.ERROR), of(Status.FAIL)], Verdict.NOT_READY),
        ([], Verdict.UNKNOWN),
    ],
)
def test_each_mixture_has_its_word(findings: list[Finding], expected: Verdict) -> None:
    """A court goes live on this word."""
    assert verdict(findings) is expected


def test_a_blocker_left_out_makes_it_unknown() -> None:
    """`--skip tls` must not be a way to become ready."""
    assert verdict([PASS], excluded_blocking=1) is Verdict.UNKNOWN


def test_an_interrupted_run_is_unknown() -> None:
    """Ctrl-C half way through proves nothing about the other half."""
    assert verdict([PASS], interrupted=True) is Verdict.UNKNOWN


def test_a_failed_blocker_counts_even_in_an_interrupted_and_partial_run() -> None:
    """One proof of a fault is enough."""
    said = verdict([of(Status.FAIL)], excluded_blocking=3, interrupted=True)

    assert said is Verdict.NOT_READY


def test_the_exit_codes_are_the_documented_ones() -> None:
    """Scripts at the courts branch on them."""
    assert {said: exit_code(said) for said in Verdict} == {
        Verdict.READY: 0,
        Verdict.NOT_READY: 1,
        Verdict.UNKNOWN: 3,
    }


many = st.lists(
    st.builds(of, st.sampled_from(Status), st.sampled_from(Severity)), min_size=1, max_size=8
)


@given(findings=many, data=st.data())
def test_a_pass_that_becomes_anything_else_is_never_more_ready(
    findings: list[Finding], data: st.DataObject
) -> None:
    """The whole product rests on this: less knowledge, never a better word."""
    at = data.draw(st.integers(0, len(findings) - 1))
    before = list(findings)
    before[at] = msgspec.structs.replace(findings[at], status=Status.PASS)
    for worse in (Status.FAIL, Status.ERROR, Status.SKIP, Status.NOT_APPLICABLE):
        after = list(before)
        after[at] = msgspec.structs.replace(findings[at], status=worse)
        assert READINESS[verdict(after)] <= READINESS[verdict(before)]


@given(findings=many, excluded=st.integers(0, 2), interrupted=st.booleans())
def test_looking_at_less_is_never_more_ready(
    findings: list[Finding], excluded: int, interrupted: bool
) -> None:
    """Neither leaving out nor stopping early may help."""
    less = verdict(findings, excluded, interrupted)

    assert READINESS[less] <= READINESS[verdict(findings)]


@given(findings=many)
def test_the_order_of_findings_does_not_matter(findings: list[Finding]) -> None:
    """Checks end in any order."""
    assert verdict(findings) is verdict(reversed(findings))
