"""The doors to Windows: the real registry and the real calls of user32 and iphlpapi."""

from __future__ import annotations

import contextlib
import time
import winreg
from collections.abc import Iterator

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.workstation import CHECK, this_system
from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.windows import FIPS_KEY, VERSION_KEY
from ccpor_checks.workstation.windows_calls import MachineRegistry, WindowsCalls
from tests.checks.workstation.conftest import GB, judged


def looked() -> WorkstationEvidence:
    target = Target(id="pc", url="workstation:", scheme="workstation")
    return CHECK.run(target, WorkstationOptions(), Context(deadline=time.monotonic() + 20))


@contextlib.contextmanager
def registry(key: str, **values: str | int) -> Iterator[None]:
    """Set values under HKEY_LOCAL_MACHINE, and put back what was there."""
    before: dict[str, tuple[object, int] | None] = {}
    with winreg.CreateKeyEx(winreg.HKEY_LOCAL_MACHINE, key, access=winreg.KEY_ALL_ACCESS) as opened:
        for name, value in values.items():
            try:
                before[name] = winreg.QueryValueEx(opened, name)
            except FileNotFoundError:
                before[name] = None
            kind = winreg.REG_DWORD if isinstance(value, int) else winreg.REG_SZ
            winreg.SetValueEx(opened, name, 0, kind, value)
        try:
            yield
        finally:
            for name, old in before.items():
                if old is None:
                    winreg.DeleteValue(opened, name)
                else:
                    winreg.SetValueEx(opened, name, 0, old[1], old[0])


def test_every_fact_of_this_windows_is_told() -> None:
    """Nothing here is faked: build, memory, disk, screen, adapters, OpenSSL, names."""
    evidence = looked()

    assert evidence.unseen == ()
    assert evidence.os is not None
    assert evidence.os.version.isdecimal()
    assert evidence.memory_bytes is not None
    assert evidence.memory_bytes > GB / 2
    assert evidence.disk is not None
    assert (evidence.disk.path, evidence.disk.free_bytes > 0) == ("C:\\", True)
    assert evidence.crypto is not None
    assert evidence.crypto.module.startswith("OpenSSL 3")
    assert evidence.inventory is not None
    assert evidence.inventory.processor
    assert evidence.inventory.interfaces


def test_the_registry_decides_which_windows_it_is() -> None:
    """The same machine as Windows 11 25H2, as Windows 10 and as an edition that lives longer."""
    options = WorkstationOptions(assess=("os",))
    seen = {}
    for build, edition in (
        ("26200", "Professional"),
        ("19045", "Professional"),
        ("26100", "Professional"),
        ("26100", "Enterprise"),
    ):
        values = {"CurrentBuildNumber": build, "EditionID": edition, "UBR": 77}
        with registry(VERSION_KEY, **values, CurrentMajorVersionNumber=10):
            evidence = looked()
        assert evidence.os is not None
        assert evidence.os.full_version == f"{build}.77"
        seen[build, edition] = judged(evidence, options).outcome["os"]

    assert seen == {
        ("26200", "Professional"): ("pass", None),
        ("19045", "Professional"): ("fail", "unsupported"),
        ("26100", "Professional"): ("fail", "unsupported"),
        ("26100", "Enterprise"): ("pass", None),
    }


@pytest.mark.parametrize(("value", "on"), [(1, True), (0, False)])
def test_fips_mode_is_read_from_its_policy(value: int, on: bool) -> None:
    """The value that the local security policy writes."""
    with registry(FIPS_KEY, Enabled=value):
        evidence = looked()

    assert evidence.crypto is not None
    assert evidence.crypto.fips_mode is on


def test_a_missing_value_is_told_from_a_missing_right() -> None:
    """Only "not there" may count as "not set"."""
    with pytest.raises(FileNotFoundError):
        MachineRegistry().value(VERSION_KEY, "no such value")
    with pytest.raises(FileNotFoundError):
        MachineRegistry().value(r"SOFTWARE\no such key", "x")


def test_screens_are_told_in_pixels() -> None:
    """The struct of 220 bytes is laid out as Windows has it: a shifted field gives nonsense."""
    (screen,) = WindowsCalls().screens()

    assert screen.name
    assert 640 <= screen.width_px <= 16_384
    assert 480 <= screen.height_px <= 16_384


def test_adapters_are_told_with_type_and_status() -> None:
    """The linked list is walked to its end; the loopback (type 24) is up on every machine."""
    adapters = WindowsCalls().adapters()

    assert all(name for name, _, _ in adapters)
    assert (24, 1) in {(kind, status) for _, kind, status in adapters}
    assert {status for _, _, status in adapters} <= set(range(1, 8))


def test_this_system_is_windows() -> None:
    assert type(this_system()).__name__ == "WindowsSystem"
