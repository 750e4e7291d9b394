"""The doors to Windows: the real registry and the real calls of user32 and iphlpapi."""

from __future__ import annotations

import time

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.workstation import CHECK, this_system
from ccpor_checks.workstation.evidence import WorkstationEvidence, WorkstationOptions
from ccpor_checks.workstation.windows import FIPS_KEY, VERSION_KEY
from ccpor_checks.workstation.windows_calls import MachineRegistry, WindowsCalls
from tests.checks.workstation.conftest import GB, judged
from tests.wine.inside.machine import registry


def looked() -> WorkstationEvidence:
    target = Target(id="pc", url="workstation:", scheme="workstation")
    return CHECK.run(target, WorkstationOptions(), Context(deadline=time.monotonic() + 20))


def test_every_fact_of_this_windows_is_told() -> None:
    """Nothing here is faked: build, memory, disk, screen, adapters, OpenSSL, names.

    Wine has no update agent, Security Center, account policy, firewall or BitLocker.
    """
    evidence = looked()
    findings = judged(evidence, WorkstationOptions())

    unseen = {item.fact for item in evidence.unseen}
    assert unseen == {"patch", "antimalware", "lockout", "firewall", "encryption"}
    assert {findings.outcome[fact] for fact in unseen} == {("error", "not-visible")}
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

    assert all(each.name and each.guid.startswith("{") for each in adapters)
    assert (24, 1) in {(each.kind, each.status) for each in adapters}
    assert {each.status for each in adapters} <= set(range(1, 8))


def test_services_drives_files_and_accounts_are_told() -> None:
    """The calls by ctypes, one by one: a wrong type of a handle shows on 64 bits only."""
    calls = WindowsCalls()

    assert calls.service("no such service") == "missing"
    assert calls.service("PlugPlay") in {"running", "stopped"}
    assert "C:\\" in calls.fixed_drives()
    assert calls.file_version(r"C:\windows\system32\kernel32.dll").startswith("10.0.")
    with pytest.raises(FileNotFoundError):
        calls.file_version(r"C:\no such file.exe")
    assert calls.is_service_account() is False
    assert calls.join().kind == "none"
    assert calls.radios() == ()


def test_the_account_policy_is_told_or_refused_with_a_number() -> None:
    """Wine refuses it (2140); Windows tells it to every signed-in user."""
    with pytest.raises(OSError) as refused:
        WindowsCalls().lockout()

    assert refused.value.winerror == 2140


def test_this_system_is_windows() -> None:
    assert type(this_system()).__name__ == "WindowsSystem"
