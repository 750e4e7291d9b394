"""What the spool lets go of when a court stays cut off for months: the least telling, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccpor_agent.spool.item import Item

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How much may wait. A report is about 60 kB, and one a day is usual."""

    items: int = 1000
    bytes: int = 64 * MEGABYTE  # of envelopes; an upload holds them all in memory
    age: timedelta = timedelta(days=400)
    acknowledged: int = 500  # kept beside their receipts, as this workstation's own proof
    reserve: int = MEGABYTE  # bytes left free on the disk


def to_drop(waiting: Sequence[Item], caps: Caps, now: datetime) -> list[Item]:
    """Return those of *waiting* (oldest first) to let go of, oldest first.

    The newest full report of each profile stays whatever the caps say, and so does the newest
    item of all: it was saved a moment ago.
    """
    newest_full = {item.profile: item.sequence for item in waiting if item.full}
    kept = set(newest_full.values()) | {item.sequence for item in waiting[-1:]}
    count, size = len(waiting), sum(len(item.envelope) for item in waiting)
    dropped = []
    for item in waiting:
        is_over = count > caps.items or size > caps.bytes or now - item.saved_at > caps.age
        if is_over and item.sequence not in kept:
            dropped.append(item)
            count, size = count - 1, size - len(item.envelope)
    return dropped
