"""What stands on a page apart from paper, noise, specks and the scanner's shadows; is it blank?

The page is reduced to about 100 dots an inch. What is darker than its own surroundings by more than
the page's noise is ink. A page is blank where no few neighbouring tenths of an inch hold more ink
than the rest of the page would by chance: specks lie alone, a stroke goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy import float32, uint8
    from numpy.typing import NDArray
    from PIL.Image import Image

LONG_SIDE = 1100  # of the reduced page
MARGIN = 0.02  # share of each side that is never looked at: holes, edges
SHADOW_DEPTH, SHADOW_SHARE, SHADOW_LEVEL = 0.08, 0.5, 0.7
BLOCK = 16  # of the reduced page: the paper's own level is told for each
PAPER_PERCENTILE = 75
LEAST_DARKER, NOISES = 13.0, 5.0  # levels of 255; times the noise
STREAK_SHARE = 0.6  # a line this long is dirt on the glass or a rule, no writing
CELLS = 110  # along the long side: a tenth of an inch on letter paper
ALONE, CHANCES = 4.0, 5.0  # ink dots of a cell that mean nothing; standard deviations
PLAIN_SHARE = 0.7  # of the cells, those with least ink: what grain and specks make of a page
LEAST_CLUSTER = 3  # cells that touch
DARK, DARK_FIELDS = 100.0, (0.15, 0.97)  # a level; the share of a page that is neither blank
FAINT_DARKER, FAINT_SHARE = 70.0, 0.02


@dataclass(frozen=True, slots=True)
class Ink:
    """mask: where ink is on the reduced page, margins cut off. scale: dots of the page for one."""

    mask: NDArray[uint8]
    scale: int
    ink_pct: float
    is_blank: bool
    has_faint_marks: bool


def ink_of(image: Image) -> Ink:
    """Return what stands on *image*, a page of mode ``1`` or ``L``."""
    import numpy

    scale = max(1, round(max(image.size) / LONG_SIDE))
    small = image.convert("L").reduce(scale)
    level = _without_shadows(numpy.asarray(small).astype(numpy.float32))
    darker = _paper(level) - level
    middle = float(numpy.median(darker))
    noise = 1.4826 * float(numpy.median(numpy.abs(darker - middle)))
    least = max(LEAST_DARKER, NOISES * noise + max(0.0, middle))
    mask = (darker > least).astype(numpy.uint8)
    dark_share = float((level < DARK).mean())
    if DARK_FIELDS[0] < dark_share < DARK_FIELDS[1]:
        # Fields too large for their surroundings to tell paper from ink: their edges are the lines.
        edges = numpy.diff(level < DARK, axis=0).astype(numpy.uint8)
        return Ink(edges, scale, round(100 * dark_share, 3), is_blank=False, has_faint_marks=False)
    share = float(mask.mean()) if dark_share < 0.5 else dark_share
    writing = _without_streaks(mask)
    is_blank = not _has_writing(writing)
    faint = False
    if not is_blank:
        strong = float(numpy.percentile(darker[mask > 0], 75))
        faint = strong < FAINT_DARKER and share < FAINT_SHARE
    return Ink(writing, scale, round(100 * share, 3), is_blank, faint)


def _without_shadows(level: NDArray[float32]) -> NDArray[float32]:
    """Cut the margin, and what of each side is dark in most of its length: the scanner's lid."""
    import numpy

    height, width = level.shape
    top, left = (max(1, round(MARGIN * each)) for each in (height, width))
    inner = level[top : height - top, left : width - left]
    for _side in range(4):
        depth = max(1, round(SHADOW_DEPTH * inner.shape[0]))
        paper = float(inner[depth:-depth].mean()) if inner.shape[0] > 2 * depth else 255.0
        dark = (inner[:depth] < SHADOW_LEVEL * paper).mean(axis=1) > SHADOW_SHARE
        cut = int(dark.nonzero()[0].max()) + 2 if dark.any() else 0
        if cut < depth:  # else it is a dark page, not a shadow
            inner = inner[cut:]
        inner = numpy.rot90(inner)
    return inner


def _paper(level: NDArray[float32]) -> NDArray[float32]:
    """Return the level of the paper around each dot: light and shadow change it slowly."""
    import numpy
    from PIL import Image

    height, width = level.shape
    down, across = -(-height // BLOCK), -(-width // BLOCK)
    padded = numpy.pad(
        level, ((0, down * BLOCK - height), (0, across * BLOCK - width)), mode="edge"
    )
    blocks = padded.reshape(down, BLOCK, across, BLOCK).swapaxes(1, 2).reshape(down, across, -1)
    local = numpy.percentile(blocks, PAPER_PERCENTILE, axis=2).astype(numpy.float32)
    # a block full of ink has no paper of its own: it takes the middle of the page's
    page = float(numpy.median(local))
    local = numpy.maximum(local, page * 0.75)
    grown = Image.fromarray(local).resize((width, height), Image.Resampling.BILINEAR)
    paper: NDArray[float32] = numpy.asarray(grown)
    return paper


def _without_streaks(mask: NDArray[uint8]) -> NDArray[uint8]:
    """Return *mask* without lines that run along most of a side."""
    kept = mask.copy()
    kept[:, mask.mean(axis=0) > STREAK_SHARE] = 0
    kept[mask.mean(axis=1) > STREAK_SHARE, :] = 0
    return kept


def _has_writing(mask: NDArray[uint8]) -> bool:
    """Say whether few neighbouring cells hold more ink than the page's specks explain."""
    import numpy

    side = max(4, round(max(mask.shape) / CELLS))
    down, across = mask.shape[0] // side, mask.shape[1] // side
    counts = mask[: down * side, : across * side].reshape(down, side, across, side).sum(axis=(1, 3))
    lower = numpy.sort(counts, axis=None)[: round(PLAIN_SHARE * counts.size)]
    usual = float(lower.mean()) if lower.size else 0.0
    least = usual + CHANCES * (usual + 1) ** 0.5 + ALONE - CHANCES
    marked = {
        (int(y), int(x)) for y, x in zip(*(counts > max(ALONE, least)).nonzero(), strict=True)
    }
    while marked:
        waiting, size = [marked.pop()], 0
        while waiting:
            y, x = waiting.pop()
            size += 1
            if size >= LEAST_CLUSTER:
                return True
            near = {(y + j, x + i) for j in (-1, 0, 1) for i in (-1, 0, 1)} & marked
            marked -= near
            waiting += near
    return False
