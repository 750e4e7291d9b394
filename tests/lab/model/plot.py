"""The plot of the sheet: predicted against measured, both on a scale of ratios, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable

from tests.lab.model.judging import HIGH, LOW, Judged

Scale = Callable[[float], float]
SIZE, LEFT, TOP = 480, 64, 24  # of the square within the axes, and where it begins
STYLE = (
    "text{font:13px sans-serif;fill:#1b1b1b}.edge{fill:none;stroke:#71767a}"
    ".grid{stroke:#dfe1e2}.even{stroke:#1b1b1b}.band{fill:#e7f2f5}"
    ".build{fill:none;stroke:#71767a;stroke-width:1.5}.held{fill:#005ea2}.off{fill:#b50909}"
    "@media (prefers-color-scheme:dark){text{fill:#f0f0f0}.even{stroke:#f0f0f0}"
    ".grid{stroke:#3d4551}.band{fill:#173143}.held{fill:#73b3e7}.off{fill:#f2938c}}"
)


def drawn(each: list[Judged]) -> str:
    """Return the plot: a dot for each point (a ring where the model was tuned on it)."""
    times = [second for one in each for second in (one.p95, one.predicted_p95)]
    low, high = min(times) / 1.3, max(times) * 1.3
    span = math.log(high / low)

    def x(seconds: float) -> float:
        return LEFT + SIZE * math.log(seconds / low) / span

    def y(seconds: float) -> float:
        return TOP + SIZE - (x(seconds) - LEFT)

    band = [(low, low * LOW), (high, high * LOW), (high, high * HIGH), (low, low * HIGH)]
    corners = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in band)
    parts = [
        f'<clipPath id="axes"><rect x="{LEFT}" y="{TOP}" width="{SIZE}" height="{SIZE}"/></clipPath>',
        f'<polygon class="band" clip-path="url(#axes)" points="{corners}"/>',
    ]
    parts += _grid(low, high, x, y)
    parts.append(
        f'<line class="even" x1="{x(low):.1f}" y1="{y(low):.1f}" x2="{x(high):.1f}" y2="{y(high):.1f}"/>'
    )
    for one in sorted(each, key=lambda one: one.point.setting.name):
        setting = one.point.setting
        kind = ("held" if one.within else "off") if setting.is_held_out else "build"
        words = (
            f"{setting.name}: measured {one.p95:.2f} s, predicted {one.predicted_p95:.2f} s; "
            f"{setting.mbit:g} Mbit/s, {setting.rtt_ms:g} ms, {setting.loss_pct:g} % lost"
        )
        parts.append(
            f'<circle class="{kind}" cx="{x(one.p95):.1f}" cy="{y(one.predicted_p95):.1f}" r="4.5">'
            f"<title>{words}</title></circle>"
        )
    return _framed(parts)


def _grid(low: float, high: float, x: Scale, y: Scale) -> list[str]:
    parts = []
    ticks = [m * 10.0**e for e in range(-3, 4) for m in (1, 2, 5)]
    for at in (tick for tick in ticks if low <= tick <= high):
        across, up = x(at), y(at)
        parts.append(
            f'<line class="grid" x1="{across:.1f}" y1="{TOP}" x2="{across:.1f}" y2="{TOP + SIZE}"/>'
            f'<line class="grid" x1="{LEFT}" y1="{up:.1f}" x2="{LEFT + SIZE}" y2="{up:.1f}"/>'
            f'<text x="{across:.1f}" y="{TOP + SIZE + 18}" text-anchor="middle">{at:g}</text>'
            f'<text x="{LEFT - 8}" y="{up + 4:.1f}" text-anchor="end">{at:g}</text>'
        )
    return parts


def _framed(parts: list[str]) -> str:
    width, height, middle = LEFT + SIZE + 16, TOP + SIZE + 48, TOP + SIZE // 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
            'aria-label="Predicted against measured 95th percentile of the time of an order">',
            f"<style>{STYLE}</style>",
            *parts,
            f'<rect class="edge" x="{LEFT}" y="{TOP}" width="{SIZE}" height="{SIZE}"/>',
            f'<text x="{LEFT + SIZE // 2}" y="{height - 8}" text-anchor="middle">'
            "measured 95th percentile, s</text>",
            f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">'
            "predicted, s</text>",
            "</svg>\n",
        ]
    )
