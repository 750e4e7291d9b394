"""Help in plain language, one page a page."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
