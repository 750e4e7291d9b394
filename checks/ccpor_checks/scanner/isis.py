"""ISIS scanners (Windows): the drivers as files; to talk to one needs a licensed toolkit.

Drivers lie in ``%windir%\\Pixtran``, the folder of Pixel Translations, who made ISIS; they are
32-bit, as are the capture programs that use them. Which model a file is for stands in its version
resource.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner.capture import capture, with_capture
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.evidence import Device, DriverFact, ScannerOptions
from ccpor_checks.scanner.windows_drivers import (
    DEFAULT,
    Registry,
    driver_for,
    has_key,
    image_drivers,
    same_model,
)
from ccpor_checks.scanner.windows_files import Places, below, bitness, places, resource
from ccpor_checks.workstation.windows_calls import MachineRegistry

FOLDER = "Pixtran"
SUFFIXES = (".pxn", ".pxd", ".dll", ".drv")
KEYS = (
    r"SOFTWARE\WOW6432Node\Pixel Translations",
    r"SOFTWARE\Pixel Translations",
)
NO_SCAN = (
    "a scan through ISIS needs a licensed toolkit: scan the test page with the capture program, "
    "or name the scanner as twain: or wia: as well"
)


class DriverFile(NamedTuple):
    path: Path
    name: str
    maker: str | None
    version: str | None
    bitness: int | None


class IsisEntrance:
    """The way to ISIS' files; *here* and *registry* replace this Windows' own."""

    def __init__(self, here: Places | None = None, registry: Registry | None = None) -> None:
        self._here = here
        self._registry: Registry = registry or MachineRegistry()

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Look at what is installed.

        Raises:
            CannotObserve: Not Windows.
            TimeoutError: The check's deadline has passed.
        """
        here = self._here or places("ISIS")
        folder = here.windows / FOLDER
        files = driver_files(folder)
        file = _chosen(target.path, options.model, files)
        device = None
        if file is not None:
            device = Device(name=file.path.stem, kind="isis", maker=file.maker, model=file.name)
        return Found(
            looked=(
                f"ISIS drivers in {folder}: {len(files)} files",
                f"the registry, where ISIS is {'' if any(map(has_key, KEYS)) else 'not '}named",
            ),
            devices=(device,) if device else (),
            device=device,
            driver=with_capture(self._driver(target.path, file, files, options), capture(ctx)),
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:  # noqa: ARG002
        """Say that it cannot be done.

        Raises:
            CannotObserve: Always.
        """
        raise CannotObserve(NO_SCAN)

    def _driver(
        self,
        asked: str,
        file: DriverFile | None,
        files: tuple[DriverFile, ...],
        options: ScannerOptions,
    ) -> DriverFact:
        if file is None:
            name = f"an ISIS driver of {asked}" if files else f"ISIS (no driver in {FOLDER})"
            return DriverFact(name="ISIS", is_installed=False, lacking=name)
        known = driver_for((file.name, options.model, asked), image_drivers(self._registry))
        return DriverFact(
            name=f"ISIS driver {file.name}",
            version=file.version or (known.version if known else None),
            bitness=(file.bitness,) if file.bitness else (),
            wanted_bitness=options.bitness,
        )


def driver_files(folder: Path) -> tuple[DriverFile, ...]:
    """Return the program files in the folder of ISIS."""
    found = []
    for suffix in SUFFIXES:
        for path in below(folder, suffix):
            told = resource(path)
            name = told.description or told.product or path.stem
            found.append(DriverFile(path, name, told.company, told.version, bitness(path)))
    return tuple(found)


def _chosen(asked: str, model: str | None, files: tuple[DriverFile, ...]) -> DriverFile | None:
    """Return the driver of the scanner that is asked for, by the file's own words or its name."""
    wanted = [name for name in (asked, model) if name and name.strip().lower() not in DEFAULT]
    for name in wanted:
        for file in files:
            if file.path.stem.lower() == name.lower() or same_model(name, file.name):
                return file
    return None
