"""A line that did not change is not called worse: replayed noise, at most 2 in 100."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from ccpor_reporting.chance import is_rare
from ccpor_reporting.compare import compare
from ccpor_reporting.model import Finding, Observation, Owner, Report, Severity, Status
from tests.server.sample import Desk, report_of

START = datetime(2026, 11, 2, 12, tzinfo=UTC)
PAIRS = 1500
DESK = Desk("SONOMA-01", "ca-sonoma", "santa-rosa", "clerk", id="x")
BASE = report_of(DESK, START, number=1, whole=True)


def passed(code: str, value: float, unit: str) -> Finding:
    return Finding(
        id=f"gateway/{code}", target="gateway", check=code.split(".", maxsplit=1)[0], code=code,
        status=Status.PASS, severity=Severity.BLOCKER, summary="seen", owner=Owner.GATEWAY,
        observed=value, unit=unit,
    )  # fmt: skip


def replayed(dice: random.Random, day: int, lossy: float, slow: float = 1.0) -> Report:
    """Return a run of one line: round trips as long as they are in offices, some packets lost.

    Round trips: log-normal, a p95 of a third above the median; rates 6 % around theirs (the spread
    of repeated transfers on one line); loss: each packet alone.
    """
    sent = dice.choice((30, 100, 200))
    lost = sum(dice.random() < lossy for _ in range(sent))
    trips = sorted(35 * slow * math.exp(dice.gauss(0, 0.15)) for _ in range(100))
    found = (
        passed("path.loss", 100 * lost / sent, "%"),
        passed("path.latency", trips[94], "ms"),
        passed("path.jitter", trips[74] - trips[24], "ms"),
        passed("dns.latency", 12 * slow * math.exp(dice.gauss(0, 0.5)), "ms"),
        passed("http.latency", 180 * slow * math.exp(dice.gauss(0, 0.05)), "ms"),
        passed("capacity.upload", dice.gauss(20, 1.2), "Mbit/s"),
        passed("clock.offset", dice.gauss(0, 0.03), "s"),
        passed("tls.validity", 200 - day, "days"),
        passed("workstation.disk", 118 + dice.gauss(0, 0.4), "GB"),
    )
    evidence: dict[str, Any] = {"lost": lost, "sent": sent}
    seen = Observation(
        target="gateway", check="path", version=1, started_at=START, duration_ms=1.0, attempts=1,
        evidence=evidence,
    )  # fmt: skip
    return msgspec.structs.replace(
        BASE,
        started_at=START + timedelta(days=day),
        agent=msgspec.structs.replace(BASE.agent, checks={one.check: 1 for one in found}),
        findings=found,
        observations=(seen,),
    )


@pytest.mark.parametrize("lossy", [0.0, 0.001, 0.005, 0.02])
def test_noise_is_called_worse_at_most_twice_in_a_hundred(lossy: float) -> None:
    dice = random.Random(7)
    worse: dict[str, int] = {}
    for _ in range(PAIRS):
        days = dice.randint(0, 60), dice.randint(61, 120)
        found = compare(*(replayed(dice, day, lossy) for day in days))
        for one in (*found.worse, *found.new):
            worse[one.finding] = worse.get(one.finding, 0) + 1

    assert {name: count / PAIRS for name, count in worse.items() if count > 0.02 * PAIRS} == {}
    assert sum(worse.values()) <= 0.02 * PAIRS * 9


@pytest.mark.parametrize(
    ("code", "lossy", "slow"), [("path.loss", 0.15, 1.0), ("path.latency", 0.0, 2.5)]
)
def test_a_line_that_got_worse_is_called_so(code: str, lossy: float, slow: float) -> None:
    """The other side: what keeps quiet about noise must not sleep."""
    dice = random.Random(11)
    told = 0
    for _ in range(200):
        found = compare(replayed(dice, 1, 0.001), replayed(dice, 2, lossy, slow))
        told += any(one.finding == f"gateway/{code}" for one in found.worse)

    assert told >= (120 if code == "path.loss" else 195)


@pytest.mark.parametrize(
    ("counts", "rare"),
    [
        ((1, 30, 0, 30), False),
        ((4, 30, 0, 30), False),
        ((8, 30, 0, 30), True),
        ((10, 200, 0, 200), True),
        ((0, 30, 5, 30), False),
        ((3, 0, 0, 30), False),
        ((30, 30, 30, 30), False),
    ],
)
def test_chance_is_told_from_change(counts: tuple[int, int, int, int], rare: bool) -> None:
    assert is_rare(*counts) is rare
