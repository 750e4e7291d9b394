"""The seam between the workstation check and an operating system: facts, and who can tell them.

A `System` raises OSError or `CannotObserve` for a fact that it cannot see; it never guesses one.
"""

from __future__ import annotations

import os
import platform
import socket
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from ccpor_checks.base import CannotObserve

if TYPE_CHECKING:
    from ccpor_checks.workstation.posture import (
        AntimalwareFact,
        BannerFact,
        FirewallFact,
        LockFact,
        LockoutFact,
        PatchFact,
        ProgramFact,
        RadioFact,
        VolumeFact,
    )


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A value as the operating system tells it; None where it tells nothing."""


class OsFact(Fact, frozen=True, kw_only=True):
    """Which operating system: `product` and `version` are what the environment list is keyed by."""

    name: str  # for people: "Windows 11 Professional 24H2"
    product: str  # "windows", "windows-server", or the ID of os-release: "debian"
    version: str  # Windows: the build number, "26100"; Linux: VERSION_ID, "12"
    full_version: str  # with the patch level, where there is one: "26100.2314"
    edition: str | None = None  # Windows: EditionID, "Professional"


class DiskFact(Fact, frozen=True, kw_only=True):
    path: str
    total_bytes: int
    free_bytes: int  # to an ordinary user


class ScreenFact(Fact, frozen=True, kw_only=True):
    """One connected screen and the largest picture it is known to show."""

    name: str
    width_px: int
    height_px: int


class WirelessFact(Fact, frozen=True, kw_only=True):
    name: str
    up: bool


class CryptoFact(Fact, frozen=True, kw_only=True):
    """The module that this agent's TLS uses, and whether the system is in FIPS mode."""

    module: str  # "OpenSSL 3.0.17 1 Jul 2025"
    fips_mode: bool


class JoinFact(Fact, frozen=True, kw_only=True):
    """Which directory the machine belongs to; kind "none": a workgroup or no directory."""

    kind: Literal["domain", "entra", "hybrid", "none"]
    name: str | None = None


class InventoryFact(Fact, frozen=True, kw_only=True):
    """What the machine is made of; no serial number, no hardware address: they name a person."""

    name: str
    manufacturer: str | None
    model: str | None
    processor: str | None
    logical_processors: int | None
    memory_bytes: int
    disks: tuple[DiskFact, ...]
    interfaces: tuple[str, ...]
    join: JoinFact | None = None
    is_pending_reboot: bool | None = None
    proxy: str | None = None  # host and port, or the PAC file's address; never a password


class System(Protocol):
    """One operating system as the check sees it."""

    def os(self) -> OsFact: ...
    def memory_bytes(self) -> int: ...
    def disk(self) -> DiskFact: ...
    def screens(self) -> tuple[ScreenFact, ...]: ...
    def wireless(self) -> tuple[RadioFact, ...]: ...
    def patch(self) -> PatchFact: ...
    def antimalware(self) -> tuple[AntimalwareFact, ...]: ...
    def lock(self) -> LockFact: ...
    def lockout(self) -> LockoutFact: ...
    def banner(self) -> BannerFact: ...
    def firewall(self) -> tuple[FirewallFact, ...]: ...
    def encryption(self) -> tuple[VolumeFact, ...]: ...
    def browser(self) -> tuple[ProgramFact, ...]: ...
    def pdf(self) -> tuple[ProgramFact, ...]: ...
    def crypto(self) -> CryptoFact: ...
    def inventory(self) -> InventoryFact: ...


class PortableSystem:
    """What Python and psutil tell on every system; the rest says that it is not seen here."""

    system_disk = "/"

    def os(self) -> OsFact:
        return OsFact(
            name=f"{platform.system()} {platform.release()}",
            product=platform.system().lower(),
            version=platform.release(),
            full_version=platform.release(),
        )

    def memory_bytes(self) -> int:
        import psutil

        return int(psutil.virtual_memory().total)

    def disk(self) -> DiskFact:
        import psutil

        usage = psutil.disk_usage(self.system_disk)
        return DiskFact(path=self.system_disk, total_bytes=usage.total, free_bytes=usage.free)

    def screens(self) -> tuple[ScreenFact, ...]:
        raise _unseen("screens are")

    def wireless(self) -> tuple[RadioFact, ...]:
        raise _unseen("wireless interfaces are")

    def patch(self) -> PatchFact:
        raise _unseen("missing updates are")

    def antimalware(self) -> tuple[AntimalwareFact, ...]:
        raise _unseen("protection against harmful programs is")

    def lock(self) -> LockFact:
        raise _unseen("the screen lock is")

    def lockout(self) -> LockoutFact:
        raise _unseen("account lockout is")

    def banner(self) -> BannerFact:
        raise _unseen("the notice at sign-in is")

    def firewall(self) -> tuple[FirewallFact, ...]:
        raise _unseen("the firewall is")

    def encryption(self) -> tuple[VolumeFact, ...]:
        raise _unseen("disk encryption is")

    def browser(self) -> tuple[ProgramFact, ...]:
        raise _unseen("browsers are")

    def pdf(self) -> tuple[ProgramFact, ...]:
        raise _unseen("PDF programs are")

    def crypto(self) -> CryptoFact:
        import ssl

        return CryptoFact(module=ssl.OPENSSL_VERSION, fips_mode=self.fips_mode())

    def inventory(self) -> InventoryFact:
        import psutil

        manufacturer, model = self.maker()
        return InventoryFact(
            name=socket.gethostname(),
            manufacturer=manufacturer,
            model=model,
            processor=self.processor(),
            logical_processors=os.cpu_count(),
            memory_bytes=self.memory_bytes(),
            disks=(self.disk(),),
            interfaces=tuple(sorted(psutil.net_if_addrs())),
            join=self.join(),
            is_pending_reboot=self.is_pending_reboot(),
            proxy=self.proxy(),
        )

    def fips_mode(self) -> bool:
        raise _unseen("FIPS mode is")

    def maker(self) -> tuple[str | None, str | None]:
        """Return manufacturer and model."""
        return None, None

    def processor(self) -> str | None:
        return platform.processor() or None

    def join(self) -> JoinFact | None:
        """Return the directory that the machine belongs to; None: this system does not tell."""
        return None

    def is_pending_reboot(self) -> bool | None:
        """Say whether something installed waits for a restart; None: this system does not tell."""
        return None

    def proxy(self) -> str | None:
        """Return the proxy of web addresses, without any account; None: none is set or told."""
        return None


def _unseen(what: str) -> CannotObserve:
    """Return what a system says of facts that nobody has taught it: *what* with its verb."""
    return CannotObserve(f"{what} not looked at on {platform.system()}")
