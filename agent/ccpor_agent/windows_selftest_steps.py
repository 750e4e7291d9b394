"""The rows of the self-test: each opens one door and says, without any name, what came through."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from ccpor_checks.base import Context, Target
from ccpor_checks.workstation.windows_asked import MachineCom
from ccpor_checks.workstation.windows_calls import MachineRegistry, WindowsCalls

SCAN_S, UPDATES_S, COM_S = 40.0, 120.0, 30.0
LATER_S = 5.0  # the row's own limit comes first
SERVICES = ("wuauserv", "WinDefend", "wscsvc", "MpsSvc", "stisvc", "WlanSvc", "W32Time")
SYSTEM_FILE = r"C:\Windows\System32\kernel32.dll"
DRAWN = 16
# A network scanner often carries its address or serial number in its name.
SERIAL = re.compile(
    r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b|\d+(?:\.\d+){3}|\b(?=\w*\d)\w{9,}\b", re.I
)


def _registry() -> str:
    registry = MachineRegistry()
    build = registry.value(r"SOFTWARE\Microsoft\Windows NT\CurrentVersion", "CurrentBuildNumber")
    return f"build {build!s}"


def _user_registry() -> str:
    return f"{len(MachineRegistry().subkeys('Software', 'user'))} keys below HKCU\\Software"


def _services() -> str:
    calls = WindowsCalls()
    return ", ".join(f"{name} {calls.service(name)}" for name in SERVICES)


def _dpapi() -> str:
    import secrets

    from ccpor_agent.seam import protect, unprotect

    given = secrets.token_bytes(DRAWN)
    if unprotect(protect(given)) != given:
        raise ValueError("what was sealed opens as something else")
    return f"{DRAWN} bytes sealed and opened"


def _roots() -> str:
    import ssl

    return f"{len(ssl.enum_certificates('ROOT'))} roots"  # type: ignore[attr-defined,unused-ignore]


def _screens() -> str:
    return ", ".join(f"{each.width_px}x{each.height_px}" for each in WindowsCalls().screens())


def _adapters() -> str:
    found = WindowsCalls().adapters()
    return f"{len(found)} adapters, types {sorted({each.kind for each in found})}"


def _radios() -> str:
    found = WindowsCalls().radios()
    told = [f"code {each.code}, {each.authentication}/{each.cipher}" for each in found]
    return f"{len(found)} radios " + "; ".join(told)


def _lockout() -> str:
    told = WindowsCalls().lockout()
    return f"{told.threshold} tries in {told.window_s} s, for {told.duration_s} s"


def _join() -> str:
    return WindowsCalls().join().kind


def _files() -> str:
    calls = WindowsCalls()
    return f"kernel32 {calls.file_version(SYSTEM_FILE)}; {len(calls.fixed_drives())} own disks"


def _token() -> str:
    return f"an account of services: {'yes' if WindowsCalls().is_service_account() else 'no'}"


def _echo() -> str:
    from ccpor_checks.kit.icmp_windows import echo

    told = echo("127.0.0.1", b"ccpor-check", wait_ms=1000)
    if told.code:
        raise OSError(told.code, "IcmpSendEcho")
    return f"answered in {told.ms} ms"


def _proxy() -> str:
    from ccpor_checks.proxy.windows import WindowsSettings

    return "set by: " + (", ".join(each.source for each in WindowsSettings().settings()) or "none")


def _updates() -> str:
    told = MachineCom().updates(UPDATES_S + LATER_S)
    return (
        f"result {told.result}, {len(told.offered)} offered, {len(told.history)} lines of history, "
        f"list of {told.searched}"
    )


def _wmi(namespace: str, of: str, *names: str) -> Callable[[], str]:
    def run() -> str:
        rows = MachineCom().rows(namespace, of, names, COM_S + LATER_S)
        return f"{len(rows)} of {of}: " + "; ".join(
            ", ".join(f"{name}={value}" for name, value in row.items()) for row in rows
        )

    return run


def _shell() -> str:
    drives = WindowsCalls().fixed_drives()
    told = MachineCom().shell_property(drives, "System.Volume.BitLockerProtection", COM_S + LATER_S)
    return ", ".join(f"{drive} {told.get(drive)}" for drive in drives)


def _fact(name: str) -> Callable[[], str]:
    """Return a row of what the check itself would report; none of these facts names anybody."""

    def run() -> str:
        import msgspec

        from ccpor_checks.workstation.windows import WindowsSystem

        return msgspec.json.encode(getattr(WindowsSystem(), name)()).decode("utf-8")

    return run


def _scanner(kind: str) -> Callable[[], str]:
    """Return a row that lists the scanners of *kind*; no paper moves."""

    def run() -> str:
        from ccpor_checks.scanner.evidence import ScannerOptions

        target = Target(id="selftest", url=f"{kind}:", scheme=kind)
        ctx = Context(deadline=time.monotonic() + SCAN_S)
        try:
            found = _entrance(kind).look(target, ScannerOptions(sample=False), ctx)
        finally:
            ctx.abandon()
        models = sorted(
            SERIAL.sub("…", each.model or "no model told") for each in found.devices or ()
        )
        driver = found.driver.name if found.driver else "no driver told"
        return "; ".join([f"{len(models)} scanners", *models, driver])

    return run


def _entrance(kind: str) -> Any:
    if kind == "twain":
        from ccpor_checks.scanner.twain import TwainEntrance

        return TwainEntrance()
    if kind == "wia":
        from ccpor_checks.scanner.wia import WiaEntrance

        return WiaEntrance()
    from ccpor_checks.scanner.isis import IsisEntrance

    return IsisEntrance()


ALL: tuple[tuple[str, Callable[[], str], float], ...] = (
    ("registry: machine", _registry, 10.0),
    ("registry: user", _user_registry, 10.0),
    ("services (SCM)", _services, 10.0),
    ("sealing (DPAPI)", _dpapi, 10.0),
    ("certificates (store ROOT)", _roots, 10.0),
    ("screens (user32)", _screens, 10.0),
    ("adapters (iphlpapi)", _adapters, 10.0),
    ("echo (IcmpSendEcho)", _echo, 10.0),
    ("radios (wlanapi)", _radios, 10.0),
    ("account policy (netapi32)", _lockout, 10.0),
    ("domain (netapi32)", _join, 10.0),
    ("files and disks (version, kernel32)", _files, 10.0),
    ("account (advapi32)", _token, 10.0),
    ("proxy settings", _proxy, 10.0),
    ("update agent (COM)", _updates, UPDATES_S),
    ("WMI", _wmi(r"root\CIMV2", "Win32_OperatingSystem", "BuildNumber"), COM_S),
    (
        "Security Center: products (WMI)",
        _wmi(r"root\SecurityCenter2", "AntiVirusProduct", "displayName", "productState"),
        COM_S,
    ),
    (
        "Security Center: firewalls (WMI)",
        _wmi(r"root\SecurityCenter2", "FirewallProduct", "displayName", "productState"),
        COM_S,
    ),
    (
        "Defender (WMI)",
        _wmi(
            r"root\Microsoft\Windows\Defender",
            "MSFT_MpComputerStatus",
            "AntivirusEnabled",
            "RealTimeProtectionEnabled",
            "AntivirusSignatureLastUpdated",
            "QuickScanEndTime",
            "AMProductVersion",
        ),
        COM_S,
    ),
    (
        "BitLocker (WMI)",
        _wmi(
            r"root\CIMV2\Security\MicrosoftVolumeEncryption",
            "Win32_EncryptableVolume",
            "DriveLetter",
            "ProtectionStatus",
            "ConversionStatus",
            "EncryptionMethod",
        ),
        COM_S,
    ),
    ("BitLocker (shell)", _shell, COM_S),
    *((f"workstation.{name}", _fact(name), UPDATES_S) for name in ("os", "patch", "antimalware")),
    *(
        (f"workstation.{name}", _fact(name), COM_S * 2)
        for name in ("lock", "lockout", "banner", "firewall", "encryption", "browser", "pdf")
    ),
    *((f"scanner: {kind}", _scanner(kind), SCAN_S + LATER_S) for kind in ("twain", "wia", "isis")),
)
