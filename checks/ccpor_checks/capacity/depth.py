"""How deep the queue before a full line is: known once it has run over, or grows no more. Pure."""

from __future__ import annotations

GROWN, GROWN_MS = 1.03, 2.0
FALLEN = 0.85  # of the longest round trip: packets were dropped, and the flows hold back
STILL_MS, STILL_RTTS = 1500.0, 3


class Depth:
    """The delay that a queue adds while it fills, as the probes see it. Times and delays in ms."""

    def __init__(self, rtt_ms: float) -> None:
        self.rtt_ms = rtt_ms
        self.deepest_ms = 0.0
        self._deepest_at = 0.0
        self.is_over = False

    def see(self, at_ms: float, over_idle_ms: float | None) -> None:
        """Take the delay above the idle line of now; None: not known."""
        if over_idle_ms is None:
            return
        if over_idle_ms > GROWN * self.deepest_ms + GROWN_MS:
            self.deepest_ms, self._deepest_at = over_idle_ms, at_ms
        elif self.rtt_ms + over_idle_ms < FALLEN * (self.rtt_ms + self.deepest_ms) - GROWN_MS:
            self.is_over = True

    def look_again(self, at_ms: float) -> None:
        """More flows have begun: what was the end of its growth may not be."""
        self._deepest_at = at_ms

    def is_known(self, at_ms: float) -> bool:
        still = max(STILL_MS, STILL_RTTS * (self.rtt_ms + self.deepest_ms))
        return self.is_over or at_ms - self._deepest_at >= still
