"""Network and mount namespaces held by descriptors: none has a name, so nothing is left when the holder ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

NEW_NET, NEW_MOUNTS, OWN_FS = 0x40000000, 0x00020000, 0x00000200  # sched.h
BIND, RECURSIVE, PRIVATE = 4096, 16384, 1 << 18  # sys/mount.h
PATH = os.environ["PATH"] + ":/usr/sbin:/sbin"

_libc = ctypes.CDLL(None, use_errno=True)


def refused() -> str | None:
    """Return why this process may not make namespaces, None where it may."""
    missing = [
        name for name in ("ip", "nft", "sysctl", "nsenter") if not shutil.which(name, path=PATH)
    ]
    if missing:
        return f"the lab needs {', '.join(missing)}"
    try:
        Namespace({}).close()
    except OSError as exc:
        return (
            f"the kernel refuses a network namespace ({exc}); run as root, or inside: unshare -Urnm"
        )
    return None


class Namespace:
    """One network namespace with a view of files of its own (/sys shows its interfaces).

    files: path -> the file that stands there inside.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.net, self.mounts = in_thread(lambda: _make(files))

    def inside(self, work: Callable[[], T]) -> T:
        """Return what *work* returns, run in a thread inside; its exception comes out here."""

        def there() -> T:
            _call("unshare", OWN_FS)
            here = Path.cwd()
            _call("setns", self.mounts, NEW_MOUNTS)
            _call("setns", self.net, NEW_NET)
            os.chdir(here)  # another namespace of mounts starts at its root
            return work()

        return in_thread(there)

    def command(self, argv: list[str]) -> list[str]:
        """Return *argv* to be run inside."""
        holder = f"/proc/{os.getpid()}/fd"
        spaces = [f"--net={holder}/{self.net}", f"--mount={holder}/{self.mounts}"]
        return ["nsenter", *spaces, f"--wd={Path.cwd()}", "--", *argv]

    def close(self) -> None:
        os.close(self.net)
        os.close(self.mounts)


def punctual(pid: int) -> None:
    """Let *pid* run before all others when its time comes, where the kernel allows that.

    A line that waits for a processor would be jitter that no network has.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(10))


def in_thread(work: Callable[[], T]) -> T:
    """Return what *work* returns; it runs in a thread of its own, which may change its namespaces."""
    got: list[T] = []
    wrong: list[BaseException] = []

    def run() -> None:
        try:
            got.append(work())
        except BaseException as exc:
            wrong.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if wrong:
        raise wrong[0]
    return got[0]


def _make(files: Mapping[str, Path]) -> tuple[int, int]:
    _call("unshare", NEW_NET | NEW_MOUNTS)
    _mount("none", "/", None, RECURSIVE | PRIVATE)
    _mount("lab", "/sys", "sysfs", 0)
    for path, content in files.items():
        _mount(str(content), os.path.realpath(path), None, BIND)
    mine = "/proc/thread-self/ns"
    return os.open(f"{mine}/net", os.O_RDONLY), os.open(f"{mine}/mnt", os.O_RDONLY)


def _mount(source: str, path: str, kind: str | None, flags: int) -> None:
    _call("mount", source.encode(), path.encode(), kind.encode() if kind else None, flags, None)


def _call(name: str, *arguments: bytes | int | None) -> None:
    """Call the C library's *name*; OSError from errno."""
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
