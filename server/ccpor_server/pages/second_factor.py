"""Signing in by the identity provider, the second factor, one own's sessions."""

from __future__ import annotations

from ccpor_server.access import Entry

ENTRIES: tuple[Entry, ...] = ()
