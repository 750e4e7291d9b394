"""Healthy networks, each different: what a county's line is like when nobody would complain."""

from __future__ import annotations

import random
from pathlib import Path

from tests.lab.actions import Bench, Undo
from tests.lab.network import only_one_user
from tests.lab.reading import profile_text
from tests.lab.running import Said, run

PROFILES = ("healthy-names", "healthy-orders", "healthy-stamp")


def line_of(seed: int) -> dict[str, float]:
    """Return the county's line of *seed*: 1 to 120 ms there and back, steady to a few ms, at most 0.2 % lost."""
    chosen = random.Random(seed)
    rtt_ms = round(chosen.choice((chosen.uniform(1, 12), chosen.uniform(1, 120))), 1)
    jitter_ms = round(chosen.uniform(0, min(4.0, rtt_ms / 8)), 2)
    loss_pct = round(chosen.choice((0.0, chosen.uniform(0, 0.1))), 3)  # each way
    return {"delay_ms": rtt_ms / 2, "jitter_ms": jitter_ms, "loss_pct": loss_pct, "seed": seed}


def words(seed: int) -> str:
    line = line_of(seed)
    return f"rtt {2 * line['delay_ms']:.1f} ms, jitter ±{line['jitter_ms']} ms, loss {line['loss_pct']} % each way"


def look(bench: Bench, seed: int, *, as_user: bool, keep: Path | None = None) -> Said:
    """Run one of the healthy profiles over the line of *seed*."""
    profile = PROFILES[seed % len(PROFILES)]
    undo: list[Undo] = [bench.net.line]
    bench.net.line(**line_of(seed))
    try:
        if profile == "healthy-stamp":
            undo.append(bench.services.stamp_reflector())
        if profile == "healthy-names" and not only_one_user():
            bench.services.squid("county_edge", "10.77.2.2")
        text = profile_text(profile, "", bench.services.values)
        return run(bench, f"healthy/{seed}", text, as_user=as_user, keep=keep)
    finally:
        for each in undo:
            each()


def clean(said: Said) -> bool:
    """Whether a healthy network was called healthy: a verdict of ready, no cause, no failed finding."""
    return not said.causes and not said.failed and not said.trouble and said.verdict == "ready"
