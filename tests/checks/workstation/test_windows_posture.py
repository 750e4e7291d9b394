"""What Windows says of its protection, and what that means: the parts that need no Windows."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import windows_guards as guards
from ccpor_checks.workstation import windows_patch as patches
from ccpor_checks.workstation.posture import (
    LockFact,
    LockoutFact,
    PatchSeverity,
)
from ccpor_checks.workstation.windows import VERSION_KEY, WindowsSystem, without_account
from ccpor_checks.workstation.windows_com import ComFailed
from ccpor_checks.workstation.windows_doors import Cell, Lockout, Offered, Value
from ccpor_checks.workstation.windows_policy import (
    DESKTOP,
    DEVICE_LOCK,
    PASSWORD_ON_WAKE,
    SLEEP_AFTER,
    SYSTEM_POLICY,
)
from ccpor_checks.workstation.windows_values import Values, filetime_day
from tests.checks.workstation.windows_fakes import FakeCalls, FakeCom, FakeRegistry

SERVER = {(VERSION_KEY, "InstallationType"): "Server"}
DENIED = 0x80041003
GUARD = {"displayName": "Guard 9", "instanceGuid": "{1}", "productState": 0x061000}


def system(
    values: dict[tuple[str, str], Value] | None = None,
    calls: FakeCalls | None = None,
    com: FakeCom | None = None,
) -> WindowsSystem:
    return WindowsSystem(FakeRegistry(values or {}), calls or FakeCalls(), com or FakeCom())


# Numbers and texts


def ticks(when: datetime) -> int:
    return int((when - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10**7


@pytest.mark.parametrize(
    ("given", "day"),
    [
        (ticks(datetime(2026, 11, 23, 23, 59, tzinfo=UTC)), date(2026, 11, 23)),
        (0, None),
        (2**64 - 1, None),
        (ticks(datetime(1999, 12, 31, tzinfo=UTC)), None),
    ],
)
def test_a_filetime_is_a_day_or_never_was(given: int, day: date | None) -> None:
    """Zero is 1601 and no signature of that year."""
    assert filetime_day(given) == day


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (ticks(datetime(2026, 11, 2, tzinfo=UTC)).to_bytes(8, "little"), date(2026, 11, 2)),
        (ticks(datetime(2026, 11, 2, tzinfo=UTC)), date(2026, 11, 2)),
        (b"\x01\x02", None),
        ("yesterday", None),
    ],
)
def test_a_day_is_kept_as_bytes_or_as_a_number(value: Value, day: date | None) -> None:
    assert Values(FakeRegistry({("k", "n"): value})).day("k", "n") == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("20261123081233.000000+000", date(2026, 11, 23)),
        ("20261323081233.000000+000", None),
        ("********081233.000000+000", None),
        ("", None),
        (None, None),
        (20261123, None),
    ],
)
def test_a_cim_datetime_is_a_day_or_nothing(text: Cell, day: date | None) -> None:
    assert guards.cim_day(text) == day


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("Critical", "critical"),
        ("Important", "important"),
        ("Moderate", "moderate"),
        ("Low", "low"),
        ("Unspecified", "unspecified"),
        ("", "unspecified"),
        ("Kritisch", "unspecified"),
    ],
)
def test_a_severity_is_msrcs_word_or_none(text: str, severity: PatchSeverity) -> None:
    assert patches.severity(text) == severity


def test_only_what_mends_security_is_a_patch() -> None:
    """A preview, a driver's tool and Defender's definitions may be missing without harm."""
    offered = {
        "unrated cumulative": Offered("", "", (patches.SECURITY_UPDATES,), None),
        "rated rollup": Offered("", "Important", ("28bc880e-0592-4cbf-8f95-c79b17911d5f",), None),
        "preview": Offered("", "", ("cd5ffd1e-e932-4e3a-bf74-18bf0b1bbd83",), None),
        "definitions": Offered("", "Critical", (patches.DEFINITIONS,), None),
    }

    assert {name for name, each in offered.items() if patches.is_security(each)} == {
        "unrated cumulative",
        "rated rollup",
    }


@pytest.mark.parametrize(
    ("state", "on", "current"),
    [
        (397568, True, True),  # 0x061100
        (397584, True, False),  # 0x061110
        (393472, False, True),  # 0x060100
        (0x062000, False, True),  # snoozed
        (0x063010, False, False),  # expired
        (0x051000, True, True),
    ],
)
def test_the_bits_of_product_state(state: int, on: bool, current: bool) -> None:
    """Snoozed and expired products guard nothing, though they are there."""
    fact = guards.product({"displayName": "Guard 9", "productState": state})

    assert (fact.is_on, fact.is_real_time, fact.are_signatures_current) == (on, on, current)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("clerk:secret@proxy.example:3128", "proxy.example:3128"),
        ("http://a:b@wpad.example/proxy.pac?user=a#b", "http://wpad.example/proxy.pac"),
        ("proxy.example:3128", "proxy.example:3128"),
    ],
)
def test_a_proxy_is_told_without_its_account(given: str, shown: str) -> None:
    assert without_account(given) == shown


# Rights


def test_a_closed_key_is_no_absent_value() -> None:
    """A notice that may not be read may well be there."""
    registry = FakeRegistry({(SYSTEM_POLICY, "legalnoticetext"): "Notice"})
    registry.closed.add(SYSTEM_POLICY)

    with pytest.raises(CannotObserve, match="the right to read that key"):
        WindowsSystem(registry, FakeCalls(), FakeCom()).banner()


@pytest.mark.parametrize(
    ("code", "words"), [(5, "which every signed-in user has"), (2140, "net accounts")]
)
def test_an_account_policy_that_is_refused_names_the_right(code: int, words: str) -> None:
    refused = OSError(code, "refused")

    with pytest.raises(CannotObserve, match=words):
        system(calls=FakeCalls(lockout_=refused)).lockout()


# Lock and lockout


@pytest.mark.parametrize(
    ("values", "after_s"),
    [
        ({(DEVICE_LOCK, "MaxInactivityTimeDeviceLock"): 15}, 900),
        ({(SLEEP_AFTER, "ACSettingIndex"): 600, (PASSWORD_ON_WAKE, "ACSettingIndex"): 1}, 600),
        ({(SLEEP_AFTER, "ACSettingIndex"): 600, (PASSWORD_ON_WAKE, "ACSettingIndex"): 0}, None),
        (
            {
                (SYSTEM_POLICY, "InactivityTimeoutSecs"): 1200,
                (DEVICE_LOCK, "MaxInactivityTimeDeviceLock"): 10,
            },
            600,
        ),
    ],
)
def test_the_first_way_that_locks_counts(
    values: dict[tuple[str, str], Value], after_s: int | None
) -> None:
    """Device management and sleep lock, too, where a password is asked on waking."""
    assert system(values).lock().after_s == after_s


def test_a_lock_with_a_password_counts_before_a_saver_without_one() -> None:
    """The picture that comes first locks nothing."""
    values = {"ScreenSaveActive": "1", "SCRNSAVE.EXE": "x.scr", "ScreenSaveTimeOut": "300"}
    registry = FakeRegistry(
        {(SYSTEM_POLICY, "InactivityTimeoutSecs"): 900},
        {(DESKTOP, name): value for name, value in values.items()},
    )

    fact = WindowsSystem(registry, FakeCalls(), FakeCom()).lock()

    assert (fact.after_s, fact.needs_password) == (900, True)


def test_a_service_has_no_persons_screen_lock() -> None:
    """SYSTEM's own hive says nothing about the clerk; the machine's policy does."""
    service = FakeCalls(is_service=True)

    with pytest.raises(CannotObserve, match="run it as the clerk"):
        system(calls=service).lock()
    assert system({(SYSTEM_POLICY, "InactivityTimeoutSecs"): 900}, service).lock() == LockFact(
        after_s=900, needs_password=True, source="policy: machine inactivity limit"
    )


@pytest.mark.parametrize(
    ("told", "tries", "within_s", "lasts_s"),
    [
        (Lockout(900, 900, 5), 5, 900, 900),
        (Lockout(0xFFFFFFFF, 1800, 3), 3, 1800, 0),
        (Lockout(1800, 1800, 0), None, None, None),
    ],
)
def test_lockout_is_told_in_seconds(
    told: Lockout, tries: int | None, within_s: int | None, lasts_s: int | None
) -> None:
    """All ones: until an administrator unlocks it; threshold zero: never locks."""
    assert system(calls=FakeCalls(lockout_=told)).lockout() == LockoutFact(
        tries=tries, within_s=within_s, lasts_s=lasts_s, source="this machine's account policy"
    )


# Who guards


def test_a_server_with_defender_off_is_no_verdict() -> None:
    """Nobody lists what else may guard a server."""
    off = FakeCalls(services={"WinDefend": "stopped"})

    with pytest.raises(CannotObserve, match="Server has no Security Center"):
        system(dict(SERVER), off).antimalware()
    with pytest.raises(CannotObserve, match="Server has no Security Center"):
        system(dict(SERVER)).antimalware()


def test_a_server_with_defender_on_is_told() -> None:
    on = FakeCalls(services={"WinDefend": "running"})

    (fact,) = system(dict(SERVER), on).antimalware()

    assert (fact.name, fact.is_on, fact.is_real_time) == (guards.DEFENDER, True, True)


def test_a_defender_that_is_off_is_no_verdict_where_others_may_not_be_seen() -> None:
    """Another product switches Defender off, rightly."""
    off = FakeCalls(services={"WinDefend": "stopped"})
    hidden = FakeCom(rows_={"AntiVirusProduct": ComFailed(DENIED)})

    with pytest.raises(CannotObserve, match="an administrator has"):
        system(calls=off, com=hidden).antimalware()


def test_another_product_and_a_resting_defender_are_both_told() -> None:
    """One that guards is enough; which one is for the rule to say."""
    resting = {"displayName": "Defender", "instanceGuid": guards.DEFENDERS_ID.upper()}
    com = FakeCom(rows_={"AntiVirusProduct": (GUARD, resting | {"productState": 0x060000})})

    with_service = system(calls=FakeCalls(services={"WinDefend": "stopped"}), com=com).antimalware()
    without = system(com=com).antimalware()

    assert [(each.name, each.is_on) for each in with_service] == [
        ("Guard 9", True),
        (guards.DEFENDER, False),
    ]
    assert [(each.name, each.is_on) for each in without] == [("Guard 9", True), ("Defender", False)]
