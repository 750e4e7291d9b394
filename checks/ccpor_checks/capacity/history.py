"""What earlier runs measured on this line: one JSON line a run, in capacity/ of the state folder.

Only figures: no address, no name, no secret. A line that cannot be read is passed over: the power
may fail while one is written.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from ccpor_checks.base import Context, Target
from ccpor_reporting.capacity.samples import Sample

FOLDER = "capacity"
KEPT = 200
COUNTS = timedelta(days=14)
LONGEST_FILE = 1024 * 1024


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One run. sample: None where it moved bytes but showed nothing."""

    local_day: str
    megabytes: float
    sample: Sample | None = None


class History:
    """The runs on one line; without a state folder nothing is kept."""

    def __init__(self, target: Target, ctx: Context) -> None:
        self._ctx = ctx
        self._file = None if ctx.state_dir is None else file_of(ctx.state_dir, target)
        self.kept: tuple[Kept, ...] = self._read()

    def samples(self, now: datetime) -> tuple[Sample, ...]:
        """Return those of the last two weeks, oldest first."""
        found = [each.sample for each in self.kept if each.sample is not None]
        return tuple(sample for sample in found if now - COUNTS <= sample.at <= now)

    def used_mb(self, day: str) -> float:
        """Return what was moved on the local *day* so far."""
        return sum(each.megabytes for each in self.kept if each.local_day == day)

    def add(self, kept: Kept) -> None:
        """Keep one more run; where it cannot be written, the measurement is as good as before."""
        self.kept = (*self.kept, kept)[-KEPT:]
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._append(self._file, kept)
        except OSError as exc:
            self._ctx.log.warning("capacity.not_kept", extra={"error": type(exc).__name__})

    def _append(self, file: Path, kept: Kept) -> None:
        whole = file.read_bytes() if file.exists() else b""
        if whole.count(b"\n") >= 2 * KEPT or len(whole) > LONGEST_FILE:
            fresh = file.with_suffix(".new")
            _written(fresh, os.O_TRUNC, b"".join(_line(each) for each in self.kept))
            fresh.replace(file)
            return
        torn = b"\n" if whole and not whole.endswith(b"\n") else b""
        _written(file, os.O_APPEND, torn + _line(kept))

    def _read(self) -> tuple[Kept, ...]:
        if self._file is None:
            return ()
        try:
            with self._file.open("rb") as file:
                file.seek(max(0, self._file.stat().st_size - LONGEST_FILE))
                lines = file.read().splitlines()
        except OSError:
            return ()
        return tuple(_readable(lines[-KEPT:]))


def file_of(state_dir: Path, target: Target) -> Path:
    """Return the file of *target*'s line; another URL is another line."""
    digest = hashlib.sha256(target.url.encode()).hexdigest()[:12]
    return state_dir / FOLDER / f"{target.id}-{digest}.jsonl"


def _readable(lines: Sequence[bytes]) -> list[Kept]:
    found = []
    for line in lines:
        try:
            kept = msgspec.json.decode(line, type=Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if kept.sample is None or kept.sample.at.tzinfo is not None:
            found.append(kept)
    return found


def _line(kept: Kept) -> bytes:
    return msgspec.json.encode(kept) + b"\n"


def _written(file: Path, how: int, text: bytes) -> None:
    """Write *text* so that it stands on the disk when this returns."""
    binary = getattr(os, "O_BINARY", 0)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | how | binary, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
