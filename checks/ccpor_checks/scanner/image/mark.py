"""Our test page on a scan: how it lies, how far apart its marks are, what of it is legible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING

from ccpor_checks.scanner.evidence import TestPageFact
from ccpor_checks.scanner.image import layout

if TYPE_CHECKING:
    from numpy import float64, uint8
    from numpy.typing import NDArray
    from PIL.Image import Image

CODE_LONG_SIDE = 1700  # of the page that codes are looked for on: 150 dots an inch
LEAST_CODES = 2
CODES_FOR_CENTRES = 3  # fewer fix a plane only if it is not stretched
TOLD_APART = 0.35  # of the contrast of bars that are far apart
CYCLES_EDGE = 2  # line pairs at each end of a group that are left out: the fit is no better
SAMPLES = 10  # for one line pair
EDGE_POINTS, EDGE_REACH, EDGE_SEEN = 40, 0.06, 0.5
NYQUIST = 0.95


@dataclass(frozen=True, slots=True)
class Found:
    """fact: what the page shows. skew_deg: clockwise, from its marks."""

    fact: TestPageFact
    skew_deg: float


def found_on(image: Image) -> Found | None:
    """Return what our test page shows on *image* (mode ``1`` or ``L``); None: it is not ours."""
    import numpy

    marks = _codes(image)
    if len(marks) < LEAST_CODES:
        return None
    place = _fitted(marks)
    across, down = place[:2, 0], place[:2, 1]  # dots for one inch to the right, and down
    mirrored = bool(across[0] * down[1] - across[1] * down[0] < 0)
    total = float(numpy.degrees(numpy.arctan2(-down[0], down[1])))
    turned = round(total / 90) * 90
    level = numpy.asarray(image.convert("L"))
    dpi = (float(numpy.hypot(*across)), float(numpy.hypot(*down)))
    black, white = (_patch(level, place, each) for each in (layout.BLACK_PATCH, layout.WHITE_PATCH))
    contrast = None if black is None or white is None else max(0.0, (white - black) / 255)
    sideways = turned % 180 != 0
    fact = TestPageFact(
        version=layout.VERSION,
        turned_deg=turned % 360,
        is_mirrored=mirrored,
        contrast=None if contrast is None else round(contrast, 3),
        finest_lp_mm=_finest(level, place, min(dpi)),
        dpi_x=round(dpi[1] if sideways else dpi[0], 1),
        dpi_y=round(dpi[0] if sideways else dpi[1], 1),
        cut_edges=_cut(level, place),
    )
    return Found(fact, round(total - turned, 3))


Corners = tuple[tuple[float, float], ...]  # of a code, from its own top left, clockwise


def _codes(image: Image) -> dict[str, Corners]:
    """Return our codes by the corner of the page that they name, in dots of *image*."""
    import numpy
    import zxingcpp

    scale = max(1, round(max(image.size) / CODE_LONG_SIDE))
    small = numpy.asarray(image.convert("L").reduce(scale))
    marks = {}
    for code in zxingcpp.read_barcodes(
        small, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode)
    ):
        corner = code.text.removeprefix(layout.TEXT)
        if code.text.startswith(layout.TEXT) and corner in layout.CENTRES:
            at = code.position
            corners = (at.top_left, at.top_right, at.bottom_right, at.bottom_left)
            marks[corner] = tuple(
                ((each.x + 0.5) * scale, (each.y + 0.5) * scale) for each in corners
            )
    return marks


def _fitted(marks: dict[str, Corners]) -> NDArray[float64]:
    """Return the 2 x 3 matrix from inches of the page (x, y, 1) to dots, least squares."""
    import numpy

    if len(marks) >= CODES_FOR_CENTRES:
        centres = [tuple(numpy.mean(corners, axis=0)) for corners in marks.values()]
        return _solved([layout.CENTRES[corner] for corner in marks], centres)
    # Two centres fix a plane that is not stretched; which side up, the corners tell.
    fits = [_unstretched(marks, mirror) for mirror in (1, -1)]
    return min(fits, key=lambda fit: _missed(fit, marks))


# Of a code's corners on the page: as it is read, and as a mirrored one is, the other way round.
SQUARE = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
ORDERS = {1: (0, 1, 2, 3), -1: (0, 3, 2, 1)}


def _solved(
    inches: Sequence[tuple[float, ...]], dots: Sequence[tuple[float, ...]]
) -> NDArray[float64]:
    import numpy

    known = numpy.array([(*each, 1.0) for each in inches])
    matrix: NDArray[float64] = numpy.linalg.lstsq(known, numpy.array(dots), rcond=None)[0].T
    return matrix


def _unstretched(marks: dict[str, Corners], mirror: int) -> NDArray[float64]:
    """Return the matrix that turns, scales and moves, and mirrors where *mirror* is -1."""
    import numpy

    (from_a, from_b), (to_a, to_b) = (
        [complex(mirror * x, y) for x, y in (layout.CENTRES[corner] for corner in marks)],
        [complex(*numpy.mean(corners, axis=0)) for corners in marks.values()],
    )
    turn = (to_b - to_a) / (from_b - from_a)
    moved = to_a - turn * from_a
    return numpy.array(
        [
            [turn.real * mirror, -turn.imag, moved.real],
            [turn.imag * mirror, turn.real, moved.imag],
        ]
    )


def _missed(place: NDArray[float64], marks: dict[str, Corners]) -> float:
    """Return how far the codes' corners are from where *place* puts them, squared."""
    import numpy

    order = ORDERS[1 if numpy.linalg.det(place[:, :2]) > 0 else -1]
    missed = 0.0
    for corner, read in marks.items():
        x, y = layout.CENTRES[corner]
        for turn, at in zip(order, read, strict=True):
            across, down = SQUARE[turn]
            here = place @ (x + across * layout.CODE, y + down * layout.CODE, 1.0)
            missed += float(((here - numpy.array(at)) ** 2).sum())
    return missed


