"""One-time codes as a second factor (TOTP, RFC 6238): 30 s steps, six digits, each step once.

The secret is sealed under the collector's key: who reads the database alone makes no codes.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import msgspec
from cryptography.fernet import InvalidToken

from ccpor_server.keys import CollectorKey

STEP_S = 30
DRIFT = 1  # steps that a phone's clock may be off, either way
ISSUER = "CCPOR readiness"
OFFER_S = 3600  # between the picture and the first code
WAIT_S = 300  # between the password and the code
_SECRET, _TICKET, _OFFER = "second factor 1", "sign-in ticket 1", "second factor offer 1"


class Ticket(msgspec.Struct, frozen=True):
    """Whose password was right, not long ago."""

    person_id: str
    at: float


class Offer(msgspec.Struct, frozen=True):
    """A secret shown to its person, not yet kept."""

    person_id: str
    secret: str


def new_secret() -> str:
    """Return a fresh secret of 160 bits in base32, as RFC 4226 section 4 recommends."""
    import pyotp

    return pyotp.random_base32(32)


def address(secret: str, name: str) -> str:
    """Return the ``otpauth:`` address that phones read."""
    import pyotp

    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)


def picture(secret: str, name: str) -> str:
    """Return the address as a QR code in SVG, for pages: without script, style or XML head."""
    import segno

    made = segno.make(address(secret, name), error="m")
    drawn: str = made.svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=False)
    return drawn


def step_of(secret: str, code: str, now: datetime, used: int | None) -> int | None:
    """Return the time step that *code* is of; None when it fits none, or one that was *used*."""
    import pyotp

    digits = code.replace(" ", "")
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    present = int(now.timestamp()) // STEP_S
    totp = pyotp.TOTP(secret)
    for step in range(present - DRIFT, present + DRIFT + 1):
        fresh = used is None or step > used
        if fresh and hmac.compare_digest(totp.at(step * STEP_S), digits):
            return step
    return None


def sealed(key: CollectorKey, secret: str) -> str:
    """Return *secret* as the database holds it."""
    return key.sealing(_SECRET).encrypt(secret.encode()).decode()


def opened(key: CollectorKey, kept: str) -> str | None:
    """Return the secret; None where the collector's key is another one now."""
    try:
        return key.sealing(_SECRET).decrypt(kept.encode()).decode()
    except InvalidToken:
        return None


def ticket(key: CollectorKey, person_id: str, now: datetime) -> str:
    """Return what the sign-in form carries from the password to the code."""
    body = msgspec.json.encode(Ticket(person_id, now.timestamp()))
    return key.sealing(_TICKET).encrypt(body).decode()


def ticket_of(key: CollectorKey, text: str, now: datetime) -> str | None:
    """Return the person's id; None for a ticket that is not ours, or older than five minutes."""
    try:
        body = key.sealing(_TICKET).decrypt(text.encode())
    except InvalidToken:
        return None
    found = msgspec.json.decode(body, type=Ticket)
    return found.person_id if 0 <= now.timestamp() - found.at <= WAIT_S else None


def offer(key: CollectorKey, person_id: str, secret: str, now: datetime) -> str:
    """Return a secret as the form carries it until the first code proves that it was read."""
    body = msgspec.json.encode(Offer(person_id, secret))
    return key.sealing(_OFFER).encrypt_at_time(body, int(now.timestamp())).decode()


def offered(key: CollectorKey, text: str, person_id: str, now: datetime) -> str | None:
    """Return the secret that was offered to this person within an hour; None for anything else."""
    try:
        body = key.sealing(_OFFER).decrypt_at_time(text.encode(), OFFER_S, int(now.timestamp()))
    except InvalidToken:
        return None
    found = msgspec.json.decode(body, type=Offer)
    return found.secret if found.person_id == person_id else None
