"""The seam between the workstation check and an operating system: facts, and who can tell them.

A `System` raises OSError or `CannotObserve` for a fact that it cannot see; it never guesses one.
"""

from __future__ import annotations

import os
import platform
import socket
from typing import Protocol

import msgspec

from ccpor_checks.base import CannotObserve


class _Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A value as the operating system tells it; None where it tells nothing."""


class OsFact(_Fact, frozen=True, kw_only=True):
    """Which operating system: `product` and `version` are what the environment list is keyed by."""

    name: str  # for people: "Windows 11 Professional 24H2"
    product: str  # "windows", "windows-server", or the ID of os-release: "debian"
    version: str  # Windows: the build number, "26100"; Linux: VERSION_ID, "12"
    full_version: str  # with the patch level, where there is one: "26100.2314"
    edition: str | None = None  # Windows: EditionID, "Professional"


class DiskFact(_Fact, frozen=True, kw_only=True):
    path: str
    total_bytes: int
    free_bytes: int  # to an ordinary user


class ScreenFact(_Fact, frozen=True, kw_only=True):
    """One connected screen and the largest picture it is known to show."""

    name: str
    width_px: int
    height_px: int


class WirelessFact(_Fact, frozen=True, kw_only=True):
    name: str
    up: bool


class CryptoFact(_Fact, frozen=True, kw_only=True):
    """The module that this agent's TLS uses, and whether the system is in FIPS mode."""

    module: str  # "OpenSSL 3.0.17 1 Jul 2025"
    fips_mode: bool


class InventoryFact(_Fact, frozen=True, kw_only=True):
    """What the machine is made of; no serial number, no hardware address: they name a person."""

    name: str
    manufacturer: str | None
    model: str | None
    processor: str | None
    logical_processors: int | None
    memory_bytes: int
    disks: tuple[DiskFact, ...]
    interfaces: tuple[str, ...]


class System(Protocol):
    """One operating system as the check sees it."""

    def os(self) -> OsFact: ...
    def memory_bytes(self) -> int: ...
    def disk(self) -> DiskFact: ...
    def screens(self) -> tuple[ScreenFact, ...]: ...
    def wireless(self) -> tuple[WirelessFact, ...]: ...
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
        raise CannotObserve(f"screens are not looked at on {platform.system()}")

    def wireless(self) -> tuple[WirelessFact, ...]:
        raise CannotObserve(f"wireless interfaces are not looked at on {platform.system()}")

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
        )

    def fips_mode(self) -> bool:
        raise CannotObserve(f"FIPS mode is not looked at on {platform.system()}")

    def maker(self) -> tuple[str | None, str | None]:
        """Return manufacturer and model."""
        return None, None

    def processor(self) -> str | None:
        return platform.processor() or None
