"""A signed report that does not add up: kept as evidence, never shown as ready."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from ccpor_reporting.model import (
    Coverage,
    Finding,
    NotAssessed,
    Owner,
    Severity,
    Status,
    Verdict,
)
from ccpor_server.consistency import judged_verdict, skew_s
from ccpor_server.rights import Role
from tests.server.rig import NOON, Rig, Workstation

MACHINE = Workstation("ca-sonoma", "santa-rosa", "clerk")


def finding(**changes: Any) -> Finding:
    base = Finding(
        id="aoc/tcp.reach",
        target="aoc",
        check="tcp",
        code="tcp.reach",
        status=Status.PASS,
        severity=Severity.BLOCKER,
        summary="port 443 answers",
        owner=Owner.DATACENTER,
    )
    return msgspec.structs.replace(base, **changes)


FAILED = finding(status=Status.FAIL, reason="refused")
LEFT_OUT = NotAssessed(finding="aoc/tls.trust", why="--skip", unproven="trust", blocking=True)
LOOSE = msgspec.structs.replace(LEFT_OUT, blocking=False)


def coverage(excluded: int, *listed: NotAssessed) -> Coverage:
    return Coverage(planned=1, assessed=1, excluded=excluded, not_assessed=listed)


@pytest.mark.parametrize(
    ("changes", "said", "shown"),
    [
        ({"findings": (finding(),)}, "ready", ("ready", False)),
        ({"findings": (FAILED,)}, "ready", ("not-ready", True)),
        ({"findings": (FAILED,)}, "unknown", ("not-ready", True)),
        ({"findings": (FAILED,)}, "not-ready", ("not-ready", False)),
        ({"findings": ()}, "ready", ("unknown", True)),
        ({"findings": (finding(status=Status.ERROR),)}, "ready", ("unknown", True)),
        ({"findings": (finding(),), "interrupted": True}, "ready", ("unknown", True)),
        ({"findings": (finding(),), "coverage": coverage(1, LEFT_OUT)}, "ready", ("unknown", True)),
        ({"findings": (finding(),), "coverage": coverage(1, LOOSE)}, "ready", ("ready", False)),
        ({"findings": (finding(),), "coverage": coverage(3)}, "ready", ("unknown", True)),
        ({"findings": (finding(),)}, "not-ready", ("not-ready", False)),
        ({"findings": (finding(),)}, "unknown", ("unknown", False)),
    ],
)
def test_the_worse_of_the_signed_and_the_judged_verdict_is_shown(
    changes: dict[str, Any], said: str, shown: tuple[str, bool]
) -> None:
    """A court is never called ready by a line that its own findings deny."""
    report = MACHINE.report(verdict=Verdict(said), **changes)

    assert judged_verdict(report) == (Verdict(shown[0]), shown[1])


def test_a_report_that_contradicts_itself_is_kept_and_told(rig: Rig) -> None:
    """It is evidence, of a broken agent or of a forger; the API says which verdict to act on."""
    machine = rig.enrol()
    report = machine.report(findings=(FAILED,), verdict=Verdict.READY)
    session = rig.signed_in("ad", Role.ADMINISTRATOR)

    assert rig.post(machine.sealed(report)).status_code == 201
    shown = rig.ask("GET", f"/api/v1/reports/{report.run_id}", session=session).json()

    assert (shown["verdict"], shown["contradicts"]) == ("not-ready", True)
    assert shown["report"]["verdict"] == "ready"  # as signed


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"findings": (finding(), FAILED)}, "aoc/tcp.reach"),
        ({"finished_at": NOON - timedelta(seconds=1)}, "finished_at"),
    ],
    ids=["one finding twice", "ended before it began"],
)
def test_a_report_that_reads_two_ways_is_unprocessable(
    rig: Rig, changes: dict[str, Any], said: str
) -> None:
    machine = rig.enrol()

    answer = rig.post(machine.sealed(**changes))

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


@pytest.mark.parametrize(("ahead", "told"), [(-3600, 0), (299, 0), (300, 0), (301, 301)])
def test_a_report_of_the_future_is_told(ahead: int, told: int) -> None:
    """Five minutes are two clocks; more is a clock that nobody should read times from."""
    report = MACHINE.report(finished_at=NOON + timedelta(seconds=ahead), at=NOON)

    assert skew_s(report, NOON) == told
