"""The worklist over all courts: saved views, bulk reminders."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
