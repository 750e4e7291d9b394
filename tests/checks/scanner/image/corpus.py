"""Pages made from numbers, with the truth beside each: orders, notes, stamps, empty sheets, tests.

Nothing is scanned and nothing is anybody's: words are made up, strokes are curves. The same seed
gives the same pages.
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ccpor_checks.scanner.image import test_page

WORDS = [
    "order",
    "court",
    "hearing",
    "person",
    "protected",
    "restrained",
    "shall",
    "not",
    "contact",
    "within",
    "yards",
    "days",
    "notice",
    "judge",
    "county",
    "clerk",
    "service",
    "proof",
    "date",
    "signed",
    "expires",
    "address",
    "declaration",
    "request",
    "reply",
]
KINDS = (
    *("form",) * 12,
    *("note", "stamp", "faint note", "faint stamp") * 2,
    *("empty", "grainy", "specks", "shadow", "bleed", "streak"),
    *("test", "mirrored", "upside-down", "sideways", "cut", "pale"),
)
MODES = ("bilevel", "gray", "color")
DPIS = (75, 100, 150, 200, 200, 200, 240, 300, 300, 300, 400, 600)
BLANKS = frozenset({"empty", "grainy", "specks", "shadow", "bleed", "streak"})
OF_TEST_PAGE = frozenset({"test", "mirrored", "upside-down", "sideways", "cut", "pale"})


@dataclass
class Page:
    """A file, and what is true of it. skew None: nothing on it has a direction."""

    name: str
    content: bytes
    kind: str
    mode: str
    format: str
    dpi: int
    skew: float | None
    turned: int = 0
    mirrored: bool = False
    cut: tuple[str, ...] = ()
    notes: dict[str, float] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return self.kind in BLANKS

    @property
    def is_test_page(self) -> bool:
        return self.kind in OF_TEST_PAGE


def pages(count: int, seed: int, *, most_dpi: int = 600) -> Iterator[Page]:
    """Yield *count* pages, every kind in turn."""
    for number in range(count):
        yield page(number, seed, most_dpi=most_dpi)


def page(number: int, seed: int, *, most_dpi: int = 600) -> Page:
    """Return page *number* of the corpus *seed*."""
    dice = random.Random(seed * 100_003 + number)
    kind = KINDS[number % len(KINDS)]
    dpi = dice.choice([each for each in DPIS if each <= most_dpi])
    mode = MODES[(number // len(KINDS) + number) % 3]
    if kind in ("faint note", "faint stamp", "pale", "bleed") and mode == "bilevel":
        mode = "gray"  # a threshold either keeps the strokes or has lost them: no faint ones
    if kind in OF_TEST_PAGE:
        dpi = max(dpi, 100)
        drawn = test_page.rendered(dpi, "gray")
    else:
        drawn = Image.new("L", (round(8.5 * dpi), round(11 * dpi)), 255)
        DRAW[kind](drawn, dpi, dice)
    lean = round(dice.uniform(-8, 8), 2)
    if kind == "cut":
        lean = round(dice.uniform(-1, 1), 2)
    elif kind in OF_TEST_PAGE:
        lean = round(dice.uniform(-4, 4), 2)
    found = Page(
        name=f"{number:03d} {kind} {dpi} {mode}",
        content=b"",
        kind=kind,
        mode=mode,
        format="",
        dpi=dpi,
        skew=lean if kind == "form" or kind in OF_TEST_PAGE else None,
    )
    if kind not in ("shadow", "streak"):  # these are the scanner's own, not the sheet's
        drawn = drawn.rotate(-lean, Image.Resampling.BICUBIC, fillcolor=255)
    drawn = _handled(drawn, found, dice)
    drawn = _scanned(drawn, found, dice)
    _saved(drawn, found, dice)
    return found


def _handled(drawn: Image.Image, page: Page, dice: random.Random) -> Image.Image:
    """Put the sheet in as people and feeders do."""
    if page.kind == "mirrored":
        page.mirrored, page.skew = True, -(page.skew or 0)
        return drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if page.kind == "upside-down":
        page.turned = 180
        return drawn.transpose(Image.Transpose.ROTATE_180)
    if page.kind == "sideways":
        page.turned = dice.choice((90, 270))
        turns = {90: Image.Transpose.ROTATE_270, 270: Image.Transpose.ROTATE_90}
        return drawn.transpose(turns[page.turned])
    if page.kind == "cut":
        edge = dice.choice(("left", "right", "top", "bottom"))
        page.cut = (edge,)
        deep = round(dice.uniform(0.55, 1.6) * page.dpi)
        width, height = drawn.size
        box = {
            "left": (deep, 0, width, height),
            "right": (0, 0, width - deep, height),
            "top": (0, deep, width, height),
            "bottom": (0, 0, width, height - deep),
        }[edge]
        return drawn.crop(box)
    return drawn


def _scanned(drawn: Image.Image, page: Page, dice: random.Random) -> Image.Image:
    """Add paper, grain and the kind's own trouble; then the depth."""
    grains = numpy.random.default_rng(dice.getrandbits(32))
    if page.kind not in ("specks", "streak") and page.dpi >= 150:
        drawn = drawn.filter(ImageFilter.GaussianBlur(page.dpi / 300 * dice.uniform(0.2, 0.7)))
    level: NDArray[numpy.float32] = numpy.asarray(drawn).astype(numpy.float32)
    paper, ink = dice.uniform(228, 255), dice.uniform(0, 50)
    if page.kind in ("faint note", "faint stamp"):
        ink = paper - dice.uniform(38, 60)
    elif page.kind == "bleed":
        ink = paper - dice.uniform(4, 8)
    elif page.kind == "pale":
        ink = paper - dice.uniform(60, 110)
    elif page.kind == "shadow":
        ink = 0
    level = (ink + (paper - ink) * level / 255).astype(numpy.float32)
    sigma = dice.uniform(5, 8) if page.kind == "grainy" else dice.uniform(0, 3)
    level = level + grains.normal(0, sigma, level.shape).astype(numpy.float32)
    if page.kind == "grainy" and page.mode == "bilevel":
        level[grains.random(level.shape) < 0.002] = 0
    drawn = Image.fromarray(numpy.clip(level, 0, 255).astype(numpy.uint8))
    if page.mode == "bilevel":
        return drawn.point(lambda each: 255 if each > 140 else 0).convert(
            "1", dither=Image.Dither.NONE
        )
    return drawn.convert("RGB") if page.mode == "color" else drawn


