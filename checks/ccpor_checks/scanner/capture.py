"""Capture programs on this workstation: Kofax or Tungsten Capture, its service and its folders.

Source: Kofax knowledge base, "Minimum Windows Permissions for Capture and VRS": who scans must be
able to change files in the Capture share (CaptureSV) and in the temporary folder. The share and
the local folder are ServerPath and LocalPath below the key of every version since 3.0; Kofax is
named Tungsten Automation since 2024, and its services were once called Ascent.
"""

from __future__ import annotations

import re
import sys
import tempfile
from typing import NamedTuple

import msgspec

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.scanner import windows_child
from ccpor_checks.scanner.evidence import DriverFact, Folder
from ccpor_checks.scanner.folder_child import Folders, Written
from ccpor_checks.scanner.windows_drivers import Registry, text
from ccpor_checks.workstation.windows_calls import MachineRegistry

KEYS = (  # a 32-bit program: Windows keeps its keys apart
    r"SOFTWARE\WOW6432Node\Kofax Image Products\Ascent Capture\3.0",
    r"SOFTWARE\Kofax Image Products\Ascent Capture\3.0",
)
FOLDER_VALUES = ("ServerPath", "LocalPath")
SERVICES = re.compile(r"\b(ascent capture|acis)\b|\b(kofax|tungsten)\b.*\b(capture|vrs)\b", re.I)
FOLDERS_S = 6.0  # a share whose server is off keeps Windows waiting for long
CHILD = "ccpor_checks.scanner.folder_child"


class Service(NamedTuple):
    """A service as Windows has it. is_running None: it is starting or ending."""

    name: str
    is_running: bool | None
    is_automatic: bool


class Capture(NamedTuple):
    """What of a capture program is here."""

    folders: tuple[Folder, ...] = ()
    service: Service | None = None


def capture(ctx: Context, registry: Registry | None = None) -> Capture:
    """Return the capture program's service and whether this user may write to its folders.

    Raises:
        TimeoutError: The check's deadline has passed.
    """
    door = registry or MachineRegistry()
    paths = folder_paths(door)
    if not paths:
        return Capture(service=_first(services()))
    tried = windows_child.ask(CHILD, Folders(paths=paths), Written, ctx, FOLDERS_S).said
    may = tried.may_write if tried else (None,) * len(paths)
    folders = tuple(
        Folder(path=path, may_write=each) for path, each in zip(paths, may, strict=True)
    )
    return Capture(folders, _first(services()))


def folder_paths(registry: Registry) -> tuple[str, ...]:
    """Return the folders that a capture program here needs; none where there is none."""
    found = [text(registry, key, name) for key in KEYS for name in FOLDER_VALUES]
    paths = list(dict.fromkeys(filter(None, found)))
    return (*paths, tempfile.gettempdir()) if paths else ()


def services() -> tuple[Service, ...]:
    """Return the services of capture programs; none where they cannot be listed."""
    if sys.platform != "win32":
        return ()
    import psutil

    try:
        named = [
            each for each in psutil.win_service_iter() if SERVICES.search(each.display_name() or "")
        ]
    except OSError:
        return ()
    return tuple(filter(None, (service(each.name()) for each in named)))


def service(name: str) -> Service | None:
    """Return the service *name*; None: there is none of that name, or it is not ours to see.

    Raises:
        CannotObserve: This is not Windows.
    """
    if sys.platform != "win32":
        raise CannotObserve("there are no Windows services on this system")
    import psutil

    try:
        found = psutil.win_service_get(name)
        status, start = found.status(), found.start_type()
        shown = found.display_name()
    except (psutil.Error, OSError):
        return None
    is_running = {"running": True, "stopped": False, "paused": False}.get(status)
    return Service(f"{shown} ({name})", is_running, start == "automatic")


def _first(found: tuple[Service, ...]) -> Service | None:
    """Return the one that matters: a service that should run and does not, else one that runs."""
    stopped = [each for each in found if each.is_automatic and each.is_running is False]
    running = [each for each in found if each.is_running]
    return next(iter(stopped + running), None)


def with_capture(driver: DriverFact, seen: Capture) -> DriverFact:
    """Return *driver* with what the capture program needs beside it."""
    driver = msgspec.structs.replace(driver, folders=seen.folders)
    if driver.service is not None or seen.service is None:
        return driver
    return msgspec.structs.replace(
        driver, service=seen.service.name, is_running=seen.service.is_running
    )
