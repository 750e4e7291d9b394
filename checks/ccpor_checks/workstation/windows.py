"""Windows: facts from the registry, API calls and COM; no command is run and no text is parsed.

The module loads everywhere. `Registry`, `Calls` and `Com` are its doors to Windows, so that the
reading of what they say is tested on any machine, and the doors themselves on Windows or Wine.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import (
    windows_calls,
    windows_guards,
    windows_patch,
    windows_policy,
    windows_programs,
    windows_radio,
    windows_volumes,
)
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
from ccpor_checks.workstation.system import JoinFact, OsFact, PortableSystem, ScreenFact
from ccpor_checks.workstation.windows_asked import MachineCom
from ccpor_checks.workstation.windows_doors import Calls, Com, Registry
from ccpor_checks.workstation.windows_values import Values

VERSION_KEY = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion"
BIOS_KEY = r"HARDWARE\DESCRIPTION\System\BIOS"
PROCESSOR_KEY = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
FIPS_KEY = r"SYSTEM\CurrentControlSet\Control\Lsa\FipsAlgorithmPolicy"
FIRST_BUILD_OF_11 = 22000  # ProductName still says "Windows 10" there
ENTRA_KEY = r"SYSTEM\CurrentControlSet\Control\CloudDomainJoin"


class WindowsSystem(PortableSystem):
    """This machine, by the doors given; Windows' own by default."""

    def __init__(
        self,
        registry: Registry | None = None,
        calls: Calls | None = None,
        com: Com | None = None,
    ) -> None:
        self._registry: Registry = registry or windows_calls.MachineRegistry()
        self._calls: Calls = calls or windows_calls.WindowsCalls()
        self._com: Com = com or MachineCom()
        self._values = Values(self._registry)
        self.system_disk = os.environ.get("SYSTEMDRIVE", "C:") + "\\"

    def os(self) -> OsFact:
        """Return the Windows that the registry names.

        Raises:
            OSError: The registry has no build number.
        """
        build = str(self._registry.value(VERSION_KEY, "CurrentBuildNumber"))
        patch = self._text(VERSION_KEY, "UBR")
        edition = self._text(VERSION_KEY, "EditionID")
        server = self._is_server()
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

    def wireless(self) -> tuple[RadioFact, ...]:
        return windows_radio.radio_facts(self._calls)

    def patch(self) -> PatchFact:
        return windows_patch.patch_fact(self._com, self._values)

    def antimalware(self) -> tuple[AntimalwareFact, ...]:
        return windows_guards.antimalware_facts(
            self._com, self._values, self._calls, is_server=self._is_server()
        )

    def lock(self) -> LockFact:
        return windows_policy.lock_fact(self._values, self._calls)

    def lockout(self) -> LockoutFact:
        return windows_policy.lockout_fact(self._calls)

    def banner(self) -> BannerFact:
        return windows_policy.banner_fact(self._values)

    def firewall(self) -> tuple[FirewallFact, ...]:
        return windows_guards.firewall_facts(
            self._com, self._values, self._calls, is_server=self._is_server()
        )

    def encryption(self) -> tuple[VolumeFact, ...]:
        return windows_volumes.volume_facts(self._com, self._calls)

    def browser(self) -> tuple[ProgramFact, ...]:
        return windows_programs.browser_facts(self._values, self._calls)

    def pdf(self) -> tuple[ProgramFact, ...]:
        return windows_programs.pdf_facts(self._values, self._calls)

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

    def join(self) -> JoinFact | None:
        """Return the domain, the Entra tenant, or both; None: Windows does not tell."""
        try:
            domain = self._calls.join()
            in_entra = bool(self._values.subkeys(ENTRA_KEY + r"\JoinInfo"))
            tenants = self._values.subkeys(ENTRA_KEY + r"\TenantInfo") if in_entra else ()
            names = [
                self._values.text(rf"{ENTRA_KEY}\TenantInfo\{each}", "DisplayName")
                for each in tenants
            ]
        except (CannotObserve, OSError):
            return None
        if not in_entra:
            return domain
        if domain.kind == "domain":
            return JoinFact(kind="hybrid", name=domain.name)
        return JoinFact(kind="entra", name=next(filter(None, names), None))

    def is_pending_reboot(self) -> bool | None:
        try:
            return windows_patch.is_pending_reboot(self._values)
        except (CannotObserve, OSError):
            return None

    def proxy(self) -> str | None:
        """Return the first proxy of the user's settings or WinHTTP's; the PAC file's address."""
        from ccpor_checks.proxy.settings import this_system

        try:
            settings = this_system().settings()
        except OSError:
            return None
        for each in settings:
            if each.pac_url:
                return without_account(each.pac_url)
            if proxy := each.proxy_for("https"):
                return without_account(proxy)
            if each.detect:
                return "found by the network (WPAD)"
        return None

    def _is_server(self) -> bool:
        return (self._text(VERSION_KEY, "InstallationType") or "Client").startswith("Server")

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


def without_account(url: str) -> str:
    """Return the address of a proxy or PAC file without account, query and fragment."""
    scheme, mark, rest = url.rpartition("://")
    parts = urlsplit(f"//{rest}")
    return f"{scheme}{mark}{parts.netloc.rpartition('@')[2]}{parts.path}"
