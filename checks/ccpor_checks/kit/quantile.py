"""Quantiles of a few measured values, each one a value that was really seen."""

from __future__ import annotations

import math
from collections.abc import Sequence


def nearest_rank(values: Sequence[float], percent: float) -> float | None:
    """Return the *percent* percentile of *values*, nearest rank; None when there are none.

    Nearest rank never invents a value between two measured ones (RFC 2330, section 11.3).
    """
    if not values:
        return None
    ordered = sorted(values)
    rank = max(1, math.ceil(percent / 100 * len(ordered)))
    return ordered[rank - 1]
