"""STAMP test packets as bytes: what a sender sends and a reflector answers, pure.

Source: RFC 8762 section 4.2.1 (sender), 4.3.1 (reflector); RFC 8972 section 3 (session
identifier); IEEE 1588 or NTP timestamps told apart by the Z bit of the error estimate.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass

SECONDS_1900_TO_1970 = 2_208_988_800
PTP = 0x4000  # Z of the error estimate: seconds and nanoseconds
OWN_ERROR = 0x8001  # S: synchronised by something unknown to us; scale 0, multiplier 1
PLAIN_SIZE = 44
SIGNED_SIZE = 112
TAG_SIZE = 16  # HMAC-SHA-256 cut to 128 bits
TAG_AT = SIGNED_SIZE - TAG_SIZE

_PLAIN_SENT = struct.Struct(">IIIHH28x")
_PLAIN_REFLECTED = struct.Struct(">IIIHHIIIIIH2xB3x")
_SIGNED_SENT = struct.Struct(">I12xIIHH68x16x")
_SIGNED_REFLECTED = struct.Struct(">I12xIIHH4xII8xI12xIIH6xB15x16x")


class PacketInvalid(ValueError):
    """Too short, or its HMAC is not of this key."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a sender wrote: its number and its clock."""

    number: int
    seconds: int
    fraction: int
    error: int
    session: int


@dataclass(frozen=True, slots=True)
class Reflected:
    """What came back. The reflector's own number, when it got and sent the packet, and `sent`."""

    number: int
    left_ms: float
    came_ms: float
    session: int
    sent: Sent
    ttl: int


def ntp_time(at_ns: int) -> tuple[int, int]:
    """Return *at_ns* since 1970 as NTP writes it: seconds since 1900 and a fraction of 2**32."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return (seconds + SECONDS_1900_TO_1970) & 0xFFFFFFFF, (rest << 32) // 1_000_000_000


def ms_of(seconds: int, low: int, error: int) -> float:
    return seconds * 1000 + (low / 1e6 if error & PTP else low * 1000 / 2**32)


def sender_packet(
    number: int, at_ns: int, *, session: int = 0, key: bytes | None = None, size: int = 0
) -> bytes:
    """Return a test packet of at least *size* bytes; signed where there is a *key*.

    The HMAC covers the packet up to its own place (RFC 8762 section 4.2.2); padding follows it.
    """
    time = ntp_time(at_ns)
    if key is None:
        body = _PLAIN_SENT.pack(number & 0xFFFFFFFF, *time, OWN_ERROR, session)
    else:
        body = _SIGNED_SENT.pack(number & 0xFFFFFFFF, *time, OWN_ERROR, session)
        body = signed(body, key)
    return body + bytes(max(0, size - len(body)))


def read_sender(packet: bytes, key: bytes | None = None) -> Sent:
    """Return what *packet* says.

    Raises:
        PacketInvalid: Shorter than the mode's packet, or not signed with *key*.
    """
    layout = _PLAIN_SENT if key is None else _SIGNED_SENT
    _require(packet, layout.size, key)
    number, seconds, fraction, error, session = layout.unpack_from(packet)
    return Sent(number, seconds, fraction, error, session)


def session_of(packet: bytes) -> int | None:
    """Return the session that a packet of the signed length claims, unproven; None: too short."""
    return int.from_bytes(packet[26:28], "big") if len(packet) >= SIGNED_SIZE else None


def reflector_packet(
    packet: bytes,
    sent: Sent,
    *,
    number: int,
    came_ns: int,
    left_ns: int,
    ttl: int = 255,
    key: bytes | None = None,
) -> bytes:
    """Return the answer to *packet*, exactly as long as it; the padding comes back as it came."""
    came, left = ntp_time(came_ns), ntp_time(left_ns)
    low = number & 0xFFFFFFFF
    theirs = (sent.number, sent.seconds, sent.fraction, sent.error)
    if key is None:
        body = _PLAIN_REFLECTED.pack(low, *left, OWN_ERROR, sent.session, *came, *theirs, ttl)
    else:
        body = _SIGNED_REFLECTED.pack(low, *left, OWN_ERROR, sent.session, *came, *theirs, ttl)
        body = signed(body, key)
    return body + packet[len(body) :]


def read_reflected(packet: bytes, key: bytes | None = None) -> Reflected:
    """Return what *packet* says.

    Raises:
        PacketInvalid: Shorter than the mode's packet, or not signed with *key*.
    """
    layout = _PLAIN_REFLECTED if key is None else _SIGNED_REFLECTED
    _require(packet, layout.size, key)
    (n, left_s, left_f, error, session, came_s, came_f, number, sent_s, sent_f, sent_error, ttl) = (
        layout.unpack_from(packet)
    )
    return Reflected(
        number=n,
        left_ms=ms_of(left_s, left_f, error),
        came_ms=ms_of(came_s, came_f, error),
        session=session,
        sent=Sent(number, sent_s, sent_f, sent_error, session),
        ttl=ttl,
    )


def signed(body: bytes, key: bytes) -> bytes:
    """Return *body* of the signed length with its HMAC in its place."""
    tag = hmac.new(key, body[:TAG_AT], hashlib.sha256).digest()[:TAG_SIZE]
    return body[:TAG_AT] + tag + body[SIGNED_SIZE:]


def _require(packet: bytes, size: int, key: bytes | None) -> None:
    if len(packet) < size:
        raise PacketInvalid(f"{len(packet)} bytes, {size} are the least")
    if key is None:
        return
    tag = hmac.new(key, packet[:TAG_AT], hashlib.sha256).digest()[:TAG_SIZE]
    if not hmac.compare_digest(tag, packet[TAG_AT:SIGNED_SIZE]):
        raise PacketInvalid("the HMAC is not of this session's key")
