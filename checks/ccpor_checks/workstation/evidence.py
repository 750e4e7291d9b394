"""What a profile may ask of a workstation, and what the check brings back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options, Refusal
from ccpor_checks.workstation.posture import (
    AntimalwareFact,
    BannerFact,
    FirewallFact,
    LockFact,
    LockoutFact,
    PatchFact,
    PatchSeverity,
    ProgramFact,
    RadioFact,
    VolumeFact,
)
from ccpor_checks.workstation.system import (
    CryptoFact,
    DiskFact,
    InventoryFact,
    OsFact,
    ScreenFact,
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
)
PATCH_LIMITS = (  # the graver, the sooner
    "max_patch_age_critical_days",
    "max_patch_age_important_days",
    "max_patch_age_moderate_days",
    "max_patch_age_low_days",
)


class WorkstationOptions(Options, frozen=True, kw_only=True):
    """What a profile may ask. A GB is 10⁹ bytes.

    A machine sold with 4 GB shows about 4.1·10⁹ bytes after what firmware and graphics take.
    Ages: CJIS Security Policy SI-2, SI-3; lock, lockout, encryption: AC-11, AC-7, SC-28.
    """

    assess: Annotated[
        tuple[Subject, ...],
        Meta(
            description="what to look at; what this system or this user cannot see is reported as "
            "not assessed"
        ),
    ] = LOOKED_AT
    min_memory_gb: Annotated[
        Limit,
        Meta(
            description="least memory in GB (10⁹ bytes): one number, or [warning, blocker]; 4 is "
            "the least, 8 recommended"
        ),
    ] = 4.0
    min_free_disk_gb: Annotated[
        Limit,
        Meta(
            description="least free space on the system's disk in GB (10⁹ bytes): one number, or "
            "[warning, blocker]"
        ),
    ] = 10.0
    min_display: Annotated[
        str,
        Meta(
            pattern=r"^[1-9]\d{0,4}x[1-9]\d{0,4}$",
            description='least resolution of the best screen, width x height, e.g. "1280x1024"',
        ),
    ] = "1280x1024"
    max_patch_age_critical_days: Annotated[
        Limit, Meta(description="days that a critical security update may wait, e.g. 15")
    ] = 15.0
    max_patch_age_important_days: Annotated[
        Limit,
        Meta(
            description="days that a high or important one may wait, and one whose severity "
            "nobody tells, e.g. 30"
        ),
    ] = 30.0
    max_patch_age_moderate_days: Annotated[
        Limit, Meta(description="days that a moderate or medium one may wait, e.g. 60")
    ] = 60.0
    max_patch_age_low_days: Annotated[
        Limit, Meta(description="days that a low one may wait, e.g. 90")
    ] = 90.0
    max_patch_list_age_days: Annotated[
        int,
        Meta(
            ge=1,
            le=365,
            description="an older list of updates does not show that none is missing",
        ),
    ] = 7
    max_signature_age_days: Annotated[
        Limit, Meta(description="age of the signatures against harmful programs, e.g. [3, 7]")
    ] = (3.0, 7.0)
    max_scan_age_days: Annotated[
        Limit,
        Meta(
            description="days since the last scan, where it is told; a weekend is 3, e.g. [3, 30]"
        ),
    ] = (3.0, 30.0)
    max_lock_minutes: Annotated[
        int,
        Meta(ge=1, le=1440, description="idle minutes until the screen locks; beyond it a warning"),
    ] = 30
    max_lockout_tries: Annotated[
        int,
        Meta(
            ge=1, le=100, description="wrong passwords until the account locks; beyond it a warning"
        ),
    ] = 5
    min_lockout_window_minutes: Annotated[
        int,
        Meta(
            ge=1,
            le=1440,
            description="minutes in which wrong passwords count together; below it a warning",
        ),
    ] = 15
    is_secure_location: Annotated[
        bool,
        Meta(
            description="the machine stands in a physically secure location (CJIS 5.9); then its "
            "disk need not be encrypted"
        ),
    ] = False
    require_fips_mode: Annotated[
        bool, Meta(description="a warning where the system is not in FIPS mode")
    ] = False
    environment_file: Annotated[
        str | None,
        Meta(
            description="TOML file of supported operating systems, browsers, PDF programs and "
            "drivers, instead of the agent's own"
        ),
    ] = None

    @property
    def least_pixels(self) -> tuple[int, int]:
        """`min_display` as width and height."""
        width, _, height = self.min_display.partition("x")
        return int(width), int(height)

    def patch_limit(self, severity: PatchSeverity) -> Limit:
        """Return the days that a missing update of *severity* may wait."""
        limit: Limit = {
            "critical": self.max_patch_age_critical_days,
            "moderate": self.max_patch_age_moderate_days,
            "low": self.max_patch_age_low_days,
        }.get(severity, self.max_patch_age_important_days)
        return limit

    def refusals(self) -> Iterator[Refusal]:
        """Yield limits under which a graver update might wait longer than a lesser one."""
        for graver, lesser in pairwise(PATCH_LIMITS):
            first, second = _blocks(getattr(self, graver)), _blocks(getattr(self, lesser))
            if first is not None and second is not None and first > second:
                yield Refusal(
                    (lesser,),
                    f"write at least {first:g}, which is {graver}: the graver, the sooner",
                    beside=graver,
                )


def _blocks(limit: Limit) -> float | None:
    return limit[1] if isinstance(limit, tuple) else limit


class Support(msgspec.Struct, frozen=True, kw_only=True):
    """What the environment list says of this system or program."""

    list_version: int
    list_dated: date
    name: str | None = None  # None: the list does not know it
    until: date | None = None  # last day with security updates
    min_version: str | None = None


class ListedProgram(msgspec.Struct, frozen=True, kw_only=True):
    """An installed program, and what the environment list says of it."""

    program: ProgramFact
    support: Support


class Unseen(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that could not be told, and why."""

    fact: Subject
    why: str


class WorkstationEvidence(Evidence, frozen=True, kw_only=True):
    """The facts that were asked for; None: not asked, or `unseen` says why not."""

    os: OsFact | None = None
    support: Support | None = None
    patch: PatchFact | None = None
    antimalware: tuple[AntimalwareFact, ...] | None = None
    lock: LockFact | None = None
    lockout: LockoutFact | None = None
    banner: BannerFact | None = None
    firewall: tuple[FirewallFact, ...] | None = None
    encryption: tuple[VolumeFact, ...] | None = None
    wireless: tuple[RadioFact, ...] | None = None
    crypto: CryptoFact | None = None
    browser: tuple[ListedProgram, ...] | None = None
    pdf: tuple[ListedProgram, ...] | None = None
    memory_bytes: int | None = None
    disk: DiskFact | None = None
    screens: tuple[ScreenFact, ...] | None = None
    inventory: InventoryFact | None = None
    unseen: tuple[Unseen, ...] = ()

    def why_not(self, fact: Subject) -> str:
        """Return why *fact* could not be told."""
        return next((item.why for item in self.unseen if item.fact == fact), "it was not looked at")