def _saved(drawn: Image.Image, page: Page, dice: random.Random) -> None:
    into = io.BytesIO()
    choices = {
        "bilevel": ("tiff", "pdf", "png"),
        "gray": ("jpeg", "pdf", "tiff"),
        "color": ("jpeg", "pdf"),
    }
    page.format = dice.choice(choices[page.mode])
    dpi = (page.dpi, page.dpi)
    quality = dice.choice((40, 60, 75, 90))
    if page.format == "tiff":
        how = "group4" if page.mode == "bilevel" else dice.choice((None, "tiff_lzw"))
        drawn.save(into, "TIFF", compression=how, dpi=dpi)
    elif page.format == "pdf":
        squeezed = {} if page.mode == "bilevel" else {"quality": quality}
        drawn.save(into, "PDF", resolution=page.dpi, **squeezed)
    elif page.format == "png":
        drawn.save(into, "PNG", dpi=dpi)
    else:
        drawn.save(into, "JPEG", quality=quality, dpi=dpi)
    page.content = into.getvalue()


def _font(points: float, dpi: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(points / 72 * dpi)


def _form(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """An order: title, ruled boxes, lines of text, a signature."""
    pen = ImageDraw.Draw(drawn)
    y = 0.7
    pen.text((1.2 * dpi, y * dpi), "ORDER " + " ".join(dice.sample(WORDS, 3)), 0, _font(16, dpi))
    y += 0.5
    points = dice.uniform(9, 12)
    font = _font(points, dpi)
    until = dice.uniform(3.5, 9.5)
    while y < until:
        if dice.random() < 0.2:
            pen.rectangle(
                [(0.8 * dpi, y * dpi), (7.7 * dpi, (y + 0.4) * dpi)],
                outline=0,
                width=max(1, round(0.012 * dpi)),
            )
            pen.text((0.9 * dpi, (y + 0.1) * dpi), dice.choice(WORDS), 0, font)
            y += 0.5
        else:
            words = " ".join(dice.choice(WORDS) for _word in range(dice.randint(6, 11)))
            pen.text((0.8 * dpi, y * dpi), words, 0, font)
            y += points / 72 * dice.uniform(1.3, 1.6)
    _stroke(pen, dpi, dice, 1.2, min(10.0, until + 0.6), 2.5)


def _stroke(
    pen: ImageDraw.ImageDraw, dpi: int, dice: random.Random, left: float, top: float, long: float
) -> None:
    """One word of handwriting, *long* inches."""
    fast, slow, phase = dice.uniform(12, 22), dice.uniform(2, 6), dice.uniform(0, 6)
    high = dice.uniform(0.07, 0.16)
    points = [
        (
            (left + long * t + 0.06 * math.sin(fast * long * t * 0.7 + phase)) * dpi,
            (top + high * math.sin(fast * long * t + phase) + 0.05 * math.cos(slow * t)) * dpi,
        )
        for t in (step / 160 for step in range(161))
    ]
    pen.line(points, 0, max(1, round(dice.uniform(0.012, 0.022) * dpi)), joint="curve")


def _note(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """Some words by hand on an otherwise empty sheet."""
    pen = ImageDraw.Draw(drawn)
    for _word in range(dice.randint(2, 9)):
        _stroke(pen, dpi, dice, dice.uniform(0.8, 5), dice.uniform(1.2, 9.5), dice.uniform(0.8, 2))


def _stamp(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """RECEIVED with a date in a box, somewhere, at an angle."""
    stamp = Image.new("L", (round(2 * dpi), round(0.8 * dpi)), 255)
    pen = ImageDraw.Draw(stamp)
    width = max(1, round(0.03 * dpi))
    pen.rectangle((width, width, stamp.width - width, stamp.height - width), outline=0, width=width)
    pen.text((0.2 * dpi, 0.12 * dpi), "RECEIVED", 0, _font(20, dpi))
    pen.text(
        (0.2 * dpi, 0.48 * dpi),
        f"{dice.randint(1, 12)}/{dice.randint(1, 28)}/26",
        0,
        _font(12, dpi),
    )
    stamp = stamp.rotate(
        dice.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True, fillcolor=255
    )
    drawn.paste(stamp, (round(dice.uniform(0.9, 5) * dpi), round(dice.uniform(1, 8.5) * dpi)))


def _empty(_drawn: Image.Image, _dpi: int, _dice: random.Random) -> None: ...


def _specks(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """Dust: dots that lie alone."""
    pen = ImageDraw.Draw(drawn)
    for _speck in range(dice.randint(10, 60)):
        x, y = dice.uniform(0.2, 8.3) * dpi, dice.uniform(0.2, 10.8) * dpi
        size = dice.uniform(0.002, 0.012) * dpi
        pen.ellipse((x, y, x + size, y + size), fill=0)


def _shadow(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """The lid beside a sheet that lies askew or is shorter."""
    pen = ImageDraw.Draw(drawn)
    width, height = drawn.size
    deep = dice.uniform(0.05, 0.3) * dpi
    side = dice.randrange(4)
    box = (
        (0, 0, deep, height),
        (width - deep, 0, width, height),
        (0, 0, width, deep),
        (0, height - deep, width, height),
    )[side]
    pen.rectangle(box, fill=dice.randint(0, 90))


def _bleed(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """The text of the other side, seen through the paper."""
    _form(drawn, dpi, dice)
    drawn.paste(drawn.transpose(Image.Transpose.FLIP_LEFT_RIGHT))


def _streak(drawn: Image.Image, dpi: int, dice: random.Random) -> None:
    """Dirt on the glass of a feeder: a line from the first row to the last."""
    pen = ImageDraw.Draw(drawn)
    for _streak in range(dice.randint(1, 3)):
        x = dice.uniform(1, 7.5) * dpi
        pen.line((x, 0, x, drawn.height), 60, max(1, round(0.006 * dpi)))


DRAW: dict[str, Callable[[Image.Image, int, random.Random], None]] = {
    "form": _form,
    "note": _note,
    "stamp": _stamp,
    "faint note": _note,
    "faint stamp": _stamp,
    "empty": _empty,
    "grainy": _empty,
    "specks": _specks,
    "shadow": _shadow,
    "bleed": _bleed,
    "streak": _streak,
}
