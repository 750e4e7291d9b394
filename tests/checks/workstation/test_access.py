"""Lock, lockout, notice, firewall, disk, wireless, module: each reason, each "cannot tell"."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ccpor_checks.workstation.evidence import WorkstationOptions
from ccpor_checks.workstation.posture import (
    BannerFact,
    RadioFact,
)
from ccpor_checks.workstation.system import CryptoFact, JoinFact
from tests.checks.workstation.conftest import (
    ENCRYPTED,
    FIREWALL,
    LOCKS,
    LOCKS_OUT,
    NOW,
    PC_17,
    Assess,
)

changed = msgspec.structs.replace
TODAY = NOW.date()
Outcome = dict[str, tuple[str, str | None, str]]


# Who gets in


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"after_s": None}, ("fail", "off", "warning")),
        ({"needs_password": False}, ("fail", "off", "warning")),
        ({"after_s": 1801}, ("fail", "too-long", "warning")),
        ({"needs_password": None}, ("error", "not-visible", "warning")),
    ],
)
def test_a_screen_locks_within_half_an_hour(
    assess: Assess, values: dict[str, Any], expected: object
) -> None:
    assert assess(lock=changed(LOCKS, **values)).not_passed == {"lock": expected}
    assert assess(lock=changed(LOCKS, after_s=1800)).not_passed == {}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tries": None}, ("fail", "off", "warning")),
        ({"tries": 6}, ("fail", "too-long", "warning")),
        ({"tries": 10, "within_s": 600}, ("fail", "too-long", "warning")),
        ({"within_s": 600}, ("fail", "too-long", "warning")),
    ],
)
def test_five_wrong_passwords_in_a_quarter_of_an_hour_lock(
    assess: Assess, values: dict[str, Any], expected: object
) -> None:
    """Five in ten minutes are up to ten in fifteen: Windows' own default is not enough."""
    assert assess(lockout=changed(LOCKS_OUT, **values)).not_passed == {"lockout": expected}


@pytest.mark.parametrize("values", [{"tries": 3}, {"within_s": None}, {"lasts_s": 600}])
def test_a_stricter_lockout_is_as_good(assess: Assess, values: dict[str, Any]) -> None:
    assert assess(lockout=changed(LOCKS_OUT, **values)).not_passed == {}


def test_a_profile_may_ask_for_less_patience(assess: Assess) -> None:
    options = WorkstationOptions(
        max_lock_minutes=10, max_lockout_tries=3, min_lockout_window_minutes=30
    )

    assert assess(options=options).not_passed == {
        "lock": ("fail", "too-long", "warning"),
        "lockout": ("fail", "too-long", "warning"),
    }


def test_a_notice_must_say_something(assess: Assess) -> None:
    empty = BannerFact(length=0, source="policy")

    assert assess(banner=empty).not_passed == {"banner": ("fail", "missing", "warning")}


def test_every_profile_of_the_firewall_counts(assess: Assess) -> None:
    """The network that is public today is why the profile for it exists."""
    halves = (*FIREWALL[:2], changed(FIREWALL[2], is_on=False))
    found = assess(firewall=halves)

    assert found.not_passed == {"firewall": ("fail", "off", "warning")}
    assert "public (by registry)" in found["workstation.firewall"].summary
    assert assess(firewall=()).not_passed == {"firewall": ("error", "not-visible", "warning")}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"is_encrypted": False, "method": None}, ("fail", "off", "warning")),
        ({"is_protected": False}, ("fail", "weak", "warning")),
        ({"method": "3DES-CBC"}, ("fail", "weak", "warning")),
        ({"method": "aes-ecb"}, ("fail", "weak", "warning")),
        ({"method": "twofish-xts-plain64"}, ("fail", "weak", "warning")),
    ],
)
def test_bare_and_weakly_encrypted_disks_are_told(
    assess: Assess, values: dict[str, Any], expected: object
) -> None:
    found = assess(encryption=(ENCRYPTED, changed(ENCRYPTED, path="D:", **values)))

    assert found.not_passed == {"encryption": expected}
    assert "D:" in found["workstation.encryption"].summary


@pytest.mark.parametrize("method", ["AES-CBC-128", "aes-xts-plain64", None, "Hardware"])
def test_aes_in_any_spelling_is_enough(assess: Assess, method: str | None) -> None:
    assert assess(encryption=(changed(ENCRYPTED, method=method),)).not_passed == {}


def test_in_a_secure_location_the_disk_need_not_be_encrypted(assess: Assess) -> None:
    """CJIS asks for it outside only; nobody reads "passed" of a bare disk."""
    bare = changed(ENCRYPTED, is_encrypted=False)
    options = WorkstationOptions(is_secure_location=True)

    found = assess(encryption=(bare,), options=options)

    assert found.not_passed == {"encryption": ("not-applicable", None, "warning")}


# Wireless


@pytest.mark.parametrize(
    ("authentication", "cipher", "expected"),
    [
        ("WPA2-PSK", "CCMP", None),
        ("WPA2-Enterprise", "CCMP", None),
        ("WPA3-SAE", "GCMP-256", None),
        ("WPA3-SAE", None, None),
        ("open", "none", ("fail", "weak", "warning")),
        ("open", "WEP-104", ("fail", "weak", "warning")),
        ("shared", "WEP", ("fail", "weak", "warning")),
        ("WPA2-PSK", "TKIP", ("fail", "weak", "warning")),
        ("WPA-PSK", "TKIP", ("fail", "weak", "warning")),
        ("WPA-PSK", "CCMP", ("fail", "weak", "warning")),
        ("OWE", "CCMP", ("fail", "weak", "warning")),
        (None, None, ("error", "not-visible", "warning")),
        ("WPA2-PSK", None, ("error", "not-visible", "warning")),
        (None, "CCMP", ("error", "not-visible", "warning")),
    ],
)
def test_only_aes_with_wpa2_or_wpa3_passes(
    assess: Assess, authentication: str | None, cipher: str | None, expected: object
) -> None:
    """WEP and the first WPA are banned for this data; what is not told never passes."""
    radio = RadioFact(
        name="Wi-Fi", up=True, cipher=cipher, authentication=authentication, why_not="needs root"
    )
    found = assess(wireless=(RadioFact(name="other", up=False, cipher="WEP"), radio))

    assert found.not_passed == ({"wireless": expected} if expected else {})
    if cipher is None and expected:
        assert "needs root" in found["workstation.wireless"].summary


# Cryptographic module, inventory


def test_fips_mode_is_named_and_asked_for_only_where_the_profile_asks(assess: Assess) -> None:
    """The mode is no proof since the certificates of 140-2 ended; nobody reads "validated"."""
    on = CryptoFact(module="OpenSSL 3.0.17", fips_mode=True)
    asking = WorkstationOptions(require_fips_mode=True)

    assert assess(crypto=on)["workstation.crypto"].status == "pass"
    assert "validated" not in assess(crypto=on)["workstation.crypto"].summary
    assert assess(options=asking).not_passed == {"crypto": ("fail", "off", "warning")}
    assert assess(options=asking, crypto=on).not_passed == {}


def test_the_inventory_tells_directory_proxy_and_restart(assess: Assess) -> None:
    joined = changed(
        PC_17,
        join=JoinFact(kind="hybrid", name="court.example.org"),
        proxy="proxy.example.org:8080",
        is_pending_reboot=True,
    )
    words = assess(inventory=joined)["workstation.inventory"].summary

    assert words.endswith(
        "joined to domain and Entra ID court.example.org, proxy proxy.example.org:8080, "
        "a restart is pending"
    )
