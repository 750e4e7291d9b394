"""What a profile may ask of a workstation, and what the check brings back."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

from ccpor_checks.base import Evidence, Options
from ccpor_checks.workstation.system import (
    CryptoFact,
    DiskFact,
    InventoryFact,
    OsFact,
    ScreenFact,
    WirelessFact,
)
from ccpor_reporting.rules import Limit

Subject = Literal[
    "os",
    "patch",
    "antimalware",
    "lock",
    "lockout",
    "banner",
    "firewall",
    "encryption",
    "wireless",
    "crypto",
    "browser",
    "pdf",
    "memory",
    "disk",
    "display",
    "inventory",
]
LOOKED_AT: tuple[Subject, ...] = (
    "os",
    "memory",
    "disk",
    "display",
    "inventory",
    "wireless",
    "crypto",
)


class WorkstationOptions(Options, frozen=True, kw_only=True):
    """What a profile may ask. A GB is 10⁹ bytes.

    A machine sold with 4 GB shows about 4.1·10⁹ bytes after what firmware and graphics take.
    """

    assess: Annotated[
        tuple[Subject, ...],
        msgspec.Meta(
            description="what to look at; naming one that this version cannot see is reported as "
            "not assessed"
        ),
    ] = LOOKED_AT
    min_memory_gb: Annotated[
        Limit,
        msgspec.Meta(
            description="least memory in GB (10⁹ bytes): one number, or [warning, blocker]; 4 is "
            "the least, 8 recommended"
        ),
    ] = 4.0
    min_free_disk_gb: Annotated[
        Limit,
        msgspec.Meta(
            description="least free space on the system's disk in GB (10⁹ bytes): one number, or "
            "[warning, blocker]"
        ),
    ] = 10.0
    min_display: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$",
            description='least resolution of the best screen, width x height, e.g. "1280x1024"',
        ),
    ] = "1280x1024"
    environment_file: Annotated[
        str | None,
        msgspec.Meta(
            description="TOML file of supported operating systems, instead of the agent's own"
        ),
    ] = None

    @property
    def least_pixels(self) -> tuple[int, int]:
        """`min_display` as width and height."""
        width, _, height = self.min_display.partition("x")
        return int(width), int(height)


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment list says of this system."""

    list_version: int
    list_dated: date
    name: str | None = None  # None: the list does not know it
    until: date | None = None  # last day with security updates
    min_version: str | None = None


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that could not be told, and why."""

    fact: Subject
    why: str


class WorkstationEvidence(Evidence, frozen=True, kw_only=True):
    """The facts that were asked for; None: not asked, or `unseen` says why not."""

    os: OsFact | None = None
    support: Support | None = None
    memory_bytes: int | None = None
    disk: DiskFact | None = None
    screens: tuple[ScreenFact, ...] | None = None
    wireless: tuple[WirelessFact, ...] | None = None
    crypto: CryptoFact | None = None
    inventory: InventoryFact | None = None
    unseen: tuple[Unseen, ...] = ()

    def why_not(self, fact: Subject) -> str:
        """Return why *fact* could not be told."""
        return next((item.why for item in self.unseen if item.fact == fact), "it was not looked at")
