"""Evidence of measured lines, made by hand with the check's own structs."""

from __future__ import annotations

import math
import random
from typing import Any

import msgspec

from ccpor_checks.capacity.evidence import (
    CapacityEvidence,
    Delay,
    Loss,
    Moment,
    Quality,
    Replay,
    Transfer,
)


def delay(ms: float, spread: float, samples: int = 120, lost: int = 0, seed: int = 1) -> Delay:
    dice = random.Random(seed)
    rtts = [ms + dice.expovariate(1 / spread) for _ in range(samples - lost)]
    ordered = sorted(rtts)

    def rank(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 2)

    return Delay(
        samples=samples,
        lost=lost,
        min_ms=round(ordered[0], 2),
        p50_ms=rank(0.5),
        p95_ms=rank(0.95),
        p99_ms=rank(0.99),
        by="stamp",
        rtts_ms=tuple(round(each, 2) for each in rtts),
    )


def transfer(
    direction: Any, mbit: float, asked: float | None, loaded: Delay, **more: Any
) -> Transfer:
    dice = random.Random(mbit)
    course = tuple(
        Moment(
            at_s=round(0.25 * n, 2),
            mbit=round(mbit * min(1.0, 0.3 + 0.25 * n) * dice.uniform(0.96, 1.03), 2),
            rtt_ms=round(loaded.p50_ms * dice.uniform(0.95, 1.2), 1),
        )
        for n in range(1, 19)
    )
    facts: dict[str, Any] = {
        "kind": "planned" if asked else "saturated",
        "streams": 3,
        "single_mbit": round(mbit / 3, 2),
        "limited_by": "none",
        "stopped_by": "answered",
        "retransmitted_pct": 0.02,
        "congestion": "cubic",
        **more,
    }
    return Transfer(
        direction=direction,
        asked_mbit=asked,
        mbit=mbit,
        low_mbit=round(mbit * 0.99, 2),
        high_mbit=round(mbit * 1.01, 2),
        blocks=14,
        wire_mbit=round(mbit * 1.036, 2),
        seconds=4.6,
        megabytes=round(mbit * 4.6 / 8, 2),
        loaded=loaded,
        course=course,
        **facts,
    )


def enough() -> CapacityEvidence:
    """A line that carries what the court needs, both ways."""
    return CapacityEvidence(
        address="192.0.2.40",
        port=443,
        server="collector",
        waited_s=3.2,
        idle=delay(41.0, 1.1),
        transfers=(
            transfer("up", 10.8, 10.9, delay(43.0, 3.0, seed=2)),
            transfer("down", 10.85, 10.9, delay(42.0, 2.0, seed=3)),
        ),
        quality=Quality(
            losses=(
                Loss(size_bytes=64, sent=500, lost=0, pct=0.0, low_pct=0.0, high_pct=0.76),
                Loss(size_bytes=1400, sent=500, lost=1, pct=0.2, low_pct=0.04, high_pct=1.12, lost_up=1, lost_down=0),
            ),
            jitter_ms=0.42, jitter_up_ms=0.3, jitter_down_ms=0.2, pdv_p99_ms=3.9,
            reordered=2, reorder_extent=1, duplicated=0, late=0,
        ),
        replay=Replay(order_bytes=624_000, seconds=(0.91, 0.88, 0.95), predicted_s=0.86, ratio=1.06),
        paced_by="kernel",
        megabytes=13.4,
    )  # fmt: skip


def narrow() -> CapacityEvidence:
    """A line of 1.5 Mbit/s with a deep queue, measured until it was full."""
    slow = transfer(
        "up", 1.44, None, delay(380.0, 60.0, lost=2, seed=4), limited_by="queue", stopped_by="guard",
    )  # fmt: skip
    return msgspec.structs.replace(
        enough(), transfers=(slow,), guard_ms=310.0, replay=None, quality=None, waited_s=0.0
    )


def evidence(seen: CapacityEvidence) -> dict[str, Any]:
    """Return *seen* as it stands in a report."""
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(seen))
    return found
