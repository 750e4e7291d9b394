"""The reflector answers who has a turn, never with more than it got, and stays up under a flood."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import random
import secrets
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter

from ccpor_reporting import stamp
from ccpor_reporting.capacity.protocol import LEASE_S, Wish
from ccpor_server.capacity import reflecting
from ccpor_server.capacity.reflecting import ADDRESSES, LARGEST, Came, Reflecting
from ccpor_server.capacity.reflector import SO_TIMESTAMPNS, Reflector, told
from ccpor_server.capacity.slots import HeldSlot, Slots
from tests.peers import lacking
from tests.server.rig import HeldClock
from tests.server.test_serve import Served
from tests.server.turn_client import TurnClient

AT_NS = 1_800_000_000_000_000_000
COURT = ("203.0.113.7", 40001)


class Desk:
    """A reflector without a socket, and two turns that run."""

    def __init__(self, *open_to: str) -> None:
        self.clock = HeldClock()
        self.slots = Slots(self.clock.monotonic, at_once=2, on_end=self._ended)
        registry = CollectorRegistry()
        self.counted = Counter("packets", "Packets.", ["what"], registry=registry)
        networks = tuple(ipaddress.ip_network(one) for one in open_to)
        self.reflecting = Reflecting(self.slots, self.clock.monotonic, networks, self.counted)
        wish = Wish(seconds=60, megabytes=1)
        self.ours, _ = self.slots.ask("ours", wish)
        self.other, _ = self.slots.ask("other", wish)

    def _ended(self, held: HeldSlot) -> None:
        self.reflecting.forget(held)

    def packet(self, number: int = 0, held: HeldSlot | None = None, size: int = 0) -> bytes:
        one = held or self.ours
        return stamp.sender_packet(number, AT_NS, session=one.session, key=one.key, size=size)

    def answer(self, packet: bytes, sender: tuple[str, int] = COURT, ttl: int = 57) -> bytes | None:
        return self.reflecting.answer(Came(packet, sender, AT_NS + 5_000_000, ttl), lambda: AT_NS)

    def dropped(self, what: str) -> float:
        return float(self.counted.labels(what)._value.get())


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_answer_is_what_the_rfc_says_field_by_field(desk: Desk) -> None:
    """RFC 8762 section 4.3.2, RFC 8972 section 3; read here by offsets, not by our own reader."""
    packet = desk.packet(41, size=200)
    for number in (0, 1):  # stateful: its own number, not the sender's
        answer = desk.answer(packet)
        assert answer is not None
        assert struct.unpack_from(">I", answer, 0) == (number,)
        assert answer[4:16] == bytes(12)
        assert struct.unpack_from(">HH", answer, 24) == (stamp.OWN_ERROR, desk.ours.session)
        seconds, fraction = struct.unpack_from(">II", answer, 32)
        assert seconds - 2_208_988_800 == AT_NS // 10**9
        assert fraction / 2**32 == pytest.approx(0.005, abs=1e-6), "when it came"
        assert struct.unpack_from(">I", answer, 48) == (41,)
        assert answer[64:74] == packet[16:26], "the sender's time and error, as they were"
        assert answer[80] == 57, "the TTL that it came with"
        assert answer[112:] == packet[112:], "the padding"
        assert len(answer) == len(packet) == 200
        assert stamp.read_reflected(answer, desk.ours.key).sent.number == 41


def test_each_sender_has_its_own_numbers(desk: Desk) -> None:
    """Two sockets of one turn count for themselves, else each sees losses that never were."""
    other = (COURT[0], COURT[1] + 1)
    got = [desk.answer(desk.packet(n), one) for n, one in ((0, COURT), (0, other), (1, COURT))]

    assert [stamp.read_reflected(a or b"", desk.ours.key).number for a in got] == [0, 0, 1]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("nothing", "short"),
        ("unsigned", "unknown"),
        ("cut", "unknown"),
        ("cut at the tag", "unknown"),
        ("other key", "hmac"),
        ("other session", "hmac"),
        ("one bit", "hmac"),
        ("no such session", "unknown"),
        ("session 0", "unknown"),
        ("too large", "large"),
        ("ended", "unknown"),
    ],
)
def test_nothing_else_is_answered(desk: Desk, what: str, why: str) -> None:
    good = desk.packet(7, size=150)
    free = next(n for n in range(1, 9) if n not in {desk.ours.session, desk.other.session})
    packets = {
        "nothing": b"",
        "unsigned": stamp.sender_packet(7, AT_NS, session=desk.ours.session),
        "cut": good[: stamp.SIGNED_SIZE - 1],
        "cut at the tag": good[: stamp.TAG_AT],
        "other key": stamp.sender_packet(
            7, AT_NS, session=desk.ours.session, key=desk.other.key, size=150
        ),
        "other session": good[:26] + struct.pack(">H", desk.other.session) + good[28:],
        "one bit": bytes([good[0] ^ 1]) + good[1:],
        "no such session": stamp.sender_packet(7, AT_NS, session=free, key=desk.ours.key),
        "session 0": stamp.sender_packet(7, AT_NS, session=0, key=desk.ours.key),
        "too large": desk.packet(7, size=LARGEST + 1),
        "ended": good,
    }
    if what == "ended":
        desk.slots.end(desk.ours, "given-back")

    assert desk.answer(packets[what]) is None
    assert desk.dropped(why) == 1


FUZZED = Desk("198.51.100.0/24")


@settings(max_examples=300, deadline=None)
@given(
    junk=st.binary(max_size=400),
    session=st.integers(0, 0xFFFF),
    cut=st.integers(0, 400),
    flips=st.lists(st.tuples(st.integers(0, 399), st.integers(1, 255)), max_size=3),
    signed=st.booleans(),
    is_open=st.booleans(),
)
def test_whatever_comes_no_answer_is_longer_than_its_packet(
    junk: bytes,
    session: int,
    cut: int,
    flips: list[tuple[int, int]],
    signed: bool,
    is_open: bool,
) -> None:
    """An amplifier sends a victim more than the attacker spent; also no error breaks the loop."""
    FUZZED.clock.forward(seconds=0.5)
    for held in FUZZED.slots.granted:
        held.heard_at = FUZZED.clock.monotonic()
        held.granted_at = FUZZED.clock.monotonic()
    packet = bytearray(FUZZED.packet(1, size=len(junk)) if signed else junk)
    for place, bits in flips:
        if place < len(packet):
            packet[place] ^= bits
    if not signed and len(packet) > 28:
        packet[26:28] = struct.pack(">H", session)
    packet = packet[: max(0, len(packet) - cut)]
    sender = ("198.51.100.9" if is_open else "203.0.113.7", 40001)
    answer = FUZZED.answer(bytes(packet), sender)

    assert answer is None or len(answer) == len(packet)
    untouched = signed and not cut and all(place >= 112 + len(junk) for place, _ in flips)
    if not is_open and not untouched and len(packet) < stamp.SIGNED_SIZE:
        assert answer is None
    if not is_open and not signed:
        assert answer is None


def test_a_turn_reflects_so_many_packets_and_no_more(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reflecting, "PACKETS", 50)
    answers = [desk.answer(desk.packet(n)) for n in range(60)]

    assert sum(one is not None for one in answers) == 50
    assert desk.dropped("budget") == 10


def test_a_turn_reflects_at_no_higher_rate_than_a_measurement_needs(desk: Desk) -> None:
    rate = reflecting.PACE
    answers = [desk.answer(desk.packet(n)) for n in range(int(rate.burst) + 100)]
    desk.clock.forward(seconds=1)

    assert sum(one is not None for one in answers) == rate.burst
    assert desk.dropped("rate") == 100
    assert desk.answer(desk.packet(1)) is not None


def test_a_captured_packet_cannot_be_reflected_at_many_victims(desk: Desk) -> None:
    """With the sender's address forged, each answer would go to another victim."""
    packet = desk.packet(1)
    answers = [desk.answer(packet, (f"192.0.2.{n}", 40000)) for n in range(1, 50)]

    assert sum(one is not None for one in answers) == ADDRESSES
    assert desk.dropped("senders") == 49 - ADDRESSES


