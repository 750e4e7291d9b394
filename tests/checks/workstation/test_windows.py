"""The Windows seam over a registry of our own; it runs here and, unchanged, on Windows Python."""

from __future__ import annotations

import sys

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.system import ScreenFact, WirelessFact
from ccpor_checks.workstation.windows import (
    BIOS_KEY,
    FIPS_KEY,
    PROCESSOR_KEY,
    VERSION_KEY,
    WindowsSystem,
)
from ccpor_checks.workstation.windows_calls import MachineRegistry, WindowsCalls

PRO_24H2 = {
    (VERSION_KEY, "CurrentBuildNumber"): "26100",
    (VERSION_KEY, "UBR"): 2314,
    (VERSION_KEY, "EditionID"): "Professional",
    (VERSION_KEY, "InstallationType"): "Client",
    (VERSION_KEY, "DisplayVersion"): "24H2",
    (VERSION_KEY, "ProductName"): "Windows 10 Pro",
    (VERSION_KEY, "CurrentMajorVersionNumber"): 10,
}


class FakeRegistry:
    """Values that a test gives; everything else is not there, as in a real one."""

    def __init__(self, values: dict[tuple[str, str], str | int]) -> None:
        self.values = values

    def value(self, key: str, name: str) -> str | int:
        try:
            return self.values[key, name]
        except KeyError:
            raise FileNotFoundError(2, "no such value", f"{key}\\{name}") from None


class FakeCalls:
    def screens(self) -> tuple[ScreenFact, ...]:
        return (ScreenFact(name="panel", width_px=1920, height_px=1080),)

    def adapters(self) -> tuple[tuple[str, int, int], ...]:
        return (("Ethernet", 6, 1), ("Wi-Fi", 71, 1), ("Wi-Fi Direct", 71, 2), ("Loopback", 24, 1))


def system(values: dict[tuple[str, str], str | int]) -> WindowsSystem:
    return WindowsSystem(FakeRegistry(values), FakeCalls())


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
        WirelessFact(name="Wi-Fi", up=True),
        WirelessFact(name="Wi-Fi Direct", up=False),
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
        WindowsCalls().adapters()
