"""Protection, good and bad, by real doors: registry, services, and COM classes of our own."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import pytest

from ccpor_checks.workstation.windows_guards import (
    DEFENDER_KEY,
    DEFENDER_POLICY,
    DEFENDERS_WMI,
    FIREWALL,
    FIREWALL_POLICY,
    SECURITY_CENTER,
)
from ccpor_checks.workstation.windows_policy import DESKTOP, DESKTOP_POLICY, SYSTEM_POLICY
from tests.checks.workstation.conftest import NOW
from tests.wine.inside.fake_com import answering
from tests.wine.inside.looking import (
    NOT_VISIBLE,
    PASS,
    WBEM_E_ACCESS_DENIED,
    Outcome,
    looked,
    outcome,
)
from tests.wine.inside.machine import filetime, registry, service

SAVER = {"ScreenSaveActive": "1", "SCRNSAVE.EXE": r"C:\windows\system32\scrnsave.scr"}
ON, OUT_OF_DATE, OFF = 0x061000, 0x061010, 0x060000
GUARD = {"displayName": "Guard 9", "instanceGuid": "{11111111-0000-0000-0000-000000000000}"}


# The screen lock, and the notice before sign-in


@pytest.mark.parametrize(
    ("key", "hive", "values", "expected"),
    [
        (SYSTEM_POLICY, "machine", {"InactivityTimeoutSecs": 900}, PASS),
        (SYSTEM_POLICY, "machine", {"InactivityTimeoutSecs": 3600}, ("fail", "too-long")),
        (SYSTEM_POLICY, "machine", {"InactivityTimeoutSecs": 0}, ("fail", "off")),
        (
            DESKTOP_POLICY,
            "user",
            {**SAVER, "ScreenSaveTimeOut": "900", "ScreenSaverIsSecure": "1"},
            PASS,
        ),
        (DESKTOP, "user", {**SAVER, "ScreenSaveTimeOut": "900", "ScreenSaverIsSecure": "1"}, PASS),
        (
            DESKTOP,
            "user",
            {**SAVER, "ScreenSaveTimeOut": "900", "ScreenSaverIsSecure": "0"},
            ("fail", "off"),
        ),
        (DESKTOP, "user", {"ScreenSaveActive": "0"}, ("fail", "off")),
    ],
)
def test_the_lock_is_what_policy_and_user_set(
    key: str, hive: Any, values: dict[str, Any], expected: Outcome
) -> None:
    """A saver without a password hides the screen and locks nothing."""
    assert outcome("lock", registry(key, hive, **values)) == expected


@pytest.mark.parametrize(("text", "expected"), [("Notice", PASS), ("", ("fail", "missing"))])
def test_the_notice_is_told_by_its_length_alone(text: str, expected: Outcome) -> None:
    """Several lines (REG_MULTI_SZ) are a text, too; what it says is nobody's business."""
    given = [text * 100, text * 50]
    with registry(SYSTEM_POLICY, legalnoticetext=given):
        evidence, found = looked("banner")

    assert found.outcome["banner"] == expected
    assert "Notice" not in repr(evidence)


# The firewall

PROFILES = ("DomainProfile", "StandardProfile", "PublicProfile")


@contextlib.contextmanager
def profiles(**on: int) -> Any:
    """Set the machine's own switch of each profile; on where nothing is said."""
    with contextlib.ExitStack() as stack:
        for name in PROFILES:
            stack.enter_context(registry(rf"{FIREWALL}\{name}", EnableFirewall=on.get(name, 1)))
        yield


def test_a_firewall_that_is_on_in_each_profile_passes() -> None:
    """The state of nearly each workstation, by a service that really runs."""
    assert outcome("firewall", profiles(), service("MpsSvc", "running")) == PASS


@pytest.mark.parametrize(
    "made",
    [
        lambda: (profiles(PublicProfile=0), service("MpsSvc", "running")),
        lambda: (
            profiles(),
            registry(rf"{FIREWALL_POLICY}\PrivateProfile", EnableFirewall=0),
            service("MpsSvc", "running"),
        ),
        lambda: (profiles(), service("MpsSvc", "stopped")),
    ],
    ids=["one profile off", "off by policy", "service stopped"],
)
def test_a_firewall_that_is_off_somewhere_is_told(made: Any) -> None:
    """Policy stands before the machine's own value; a stopped service filters nothing."""
    assert outcome("firewall", *made()) == ("fail", "off")


