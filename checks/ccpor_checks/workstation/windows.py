"""Windows: facts from the registry and a few API calls; no command is run and no text is parsed.

The module loads everywhere. `Registry` and `Calls` are its two doors to Windows, so that the
reading of what they say is tested on any machine, and the doors themselves on Windows or Wine.
"""

from __future__ import annotations

import os
from typing import Protocol

from ccpor_checks.workstation import windows_calls
from ccpor_checks.workstation.system import (
    OsFact,
    PortableSystem,
    ScreenFact,
    WirelessFact,
)

VERSION_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
BIOS_KEY = r"HARDWARE\DESCRIPTION\System\BIOS"
PROCESSOR_KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
FIPS_KEY = r"SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy"
FIRST_BUILD_OF_11 = 22000  # ProductName still says "Windows 10" there
IF_TYPE_WIRELESS, OPERATIONAL = 71, 1  # IANA ifType ieee80211; IfOperStatusUp


class Registry(Protocol):
    """Values of HKEY_LOCAL_MACHINE."""

    def value(self, key: str, name: str) -> str | int:
        """Return one value.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """


class Calls(Protocol):
    """What the registry does not hold."""

    def screens(self) -> tuple[ScreenFact, ...]: ...
    def adapters(self) -> tuple[tuple[str, int, int], ...]:
        """Return name, interface type and operational status of each network adapter."""


class WindowsSystem(PortableSystem):
    """This machine, by the registry and the calls given; Windows' own by default."""

    def __init__(self, registry: Registry | None = None, calls: Calls | None = None) -> None:
        self._registry: Registry = registry or windows_calls.MachineRegistry()
        self._calls: Calls = calls or windows_calls.WindowsCalls()
        self.system_disk = os.environ.get("SYSTEMDRIVE", "C:") + "\\"

    def os(self) -> OsFact:
        """Return the Windows that the registry names.

        Raises:
            OSError: The registry has no build number.
        """
        build = str(self._registry.value(VERSION_KEY, "CurrentBuildNumber"))
        patch = self._text(VERSION_KEY, "UBR")
        edition = self._text(VERSION_KEY, "EditionID")
        server = (self._text(VERSION_KEY, "InstallationType") or "Client").startswith("Server")
        shown = self._text(VERSION_KEY, "DisplayVersion") or self._text(VERSION_KEY, "ReleaseId")
        return OsFact(
            name=" ".join(filter(None, [self._family(build, server), edition, shown])),
            product="windows-server" if server else "windows",
            version=build,
            full_version=f"{build}.{patch}" if patch else build,
            edition=edition,
        )

    def screens(self) -> tuple[ScreenFact, ...]:
        return self._calls.screens()

    def wireless(self) -> tuple[WirelessFact, ...]:
        return tuple(
            WirelessFact(name=name, up=status == OPERATIONAL)
            for name, kind, status in self._calls.adapters()
            if kind == IF_TYPE_WIRELESS
        )

    def fips_mode(self) -> bool:
        """Return the policy's switch; without the policy Windows is not in FIPS mode."""
        try:
            return self._registry.value(FIPS_KEY, "Enabled") == 1
        except FileNotFoundError:
            return False

    def maker(self) -> tuple[str | None, str | None]:
        return self._text(BIOS_KEY, "SystemManufacturer"), self._text(BIOS_KEY, "SystemProductName")

    def processor(self) -> str | None:
        return self._text(PROCESSOR_KEY, "ProcessorNameString")

    def _family(self, build: str, server: bool) -> str:
        if server or not build.isdecimal():
            return self._text(VERSION_KEY, "ProductName") or "Windows"
        if int(build) >= FIRST_BUILD_OF_11:
            return "Windows 11"
        if self._text(VERSION_KEY, "CurrentMajorVersionNumber") == "10":
            return "Windows 10"
        return self._text(VERSION_KEY, "ProductName") or "Windows"

    def _text(self, key: str, name: str) -> str | None:
        """Return one value as text; None where it is absent or empty."""
        try:
            return str(self._registry.value(key, name)).strip() or None
        except FileNotFoundError:
            return None
