"""How far a page leans: the angle at which its lines of ink fall into the fewest rows.

The score is the sum of squares of the differences between neighbouring rows of the projection
(W. Postl, "Detection of linear oblique structures and skew scan in digitized documents", ICPR
1986; D. Bloomberg, G. Kopec, L. Dasari, "Measuring document image skew and orientation", SPIE 2422,
1995), searched from coarse to fine, of rows and of columns, so that a page on its side is told too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float64, intp, uint8
    from numpy.typing import NDArray

WIDEST_DEG = 12.0
COARSE_DEG, FINE_DEG = 0.5, 0.05
MOST_DOTS, LEAST_DOTS = 60_000, 300
LEAST_PEAK = 1.6  # the best angle's score over the usual one: else no line stands out


def skew_deg(mask: NDArray[uint8]) -> float | None:
    """Return the degrees, clockwise positive; None where no lines tell it.

    mask: where ink is, not 0; 50 to 200 dots an inch serve.
    """
    import numpy

    down, across = numpy.nonzero(mask)
    if len(down) < LEAST_DOTS:
        return None
    if len(down) > MOST_DOTS:
        step = len(down) / MOST_DOTS
        chosen = (numpy.arange(MOST_DOTS) * step).astype(numpy.intp)
        down, across = down[chosen], across[chosen]
    found = [
        each
        for each in (_best(down, across, 1), _best(across, down, -1))
        if each is not None and each[1] >= LEAST_PEAK
    ]
    return max(found, key=lambda each: each[1])[0] if found else None


def _best(along: NDArray[intp], other: NDArray[intp], sign: int) -> tuple[float, float] | None:
    """Return the angle and how far its score stands out of the usual one."""
    import numpy

    coarse = numpy.arange(-WIDEST_DEG, WIDEST_DEG + COARSE_DEG / 2, COARSE_DEG)
    scores = numpy.array([_score(along, other, angle) for angle in coarse])
    top = int(scores.argmax())
    usual = float(numpy.median(scores))
    if top in (0, len(coarse) - 1) or usual <= 0:
        return None
    fine = coarse[top] + numpy.arange(-COARSE_DEG, COARSE_DEG + FINE_DEG / 2, FINE_DEG)
    near = numpy.array([_score(along, other, angle) for angle in fine])
    best = int(near.argmax())
    angle = float(fine[best])
    if 0 < best < len(fine) - 1:
        before, at, after = near[best - 1], near[best], near[best + 1]
        bend = before - 2 * at + after
        if bend < 0:
            angle += FINE_DEG * 0.5 * float((before - after) / bend)
    return sign * angle, float(near.max()) / usual


def _score(along: NDArray[intp], other: NDArray[intp], degrees: float) -> float:
    """Return the sum of squared differences between neighbouring rows, turned by *degrees*."""
    import numpy

    turn = numpy.deg2rad(degrees)
    rows: NDArray[float64] = along * numpy.cos(turn) - other * numpy.sin(turn)
    counts = numpy.bincount(numpy.rint(rows - rows.min()).astype(numpy.intp)).astype(float)
    return float((numpy.diff(counts) ** 2).sum())
