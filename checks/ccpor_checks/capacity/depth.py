"""How deep the queue before a full line is: known once it has run over, or grows no more. Pure."""

from __future__ import annotations

GROWN, GROWN_MS = 1.03, 2.0
FALLEN = 0.8  # of the deepest: packets were dropped, and the flows hold back
STILL_MS, STILL_RTTS = 1500.0, 3


class Depth:
    """The delay that a queue adds while it fills, as the probes see it. Times and delays in ms."""

    def __init__(self, rtt_ms: float) -> None:
        self.rtt_ms = rtt_ms
        self.deepest_ms = 0.0
        self._deepest_at = 0.0
        self._is_over = False

    def see(self, at_ms: float, over_idle_ms: float | None) -> None:
        """Take the delay above the idle line of now; None: not known."""
        if over_idle_ms is None:
            return
        if over_idle_ms > GROWN * self.deepest_ms + GROWN_MS:
            self.deepest_ms, self._deepest_at = over_idle_ms, at_ms
        elif over_idle_ms < FALLEN * self.deepest_ms - GROWN_MS:
            self._is_over = True

    def is_known(self, at_ms: float) -> bool:
        still = max(STILL_MS, STILL_RTTS * (self.rtt_ms + self.deepest_ms))
        return self._is_over or at_ms - self._deepest_at >= still
