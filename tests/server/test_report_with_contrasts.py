"""A report with comparisons in it: kept, read and shown like any other."""

from __future__ import annotations

import msgspec

from ccpor_reporting.contrasts import CHECK, VERSION, WORKS, Contrast, ContrastEvidence, Hop, Walk
from ccpor_reporting.model import (
    Agent,
    Coverage,
    Finding,
    Observation,
    Owner,
    Severity,
    Status,
    TargetRef,
    Verdict,
)
from ccpor_server.rights import Role
from tests.server.rig import NOON, Rig

EVIDENCE = ContrastEvidence(
    about=("aoc/tcp.reach",),
    contrasts=(Contrast(kind="tcp", what="tcp://10.77.4.10:22", outcome=WORKS, ms=1.5),),
    walks=(
        Walk(
            protocol="tcp",
            address="10.77.4.10",
            port=443,
            hops=(Hop(ttl=1, address="10.77.1.1", answer="time-exceeded", answered=1),),
            end="silent",
        ),
    ),
)


def test_the_collector_keeps_and_shows_it(rig: Rig) -> None:
    """An observation that no finding belongs to is evidence all the same."""
    machine = rig.enrol()
    report = machine.report(
        agent=Agent(version="0.1.0", checks={"tcp": 2, CHECK: VERSION}),
        verdict=Verdict.NOT_READY,
        coverage=Coverage(planned=1, assessed=1, excluded=0),
        targets=(
            TargetRef(
                id="aoc",
                title="AOC",
                url="tcp://10.77.4.10:443",
                why="",
                owner=Owner.DATACENTER,
                required=True,
            ),
        ),
        observations=(
            Observation(
                target="aoc",
                check=CHECK,
                version=VERSION,
                started_at=NOON,
                duration_ms=1400.0,
                attempts=1,
                evidence=msgspec.to_builtins(EVIDENCE),
            ),
        ),
        findings=(
            Finding(
                id="aoc/tcp.reach",
                target="aoc",
                check="tcp",
                code="tcp.reach",
                status=Status.FAIL,
                severity=Severity.BLOCKER,
                summary="nothing came back",
                owner=Owner.COUNTY_NETWORK,
                reason="dropped",
                fix="Allow it.",
            ),
        ),
    )

    assert rig.post(machine.sealed(report)).status_code == 201
    session = rig.signed_in("a.reviewer", Role.REVIEWER)
    page = rig.ask(
        "GET",
        f"/reports/{report.run_id}",
        session=session,
        headers={"sec-fetch-site": "same-origin", "accept": "text/html"},
    )

    assert page.status_code == 200
    assert "tcp://10.77.4.10:22" in page.text
    assert "10.77.1.1" in page.text
