"""What nobody looked at is said, with what that leaves unproven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.coverage import LEFT_OUT, Excluded, coverage
from ccpor_reporting.model import Coverage, NotAssessed, Observation, Severity, Status
from tests.reporting.reports import failed, finding, observation, rich_report, skipped

FINDINGS = rich_report().findings


def test_errors_skips_and_what_was_left_out_are_listed_blockers_first() -> None:
    """An auditor asks first what was not tested."""
    findings = (
        finding("web", "dns.answer"),
        failed("web", "tcp.reach/dropped"),
        skipped("web", "http.latency", "web/tcp.reach", severity=Severity.WARNING),
        skipped("web", "tls.trust", "web/tcp.reach"),
        finding("pc", "workstation.lock", Status.ERROR, summary="needs administrator"),
        finding("pc", "workstation.wireless", Status.NOT_APPLICABLE),
    )

    assert coverage(findings, [Excluded("pc/workstation.disk", True)]) == Coverage(
        planned=6,
        assessed=3,
        excluded=1,
        not_assessed=(
            NotAssessed(
                finding="web/tls.trust",
                why="not looked at: web/tcp.reach did not pass",
                unproven="unproven: the target proves who it is with a certificate that this "
                "workstation trusts",
                blocking=True,
            ),
            NotAssessed(
                finding="pc/workstation.lock",
                why="needs administrator",
                unproven="unproven: the screen locks by itself soon enough",
                blocking=True,
            ),
            NotAssessed(
                finding="pc/workstation.disk",
                why=LEFT_OUT,
                unproven="unproven: the workstation has enough free disk space",
                blocking=True,
            ),
            NotAssessed(
                finding="web/http.latency",
                why="not looked at: web/tcp.reach did not pass",
                unproven="unproven: the web service answers fast enough",
                blocking=False,
            ),
        ),
    )


def test_a_code_of_a_third_party_is_named_by_its_code() -> None:
    """A check from outside has no words in our catalogue."""
    listed = coverage([], [Excluded("web/acme.thing", True)]).not_assessed

    assert [item.unproven for item in listed] == ["unproven: what acme.thing shows"]


@given(st.sets(st.integers(0, len(FINDINGS) - 1)))
def test_nothing_planned_vanishes(some: set[int]) -> None:
    """Planned is always assessed plus what is listed."""
    findings = tuple(FINDINGS[at] for at in sorted(some))
    left_out = [Excluded("web/tls.trust", True)]

    said = coverage(findings, left_out)

    assert said.planned + said.excluded == said.assessed + len(said.not_assessed)


def revocation(*statuses: str) -> Observation:
    return observation(
        "web",
        "tls",
        evidence={"revocation": [{"status": each, "detail": "why"} for each in statuses]},
    )


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ((), None),
        (("good", "good"), None),
        (("good", "not-published"), None),
        (("not-published",), "not-published, why"),
        (("good", "unreachable"), "unreachable, why"),
        (("stale", "good"), "stale, why"),
    ],
)
def test_a_trusted_certificate_whose_revocation_nobody_could_check_is_listed(
    statuses: tuple[str, ...], why: str | None
) -> None:
    """A pass with an open question must not look like a pass without one."""
    said = coverage([finding("web", "tls.trust")], (), [revocation(*statuses)])

    assert (said.planned, said.assessed) == (1, 1)
    assert said.not_assessed == (
        ()
        if why is None
        else (
            NotAssessed(
                finding="web/tls.trust",
                why=f"revocation could not be checked: {why}",
                unproven="unproven: the certificate was not revoked",
                blocking=False,
            ),
        )
    )


def test_a_doubt_about_what_did_not_pass_is_not_listed_beside_the_fault() -> None:
    """What failed says enough."""
    said = coverage([failed("web", "tls.trust/revoked")], (), [revocation("unreachable")])

    assert said.not_assessed == ()
