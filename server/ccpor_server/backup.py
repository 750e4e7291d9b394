"""Backup and restore of the SQLite database; a backup counts only once it was verified."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from ccpor_server import checkpoints
from ccpor_server.checkpoints import sync_folder
from ccpor_server.keys import CollectorKey
from ccpor_server.store import connect, migrate
from ccpor_server.verify import DAMAGE, Fault, Outcome, verify


class BackupRefused(Exception):
    """Nothing was changed; says why and what to do."""

    def __init__(self, detail: str, faults: tuple[Fault, ...] = ()) -> None:
        super().__init__(detail)
        self.faults = faults


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    entries: int
    lost: int  # entries that were signed before and are not in the backup
    set_aside: tuple[Path, ...]


def backup(url: sa.URL, key: CollectorKey, checkpoint_file: Path, to: Path) -> Outcome:
    """Copy the database while it is in use; return what `verify` says of the copy.

    Raises: BackupRefused when *to* exists, the database is not SQLite, or the copy is not whole.
    """
    source = _sqlite(url)
    if to.exists():
        raise BackupRefused(f"{to} exists; a backup is never overwritten, name another file")
    if not to.absolute().parent.is_dir():
        raise BackupRefused(f"there is no folder {to.absolute().parent}; make it first")
    part = to.with_name(to.name + ".part")
    try:
        part.unlink(missing_ok=True)
        copy = copied(source, part)
    except (OSError, sqlite3.Error) as exc:
        part.unlink(missing_ok=True)
        raise BackupRefused(f"{to} cannot be written: {type(exc).__name__}: {exc}") from exc
    outcome = verify(copy, key, checkpoint_file, shorter=True)
    if outcome.faults:
        part.unlink()
        raise BackupRefused("the database is not whole, so neither is a copy", outcome.faults)
    part.rename(to)
    sync_folder(to.absolute().parent)
    return outcome


def copied(source: Path, to: Path) -> sa.URL:
    """Copy a database that may be in use to a file of its own, on the disk; return its address."""
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        closing(sqlite3.connect(to)) as new,
    ):
        old.execute(f"PRAGMA busy_timeout={connect.BUSY_MS}")
        old.backup(new)
        new.execute("PRAGMA journal_mode=delete")
    to.chmod(0o600)
    _sync(to)
    return _file_url(to)


def restore(
    url: sa.URL, key: CollectorKey, checkpoint_file: Path, backup_file: Path, now: datetime
) -> Restored:
    """Put a backup in the database's place; the old files are set aside, never deleted.

    Raises: BackupRefused when the backup is not whole; then nothing was changed.
    """
    target = _sqlite(url)
    if not backup_file.is_file():
        raise BackupRefused(f"{backup_file} is not a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".restoring")
    shutil.copyfile(backup_file, part)
    part.chmod(0o600)
    try:
        if migrate.revision(_file_url(part)) is None:
            part.unlink()
            raise BackupRefused(f"{backup_file} is empty; it is no backup of ours")
        migrate.upgrade(_file_url(part))
        outcome = verify(_file_url(part), key, checkpoint_file, shorter=True)
    except DAMAGE as exc:
        part.unlink()
        raise BackupRefused(f"{backup_file} is not a database of ours") from exc
    if outcome.faults:
        part.unlink()
        raise BackupRefused(f"{backup_file} is not whole", outcome.faults)
    _sync(part)
    longest = _longest(checkpoint_file, key)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    aside = [*_set_aside(target, stamp), *_cut(checkpoint_file, key, outcome.entries, stamp)]
    part.rename(target)
    sync_folder(target.parent)
    return Restored(
        entries=outcome.entries,
        lost=max(0, longest - outcome.entries),
        set_aside=tuple(aside),
    )


def _sqlite(url: sa.URL) -> Path:
    file = connect.sqlite_file(url)
    if file is None:
        raise BackupRefused("this database is PostgreSQL; use pg_dump and pg_restore, then verify")
    return file


def _file_url(file: Path) -> sa.URL:
    return sa.URL.create("sqlite", database=str(file))


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _longest(file: Path, key: CollectorKey) -> int:
    sizes = [0]
    for _, line in checkpoints.lines(file):
        try:
            sizes.append(checkpoints.opened(line, key).size)
        except checkpoints.CheckpointInvalid:
            continue  # verify tells of it
    return max(sizes)


def _set_aside(database: Path, stamp: str) -> list[Path]:
    """Rename the database and its journals: a journal that stays would be played into the new."""
    moved = []
    for suffix in ("", "-wal", "-shm", "-journal"):
        old = database.with_name(database.name + suffix)
        if old.exists():
            moved.append(old.rename(old.with_name(f"{old.name}.before-restore-{stamp}")))
    return moved


def _cut(file: Path, key: CollectorKey, entries: int, stamp: str) -> list[Path]:
    """Keep the checkpoints that the backup reaches; the file as it was is set aside."""
    if not file.exists():
        return []
    kept = []
    for _, line in checkpoints.lines(file):
        try:
            reached = checkpoints.opened(line, key).size <= entries
        except checkpoints.CheckpointInvalid:
            reached = True  # a fault stays a fault
        if reached:
            kept.append(line + b"\n")
    aside = file.rename(file.with_name(f"{file.name}.before-restore-{stamp}"))
    file.write_bytes(b"".join(kept))
    file.chmod(0o600)
    _sync(file)
    return [aside]
