"""Tries, as this user, to write to folders, in a process that can be ended while a share is silent.

Each gets one empty file that Windows removes when it is closed.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from ccpor_checks.scanner.child_side import answer_one


class Folders(msgspec.Struct, frozen=True):
    paths: tuple[str, ...]


class Written(msgspec.Struct, frozen=True):
    """may_write None: not told, e.g. the share's server does not answer."""

    may_write: tuple[bool | None, ...]


def answer(question: Folders) -> Written:
    return Written(may_write=tuple(may_write(Path(path)) for path in question.paths))


def may_write(folder: Path) -> bool | None:
    """Say whether a file can be made in *folder*; None: it cannot be told."""
    path = folder / f"ccpor-{secrets.token_hex(6)}.tmp"
    removed_at_close = getattr(os, "O_TEMPORARY", 0)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | removed_at_close, 0o600)
    except PermissionError:
        return False
    except OSError:
        return None
    os.close(handle)
    if not removed_at_close:
        path.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    answer_one(Folders, answer)