def test_signed_packets_renew_the_turn_and_forged_ones_do_not(desk: Desk) -> None:
    desk.clock.forward(seconds=LEASE_S - 1)
    assert desk.answer(desk.packet(1)) is not None
    forged = stamp.sender_packet(1, AT_NS, session=desk.other.session, key=bytes(32))
    assert desk.answer(forged) is None
    desk.clock.forward(seconds=2)
    desk.slots.sweep()

    assert (desk.ours.why, desk.other.why) == (None, "lapsed")


def test_plain_packets_are_answered_only_where_the_operator_opened_it() -> None:
    """For stamp:// targets of the path check, which have no turn."""
    desk = Desk("198.51.100.0/24", "2001:db8::/32")
    packet = stamp.sender_packet(9, AT_NS, size=172)
    for address in ("198.51.100.9", "2001:db8::7", "2001:db8::7%eth0"):
        answer = desk.answer(packet, (address, 40000), ttl=61)
        assert answer is not None
        seen = stamp.read_reflected(answer)
        assert (len(answer), seen.number, seen.sent.number, seen.ttl) == (172, 0, 9, 61)

    assert desk.answer(packet, ("203.0.113.7", 40000)) is None
    assert desk.answer(packet, ("2001:db9::7", 40000)) is None
    answers = [desk.answer(packet, ("198.51.100.10", 40000)) for _ in range(600)]
    assert sum(one is not None for one in answers) == reflecting.OPEN_PACE.burst


def test_what_the_kernel_tells_of_a_packet_is_read() -> None:
    ancillary = [
        (socket.SOL_SOCKET, SO_TIMESTAMPNS, struct.pack("@ll", 1_800_000_000, 250)),
        (socket.IPPROTO_IP, 2, (57).to_bytes(4, sys.byteorder)),
        (socket.IPPROTO_IP, 8, struct.pack("@i4s4s", 3, b"\x0a\0\0\1", b"\x0a\0\0\2")),
        (socket.IPPROTO_IP, 99, b"?"),
    ]
    came_ns, ttl, way_back = told(ancillary)

    assert (came_ns, ttl) == (1_800_000_000_000_000_250, 57)
    assert way_back == [(socket.IPPROTO_IP, 8, struct.pack("@i4s4s", 0, b"\x0a\0\0\1", bytes(4)))]
    assert told([]) == (0, 255, [])


