"""The outbox, for people to see."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
