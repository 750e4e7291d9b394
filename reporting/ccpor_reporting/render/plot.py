"""Drawing plots as SVG: axes with round ticks, lines, marks and words, from numbers alone.

No script and no style: classes say what a thing is, the page's sheet says how it looks. Text is
escaped here. Each plot is drawn twice, for wide and for narrow screens, so that its words keep
their size; the sheet shows one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from ccpor_reporting.render.markup import marked

WIDE, SLIM = 580.0, 350.0
LETTER = 7.2  # mean width of a letter at the sheet's 13 px, generously
_STEPS = (1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values; logarithmic where they spread over decades."""

    low: float
    high: float
    log: bool = False

    def share(self, value: float) -> float:
        """Return where *value* lies between the ends, 0 to 1; outside ones at the nearer end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> tuple[float, ...]:
        """Return at most *most* round values within the range."""
        return _log_ticks(self, most) if self.log else _even_ticks(self, most)


def spanning(values: Iterable[float], *, log: bool = False, least: float = 0.0) -> Axis:
    """Return an axis that holds all *values* with some room; from 0 on where it is not *log*."""
    kept = [one for one in values if math.isfinite(one) and (one > 0 or not log)]
    if log:
        low, high = min(kept, default=1.0), max(kept, default=10.0)
        return Axis(low / 1.15, max(high * 1.15, low * 2), log=True)
    return Axis(0.0, max(max(kept, default=1.0) * 1.12, least, 1e-6))


def _even_ticks(axis: Axis, most: int) -> tuple[float, ...]:
    rough = (axis.high - axis.low) / max(1, most - 1)
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * one for one in (1.0, 2.0, 2.5, 5.0, 10.0) if size * one >= rough * 0.999)
    first = math.ceil(axis.low / step - 1e-9)
    last = math.floor(axis.high / step + 1e-9)
    return tuple(n * step for n in range(first, last + 1))


def _log_ticks(axis: Axis, most: int) -> tuple[float, ...]:
    decades = range(math.floor(math.log10(axis.low)), math.ceil(math.log10(axis.high)) + 1)
    for steps in (_STEPS, (1.0, 3.0), (1.0,)):
        every = (step * 10.0**decade for decade in decades for step in steps)
        found = tuple(one for one in every if axis.low <= one <= axis.high)
        if len(found) <= most:
            return found or (axis.low,)
    return found[:: math.ceil(len(found) / most)]


def tick_words(value: float) -> str:
    """Return *value* as an axis says it: 0.5, 20, 1500."""
    return f"{value:.0f}" if value >= 10 else f"{value:.3g}"


@dataclass(slots=True)
class Panel:
    """A rectangle of a drawing with its two axes."""

    sheet: Sheet
    x: Axis
    y: Axis
    left: float
    top: float
    right: float
    bottom: float

    def px(self, value: float) -> float:
        return self.left + self.x.share(value) * (self.right - self.left)

    def py(self, value: float) -> float:
        return self.bottom - self.y.share(value) * (self.bottom - self.top)

    def frame(self, x_title: str, y_title: str, *, x_ticks: int = 7, y_ticks: int = 5) -> None:
        """Draw the grid, the ticks' numbers and the titles; without *x_title* no x numbers."""
        for value in self.y.ticks(y_ticks):
            self.sheet.line(self.left, self.py(value), self.right, self.py(value), "grid")
            self.sheet.text(self.left - 6, self.py(value) + 4, tick_words(value), "at end")
        for value in self.x.ticks(x_ticks):
            self.sheet.line(self.px(value), self.top, self.px(value), self.bottom, "grid")
            if x_title:
                self.sheet.text(self.px(value), self.bottom + 16, tick_words(value), "at middle")
        self.sheet.line(self.left, self.bottom, self.right, self.bottom, "axis")
        self.sheet.text(self.left - 38, self.top - 10, y_title, "name")
        if x_title:
            self.sheet.text(self.right, self.bottom + 33, x_title, "name end")

    def curve(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        """Draw a line through *points*; a single one as a dot."""
        if len(points) == 1:
            self.sheet.dot(self.px(points[0][0]), self.py(points[0][1]), 3, kind)
        elif points:
            self.sheet.path([(self.px(x), self.py(y)) for x, y in points], kind)

    def level(self, value: float, words: str, kind: str, *, below: bool = False) -> None:
        """Draw *value* of the y axis across the panel, with *words* over or below its right end."""
        at = self.py(value)
        self.sheet.line(self.left, at, self.right, at, kind)
        lower = below and at + 20 < self.bottom
        self.sheet.text(self.right - 4, at + (16 if lower else -5), words, f"{kind} said end")

    def upright(self, value: float, kind: str) -> None:
        at = self.px(value)
        self.sheet.line(at, self.top, at, self.bottom, kind)


@dataclass(slots=True)
class Sheet:
    """One SVG being drawn."""

    width: float
    height: float
    parts: list[str] = field(default_factory=list)

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self.parts.append(
            f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" class="{kind}"/>'
        )

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        way = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self.parts.append(f'<polyline points="{way}" class="{kind}"/>')

    def dot(self, x: float, y: float, radius: float, kind: str) -> None:
        self.parts.append(f'<circle cx="{_n(x)}" cy="{_n(y)}" r="{_n(radius)}" class="{kind}"/>')

    def box(self, x: float, y: float, width: float, height: float, kind: str) -> None:
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(max(width, 0.5))}" '
            f'height="{_n(height)}" class="{kind}"/>'
        )

    def text(self, x: float, y: float, words: str, kind: str) -> None:
        """Write *words* at x, y; kept within the sheet by moving them, not by cutting."""
        wide = len(words) * LETTER
        if "middle" in kind.split():
            x = min(max(x, wide / 2), self.width - wide / 2)
        elif "end" in kind.split():
            x = min(max(x, wide), self.width)
        else:
            x = max(0.0, min(x, self.width - wide))
        self.parts.append(f'<text x="{_n(x)}" y="{_n(y)}" class="{kind}">{marked(words)}</text>')

    def panel(
        self, x: Axis, y: Axis, *, top: float, height: float, left: float = 44, right: float = 14
    ) -> Panel:
        return Panel(self, x, y, left, top, self.width - right, top + height)

    def svg(self, says: str, kind: str) -> str:
        """Return the drawing; *says*: what it shows, for who cannot see it."""
        return (
            f'<svg class="plot {kind}" viewBox="0 0 {_n(self.width)} {_n(self.height)}" '
            f'role="img" aria-label="{marked(says)}" focusable="false">'
            f"{''.join(self.parts)}</svg>"
        )


def both(says: str, height: float, draw: Callable[[Sheet], None]) -> str:
    """Return the drawing for wide and for narrow screens."""
    drawn = []
    for width, kind in ((WIDE, "broad"), (SLIM, "slim")):
        sheet = Sheet(width, height)
        draw(sheet)
        drawn.append(sheet.svg(says, kind))
    return "".join(drawn)


def _n(value: float) -> str:
    """Return a coordinate; what is no number must not get into the page."""
    if not math.isfinite(value):
        return "0"
    return f"{value:.1f}".rstrip("0").rstrip(".") or "0"
