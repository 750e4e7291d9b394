"""Comparisons over the samples that both the look and the rules make: is it really so?"""

from __future__ import annotations

from collections.abc import Sequence

from ccpor_checks.path.bounds import is_above, is_lasting
from ccpor_checks.path.evidence import PathEvidence, PathOptions
from ccpor_checks.path.sampling import SHARE_BEYOND_P95, above_base, limits
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Limit

HELD_UP = 2.0  # a busy workstation delays what is sent and what is read


def _cost(edges: tuple[float, ...], broken: list[bool]) -> Severity | None:
    """Return what it costs that the limits *edges* are *broken*, the last one being the blocker."""
    if not edges or not any(broken):
        return None
    return Severity.BLOCKER if broken[-1] else Severity.WARNING


def is_lossy(seen: PathEvidence, options: PathOptions) -> Severity | None:
    """Return what the loss costs: only where the count proves it to be above the limit."""
    edges = limits(options.max_loss_pct)
    return _cost(edges, [is_above(seen.lost, seen.sent, edge / 100) for edge in edges])


def is_slow(seen: PathEvidence, options: PathOptions, *, sure: bool = True) -> Severity | None:
    """Return what the round trips cost: more than one in twenty lastingly beyond the limit.

    sure: only what this workstation's own delays cannot explain.
    """
    return _lasting(seen.rtts_ms, options.max_rtt_p95_ms, _margin(seen, sure=sure))


def is_jittery(seen: PathEvidence, options: PathOptions, *, sure: bool = True) -> Severity | None:
    """Return what the variation costs: compared with the quickest twentieth, not the very best."""
    return _lasting(above_base(seen.rtts_ms), options.max_jitter_ms, _margin(seen, sure=sure))


def _margin(seen: PathEvidence, *, sure: bool) -> float:
    return HELD_UP * seen.held_up_p95_ms if sure else 0.0


def _lasting(values: Sequence[float], limit: Limit, margin: float) -> Severity | None:
    edges = limits(limit)
    return _cost(edges, [is_lasting(values, edge + margin, SHARE_BEYOND_P95) for edge in edges])
