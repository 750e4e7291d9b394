"""Runs by themselves in court hours: when the next one is due, and the system's own timer.

The timer of the operating system asks often (`ASKED_EVERY_MIN`); whether a run is due is decided
here, so that the moments are random and every band of the day gets its run.
"""

ASKED_EVERY_MIN = 10
