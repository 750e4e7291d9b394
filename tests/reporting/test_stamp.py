"""STAMP packets, octet by octet as RFC 8762 and RFC 8972 draw them."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.stamp import (
    PacketInvalid,
    Sent,
    ms_of,
    ntp_time,
    read_reflected,
    read_sender,
    reflector_packet,
    sender_packet,
    session_of,
)

KEY = bytes(range(32))
# 2026-11-23 12:00:00.25 UTC: era 0 of NTP counts 3 984 638 400 s and a quarter of 2**32
AT_NS = 1_795_435_200_250_000_000
SECONDS = 1_795_435_200 + 2_208_988_800
QUARTER = 0x40000000

numbers = st.integers(0, 2**32 - 1)
sessions = st.integers(0, 2**16 - 1)
moments = st.integers(0, 2**62)
modes = st.sampled_from([None, KEY])
sizes = st.integers(0, 1500)


def octets(packet: bytes, first: int, count: int) -> int:
    return int.from_bytes(packet[first : first + count], "big")


def own_tag(packet: bytes, key: bytes) -> bytes:
    """Return HMAC-SHA-256 of the first six blocks, cut to 128 bits (RFC 8762 section 4.4, RFC 4868)."""
    return hmac.new(key, packet[:96], hashlib.sha256).digest()[:16]


def test_a_plain_sender_packet_is_as_drawn() -> None:
    """RFC 8762 figure 2 with RFC 8972 figure 1: number, timestamp, error estimate, session, 28 zeros."""
    packet = sender_packet(0x01020304, AT_NS, session=0xABCD)

    assert len(packet) == 44
    assert octets(packet, 0, 4) == 0x01020304
    assert (octets(packet, 4, 4), octets(packet, 8, 4)) == (SECONDS, QUARTER)
    assert octets(packet, 12, 2) == 0x8001
    assert octets(packet, 14, 2) == 0xABCD
    assert packet[16:] == bytes(28)


def test_a_signed_sender_packet_is_as_drawn() -> None:
    """RFC 8762 figure 4 with RFC 8972 figure 3: each field starts a block of 16, the last is the HMAC."""
    packet = sender_packet(0x01020304, AT_NS, session=0xABCD, key=KEY)

    assert len(packet) == 112
    assert octets(packet, 0, 4) == 0x01020304
    assert packet[4:16] == bytes(12)
    assert (octets(packet, 16, 4), octets(packet, 20, 4)) == (SECONDS, QUARTER)
    assert octets(packet, 24, 2) == 0x8001
    assert octets(packet, 26, 2) == 0xABCD
    assert packet[28:96] == bytes(68)
    assert packet[96:112] == own_tag(packet, KEY)


SENT = Sent(0x0A0B0C0D, 0x11121314, 0x21222324, 0x8105, 0xBEEF)


def test_a_plain_reflected_packet_is_as_drawn() -> None:
    """RFC 8762 figure 5 with RFC 8972 figure 2: the sender's own fields come back as they were."""
    packet = reflector_packet(
        bytes(44), SENT, number=7, came_ns=AT_NS, left_ns=AT_NS + 500_000_000, ttl=61
    )

    assert len(packet) == 44
    assert octets(packet, 0, 4) == 7
    assert (octets(packet, 4, 4), octets(packet, 8, 4)) == (SECONDS, 3 * QUARTER)
    assert octets(packet, 12, 2) == 0x8001
    assert octets(packet, 14, 2) == 0xBEEF
    assert (octets(packet, 16, 4), octets(packet, 20, 4)) == (SECONDS, QUARTER)
    assert octets(packet, 24, 4) == 0x0A0B0C0D
    assert (octets(packet, 28, 4), octets(packet, 32, 4)) == (0x11121314, 0x21222324)
    assert octets(packet, 36, 2) == 0x8105
    assert packet[38:40] == bytes(2)
    assert packet[40] == 61
    assert packet[41:] == bytes(3)


def test_a_signed_reflected_packet_is_as_drawn() -> None:
    """RFC 8762 figure 6 with RFC 8972 figure 4."""
    packet = reflector_packet(
        bytes(112), SENT, number=7, came_ns=AT_NS, left_ns=AT_NS + 500_000_000, ttl=61, key=KEY
    )

    assert len(packet) == 112
    assert octets(packet, 0, 4) == 7
    assert packet[4:16] == bytes(12)
    assert (octets(packet, 16, 4), octets(packet, 20, 4)) == (SECONDS, 3 * QUARTER)
    assert octets(packet, 24, 2) == 0x8001
    assert octets(packet, 26, 2) == 0xBEEF
    assert packet[28:32] == bytes(4)
    assert (octets(packet, 32, 4), octets(packet, 36, 4)) == (SECONDS, QUARTER)
    assert packet[40:48] == bytes(8)
    assert octets(packet, 48, 4) == 0x0A0B0C0D
    assert packet[52:64] == bytes(12)
    assert (octets(packet, 64, 4), octets(packet, 68, 4)) == (0x11121314, 0x21222324)
    assert octets(packet, 72, 2) == 0x8105
    assert packet[74:80] == bytes(6)
    assert packet[80] == 61
    assert packet[81:96] == bytes(15)
    assert packet[96:112] == own_tag(packet, KEY)


