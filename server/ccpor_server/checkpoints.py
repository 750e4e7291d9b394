"""Checkpoints: the log's head, signed, in a file beside the database.

A database whose tail was cut is whole in itself; a checkpoint that names a longer log is what shows
the cut. The newest also stands in the
database, written by the commit itself; the file has a line for each, on the disk before anybody
hears of the commit.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from ccpor_reporting.envelope import EnvelopeInvalid, open_envelope, seal
from ccpor_server.keys import CollectorKey
from ccpor_server.store.log import Head

CHECKPOINT_TYPE = "application/vnd.ccpor.checkpoint+json"
SCHEMA = "ccpor-checkpoint/1"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log had `size` entries and this root (hex) at that time."""

    size: int
    root: str
    at: datetime
    schema: str = SCHEMA


class CheckpointInvalid(Exception):
    """A line of the file is not a checkpoint that this collector signed."""


class CheckpointFile:
    """Signs heads and appends them; each line is on the disk when `keep` returns."""

    def __init__(self, path: Path, key: CollectorKey) -> None:
        self.path = path
        self._key = key
        self._lock = threading.Lock()

    def seal(self, head: Head, at: datetime) -> bytes:
        checkpoint = Checkpoint(size=head.size, root=head.root, at=at)
        return seal(msgspec.json.encode(checkpoint), CHECKPOINT_TYPE, self._key)

    def keep(self, sealed: bytes) -> None:
        with self._lock:
            new = not self.path.exists()
            # one write of one line: O_APPEND keeps lines of two processes apart
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(descriptor, sealed + b"\n")
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            if new:
                sync_folder(self.path.parent)


def is_of_another_key(store_head: bytes | None, key: CollectorKey) -> bool:
    """Return whether the database's newest checkpoint was signed, and not by *key*.

    A checkpoint that is damaged is not another key's: `verify` tells of it.
    """
    if store_head is None:
        return False
    try:
        open_envelope(bytes(store_head), payload_type=CHECKPOINT_TYPE, key=key.lookup)
    except EnvelopeInvalid as exc:
        return exc.code == "unknown-key"
    except TypeError:  # not even bytes
        return False
    return False


def opened(line: bytes, key: CollectorKey) -> Checkpoint:
    """Return the checkpoint of one line; CheckpointInvalid unless *key* signed it."""
    try:
        payload = open_envelope(line, payload_type=CHECKPOINT_TYPE, key=key.lookup).payload
        return msgspec.json.decode(payload, type=Checkpoint)
    except (EnvelopeInvalid, msgspec.DecodeError) as exc:
        raise CheckpointInvalid(str(exc)) from exc


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the whole lines of the file with their numbers; a torn last line is left out.

    Nobody was told of a commit whose checkpoint is torn, so it proves nothing and costs nothing.
    """
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.endswith(b"\n"):
                yield number, line.rstrip(b"\n")


def sync_folder(folder: Path) -> None:
    """Put the folder's entries on the disk (POSIX; Windows has no such call)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
