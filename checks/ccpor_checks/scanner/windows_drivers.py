"""Drivers of scanners and cameras as Windows' device manager shows them, from the registry.

Source: the device setup class "Image" of devguid.h; DriverVersion and DriverDesc are written there
by every installation (Microsoft, "Registry Entries for Device Driver Packages").
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple, Protocol

from ccpor_checks.base import CannotObserve
from ccpor_checks.scanner.evidence import Device
from ccpor_checks.scanner.states import plain
from ccpor_checks.scanner.windows_files import printable
from ccpor_checks.workstation.windows_calls import MachineRegistry

IMAGE_CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{6bdd1fc6-810f-11d0-bec7-08002be2092f}"
MOST_ENTRIES, MOST_GAPS = 200, 16  # numbers are not used again after a device is removed
SHORTEST = 4  # of a name that may stand within another's
DEFAULT = ("", "default")


class Registry(Protocol):
    """Values of HKEY_LOCAL_MACHINE."""

    def value(self, key: str, name: str) -> object:
        """Return one value.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """


class ImageDriver(NamedTuple):
    """One entry. name: the device, e.g. ``fi-8170``. date: as written, month first."""

    name: str
    version: str | None
    maker: str | None
    date: str | None


def image_drivers(registry: Registry | None = None) -> tuple[ImageDriver, ...]:
    """Return the image devices that have a driver; empty where the registry cannot be read."""
    door = registry or MachineRegistry()
    found, gaps = [], 0
    for number in range(MOST_ENTRIES):
        key = f"{IMAGE_CLASS}\\{number:04d}"
        if (name := text(door, key, "DriverDesc")) is None:
            gaps += 1
            if gaps > MOST_GAPS:
                break
            continue
        gaps = 0
        found.append(
            ImageDriver(
                name,
                text(door, key, "DriverVersion"),
                text(door, key, "ProviderName"),
                text(door, key, "DriverDate"),
            )
        )
    return tuple(found)


def text(registry: Registry, key: str, name: str) -> str | None:
    """Return one value as a short line; None where it is not there or not ours to read."""
    try:
        return printable(str(registry.value(key, name)))
    except (OSError, CannotObserve):
        return None


def has_key(key: str) -> bool:
    """Say whether the registry has *key* below HKEY_LOCAL_MACHINE, and lets us see it."""
    if sys.platform != "win32":
        return False
    import winreg

    access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
    try:
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, access=access).Close()
    except OSError:
        return False
    return True


def driver_for(
    names: tuple[str | None, ...], drivers: tuple[ImageDriver, ...]
) -> ImageDriver | None:
    """Return the driver of the device that goes by one of *names*; None: none can be told."""
    for name in filter(None, names):
        for driver in drivers:
            if same_model(name, driver.name):
                return driver
    return None


def same_model(one: str, other: str) -> bool:
    """Say whether two names are of one model: one holds the other, or both the same number.

    ``PaperStream IP fi-8170`` is ``FUJITSU fi-8170``, and not ``fi-8190``.
    """
    short, long = sorted((plain(one), plain(other)), key=len)
    is_part = len(short) >= SHORTEST and short in long
    return is_part or bool(_numbers(one) & _numbers(other))


def _numbers(name: str) -> set[str]:
    """Return the words of *name* that have letters or more around a model's number."""
    words = (plain(word) for word in re.split(r"[\s(),;#/]+", name))
    return {word for word in words if len(word) >= SHORTEST and re.search(r"\d{3}", word)}


def chosen(asked: str, devices: tuple[Device, ...]) -> Device | None:
    """Return the device of that name, else the first whose maker and name hold *asked*.

    ``default`` and no name at all mean the one that Windows' programs take by themselves.
    """
    if asked.strip().lower() in DEFAULT:
        return next((each for each in devices if each.is_default), None)
    for each in devices:
        if each.name == asked:
            return each
    wanted = plain(asked)
    for each in devices:
        if wanted and wanted in plain(f"{each.maker or ''}{each.model or ''}{each.name}"):
            return each
    return None
