"""The Windows seam over a registry of our own; it runs here and, unchanged, on Windows Python."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import RadioFact
from ccpor_checks.workstation.windows import (
    BIOS_KEY,
    FIPS_KEY,
    PROCESSOR_KEY,
    VERSION_KEY,
    WindowsSystem,
)
from ccpor_checks.workstation.windows_asked import MachineCom
from ccpor_checks.workstation.windows_calls import MachineRegistry, WindowsCalls
from ccpor_checks.workstation.windows_doors import Value
from tests.checks.workstation.windows_fakes import FakeCalls, FakeCom, FakeRegistry

PRO_24H2 = {
    (VERSION_KEY, "CurrentBuildNumber"): "26100",
    (VERSION_KEY, "UBR"): 2314,
    (VERSION_KEY, "EditionID"): "Professional",
    (VERSION_KEY, "InstallationType"): "Client",
    (VERSION_KEY, "DisplayVersion"): "24H2",
    (VERSION_KEY, "ProductName"): "Windows 10 Pro",
    (VERSION_KEY, "CurrentMajorVersionNumber"): 10,
}


def system(values: Mapping[tuple[str, str], Value]) -> WindowsSystem:
    return WindowsSystem(FakeRegistry(values), FakeCalls(), FakeCom())


def test_windows_11_is_told_by_its_build() -> None:
    """ProductName says "Windows 10" on every Windows 11; whoever reads it updates the wrong PC."""
    fact = system(PRO_24H2).os()

    assert fact.name == "Windows 11 Professional 24H2"
    assert (fact.product, fact.version, fact.full_version, fact.edition) == (
        "windows",
        "26100",
        "26100.2314",
        "Professional",
    )


@pytest.mark.parametrize(
    ("values", "name", "product"),
    [
        ({"CurrentBuildNumber": "19045", "DisplayVersion": "22H2"}, "Windows 10", "windows"),
        ({"CurrentBuildNumber": "17763", "ReleaseId": "1809"}, "Windows 10", "windows"),
        (
            {
                "CurrentBuildNumber": "20348",
                "InstallationType": "Server Core",
                "ProductName": "Windows Server 2022 Standard",
            },
            "Windows Server 2022 Standard",
            "windows-server",
        ),
        (
            {
                "CurrentBuildNumber": "7601",
                "CurrentMajorVersionNumber": 6,
                "ProductName": "Windows 7 Professional",
            },
            "Windows 7 Professional",
            "windows",
        ),
    ],
)
def test_other_windows_keep_their_names(
    values: dict[str, str | int], name: str, product: str
) -> None:
    """A server of the same build as a client lives years longer."""
    fact = system(PRO_24H2 | {(VERSION_KEY, key): value for key, value in values.items()}).os()

    assert fact.name.startswith(name)
    assert fact.product == product
    assert fact.version == values["CurrentBuildNumber"]


def test_a_registry_without_a_build_is_an_error_and_not_a_guess() -> None:
    """Nothing is made up from a partial answer."""
    with pytest.raises(FileNotFoundError):
        system({}).os()


def test_radios_are_told_by_their_interface_type() -> None:
    """Type 71 is IEEE 802.11; a virtual one that is down does not count as used."""
    assert system({}).wireless() == (
        RadioFact(name="Wi-Fi", up=True, cipher="CCMP", authentication="WPA2-Enterprise"),
        RadioFact(name="Wi-Fi Direct", up=False),
    )


@pytest.mark.parametrize(
    ("values", "on"),
    [({(FIPS_KEY, "Enabled"): 1}, True), ({(FIPS_KEY, "Enabled"): 0}, False), ({}, False)],
)
def test_fips_mode_is_the_policys(values: dict[tuple[str, str], str | int], on: bool) -> None:
    """No policy means that nobody has switched it on."""
    assert system(values).fips_mode() is on


def test_empty_values_are_nothing() -> None:
    """Boards without a maker write an empty string, which is no name."""
    fact = system(
        {
            (BIOS_KEY, "SystemManufacturer"): " ",
            (BIOS_KEY, "SystemProductName"): "Desk 5",
            (PROCESSOR_KEY, "ProcessorNameString"): "AMD EPYC ",
        }
    )

    assert fact.maker() == (None, "Desk 5")
    assert fact.processor() == "AMD EPYC"


@pytest.mark.skipif(sys.platform == "win32", reason="here the doors lead somewhere")
def test_elsewhere_the_doors_say_that_this_is_not_windows() -> None:
    """The module loads on Linux; only a call into Windows may complain, and as "could not look"."""
    with pytest.raises(CannotObserve):
        MachineRegistry().value(VERSION_KEY, "UBR")
    with pytest.raises(CannotObserve):
        WindowsCalls().screens()
    with pytest.raises(CannotObserve):
        MachineRegistry().subkeys(VERSION_KEY)
    calls = WindowsCalls()
    doors = (calls.adapters, calls.radios, calls.lockout, calls.join, calls.fixed_drives)
    for door in (*doors, calls.is_service_account, lambda: calls.service("x")):
        with pytest.raises(CannotObserve):
            door()
    with pytest.raises(CannotObserve, match="pywin32"):
        MachineCom().updates(1.0)