def test_another_firewall_stands_in_where_the_security_center_knows_it() -> None:
    """Programs that bring a firewall switch Windows' own off, rightly."""
    center = {"FirewallProduct": [{"displayName": "Guard 9", "productState": ON}]}
    made = (
        profiles(DomainProfile=0, StandardProfile=0, PublicProfile=0),
        service("MpsSvc", "running"),
    )

    assert outcome("firewall", *made, answering(rows={SECURITY_CENTER: center})) == PASS


def test_a_firewall_that_is_off_is_no_verdict_while_the_security_center_is_silent() -> None:
    """Who may not look whether another stands in says so."""
    made = (profiles(PublicProfile=0), service("MpsSvc", "running"))

    assert (
        outcome("firewall", *made, answering(rows={SECURITY_CENTER: WBEM_E_ACCESS_DENIED}))
        == NOT_VISIBLE
    )


# Protection against harmful programs


def center(**product: object) -> AbstractContextManager[None]:
    return answering(rows={SECURITY_CENTER: {"AntiVirusProduct": [GUARD | product]}})


def defender(**told: object) -> AbstractContextManager[None]:
    row = {"AntivirusEnabled": True, "RealTimeProtectionEnabled": True, "AMProductVersion": "4.18"}
    told = {
        "AntivirusSignatureLastUpdated": "20261123081233.000000+000",
        "QuickScanEndTime": "20261122120000.000000+000",
    } | told
    return answering(
        rows={
            SECURITY_CENTER: {"AntiVirusProduct": []},
            DEFENDERS_WMI: {"MSFT_MpComputerStatus": [row | told]},
        }
    )


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, PASS),
        ({"RealTimeProtectionEnabled": False}, ("fail", "off")),
        ({"AntivirusEnabled": False}, ("fail", "off")),
        ({"AntivirusSignatureLastUpdated": "20261101081233.000000+000"}, ("fail", "outdated")),
    ],
)
def test_defender_is_told_by_its_own_class(told: dict[str, object], expected: Outcome) -> None:
    """MSFT_MpComputerStatus is open to every user."""
    assert outcome("antimalware", service("WinDefend", "running"), defender(**told)) == expected


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        (DEFENDER_KEY, {}, PASS),
        (
            DEFENDER_KEY + r"\Real-Time Protection",
            {"DisableRealtimeMonitoring": 1},
            ("fail", "off"),
        ),
        (DEFENDER_POLICY, {"DisableAntiSpyware": 1}, ("fail", "off")),
        (
            DEFENDER_KEY + r"\Signature Updates",
            {"AVSignatureApplied": filetime(NOW - timedelta(days=20))},
            ("fail", "outdated"),
        ),
    ],
)
def test_without_its_class_defender_is_told_by_the_registry(
    key: str, values: dict[str, Any], expected: Outcome
) -> None:
    """Wine has neither the class nor a Security Center in which another could be listed."""
    fresh = registry(
        DEFENDER_KEY + r"\Signature Updates",
        AVSignatureApplied=filetime(NOW - timedelta(days=1)),
        EngineVersion="1.1.26090.5",
    )

    made = (service("WinDefend", "running"), fresh, registry(key, **values))
    assert outcome("antimalware", *made) == expected


def test_a_stopped_defender_is_off() -> None:
    assert outcome("antimalware", service("WinDefend", "stopped")) == ("fail", "off")


@pytest.mark.parametrize(
    ("state", "expected"),
    [(ON, PASS), (OFF, ("fail", "off")), (OUT_OF_DATE, ("fail", "outdated"))],
)
def test_another_product_is_told_by_the_security_center(state: int, expected: Outcome) -> None:
    """It tells no day of its signatures; whether they are current is the product's own word."""
    assert outcome("antimalware", center(productState=state)) == expected


def test_no_product_at_all_is_missing() -> None:
    """A Security Center that lists nothing is an answer; none at all (Wine) is not."""
    nothing = answering(rows={SECURITY_CENTER: {"AntiVirusProduct": []}})

    assert outcome("antimalware", nothing) == ("fail", "missing")
    assert outcome("antimalware") == NOT_VISIBLE