async def _asked(desk: Desk, host: str, plainly: bool) -> tuple[bytes, int]:
    """Return the answer over a socket at *host*, and the size of what was sent."""
    if plainly:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((host, 0))
        reflector = Reflector(sock, desk.reflecting)
        await reflector._listen_plainly()
    else:
        reflector = await Reflector.opened(desk.reflecting, host, 0)
    packet = desk.packet(3, size=300)

    def ask() -> bytes:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(packet, (host, reflector.port))
            return client.recv(9000)

    try:
        return await asyncio.to_thread(ask), len(packet)
    finally:
        reflector.close()


@pytest.mark.parametrize("plainly", [False, True], ids=["as Linux tells it", "by plain means"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families_and_systems_without_ancillary_data(
    desk: Desk, host: str, plainly: bool
) -> None:
    if ":" in host and not has_ipv6():
        lacking("needs an IPv6 loopback")
    answer, size = asyncio.run(_asked(desk, host, plainly))
    seen = stamp.read_reflected(answer, desk.ours.key)

    assert (len(answer), seen.sent.number) == (size, 3)
    assert seen.ttl == 255 if plainly or sys.platform != "linux" else seen.ttl == 64


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind(("::1", 0))
        return True
    return False


@pytest.fixture(scope="module")
def line(
    collector_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TurnClient]:
    """A turn at a collector that is served."""
    served = Served(collector_template, tmp_path_factory.mktemp("reflector") / "state")
    with served.running() as (address, _process):
        client = TurnClient(address, served.machine)
        client.ask(seconds=120)
        client.until_granted()
        yield client


def test_over_a_socket_times_and_ttl_are_those_of_the_packet(line: TurnClient) -> None:
    with line.datagrams() as sock:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 33)
        for number in range(20):
            before = time.time_ns()
            sock.send(line.packet(number, size=1400))
            answer = sock.recv(9000)
            after = time.time_ns()
            seen = stamp.read_reflected(answer, line.key)
            unix_ms = stamp.SECONDS_1900_TO_1970 * 1000
            assert (len(answer), seen.number, seen.sent.number) == (1400, number, number)
            assert before / 1e6 - 1 <= seen.came_ms - unix_ms <= seen.left_ms - unix_ms
            assert seen.left_ms - unix_ms <= after / 1e6 + 1
            if sys.platform == "linux":
                assert seen.ttl == 33


def test_it_answers_no_other_reflector(line: TurnClient) -> None:
    """Two reflectors that answer each other never stop; a packet from port 0 has no way back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.2", line.slot["udp_port"]))
        sock.settimeout(0.3)
        sock.sendto(line.packet(1), ("127.0.0.1", line.slot["udp_port"]))
        with pytest.raises(TimeoutError):
            sock.recv(9000)


def test_a_flood_of_garbage_does_not_stop_it(line: TurnClient) -> None:
    """10,000 datagrams a second for two seconds, and a valid session beside them is answered."""
    where = (line.host, line.slot["udp_port"])
    session = struct.pack(">H", line.slot["session"])
    forged = secrets.token_bytes(26) + session + secrets.token_bytes(100)
    garbage = [secrets.token_bytes(random.randrange(1, 1400)) for _ in range(30)] + [forged] * 10
    sent = 0

    def flood() -> None:
        nonlocal sent
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            begun = time.monotonic()
            while sent < 20_000:
                while sent < min(20_000, (time.monotonic() - begun) * 10_000):
                    with contextlib.suppress(OSError):
                        sock.sendto(garbage[sent % len(garbage)], where)
                    sent += 1
                time.sleep(0.002)

    attacker = threading.Thread(target=flood)
    answered = asked = 0
    with line.datagrams() as sock:
        sock.settimeout(0.5)
        attacker.start()
        while attacker.is_alive() and asked < 1000:
            sock.send(line.packet(asked))
            asked += 1
            with contextlib.suppress(TimeoutError):
                answered += stamp.read_reflected(sock.recv(9000), line.key).sent.number >= 0
            time.sleep(0.02)
        attacker.join()
        sock.send(line.packet(asked))
        after = stamp.read_reflected(sock.recv(9000), line.key)

    assert sent == 20_000
    assert asked > 10
    assert answered >= 0.5 * asked, "a full buffer costs some, on a machine that is busy"
    assert after.sent.number == asked
    assert line.request("GET", "/api/v1/capacity/echo")[0] == 204


def test_nobody_else_gets_a_word_over_a_socket(line: TurnClient) -> None:
    with line.datagrams() as sock:
        sock.settimeout(0.3)
        for packet in (
            stamp.sender_packet(0, time.time_ns()),
            line.packet(0, key=bytes(32)),
            line.packet(0)[:111],
            b"",
            secrets.token_bytes(9001),
        ):
            sock.send(packet)
        with pytest.raises(TimeoutError):
            sock.recv(9000)
