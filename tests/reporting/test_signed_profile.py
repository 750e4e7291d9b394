"""A workstation takes a profile only if it is its own, alive and not older than the held one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_reporting.envelope import PROFILE_TYPE, REPORT_TYPE, KeySigner, seal
from ccpor_reporting.signed_profile import (
    ProfileRefused,
    SignedProfile,
    accept_profile,
    open_profile,
    seal_profile,
)

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
COLLECTOR = KeySigner(generate_private_key(SECP256R1()))
STRANGER = KeySigner(generate_private_key(SECP256R1()))
HELD = SignedProfile(
    court="ca-sonoma",
    location="santa-rosa",
    role="scan-station",
    version=3,
    published_at=NOW - timedelta(days=10),
    expires_at=NOW + timedelta(days=80),
    toml='title = "x"\n',
)


def with_(**changes: Any) -> SignedProfile:
    return msgspec.structs.replace(HELD, **changes)


def offered(new: SignedProfile, held: SignedProfile | None = HELD) -> SignedProfile:
    return accept_profile(
        new, held, now=NOW, court="ca-sonoma", location="santa-rosa", role="scan-station"
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 2}, "rollback"),
        ({"expires_at": NOW}, "expired"),
        ({"version": 4, "expires_at": NOW - timedelta(days=1)}, "expired"),
        ({"version": 4, "court": "ca-napa"}, "wrong-court"),
        ({"version": 4, "location": "petaluma"}, "wrong-location"),
        ({"version": 4, "role": "judge"}, "wrong-role"),
        ({"toml": "changed"}, "altered"),
    ],
    ids=str,
)
def test_an_attack_by_profile_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Rollback, freeze, mix-and-match: the attacks that TUF names."""
    with pytest.raises(ProfileRefused) as caught:
        offered(with_(**changes))

    assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("new", "held"),
    [
        (with_(version=4, toml="changed"), HELD),
        (with_(expires_at=NOW + timedelta(days=170)), HELD),
        (HELD, HELD),
        (with_(version=1), None),
    ],
    ids=["newer", "the same, for longer", "the same", "the first"],
)
def test_a_good_profile_takes_the_place_of_the_held_one(
    new: SignedProfile, held: SignedProfile | None
) -> None:
    """The negative control: refusing everything would be safe and useless."""
    assert offered(new, held) == new


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "malformed"),
        (seal_profile(HELD, STRANGER), "unknown-key"),
        (seal(msgspec.json.encode(HELD), REPORT_TYPE, COLLECTOR), "wrong-type"),
        (seal(b"[]", PROFILE_TYPE, COLLECTOR), "not-a-profile"),
        (seal_profile(with_(schema="ccpor-signed-profile/9"), COLLECTOR), "not-a-profile"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_only_the_collectors_signature_makes_a_profile(body: bytes, reason: str) -> None:
    """Whoever answers in its place cannot choose what this workstation contacts."""
    with pytest.raises(ProfileRefused) as caught:
        open_profile(body, COLLECTOR.public)

    assert caught.value.reason == reason


def test_a_signed_profile_comes_back_whole() -> None:
    """The text is what is hashed as the profile's identity."""
    assert open_profile(seal_profile(HELD, COLLECTOR), COLLECTOR.public) == HELD
