r"""BitLocker of this machine's own disks: by WMI for an administrator, else by the shell.

Source: Microsoft, "Win32_EncryptableVolume" (ProtectionStatus, ConversionStatus, EncryptionMethod;
the namespace is open to administrators only) and the shell property
System.Volume.BitLockerProtection, which every user sees and which does not name the method.
"""

from __future__ import annotations

from collections.abc import Mapping

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import VolumeFact
from ccpor_checks.workstation.windows_com import NO_RIGHT, ComFailed
from ccpor_checks.workstation.windows_doors import Calls, Cell, Com

LIMIT_S = 20.0
NAMESPACE = r"root\CIMV2\Security\MicrosoftVolumeEncryption"
NAMES = ("DriveLetter", "ProtectionStatus", "ConversionStatus", "EncryptionMethod")
PROPERTY = "System.Volume.BitLockerProtection"
METHOD = {
    1: "AES-CBC-128 with diffuser",
    2: "AES-CBC-256 with diffuser",
    3: "AES-CBC-128",
    4: "AES-CBC-256",
    5: "hardware",
    6: "XTS-AES-128",
    7: "XTS-AES-256",
}
FULLY_ENCRYPTED, PROTECTED = 1, 1
# Of the shell property: whether it is encrypted, and whether the key is guarded. 3 and 4 are on
# their way, 8 waits for its key to be guarded; 0 and 7 say nothing.
SHELL = {
    1: (True, True),
    2: (False, None),
    3: (False, None),
    4: (False, None),
    5: (True, False),
    6: (True, True),
    8: (True, False),
}


def volume_facts(com: Com, calls: Calls) -> tuple[VolumeFact, ...]:
    """Return each of this machine's own volumes.

    Raises:
        CannotObserve: Neither WMI nor the shell tells; names the right that would do.
    """
    drives = calls.fixed_drives()
    if not drives:
        raise CannotObserve("Windows tells no disk of this machine")
    try:
        rows = com.rows(NAMESPACE, "Win32_EncryptableVolume", NAMES, LIMIT_S)
        told = {str(row.get("DriveLetter")).upper(): row for row in rows}
        facts = [by_wmi(drive, told.get(drive.rstrip("\\").upper())) for drive in drives]
        if all(facts):
            return tuple(filter(None, facts))
        why = "WMI does not tell every volume"
    except ComFailed as exc:
        why = str(exc.seen_from("BitLocker's part of WMI"))
        if exc.code in NO_RIGHT:
            why = "an administrator's right shows it, which this user lacks"
    except CannotObserve as exc:
        why = str(exc)
    return _by_shell(com, drives, why)


def by_wmi(drive: str, row: Mapping[str, Cell] | None) -> VolumeFact | None:
    """Return what WMI tells of *drive*; None: not enough to say anything."""
    if row is None:
        return None
    conversion, protection = row.get("ConversionStatus"), row.get("ProtectionStatus")
    method = row.get("EncryptionMethod")
    if protection == PROTECTED:
        encrypted = True  # Windows guards a key only once the whole volume is encrypted
    elif isinstance(conversion, int):
        encrypted = conversion == FULLY_ENCRYPTED
    else:
        return None
    return VolumeFact(
        path=drive,
        is_encrypted=encrypted,
        is_protected=protection == PROTECTED if encrypted else None,
        method=METHOD.get(method) if encrypted and isinstance(method, int) else None,
    )


def _by_shell(com: Com, drives: tuple[str, ...], why: str) -> tuple[VolumeFact, ...]:
    try:
        told = com.shell_property(drives, PROPERTY, LIMIT_S)
    except ComFailed as exc:
        raise CannotObserve(f"{why}; {exc.seen_from('the Windows shell')}") from None
    except CannotObserve as exc:
        raise CannotObserve(why if str(exc) == why else f"{why}; {exc}") from exc
    facts = []
    for drive in drives:
        state = told.get(drive)
        if not isinstance(state, int) or state not in SHELL:
            raise CannotObserve(f"whether {drive} is encrypted is not told to this user: {why}")
        encrypted, guarded = SHELL[state]
        facts.append(VolumeFact(path=drive, is_encrypted=encrypted, is_protected=guarded))
    return tuple(facts)
