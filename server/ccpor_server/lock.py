"""One process for one SQLite database: a lock file that the operating system frees at any end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(Exception):
    """Another collector serves from this folder."""


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold the lock while the block runs; AlreadyRunning when another process has it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            _lock(descriptor)
        except OSError:
            raise AlreadyRunning(
                f"a collector runs already with {file.parent}; stop it first, or use another "
                "CCPOR_COLLECTOR_STATE_DIR"
            ) from None
        yield
    finally:
        os.close(descriptor)


def is_held(file: Path) -> bool:
    """Return whether a collector runs."""
    try:
        with held(file):
            return False
    except AlreadyRunning:
        return True


def _lock(descriptor: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
