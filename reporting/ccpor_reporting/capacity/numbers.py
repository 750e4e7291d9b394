"""Numbers as people say them: two figures, no false precision."""

from __future__ import annotations

import math


def number(value: float) -> str:
    """Return *value* with two figures below 10 and none behind the point above: 0.54, 3.4, 64."""
    if value == 0:
        return "0"
    if abs(value) >= 10:
        return f"{value:.0f}" if abs(value - round(value)) > 1e-9 else f"{round(value)}"
    digits = 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, digits):g}"


def mbit_words(mbit: float) -> str:
    return f"{number(mbit)} Mbit/s"


def seconds_words(seconds: float) -> str:
    """Return e.g. ``3.4 s``, ``64 s``, ``12 min``."""
    if seconds < 600:
        return f"{number(seconds)} s"
    return f"{number(seconds / 60)} min"
