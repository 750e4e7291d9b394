"""How far a share may lie from the one that a count shows.

Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
Journal of the American Statistical Association 22 (1927); without the correction for continuity.
"""

from __future__ import annotations

import math

Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within


def wilson(hits: int, samples: int, z: float = Z95) -> tuple[float, float]:
    """Return the low and the high end (0–1) of the 95 % interval of *hits* of *samples*.

    None of a thousand says: up to 0.38 %. Of no samples nothing is known: 0 to 1.
    """
    if samples <= 0:
        return 0.0, 1.0
    share = hits / samples
    whole = 1 + z * z / samples
    middle = (share + z * z / (2 * samples)) / whole
    spread = share * (1 - share) / samples + z * z / (4 * samples * samples)
    half = z * math.sqrt(spread) / whole
    low = 0.0 if hits <= 0 else max(0.0, middle - half)  # exactly: rounding leaves dust there
    return low, 1.0 if hits >= samples else min(1.0, middle + half)
