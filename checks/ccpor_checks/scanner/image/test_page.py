"""The test page that people print and scan: codes in its corners, bars, patches, text, strokes.

Drawn here from numbers alone, so that the same page can be printed, and made as a perfect scan of
any resolution for tests and demonstrations.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Literal

from ccpor_checks.scanner.image import layout

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

PRINTED_DPI = 300
LEAST_DPI, MOST_DPI = 50, 1200
DRAWN = time.struct_time((2026, 11, 24, 0, 0, 0, 1, 328, 0))  # the same bytes on every day
TITLE = "CCPOR scanner test page"
TITLE_LINES = (
    "Print at 100 %, in black, on letter paper. Put it into the scanner as the",
    "scanner asks, then run:  ccpor-check run --only scanner",
)
ROWS = (
    ("Case number", "TEST-0000-0000 (no case: this sheet is for testing)"),
    ("Restrained person", "Nobody, a made-up name"),
    ("Protected person", "Nobody else, a made-up name"),
    ("Order expires", "never: nothing is ordered here"),
    ("Judge", "signature below is a scribble by a program"),
)
SIZES = (14, 12, 10, 8, 6)  # points
PANGRAM = "Sphinx of black quartz, judge my vow: 0123456789 O0 Il1 S5 B8 rn m."
FOOT = (
    "A scan is good when all four codes and the frame are there, the 8-point",
    "line reads easily, and the bars at 2.2 or finer can still be told apart.",
)


def pdf() -> bytes:
    """Return the page to print: a PDF of one letter sheet, black and white, 300 dots per inch."""
    written = io.BytesIO()
    rendered(PRINTED_DPI).save(
        written,
        "PDF",
        resolution=PRINTED_DPI,
        title=TITLE,
        creator="ccpor-check",
        creationDate=DRAWN,
        modDate=DRAWN,
    )
    return written.getvalue()


def rendered(dpi: int, mode: Literal["bilevel", "gray", "color"] = "bilevel") -> Image:
    """Return the page as a perfect scan: of mode ``1``, ``L`` or ``RGB``, *dpi* noted.

    Raises:
        ValueError: *dpi* is not 50 to 1200.
    """
    from PIL import Image, ImageDraw

    if not LEAST_DPI <= dpi <= MOST_DPI:
        raise ValueError(f"{dpi} dpi: write {LEAST_DPI} to {MOST_DPI}")
    page = Image.new("L", (round(layout.WIDTH * dpi), round(layout.HEIGHT * dpi)), 255)
    pen = _Pen(page, ImageDraw.Draw(page), dpi)
    pen.frame()
    pen.codes()
    pen.patches()
    pen.bars()
    pen.words()
    pen.strokes()
    if mode == "bilevel":
        page = page.point(lambda level: 255 if level > 127 else 0).convert(
            "1", dither=Image.Dither.NONE
        )
    elif mode == "color":
        page = page.convert("RGB")
    page.info["dpi"] = (dpi, dpi)
    return page


class _Pen:
    """Draws in inches on a page of *dpi*."""

    def __init__(self, page: Image, draw: ImageDraw, dpi: int) -> None:
        self._page, self._draw, self._dpi = page, draw, dpi

    def _px(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self._dpi), round(y * self._dpi)

    def _box(self, left: float, top: float, right: float, bottom: float, fill: int = 0) -> None:
        (x0, y0), (x1, y1) = self._px(left, top), self._px(right, bottom)
        self._draw.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), fill=fill)

    def _line(self, points: list[tuple[float, float]], width: float) -> None:
        at = [(x * self._dpi, y * self._dpi) for x, y in points]
        self._draw.line(at, fill=0, width=max(1, round(width * self._dpi)), joint="curve")

    def _text(self, left: float, top: float, words: str, points: float) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(max(1.0, points / 72 * self._dpi))
        self._draw.text(self._px(left, top), words, fill=0, font=font)

    def frame(self) -> None:
        """A line near each edge with a tick at each half inch: what is cut off is seen."""
        near, line = layout.FRAME, layout.FRAME_LINE
        far_x, far_y = layout.WIDTH - near, layout.HEIGHT - near
        self._box(near, near, far_x, near + line)
        self._box(near, far_y - line, far_x, far_y)
        self._box(near, near, near + line, far_y)
        self._box(far_x - line, near, far_x, far_y)
        for half in range(1, 17):
            self._box(half / 2, near, half / 2 + 0.01, near + 0.08)
            self._box(half / 2, far_y - 0.08, half / 2 + 0.01, far_y)
        for half in range(1, 22):
            self._box(near, half / 2, near + 0.08, half / 2 + 0.01)
            self._box(far_x - 0.08, half / 2, far_x, half / 2 + 0.01)

    def codes(self) -> None:
        """A QR code in each corner (ISO/IEC 18004), which says which corner it is."""
        import numpy
        import zxingcpp
        from PIL import Image

        side = round(layout.CODE * self._dpi)
        for corner, (x, y) in layout.CENTRES.items():
            code = zxingcpp.create_barcode(
                layout.TEXT + corner, zxingcpp.BarcodeFormat.QRCode, ec_level="M"
            )
            drawn = Image.fromarray(numpy.asarray(code.to_image(scale=1, add_quiet_zones=False)))
            at = self._px(x - layout.CODE / 2, y - layout.CODE / 2)
            self._page.paste(drawn.resize((side, side), Image.Resampling.NEAREST), at)

    def patches(self) -> None:
        """Black, three halftones, and paper within a thin line."""
        self._box(*layout.BLACK_PATCH)
        left, top, right, bottom = layout.WHITE_PATCH
        self._line([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], 0.01)
        width = layout.BLACK_PATCH[2] - layout.BLACK_PATCH[0]
        for left, percent in layout.HALFTONES:
            self._halftone(left, top, left + width, bottom, percent)

    def _halftone(self, left: float, top: float, right: float, bottom: float, percent: int) -> None:
        step = 1 / 25  # an inch: dots that survive a copy
        dot = step * (percent / 100) ** 0.5
        for row in range(int((bottom - top) / step)):
            for column in range(int((right - left) / step)):
                x, y = left + column * step, top + row * step
                self._box(x, y, x + dot, y + dot)

    def bars(self) -> None:
        """Groups of line pairs, standing and lying, coarse to fine."""
        import numpy
        from PIL import Image

        for number, pairs in enumerate(layout.FREQUENCIES):
            left = layout.group_left(number)
            width, height = self._px(layout.GROUP, layout.GROUP_HEIGHT)
            for top, lie in ((layout.ACROSS_TOP, False), (layout.DOWN_TOP, True)):
                count = height if lie else width
                at_mm = (numpy.arange(count) + 0.5) / self._dpi * layout.MM
                level = numpy.where((at_mm * pairs) % 1 < 0.5, 0, 255).astype(numpy.uint8)
                drawn = numpy.broadcast_to(
                    level[:, None] if lie else level[None, :], (height, width)
                )
                self._page.paste(Image.fromarray(drawn.copy()), self._px(left, top))
            self._text(left, layout.DOWN_TOP + layout.GROUP_HEIGHT + 0.04, f"{pairs:g}", 8)
        words = "line pairs a millimetre"
        self._text(layout.GROUPS_LEFT, layout.DOWN_TOP + layout.GROUP_HEIGHT + 0.2, words, 8)

    def words(self) -> None:
        """Title, a form as orders have it, lines of falling size, what a good scan shows."""
        self._text(1.55, 0.55, TITLE, 20)
        for number, line in enumerate(TITLE_LINES):
            self._text(1.55, 0.95 + 0.18 * number, line, 9.5)
        top, height = 4.85, 0.34
        for number, (name, said) in enumerate(ROWS):
            y = top + number * height
            self._text(1.0, y + 0.08, name, 10)
            self._text(2.9, y + 0.08, said, 10)
            self._line([(0.9, y), (7.6, y)], 0.01)
        y = top + len(ROWS) * height
        self._line([(0.9, y), (7.6, y)], 0.01)
        for x in (0.9, 2.8, 7.6):
            self._line([(x, top), (x, y)], 0.01)
        y = 8.15
        for points in SIZES:
            self._text(0.9, y, f"{points} pt  {PANGRAM}", points)
            y += points / 72 * 1.5
        for number, line in enumerate(FOOT):
            self._text(1.55, 9.85 + 0.18 * number, line, 9.5)

    def strokes(self) -> None:
        """Handwriting: a note and a signature, as judges leave them on orders."""
        from math import cos, sin

        for number, (left, top, long) in enumerate(((1.2, 6.95, 2.6), (4.6, 6.95, 2.4))):
            points = []
            for step in range(241):
                t = step / 240
                swing = 0.16 * (1 - 0.4 * t)
                points.append(
                    (
                        left + long * t + 0.09 * sin(38 * t + number),
                        top + swing * sin(52 * t + 2 * number) + 0.07 * cos(17 * t),
                    )
                )
            self._line(points, 0.016 if number else 0.01)
            self._line([(left, top + 0.42), (left + long, top + 0.42)], 0.008)
            self._text(left, top + 0.46, ("Note", "Signature")[number], 8)
