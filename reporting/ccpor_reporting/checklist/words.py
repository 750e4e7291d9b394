"""Words that several parts of the checklist say in the same way."""

from __future__ import annotations

from collections.abc import Sequence

from ccpor_reporting.checklist.model import Party

PARTY_WORDS = {
    Party.AOC: "AOC",
    Party.COURT: "court",
    Party.SHERIFF: "sheriff",
    Party.DOJ: "California DOJ",
}


def listed(words: Sequence[str], joint: str) -> str:
    """Return e.g. ``court, sheriff and AOC``."""
    first, last = words[:-1], words[-1]
    return f"{', '.join(first)} {joint} {last}" if first else last
