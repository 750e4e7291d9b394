"""What a few samples prove about a share: exact binomial tails, no approximation.

Thirty packets of which one is lost prove nothing about a limit of one in a hundred. A limit counts
as broken only where that many samples beyond it would come by chance in less than one case in a
thousand. Source: Clopper and Pearson, "The use of confidence or fiducial limits", Biometrika 26
(1934), one-sided.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

DOUBT = 0.001  # one wrong alarm in a thousand looks that stand exactly at the limit
PARTS = 3  # one stall of this machine or of the line is no state of the line
TOO_FEW = 20  # samples below which nothing is said of percentiles


def tail(hits: int, samples: int, share: float) -> float:
    """Return the chance of *hits* or more of *samples* where each has the chance *share*."""
    if hits <= 0:
        return 1.0
    if share <= 0 or hits > samples:
        return 0.0
    if share >= 1:
        return 1.0
    first = math.lgamma(samples + 1) - math.lgamma(hits + 1) - math.lgamma(samples - hits + 1)
    term = math.exp(first + hits * math.log(share) + (samples - hits) * math.log1p(-share))
    odds, total = share / (1 - share), 0.0
    for count in range(hits, samples + 1):
        total += term
        term *= (samples - count) / (count + 1) * odds
    return min(total, 1.0)


def is_above(hits: int, samples: int, share: float) -> bool:
    """Say whether *hits* of *samples* prove that the true share is above *share*."""
    return samples > 0 and tail(hits, samples, share) < DOUBT


def at_most_share(hits: int, samples: int) -> float:
    """Return the share that the true one does not exceed, with the same doubt."""
    if hits >= samples:
        return 1.0
    low, high = hits / samples, 1.0
    for _ in range(40):
        middle = (low + high) / 2
        if 1 - tail(hits + 1, samples, middle) < DOUBT:
            high = middle
        else:
            low = middle
    return high


def is_lasting(values: Sequence[float], limit: float, share: float) -> bool:
    """Say whether more than *share* of *values*, in the order they came, lie above *limit*.

    Both must hold: the count proves it, and every third of the time shows it.
    """
    if len(values) < TOO_FEW:
        return False
    beyond = [value > limit for value in values]
    if not is_above(sum(beyond), len(beyond), share):
        return False
    edges = [len(beyond) * part // PARTS for part in range(PARTS + 1)]
    return all(
        sum(beyond[start:end]) > share * (end - start) for start, end in itertools.pairwise(edges)
    )
