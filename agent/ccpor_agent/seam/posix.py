"""Linux and macOS: fsync and rename, flock, file modes.

Needs: nothing special. The secret at rest is protected by its mode (0600) alone.
Source: POSIX rename(2), fsync(2); flock(2).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from pathlib import Path
from types import TracebackType

from ccpor_agent.seam.running import AlreadyRunning

assert sys.platform != "win32"  # what follows calls names that Windows' Python lacks

TEMPORARY = ".tmp"  # ends the name of a file that was never called saved


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put *data* at *path*, whole or not at all; once this returns, a power cut keeps it.

    Raises:
        OSError: Not saved; whatever was at *path* before is still there, or the folder's own
            sync failed and nobody can promise either.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            _write_all(handle, data)
            # A failed fsync is never repeated on the same handle: the kernel has dropped the pages.
            os.fsync(handle)
        finally:
            os.close(handle)
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def sync_folder(path: Path) -> None:
    """Return once the names in folder *path* are on the disk.

    Raises:
        OSError: The disk did not confirm.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make folder *path* and its missing parents, for its owner only, each durably named."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def make_private(path: Path) -> None:
    """Leave *path* to its owner: 0700 for a folder, 0600 for a file."""
    path.chmod(0o700 if path.is_dir() else 0o600)


def is_private(path: Path) -> bool:
    """Return whether nobody but its owner can open *path*."""
    return not stat.S_IMODE(path.stat().st_mode) & 0o077


class RunLock:
    """Holds *path* for one process at a time; the kernel frees it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        import fcntl

        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(handle)
            raise AlreadyRunning(f"another process holds {self._path}") from exc
        except BaseException:
            os.close(handle)
            raise
        self._handle = handle
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # The file stays: removing it would let two processes lock two files of one name.
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def protect(secret: bytes) -> bytes:
    """Return *secret* as it is: here the file's mode protects it."""
    return secret


def unprotect(protected: bytes) -> bytes:
    """Return what `protect` was given."""
    return protected


def state_home() -> Path:
    """Return the state folder of the machine (root) or of this user (XDG base directories)."""
    if os.geteuid() == 0:
        return Path("/var/lib/ccpor-check")
    home = os.environ.get("XDG_STATE_HOME")
    base = Path(home) if home and Path(home).is_absolute() else Path.home() / ".local" / "state"
    return base / "ccpor-check"