def _at(
    level: NDArray[uint8], place: NDArray[float64], x: NDArray[float64], y: NDArray[float64]
) -> NDArray[float64]:
    """Return the levels at inches *x*, *y*, between dots in proportion; NaN outside the picture."""
    import numpy

    across = place[0, 0] * x + place[0, 1] * y + place[0, 2] - 0.5
    down = place[1, 0] * x + place[1, 1] * y + place[1, 2] - 0.5
    left, top = numpy.floor(across).astype(int), numpy.floor(down).astype(int)
    height, width = level.shape
    inside = (left >= 0) & (top >= 0) & (left < width - 1) & (top < height - 1)
    left, top = numpy.clip(left, 0, width - 2), numpy.clip(top, 0, height - 2)
    right_share, down_share = across - left, down - top
    upper = level[top, left] * (1 - right_share) + level[top, left + 1] * right_share
    lower = level[top + 1, left] * (1 - right_share) + level[top + 1, left + 1] * right_share
    mixed = upper * (1 - down_share) + lower * down_share
    return numpy.where(inside, mixed, numpy.nan)


def _patch(
    level: NDArray[uint8], place: NDArray[float64], box: tuple[float, float, float, float]
) -> float | None:
    """Return the mean level of the inner part of a patch; None where it is cut off."""
    import numpy

    left, top, right, bottom = box
    x, y = numpy.meshgrid(
        numpy.linspace(left + 0.12, right - 0.12, 24), numpy.linspace(top + 0.12, bottom - 0.12, 16)
    )
    mean = float(_at(level, place, x, y).mean())
    return None if numpy.isnan(mean) else mean


def _finest(level: NDArray[uint8], place: NDArray[float64], dpi: float) -> float | None:
    """Return the finest line pairs a millimetre told apart both ways; 0 where not even the first,
    None where the bars are cut off.

    The bars' own frequency must be left in what was scanned: moiré of finer ones has another.
    """
    whole = None
    finest = 0.0
    for number, pairs in enumerate(layout.FREQUENCIES):
        if pairs > NYQUIST * dpi / layout.MM / 2:
            break
        seen = min(_strength(level, place, number, pairs, lie) for lie in (False, True))
        if isnan(seen):
            return finest or None
        whole = seen if whole is None else whole
        if seen < TOLD_APART * whole or whole < 10:
            break
        finest = pairs
    return finest


def _strength(
    level: NDArray[uint8], place: NDArray[float64], number: int, pairs: float, lie: bool
) -> float:
    """Return how many levels the bars of a group swing at their own frequency; NaN: cut off."""
    import numpy

    long = layout.GROUP_HEIGHT if lie else layout.GROUP
    cycles = int(long * layout.MM * pairs) - 2 * CYCLES_EDGE
    begun = CYCLES_EDGE / pairs / layout.MM
    step = numpy.arange(cycles * SAMPLES) / SAMPLES / pairs / layout.MM
    left = layout.group_left(number)
    width = layout.GROUP if lie else layout.GROUP_HEIGHT
    beside = numpy.linspace(0.1, width - 0.1, 24)
    along, across = numpy.meshgrid(begun + step, beside)
    if lie:
        got = _at(level, place, left + across, layout.DOWN_TOP + along)
    else:
        got = _at(level, place, left + along, layout.ACROSS_TOP + across)
    wave = numpy.exp(-2j * numpy.pi * numpy.arange(cycles * SAMPLES) / SAMPLES)
    swing = numpy.abs((got * wave).mean(axis=1)) * 2
    return float(swing.mean())


def _cut(level: NDArray[uint8], place: NDArray[float64]) -> tuple[str, ...]:
    """Return the edges whose line, printed near them, is not on the scan."""
    import numpy

    near = layout.FRAME + layout.FRAME_LINE / 2
    far_x, far_y = layout.WIDTH - near, layout.HEIGHT - near
    reach = numpy.linspace(-EDGE_REACH, EDGE_REACH, 13)
    paper = float(numpy.percentile(level[::7, ::7], 90))
    cut = []
    for name, at, lie in (
        ("left", near, False),
        ("right", far_x, False),
        ("top", near, True),
        ("bottom", far_y, True),
    ):
        along = numpy.linspace(1.4, (layout.WIDTH if lie else layout.HEIGHT) - 1.4, EDGE_POINTS)
        other, run = numpy.meshgrid(at + reach, along + 0.03)
        x, y = (run, other) if lie else (other, run)
        got = _at(level, place, x, y)
        darkest = numpy.where(numpy.isnan(got), 255, got).min(axis=1)
        whole = ~numpy.isnan(got).any(axis=1)
        if float(((darkest < paper - 30) & whole).mean()) < EDGE_SEEN:
            cut.append(name)
    return tuple(cut)
