"""A shaped line does what it was set to: rate, round trip, queue, loss; and nothing of it is left behind."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.namespaces import refused
from tests.lab.shaped import DATACENTER, Line, shaped
from tests.peers import lacking

pytestmark = pytest.mark.netns
PORT, PATIENCE_S = 9000, 20.0
HEADERS = 28  # IPv4 and UDP


@pytest.fixture(autouse=True, scope="module")
def _allowed() -> None:
    why = refused()
    if why:
        lacking(why)


def datagrams(line: Line) -> tuple[socket.socket, socket.socket]:
    """Return a socket in the court that is connected to one in the datacenter, and that one."""

    def listening() -> socket.socket:
        there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        there.bind((DATACENTER, PORT))
        there.settimeout(PATIENCE_S)
        return there

    def connected() -> socket.socket:
        here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        here.connect((DATACENTER, PORT))
        here.settimeout(PATIENCE_S)
        return here

    there = line.inside("datacenter", listening)
    return line.inside("court", connected), there


def arrived(there: socket.socket, last: bytes, quiet_s: float) -> list[bytes]:
    """Return what came to *there* until *last*, or until nothing came for *quiet_s*."""
    got: list[bytes] = []
    there.settimeout(quiet_s)
    with contextlib.suppress(TimeoutError):
        while not got or got[-1] != last:
            got.append(there.recv(2048))
    return got


@contextlib.contextmanager
def connections(line: Line, number: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Give pairs of connected TCP sockets: the court's and the datacenter's end."""
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(
            line.inside("datacenter", lambda: socket.create_server((DATACENTER, PORT)))
        )

        def connected() -> socket.socket:
            return socket.create_connection((DATACENTER, PORT), PATIENCE_S)

        pairs = []
        for _ in range(number):
            near = stack.enter_context(line.inside("court", connected))
            pairs.append((near, stack.enter_context(door.accept()[0])))
        yield pairs


def quietly(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        with contextlib.suppress(OSError):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def goodput_mbit(
    sender: list[socket.socket], receiver: list[socket.socket], *, seconds: float
) -> float:
    """Return what *receiver* got in *seconds*, after as much again for the flows to get going."""
    block, counted, over = bytes(65536), [0] * len(receiver), threading.Event()

    def send(end: socket.socket) -> None:
        while not over.is_set():
            end.send(block)

    def receive(number: int) -> None:
        while got := receiver[number].recv(65536):
            counted[number] += len(got)

    for end in sender:
        end.settimeout(PATIENCE_S)
        quietly(lambda end=end: send(end))  # type: ignore[misc]
    for number in range(len(receiver)):
        quietly(lambda number=number: receive(number))  # type: ignore[misc]
    time.sleep(seconds)
    before, began = sum(counted), time.monotonic()
    time.sleep(seconds)
    after, ended = sum(counted), time.monotonic()
    over.set()
    return (after - before) * 8 / (ended - began) / 1e6


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_tcp_flow_gets_the_rate_of_its_way(direction: str) -> None:
    with shaped(mbit=20, up_mbit=8, rtt_ms=10) as line, connections(line, 2) as pairs:
        cubic = {
            end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")
            for pair in pairs
            for end in pair
        }
        assert cubic == {b"cubic"}
        near, far = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        ends = (near, far) if direction == "up" else (far, near)
        got = goodput_mbit(*ends, seconds=1.2)
        truth = line.truth_up_mbit if direction == "up" else line.truth_mbit
        assert truth == pytest.approx((8 if direction == "up" else 20) * 1448 / 1500)
        assert 0.92 * truth < got < 1.03 * truth
        assert all(way["overrun"] == 0 for way in line.counters().values())


def test_a_fast_line_carries_super_packets() -> None:
    with shaped(mbit=200, rtt_ms=10) as line, connections(line, 2) as pairs:
        assert line.shape.gso
        got = goodput_mbit([pair[0] for pair in pairs], [pair[1] for pair in pairs], seconds=0.8)
        assert 0.85 * line.truth_mbit < got < 1.03 * line.truth_mbit


def test_the_round_trip_is_what_was_set() -> None:
    with shaped(mbit=10, rtt_ms=30) as line:
        here, there = datagrams(line)
        with here, there:
            took = []
            for number in range(20):
                began = time.monotonic()
                here.send(b"%d" % number)
                there.sendto(*there.recvfrom(64))
                here.recv(64)
                took.append(time.monotonic() - began)
            assert 0.030 <= min(took) < 0.033


def test_a_queue_holds_its_bytes_and_drops_the_rest() -> None:
    packet = b"x" * 1400
    with shaped(mbit=10, rtt_ms=10, queue_ms=200) as line:
        here, there = datagrams(line)
        with here, there:
            began = time.monotonic()
            for _ in range(500):
                here.send(packet)
            seconds = time.monotonic() - began
            got = len(arrived(there, b"", 1.5))
        size = len(packet) + HEADERS
        held = line.shape.queue_bytes("up")
        assert held == 250_000
        most = (held + line.shape.burst_bytes("up") + seconds * 10e6 / 8) / size
        assert held / size - 1 <= got <= most + 2
        up = line.counters()["up"]
        assert up["queued_out"] == 500 - got
        assert up["overrun"] == 0


def test_lost_doubled_and_late_packets_are_counted() -> None:
    sent = 2000
    with shaped(
        mbit=100, rtt_ms=4, loss_pct=5, dup_pct=2, reorder_pct=3, reorder_ms=15, seed=4
    ) as line:
        assert not line.shape.gso
        here, there = datagrams(line)
        with here, there:
            for number in range(sent):
                here.send(b"%d" % number)
                if number % 50 == 49:
                    time.sleep(0.01)
            got = [int(one) for one in arrived(there, b"", 0.7)]
        up = line.counters()["up"]
        assert up["overrun"] == 0
        assert len(set(got)) == up["taken"] - up["lost"] == sent - up["lost"]
        assert len(got) == len(set(got)) + up["doubled"]
        assert 0.025 < up["lost"] / sent < 0.08
        assert 10 < up["doubled"] < 80
        overtaken = sum(1 for before, after in itertools.pairwise(got) if after < before)
        assert overtaken > 5
        line.trouble(loss_up_pct=100)
        before = line.counters()["up"]["given"]
        assert line.inside("court", lambda: _udp_sent(10)) == 10
        assert line.counters()["up"]["given"] == before


def _udp_sent(number: int) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        return sum(here.sendto(b"x", (DATACENTER, PORT)) for _ in range(number))


def test_two_lines_stand_beside_each_other_and_leave_nothing() -> None:
    with shaped(mbit=5, rtt_ms=4) as one, shaped(mbit=None, rtt_ms=20) as other:
        began = [line.start("datacenter", ["sleep", "60"]).pid for line in (one, other)]
        assert other.truth_mbit == float("inf")
        for line in (one, other):
            here, there = datagrams(line)
            with here, there:
                here.send(b"hello")
                assert there.recv(16) == b"hello"
        folders = (one.folder, other.folder)
    assert not any(folder.exists() for folder in folders)
    assert not any(Path(f"/proc/{pid}").exists() for pid in began)


def test_super_packets_are_refused_where_they_would_be_lost_whole() -> None:
    with pytest.raises(ValueError, match="44"), shaped(mbit=100, loss_pct=1, gso=True):
        pass
