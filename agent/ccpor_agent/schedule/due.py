"""Whether a run is due: the moment is drawn once, kept in the state folder and drawn anew after it.

An unreadable file counts as due now: a run too many is worth more than none for ever.
"""

from __future__ import annotations

import logging
import random
from datetime import datetime
from pathlib import Path

import msgspec

from ccpor_agent.schedule.gaps import MEAN_HOURS, next_run
from ccpor_agent.seam import make_folder, write_durably

log = logging.getLogger(__name__)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """``schedule.json``: the next run in this machine's local time, without an offset."""

    next_run: datetime
    mean_hours: float = MEAN_HOURS


def kept(state: Path) -> Kept | None:
    """Return what is kept in *state*; None where nothing is, or nothing that reads."""
    try:
        found = msgspec.json.decode((state / "schedule.json").read_bytes(), type=Kept)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as exc:
        log.warning("schedule.unreadable", extra={"error": repr(exc)})
        return None
    return msgspec.structs.replace(found, next_run=found.next_run.replace(tzinfo=None))


def is_due(state: Path, now: datetime) -> bool:
    """Say whether a run is due at *now* (local, naive)."""
    found = kept(state)
    return found is None or now >= found.next_run


def draw_next(
    state: Path, now: datetime, dice: random.Random, mean_hours: float | None = None
) -> datetime:
    """Keep and return when the next run is due.

    Raises:
        OSError: It could not be saved.
    """
    before = kept(state)
    mean = mean_hours or (before.mean_hours if before else MEAN_HOURS)
    found = next_run(now, dice, mean).replace(microsecond=0)
    make_folder(state)
    body = msgspec.json.encode(Kept(next_run=found, mean_hours=mean))
    write_durably(state / "schedule.json", body)
    return found


def forget(state: Path) -> None:
    """Let go of the next moment; nothing is scheduled any more."""
    (state / "schedule.json").unlink(missing_ok=True)
