"""Sending at a rate: by the kernel where it can, else by this program, in steps of milliseconds.

Source: SO_MAX_PACING_RATE in socket(7) and tc-fq(8); TCP paces by itself where no fq is there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

STEP_S = 0.005  # worth of bytes that go at once where the program paces
KERNEL_STEP_S = 0.02
LEAST_PIECE, LONGEST_PIECE = 1400, 64 * 1024
FRAMING = 30  # bytes of one TLS record and one HTTP chunk around a piece
CATCH_UP_S = 0.05  # what could not be sent for longer is not made up for in a burst


def piece_at(bytes_per_s: float, *, by_kernel: bool) -> int:
    """Return how many bytes to write at once for this rate."""
    seconds = KERNEL_STEP_S if by_kernel else STEP_S
    return int(min(LONGEST_PIECE, max(LEAST_PIECE, bytes_per_s * seconds)))


def on_the_wire(bytes_per_s: float, piece: int) -> float:
    """Return the rate of TCP payload that carries *bytes_per_s* in pieces of that size."""
    records = -(-piece // 16384)
    return bytes_per_s * (piece + 8 + 22 * records) / piece


class Pacer:
    """Says when the next piece is due; without drift, and without bursts after a hold-up."""

    def __init__(self, bytes_per_s: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self._rate, self._clock = bytes_per_s, clock
        self._due = clock()

    def wait(self, size: int, over: threading.Event) -> None:
        """Wait until *size* bytes may go, or *over*."""
        left = self._due - self._clock()
        if left > 0:
            over.wait(left)
        elif left < -CATCH_UP_S:
            self._due = self._clock() - CATCH_UP_S
        self._due += size / self._rate
