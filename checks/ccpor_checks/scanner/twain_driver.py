"""What stands between a program and a TWAIN scanner: the manager and a source of its bitness."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ccpor_checks.scanner.evidence import Device, DriverFact, ScannerOptions
from ccpor_checks.scanner.twain_files import LACKING, SourceFile, files_of
from ccpor_checks.scanner.twain_words import ListedSource
from ccpor_checks.scanner.windows_drivers import driver_for, image_drivers
from ccpor_checks.scanner.windows_files import OWN_BITNESS


class There(NamedTuple):
    """What of TWAIN is here. listed None: no manager of our bitness told its sources."""

    managers: dict[int, tuple[Path, ...]]
    files: tuple[SourceFile, ...]
    listed: tuple[ListedSource, ...] | None

    def version_of(self, device: Device) -> str | None:
        """Return what the source says of its version; None: it is not listed."""
        return next((one.version for one in self.listed or () if one.name == device.name), None)


def driver_fact(
    asked: str, device: Device | None, there: There, options: ScannerOptions, looked: list[str]
) -> DriverFact:
    """Return what is known of the driver; the wrong bitness is told before a missing manager.

    Where the version was found is added to *looked*.
    """
    if device is None:
        lacking = _lacking(None, set(), there, options.bitness)
        return DriverFact(
            name="TWAIN",
            is_installed=lacking is None,
            wanted_bitness=options.bitness,
            lacking=lacking,
        )
    own = files_of(device, there.files)
    listed = there.version_of(device)
    bits = {file.bitness for file in own if file.bitness}
    if listed is not None:
        bits.add(OWN_BITNESS)
    wanted = options.bitness
    is_wrong = bool(wanted and bits and wanted not in bits)
    missing = None if is_wrong else _lacking(device, bits, there, wanted)
    return DriverFact(
        name=f"TWAIN source {device.name}",
        is_installed=missing is None,
        version=_version((device.name, options.model, asked), own, listed, looked),
        bitness=tuple(sorted(bits)),
        wanted_bitness=wanted,
        lacking=f"a {wanted}-bit source of this scanner" if is_wrong else missing,
    )


def _version(
    names: tuple[str | None, ...],
    own: tuple[SourceFile, ...],
    listed: str | None,
    looked: list[str],
) -> str | None:
    """Return the version: as the device manager shows it, else of the file, else its own word."""
    known = driver_for(names, image_drivers())
    if known is not None and known.version:
        looked.append(f"the driver's version as the device manager shows it, of {known.name}")
        return known.version
    for file in own:
        if file.version:
            looked.append(f"the driver's version in {file.path.name}")
            return file.version
    return listed


def _lacking(device: Device | None, bits: set[int], there: There, wanted: int | None) -> str | None:
    """Return the part that is not there, in words; None: all of them are."""
    if wanted and wanted not in there.managers:
        return LACKING[wanted]
    if not there.managers:
        return LACKING[OWN_BITNESS]
    if bits and not bits & there.managers.keys():
        return LACKING[min(bits)]
    if device is None and not there.files and not there.listed:
        return "a TWAIN source of the scanner (a .ds file); install its vendor's driver"
    return None
