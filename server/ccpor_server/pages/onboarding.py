"""The wizard that brings a court on board, and its timeline."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
