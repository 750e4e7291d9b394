"""A profile as the collector signs it: for one court, location and role, versioned, expiring.

The agent accepts one only if it is for this workstation, alive, and not older than the one it
holds: whoever can answer in the collector's place cannot roll back, freeze or mix profiles.

Source: the attacks named in the TUF specification, section 1.5.2.

    ValueError
    └── ProfileRefused   the held profile stays; `reason` says why
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from ccpor_reporting.envelope import (
    PROFILE_TYPE,
    EnvelopeInvalid,
    PublicKey,
    Signer,
    key_id,
    open_envelope,
    seal,
)
from ccpor_reporting.model import UtcTime

SCHEMA = "ccpor-signed-profile/1"
Reason = Literal[
    "malformed",
    "unknown-key",
    "bad-signature",
    "wrong-type",
    "not-a-profile",
    "wrong-court",
    "wrong-location",
    "wrong-role",
    "expired",
    "rollback",
    "altered",
]


class SignedProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One published profile: `toml` is the profile file's exact text."""

    court: str
    location: str  # the location's name, as in the profile's [location]
    role: str
    version: int  # rises with every publication of other text
    published_at: UtcTime
    expires_at: UtcTime
    toml: str
    schema: str = SCHEMA


class ProfileRefused(ValueError):
    """The held profile stays. `reason` is a code of EnvelopeInvalid or names the mismatch."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def seal_profile(profile: SignedProfile, signer: Signer) -> bytes:
    """Return *profile* as a signed envelope."""
    return seal(msgspec.json.encode(profile), PROFILE_TYPE, signer)


def open_profile(envelope_bytes: bytes, collector_key: PublicKey) -> SignedProfile:
    """Return the profile in *envelope_bytes*, signed by *collector_key*, for whomever it is.

    Raises:
        ProfileRefused: Not signed by that key, or not a signed profile that we can read.
    """
    known = key_id(collector_key)
    try:
        opened = open_envelope(
            envelope_bytes,
            payload_type=PROFILE_TYPE,
            key=lambda hint: collector_key if hint == known else None,
        )
    except EnvelopeInvalid as exc:
        raise ProfileRefused(exc.code, f"profile: {exc}") from exc
    try:
        profile = msgspec.json.decode(opened.payload, type=SignedProfile)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ProfileRefused("not-a-profile", "signed, but not a profile that we can read") from exc
    if profile.schema != SCHEMA or profile.expires_at.tzinfo is None:
        raise ProfileRefused("not-a-profile", f"signed, but not a whole {SCHEMA}")
    return profile


def accept_profile(
    new: SignedProfile,
    held: SignedProfile | None,
    *,
    now: datetime,
    court: str,
    location: str,
    role: str,
) -> SignedProfile:
    """Return *new* if it may take the place of *held* on this workstation at *now* (aware).

    The same version may come again with a later expiry, but not with other text.

    Raises:
        ProfileRefused: It is another workstation's, expired, older than *held*, or altered.
    """
    if new.court != court:
        raise ProfileRefused("wrong-court", f"the profile is for court {new.court}, not {court}")
    if new.location != location:
        raise ProfileRefused(
            "wrong-location",
            f"the profile is for {new.location}, this workstation is at {location}",
        )
    if new.role != role:
        raise ProfileRefused("wrong-role", f"the profile is for a {new.role}, this is a {role}")
    if new.expires_at <= now:
        raise ProfileRefused("expired", f"the profile expired at {new.expires_at.isoformat()}")
    if held is not None and new.version < held.version:
        raise ProfileRefused(
            "rollback", f"version {new.version} is older than the held version {held.version}"
        )
    if held is not None and new.version == held.version and new.toml != held.toml:
        raise ProfileRefused("altered", f"version {new.version} came before with other text")
    return new
