"""TWAIN as files: the data source managers and the sources that lie in Windows' folders.

Source: TWAIN specification 2.4, chapter 2 and appendix on installation: sources are .ds files below
``%windir%\\twain_32`` and ``twain_64``; TWAIN_32.DLL comes with Windows, TWAINDSM.DLL with drivers.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ccpor_checks.scanner.evidence import Device
from ccpor_checks.scanner.windows_drivers import same_model
from ccpor_checks.scanner.windows_files import Places, below, bitness, printable, resource

FOLDERS = ("twain_32", "twain_64")
SUFFIX = ".ds"
NEWER, OLDER = "twaindsm.dll", "twain_32.dll"
LACKING = {
    32: f"the 32-bit data source manager ({NEWER} or {OLDER})",
    64: f"the 64-bit data source manager ({NEWER})",
}


class SourceFile(NamedTuple):
    """One .ds file. bitness None: it is no program file."""

    path: Path
    bitness: int | None
    version: str | None
    name: str
    maker: str | None


def managers(places: Places) -> dict[int, tuple[Path, ...]]:
    """Return the managers of each bitness, the newer kind first; bitness by each file itself."""
    found: dict[int, list[Path]] = {}
    candidates = [
        *(folder / NEWER for folder in places.system.values()),
        *(folder / OLDER for folder in places.system.values()),
        places.windows / OLDER,
    ]
    for path in candidates:
        if bits := bitness(path):
            found.setdefault(bits, []).append(path)
    return {bits: tuple(paths) for bits, paths in sorted(found.items())}


def source_files(places: Places) -> tuple[SourceFile, ...]:
    """Return the sources that lie in the folders for them."""
    found = []
    for folder in FOLDERS:
        for path in below(places.windows / folder, SUFFIX):
            told = resource(path)
            name = told.product or printable(path.stem) or path.name
            found.append(SourceFile(path, bitness(path), told.version, name, told.company))
    return tuple(found)


def files_of(device: Device, files: tuple[SourceFile, ...]) -> tuple[SourceFile, ...]:
    """Return the files that are sources of *device*, by the product's name in them or their own.

    A vendor's two sources have the same file name: one that is recognised brings the other.
    """
    known = {
        file.path.name.lower()
        for file in files
        if same_model(device.name, file.name) or same_model(device.name, file.path.stem)
    }
    return tuple(file for file in files if file.path.name.lower() in known)


def as_device(file: SourceFile) -> Device:
    """Return a source as it is known by its file alone: it can be named, and not opened."""
    return Device(name=file.name, kind="twain", maker=file.maker, model=file.name)
