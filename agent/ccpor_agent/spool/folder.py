"""The spool's folder: save, list, acknowledge, park, quarantine; each step survives a kill.

No step needs a lock: an item moves by being written whole at its new place before it leaves the
old one, and the collector knows a report it has seen.
"""

from __future__ import annotations

import contextlib
import errno
import shutil
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from ccpor_agent import seam
from ccpor_agent.spool import item as items
from ccpor_agent.spool.caps import Caps, to_drop
from ccpor_agent.spool.item import Item, ItemRotten, Place

DROPPED, NEXT_TRY = "dropped", "next_try"
TEMPORARY = ".*.tmp"
ABANDONED_S = 3600.0  # a temporary file older than this belongs to nobody who still writes

Reason = Literal["no-space", "no-right", "read-only", "disk"]
REASONS: dict[int | None, Reason] = {
    errno.ENOSPC: "no-space",
    errno.EDQUOT: "no-space",
    errno.EACCES: "no-right",
    errno.EPERM: "no-right",
    errno.EROFS: "read-only",
}
FIXES: dict[Reason, str] = {
    "no-space": "free some space on this disk and run again",
    "no-right": "run as the user who owns this folder, or as the administrator",
    "read-only": "the disk is mounted read-only; ask whoever runs this machine",
    "disk": "the disk did not confirm the write; have it checked",
}


class NotSaved(Exception):
    """The report is not on the disk, or the disk did not say so. `reason` is of a closed list."""

    def __init__(self, reason: Reason, folder: Path) -> None:
        super().__init__(f"the report could not be saved in {folder} ({reason}); {FIXES[reason]}")
        self.reason = reason


class Dropped(msgspec.Struct, frozen=True):
    """How many reports were let go of; a kill before `last` was removed is made good later."""

    count: int = 0
    last: str = ""


class NextTry(msgspec.Struct, frozen=True):
    """When to try again, and what went wrong. Times are Unix times of this machine."""

    not_before: float = 0.0
    failures: int = 0
    why: str = ""


Noted = TypeVar("Noted", Dropped, NextTry)


