"""All courts: map, readiness over time, blockers by cause, silence."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
