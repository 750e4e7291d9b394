"""Measured values over time, and comparisons of runs, workstations and courts."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
