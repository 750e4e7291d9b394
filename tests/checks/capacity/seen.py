"""Evidence of a measured line, built by hand for tests of rules, words and diagnosis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ccpor_checks.capacity import CHECK, CapacityEvidence, CapacityOptions
from ccpor_checks.capacity.evidence import Delay, Transfer
from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.judging import Judged, judge, planned_rules
from ccpor_reporting.model import Finding, Owner, TargetRef
from ccpor_reporting.rules import Setting

MONDAY = datetime(2026, 11, 23, 17, 12, tzinfo=UTC)
OFFICE = {"users": 15, "orders_per_hour": 12, "pages_per_order": 9, "kb_per_page": 60}
GRAY = {**OFFICE, "kb_per_page": 300}
TARGET = TargetRef(
    id="line",
    title="The line",
    url="capacity://10.77.4.10:8443",
    why="",
    owner=Owner.DATACENTER,
    required=True,
)


def options(**changes: Any) -> CapacityOptions:
    return msgspec.convert(changes, CapacityOptions)


def delay(p50_ms: float = 41.0, p95_ms: float = 44.0, samples: int = 200) -> Delay:
    return Delay(
        samples=samples,
        lost=0,
        min_ms=p50_ms - 1,
        p50_ms=p50_ms,
        p95_ms=p95_ms,
        p99_ms=p95_ms + 1,
        by="stamp",
    )


def transfer(direction: str = "up", **changes: Any) -> Transfer:
    """Return a planned test of 10.9 Mbit/s that the line carried; *changes* are its own."""
    usual = {
        "direction": direction,
        "kind": "planned",
        "streams": 4,
        "asked_mbit": 10.9,
        "mbit": 10.8,
        "low_mbit": 10.7,
        "high_mbit": 10.9,
        "blocks": 16,
        "wire_mbit": 11.2,
        "seconds": 4.6,
        "megabytes": 6.1,
        "limited_by": "none",
        "stopped_by": "answered",
        "loaded": delay(),
    }
    return msgspec.convert({**usual, **changes}, Transfer)


def narrow(direction: str = "up", mbit: float = 1.4, **changes: Any) -> Transfer:
    """Return a test that the line could not carry: its queue filled up."""
    usual = {
        "mbit": mbit,
        "low_mbit": 0.98 * mbit,
        "high_mbit": 1.02 * mbit,
        "limited_by": "queue",
        "loaded": delay(p95_ms=540.0),
    }
    return transfer(direction, **{**usual, **changes})


def seen(*transfers: Transfer, **changes: Any) -> CapacityEvidence:
    usual: dict[str, Any] = {
        "address": "10.77.4.10",
        "port": 8443,
        "server": "collector",
        "idle": delay(p95_ms=42.0, samples=30),
        "transfers": transfers or (transfer(), transfer("down")),
    }
    return CapacityEvidence(**{**usual, **changes})


def sample(day: int = 0, hour: float = 9.2, **changes: Any) -> Sample:
    """Return a run *day* days before Monday (0) at *hour* o'clock, on a good line."""
    at = MONDAY - timedelta(days=day) - timedelta(hours=17.2 - hour)
    usual: dict[str, Any] = {
        "at": at,
        "local_hour": hour,
        "local_day": (MONDAY - timedelta(days=day)).date().isoformat(),
        "up_mbit": 40.0,
        "down_mbit": 40.0,
        "rtt_ms": 41.0,
        "loss_up": 0.0,
    }
    return Sample(**{**usual, **changes})


def enough_runs(**changes: Any) -> tuple[Sample, ...]:
    """Return five runs on two court days in all three bands, oldest first."""
    when = ((3, 8.5), (3, 12.5), (3, 16.0), (0, 9.0), (0, 12.2))
    return tuple(sample(day, hour, **changes) for day, hour in when)


def judged(evidence: CapacityEvidence, asked: CapacityOptions) -> Judged:
    """Judge *evidence* as stored: through JSON, by the rules that *asked* plans."""
    stored = msgspec.json.decode(msgspec.json.encode(evidence), type=CapacityEvidence)
    return judge(
        check="capacity",
        rules=planned_rules(CHECK.rules, asked),
        staged=CHECK.staged,
        target=TARGET,
        options=asked,
        evidence=stored,
        ending=None,
        setting=Setting(observed_at=MONDAY, host="10.77.4.10"),
    )


def findings(evidence: CapacityEvidence, asked: CapacityOptions) -> dict[str, Finding]:
    return {each.code: each for each in judged(evidence, asked).findings}