class Spool:
    """The reports of one workstation. Methods that change something raise OSError from the disk."""

    def __init__(self, state: Path, caps: Caps | None = None) -> None:
        self.folder = state / "spool"
        self.caps = caps or Caps()

    def save(
        self, envelope: bytes, *, run_id: str, profile: str, full: bool, now: datetime
    ) -> Item:
        """Return the item once the disk has it; a run that is here already is not saved again.

        Raises:
            NotSaved: The disk did not confirm it.
        """
        if not items.RUN_ID.fullmatch(run_id):
            raise ValueError(f"{run_id!r} is not a run id; use a UUID in lower case")
        if (held := self.find(run_id)) is not None:
            return held
        item = Item(
            run_id=run_id,
            sequence=self._next_sequence(),
            saved_at=now,
            profile=profile,
            full=full,
            digest=sha256(envelope).hexdigest(),
            envelope=envelope.decode(),
        )
        content = items.written(item)
        try:
            seam.make_folder(self.folder)
            if shutil.disk_usage(self.folder).free < len(content) + self.caps.reserve:
                raise NotSaved("no-space", self.folder)
            seam.write_durably(self.folder / item.file_name, content)
        except OSError as exc:
            raise NotSaved(REASONS.get(exc.errno, "disk"), self.folder) from exc
        return item

    def waiting(self) -> list[Item]:
        """Return what waits, oldest first; a rotten file is moved to quarantine on the way."""
        self._finish_drop()
        found = []
        for path in self._paths(Place.WAITING):
            try:
                item = items.read(path)
            except ItemRotten:
                self._quarantine(path)
                continue
            except OSError:  # delivered by another process just now, or not readable: it stays
                continue
            if self._is_finished(path):
                continue
            found.append(item)
        return found

    def read(self, place: Place) -> list[Item]:
        """Return the whole items of *place*, oldest first; what cannot be read is left out."""
        found = []
        for path in self._paths(place):
            with contextlib.suppress(ItemRotten, OSError):
                found.append(items.read(path))
        return found

    def quarantined(self) -> list[str]:
        """Return the names of the files that are not what was written."""
        with contextlib.suppress(FileNotFoundError):
            return sorted(path.name for path in (self.folder / Place.QUARANTINE).iterdir())
        return []

    def rotten(self) -> list[str]:
        """Return the names of waiting files that the next upload will put in quarantine."""
        whole = {item.file_name for item in self.read(Place.WAITING)}
        return [path.name for path in self._paths(Place.WAITING) if path.name not in whole]

    def find(self, run_id: str) -> Item | None:
        """Return the whole item of run *run_id*, wherever it lies."""
        for place in (Place.WAITING, Place.ACKNOWLEDGED, Place.PARKED):
            for path in self._paths(place):
                if path.name.endswith(f"-{run_id}.json"):
                    with contextlib.suppress(ItemRotten, FileNotFoundError):
                        return items.read(path)
        return None

    def acknowledge(self, item: Item, receipt: bytes, log_index: int) -> None:
        """Move *item* to the acknowledged ones, its receipt beside it; the oldest of those go."""
        done = msgspec.structs.replace(item, receipt=receipt.decode(), log_index=log_index)
        self._move(done, Place.ACKNOWLEDGED)
        for path in self._paths(Place.ACKNOWLEDGED)[: -self.caps.acknowledged]:
            path.unlink(missing_ok=True)

    def park(self, item: Item, why: str) -> None:
        """Put *item* aside for a person: these bytes will not be taken."""
        self._move(msgspec.structs.replace(item, parked=why), Place.PARKED)

    def apply_caps(self, now: datetime) -> int:
        """Let go of what the caps do not allow; return how many reports that were this time."""
        gone = to_drop(self.waiting(), self.caps, now)
        for item in gone:
            # Counted before it goes, by name: a kill in between neither loses nor doubles a count.
            count = self.dropped().count + 1
            self._note(DROPPED, Dropped(count, item.file_name))
            (self.folder / item.file_name).unlink(missing_ok=True)
        if gone:
            seam.sync_folder(self.folder)
        return len(gone)

    def dropped(self) -> Dropped:
        """Return how many reports were let go of since enrolment."""
        return self._noted(DROPPED, Dropped) or Dropped()

    def next_try(self) -> NextTry:
        """Return when to try again; at once if nothing went wrong."""
        return self._noted(NEXT_TRY, NextTry) or NextTry()

    def set_next_try(self, when: NextTry) -> None:
        if when != self.next_try():
            self._note(NEXT_TRY, when)

    def sweep(self, now: float) -> None:
        """Remove what a killed process left half written; such a file was never called saved."""
        for folder in (self.folder, *(self.folder / place for place in Place if place)):
            for path in folder.glob(TEMPORARY):
                with contextlib.suppress(FileNotFoundError):
                    if now - path.stat().st_mtime > ABANDONED_S:
                        path.unlink()

    def _paths(self, place: Place) -> list[Path]:
        folder = self.folder / place
        try:
            names = [path for path in folder.iterdir() if items.FILE_NAME.fullmatch(path.name)]
        except FileNotFoundError:
            return []
        return sorted(names)

    def _next_sequence(self) -> int:
        numbers = (int(path.name[:10]) for place in Place for path in self._paths(place))
        return max(numbers, default=0) + 1

    def _move(self, item: Item, place: Place) -> None:
        folder = self.folder / place
        seam.make_folder(folder)
        seam.write_durably(folder / item.file_name, items.written(item))
        (self.folder / item.file_name).unlink(missing_ok=True)
        seam.sync_folder(self.folder)

    def _is_finished(self, path: Path) -> bool:
        """Finish a move that a kill cut short; return whether *path* had moved already."""
        for place in (Place.ACKNOWLEDGED, Place.PARKED):
            moved = self.folder / place / path.name
            with contextlib.suppress(ItemRotten, FileNotFoundError):
                items.read(moved)
                path.unlink(missing_ok=True)
                return True
        return False

    def _quarantine(self, path: Path) -> None:
        folder = self.folder / Place.QUARANTINE
        seam.make_folder(folder)
        with contextlib.suppress(FileNotFoundError):
            path.replace(_free_name(folder, path.name))
        seam.sync_folder(folder)
        seam.sync_folder(self.folder)

    def _finish_drop(self) -> None:
        if last := self.dropped().last:
            (self.folder / last).unlink(missing_ok=True)

    def _note(self, name: str, value: Dropped | NextTry) -> None:
        seam.write_durably(self.folder / name, msgspec.json.encode(value))

    def _noted(self, name: str, kind: type[Noted]) -> Noted | None:
        with contextlib.suppress(FileNotFoundError, msgspec.DecodeError):
            return msgspec.json.decode((self.folder / name).read_bytes(), type=kind)
        return None


def _free_name(folder: Path, name: str) -> Path:
    """Return a path in *folder* that nobody uses: one rotten file never replaces another."""

    def candidates() -> Iterator[Path]:
        yield folder / name
        number = 1
        while True:
            yield folder / f"{name}.{number}"
            number += 1

    return next(path for path in candidates() if not path.exists())
