"""The seam between the scanner check and a way to scanners: SANE, eSCL, TWAIN, WIA, ISIS.

An entrance raises `CannotObserve` where this workstation cannot look at all (a program or a right
is missing, another operating system). What the scanner or its driver does wrong is no exception:
it stands in what comes back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import msgspec

from ccpor_checks.base import Context, Target
from ccpor_checks.scanner.evidence import (
    Device,
    DriverFact,
    Ended,
    Mode,
    ScannerOptions,
    Source,
    State,
)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a look without a scan tells; see `ScannerEvidence`."""

    looked: tuple[str, ...]
    devices: tuple[Device, ...] | None
    device: Device | None
    driver: DriverFact | None
    state: State | None = None
    state_detail: str | None = None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One sample scan. pages None: as many as the feeder gives (at most 50), one from a flatbed."""

    dpi: int
    mode: Mode
    source: Source
    pages: int | None


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What the scan gave. files: in order, one page or one whole document each."""

    files: tuple[Path, ...]
    seconds: float  # from the order to the last page
    ended: Ended
    detail: str | None = None


class Entrance(Protocol):
    """One way to scanners, for one target."""

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Look without moving paper.

        Raises:
            CannotObserve: Not possible here.
            TimeoutError: The check's deadline has passed.
        """
        ...

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        """Scan into *folder* (empty, only this user's), which the caller removes.

        Raises:
            CannotObserve: Not possible here.
            TimeoutError: The check's deadline has passed.
        """
        ...
