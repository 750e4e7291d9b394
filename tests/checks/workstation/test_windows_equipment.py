"""Radios, programs and the directory of a Windows of a test's own; no Windows is needed."""

from __future__ import annotations

import pytest

from ccpor_checks.workstation.posture import (
    RadioFact,
)
from ccpor_checks.workstation.system import JoinFact
from ccpor_checks.workstation.windows import ENTRA_KEY, WindowsSystem
from ccpor_checks.workstation.windows_doors import Radio, Value
from ccpor_checks.workstation.windows_programs import (
    APP_PATHS,
    PACKAGE_LEVEL,
    UNINSTALL,
    UNINSTALL_32,
)
from tests.checks.workstation.windows_fakes import WI_FI, FakeCalls, FakeCom, FakeRegistry


def system(
    values: dict[tuple[str, str], Value] | None = None,
    calls: FakeCalls | None = None,
    com: FakeCom | None = None,
) -> WindowsSystem:
    return WindowsSystem(FakeRegistry(values or {}), calls or FakeCalls(), com or FakeCom())


# Radios


@pytest.mark.parametrize(
    ("authentication", "cipher", "shown"),
    [
        (7, 4, ("WPA2-PSK", "CCMP", None)),
        (9, 4, ("WPA3-SAE", "CCMP", None)),
        (8, 9, ("WPA3-Enterprise-192", "GCMP-256", None)),
        (4, 2, ("WPA-PSK", "TKIP", None)),
        (1, 0, ("Open", "None", None)),
        (2, 1, ("Shared-Key", "WEP-40", None)),
    ],
)
def test_a_radios_numbers_have_names(
    authentication: int, cipher: int, shown: tuple[str, str, None]
) -> None:
    calls = FakeCalls(radios_=(Radio(WI_FI, 0, authentication, cipher),))
    radio = system(calls=calls).wireless()[0]

    assert (radio.authentication, radio.cipher, radio.why_not) == shown


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((Radio(WI_FI, 5),), "location services"),
        ((Radio(WI_FI, 0, 7, 0x77),), "unknown here"),
        ((), "tells no connection"),
        (OSError(1, "not Windows' own number"), "no wlanapi"),
    ],
    ids=["no right to know the place", "a new cipher", "not among the service's", "no library"],
)
def test_a_radio_that_keeps_its_cipher_says_why(
    told: tuple[Radio, ...] | Exception, words: str
) -> None:
    """Windows 11 24H2 asks for the right to know the place first."""
    radio = system(calls=FakeCalls(radios_=told)).wireless()[0]

    assert (radio.name, radio.up, radio.cipher) == ("Wi-Fi", True, None)
    assert words in (radio.why_not or "")


def test_radios_that_are_down_are_not_asked() -> None:
    """The service may be stopped on a machine with a wire; that is no fault."""
    calls = FakeCalls(radios_=OSError(1062, "not active"))
    calls.adapters_ = tuple(each._replace(status=2) for each in calls.adapters_)

    assert system(calls=calls).wireless() == (
        RadioFact(name="Wi-Fi", up=False),
        RadioFact(name="Wi-Fi Direct", up=False),
    )


# Programs


def listed(key: str, entry: str, name: str, version: str) -> dict[tuple[str, str], Value]:
    place = rf"{key}\{entry}"
    return {(place, "DisplayName"): name, (place, "DisplayVersion"): version}


def test_programs_with_like_names_are_told_apart() -> None:
    """Edge's runtime is no browser, and Acrobat Reader no Acrobat."""
    values = {
        **listed(UNINSTALL_32, "a", "Microsoft Edge WebView2 Runtime", "156.0.1.1"),
        **listed(UNINSTALL_32, "b", "Microsoft Edge Update", "1.3.1"),
        **listed(UNINSTALL_32, "c", "Adobe Acrobat Reader DC", "24.004.20272"),
        **listed(UNINSTALL, "d", "Mozilla Firefox ESR (x64 en-US)", "153.7.0"),
    }

    browsers = {each.product: each.version for each in system(values).browser()}
    pdf = {each.product: each.version for each in system(values).pdf()}

    assert browsers == {"firefox-esr": "153.7.0"}
    assert pdf == {"acrobat-reader": "24.004.20272"}


def test_the_program_that_is_reader_and_acrobat_in_one_is_told_by_its_level() -> None:
    path = r"C:\Program Files\Adobe\Acrobat DC\Acrobat\Acrobat.exe"
    values: dict[tuple[str, str], Value] = {(rf"{APP_PATHS}\Acrobat.exe", ""): f'"{path}"'}
    calls = FakeCalls(versions={path: "26.1.21431.0"})

    full = system(dict(values), calls).pdf()
    reader = system(values | {PACKAGE_LEVEL: 1}, calls).pdf()

    assert [each.product for each in (*full, *reader)] == ["acrobat", "acrobat-reader"]


# The directory


@pytest.mark.parametrize(
    ("domain", "in_entra", "expected"),
    [
        (JoinFact(kind="none"), False, JoinFact(kind="none")),
        (JoinFact(kind="domain", name="COURT"), False, JoinFact(kind="domain", name="COURT")),
        (JoinFact(kind="domain", name="COURT"), True, JoinFact(kind="hybrid", name="COURT")),
        (JoinFact(kind="none"), True, JoinFact(kind="entra", name="County Courts")),
    ],
)
def test_the_directory_is_told(domain: JoinFact, in_entra: bool, expected: JoinFact) -> None:
    """The person's own address, which stands beside it, is never read."""
    values: dict[tuple[str, str], Value] = {
        (rf"{ENTRA_KEY}\TenantInfo\1", "DisplayName"): "County Courts"
    }
    if in_entra:
        values[rf"{ENTRA_KEY}\JoinInfo\AB", "UserEmail"] = "clerk@example.org"

    assert system(values, FakeCalls(join_=domain)).join() == expected


def test_a_directory_that_is_not_told_is_none_and_no_workgroup() -> None:
    assert system(calls=FakeCalls(join_=OSError(5, "denied"))).join() is None