def test_the_error_estimate_says_what_the_rfc_asks() -> None:
    """S set, Z clear (NTP's format), a multiplier that is not zero: zero makes a packet worthless."""
    error = octets(sender_packet(0, AT_NS), 12, 2)

    assert error & 0x8000
    assert not error & 0x4000
    assert error & 0xFF


@pytest.mark.parametrize(
    ("low", "error", "ms"), [(QUARTER, 0x8001, 10_250), (250_000_000, 0xC001, 10_250)]
)
def test_both_formats_of_time_are_read(low: int, error: int, ms: float) -> None:
    """Z says which: a fraction of 2**32 (NTP), or nanoseconds (IEEE 1588)."""
    assert ms_of(10, low, error) == pytest.approx(ms)


@given(moments)
def test_a_moment_survives_to_the_nanosecond_or_so(at_ns: int) -> None:
    """32 bits of fraction are a quarter of a nanosecond; the seconds go round in 2036 (era 1)."""
    seconds, fraction = ntp_time(at_ns)

    assert (seconds - 2_208_988_800) % 2**32 == at_ns // 10**9 % 2**32
    assert 0 <= at_ns % 10**9 - fraction * 10**9 / 2**32 < 1


@given(numbers, moments, sessions, modes, sizes)
def test_what_was_sent_is_read(
    number: int, at_ns: int, session: int, key: bytes | None, size: int
) -> None:
    """Any number, time and session; padding makes it longer and changes nothing."""
    packet = sender_packet(number, at_ns, session=session, key=key, size=size)

    assert len(packet) == max(size, 44 if key is None else 112)
    assert read_sender(packet, key) == Sent(number, *ntp_time(at_ns), 0x8001, session)
    if key is not None:
        assert session_of(packet) == session


@given(
    numbers, numbers, moments, sessions, modes, sizes, st.integers(0, 255), st.integers(0, 10**9)
)
def test_what_was_reflected_is_read(
    number: int,
    own: int,
    at_ns: int,
    session: int,
    key: bytes | None,
    size: int,
    ttl: int,
    kept_ns: int,
) -> None:
    """Sender to reflector and back; never longer than what came, or it would be an amplifier."""
    packet = sender_packet(number, at_ns, session=session, key=key, size=size)
    sent = read_sender(packet, key)

    answer = reflector_packet(
        packet, sent, number=own, came_ns=at_ns, left_ns=at_ns + kept_ns, ttl=ttl, key=key
    )
    said = read_reflected(answer, key)

    assert len(answer) == len(packet)
    assert (said.sent, said.number, said.session, said.ttl) == (
        Sent(number, sent.seconds, sent.fraction, 0x8001, session),
        own,
        session,
        ttl,
    )
    if ntp_time(at_ns)[0] <= ntp_time(at_ns + kept_ns)[0]:  # not across the turn of an era
        assert said.left_ms - said.came_ms == pytest.approx(kept_ns / 1e6, abs=0.002)


def test_padding_comes_back_as_it_came() -> None:
    """RFC 8762 section 4.3: the reflector's packet is as long; ours returns the very octets."""
    padding = bytes(range(200))
    packet = sender_packet(1, AT_NS, key=KEY) + padding
    answer = reflector_packet(
        packet, read_sender(packet, KEY), number=0, came_ns=AT_NS, left_ns=AT_NS, key=KEY
    )

    assert answer[112:] == padding
    assert read_reflected(answer, KEY).sent.number == 1


@given(st.integers(0, 111), st.integers(0, 7))
def test_a_flipped_bit_is_seen(place: int, bit: int) -> None:
    """All that counts lies under the HMAC; whoever changes it on the way is found out."""
    packet = bytearray(sender_packet(5, AT_NS, session=9, key=KEY))
    packet[place] ^= 1 << bit

    with pytest.raises(PacketInvalid):
        read_sender(bytes(packet), KEY)


@given(modes, st.data())
def test_a_cut_packet_is_refused(key: bytes | None, data: st.DataObject) -> None:
    """Half a packet is none, and nothing reads past its end."""
    packet = sender_packet(5, AT_NS, key=key)
    cut = packet[: data.draw(st.integers(0, len(packet) - 1))]

    with pytest.raises(PacketInvalid):
        read_sender(cut, key)
    with pytest.raises(PacketInvalid):
        read_reflected(cut, key)
    if len(cut) < 112:
        assert session_of(cut) is None


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read_but_never_breaks(garbage: bytes) -> None:
    """What anybody may send to an open port; with a key, garbage is never taken."""
    for key in (None, KEY):
        for read in (read_sender, read_reflected):
            if key is not None or len(garbage) < 44:
                with pytest.raises(PacketInvalid):
                    read(garbage, key)
            else:
                assert read(garbage, key) is not None


def test_another_key_is_refused() -> None:
    """The key belongs to one slot: the neighbour's packets are not ours."""
    packet = sender_packet(5, AT_NS, key=KEY)

    with pytest.raises(PacketInvalid):
        read_sender(packet, bytes(32))
