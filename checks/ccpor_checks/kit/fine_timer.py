"""Waiting to the millisecond: Windows otherwise wakes a program only every 15.6 ms.

Source: Microsoft, "timeBeginPeriod function". Elsewhere waits are fine by themselves.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

PERIOD_MS = 1


@contextlib.contextmanager
def fine_timer() -> Iterator[None]:
    """Have this program's waits end within a millisecond of their time, for the block."""
    if sys.platform != "win32":
        yield
        return
    import ctypes

    winmm = ctypes.WinDLL("winmm")
    asked = winmm.timeBeginPeriod(PERIOD_MS) == 0
    try:
        yield
    finally:
        if asked:
            winmm.timeEndPeriod(PERIOD_MS)
