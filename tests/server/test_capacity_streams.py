"""What a turn moves, at a collector that is served: counted, paced, bounded, and told as it comes."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpor_reporting.capacity.protocol import BASE, FEEDBACK_MS, LEASE_S, SLOTS
from ccpor_server.capacity.filler import CHUNK, Filler, sizes, step_s
from ccpor_server.capacity.lag import TICK_S, Lag
from tests.peers import wait_until
from tests.server.rig import rig_in
from tests.server.test_serve import Served
from tests.server.turn_client import TurnClient


class Office:
    """A collector that runs, and workstations of two courts."""

    def __init__(self, served: Served, address: str, other: Any) -> None:
        self.served = served
        self.address = address
        self._other = other

    def client(self) -> TurnClient:
        return TurnClient(self.address, self.served.machine)

    def other(self) -> TurnClient:
        return TurnClient(self.address, self._other)


@pytest.fixture(scope="module")
def office(collector_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("lines")
    served = Served(collector_template, folder / "state")
    served.environment["CCPOR_COLLECTOR_RATE_SLOTS"] = "1000:1000"
    # enrolled in a copy: then both are known to the collector that runs
    with rig_in(folder / "state", folder / "both") as rig:
        other = rig.enrol("ca-marin")
    (folder / "state").rename(folder / "before")
    (folder / "both").rename(folder / "state")
    with served.running() as (address, _process):
        yield Office(served, address, other)


@pytest.fixture
def line(office: Office) -> Iterator[TurnClient]:
    """A turn that has come; given back at the end."""
    client = office.client()
    status, told = client.ask()
    assert status == 201, told
    client.until_granted()
    yield client
    client.give_back()


def lines_of(answer: Any, enough: int) -> list[dict[str, Any]]:
    return [json.loads(answer.readline()) for _ in range(enough)]


def test_what_arrives_is_counted_by_flow_and_told_while_it_comes(line: TurnClient) -> None:
    """Bytes that the sender believes sent are no measurement; those that arrived are."""
    with line.opened("feedback?flows=3") as feedback:
        assert feedback.headers["content-type"] == "application/x-ndjson"
        assert "no-transform" in feedback.headers["cache-control"]
        before = lines_of(feedback, 2)
        status, first = line.up(300_000, flow=0)
        line.up(70_000, flow=2)
        after = lines_of(feedback, 6)[-1]

    assert status == 200
    assert (first["bytes"], first["coding"]) == (300_000, None)
    assert before[0]["ms"] <= first["first_ms"] <= first["last_ms"] <= after["ms"]
    assert before[0]["bytes"] == 0
    assert (after["bytes"], after["flows"]) == (370_000, [300_000, 0, 70_000])
    assert after["busy"] in {False, True}


def test_the_feedback_comes_twenty_times_a_second_without_drift(line: TurnClient) -> None:
    with line.opened("feedback") as feedback:
        told = lines_of(feedback, 41)

    between = (told[-1]["ms"] - told[0]["ms"]) / 40
    assert FEEDBACK_MS * 0.98 <= between <= FEEDBACK_MS * 1.3


def test_a_coding_that_somebody_put_on_a_body_is_told(line: TurnClient) -> None:
    """A proxy that packs bodies changes what is measured; the client must hear of it."""
    status, told = line.up(1000, **{"Content-Encoding": "br"})

    assert (status, told["bytes"], told["coding"]) == (200, 1000, "br")


def test_a_body_of_a_known_length_is_counted_too(line: TurnClient) -> None:
    status, told = line.request("POST", f"{BASE}/up?flow=1", b"x" * 123_456)

    assert (status, told["bytes"]) == (200, 123_456)


def test_a_download_is_as_long_as_asked_and_nothing_makes_it_smaller(line: TurnClient) -> None:
    got = line.down(1_000_003)
    again = line.down(1_000_003)

    assert len(got) == 1_000_003
    assert len(zlib.compress(got, 9)) > 0.999 * len(got)
    assert got != again, "a cache on the way has nothing to find"


def test_a_paced_download_comes_evenly(line: TurnClient) -> None:
    """2 Mbit/s for a second and a half: not a burst and a pause."""
    count, mbit = 375_000, 2.0
    with line.opened(f"down?bytes={count}&mbit={mbit}") as answer:
        assert answer.headers["content-length"] == str(count)
        begun, came = time.monotonic(), []
        while piece := answer.read1(65536):
            came.append((time.monotonic() - begun, len(piece)))

    seconds = came[-1][0]
    assert sum(size for _, size in came) == count
    assert 0.95 * count * 8 / mbit / 1e6 <= seconds <= 1.5 * count * 8 / mbit / 1e6
    assert sum(size for at, size in came if at < seconds / 2) == pytest.approx(count / 2, rel=0.15)
    assert len(came) > 30


def test_the_echo_is_small_and_keeps_its_connection(line: TurnClient) -> None:
    with contextlib.closing(line.connection()) as connection:
        for _ in range(20):
            connection.request("GET", f"{BASE}/echo", headers=line.bearer)
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (204, b"")


@pytest.mark.parametrize(
    "path",
    [
        "up?flow=32",
        "up?flow=-1",
        "up?flow=x",
        "down?bytes=0",
        "down?bytes=",
        "down?bytes=9999999999999999",
        "down?bytes=10&mbit=0",
        "down?bytes=10&mbit=nan",
        "down?bytes=10&mbit=x",
        "feedback?flows=33",
        "feedback?flows=0",
    ],
)
def test_a_wrong_question_is_answered_in_words(line: TurnClient, path: str) -> None:
    method = "POST" if path.startswith("up") else "GET"
    status, told = line.request(method, f"{BASE}/{path}")

    assert status == 400
    assert re.search(r"(flow|bytes|mbit|flows) is a", told["detail"])


def test_no_more_than_the_turns_megabytes_are_moved(office: Office) -> None:
    """Both ways together, in one flow or many."""
    client = office.client()
    client.ask(megabytes=1)
    client.until_granted()
    assert client.up(400_000)[0] == 200
    assert len(client.down(10_000_000)) == 600_000  # told beforehand, in Content-Length

    status, told = client.request("GET", f"{BASE}/down?bytes=10")
    assert (status, "megabytes of this turn are used up" in told["detail"]) == (429, True)
    refused = [client.request("POST", f"{BASE}/up", b"x" * 1000) for _ in range(2)]
    assert [one[0] for one in refused] == [429, 429]
    assert client.request("GET", f"{BASE}/echo")[0] == 204, "the turn itself goes on"
    client.give_back()


def test_a_body_without_end_is_cut_at_the_budget(office: Office) -> None:
    client = office.client()
    client.ask(megabytes=1)
    client.until_granted()
    sent = 0
    with contextlib.closing(client.connection()) as connection:
        connection.putrequest("POST", f"{BASE}/up")
        for name, value in {**client.bearer, "Transfer-Encoding": "chunked"}.items():
            connection.putheader(name, value)
        connection.endheaders()
        with contextlib.suppress(OSError):
            while sent < 200_000_000:
                connection.send(b"10000\r\n" + bytes(65536) + b"\r\n")
                sent += 65536

    assert sent < 50_000_000, "what the buffers between us take, no more"
    client.give_back()


def test_whatever_runs_stops_with_the_turn(line: TurnClient) -> None:
    with line.opened("feedback") as feedback, line.opened("down?bytes=50000000&mbit=1") as down:
        lines_of(feedback, 2)
        assert line.give_back() == 204
        told = feedback.read()  # ends by itself, as a whole answer
        with contextlib.suppress(OSError):
            while down.read1(65536):
                pass

    assert told.count(b"\n") < 40
    assert line.request("GET", f"{BASE}/echo")[0] == 401


def test_two_sites_that_ask_at_once_get_turns_and_unspoiled_results(office: Office) -> None:
    """Each alone at the collector: what one counts has no byte of the other, nor its time."""
    spans: dict[str, tuple[float, float, int]] = {}
    faults: list[str] = []
    start = threading.Barrier(2)

    def measure(name: str, client: TurnClient) -> None:
        try:
            start.wait(10)
            client.ask(seconds=15)
            client.until_granted(30)
            begun = time.monotonic()
            with client.opened("feedback?flows=2") as feedback:
                client.up(3_000_000, flow=0)
                client.down(250_000, mbit=4)
                counted = lines_of(feedback, 8)[-1]["bytes"]
            spans[name] = (begun, time.monotonic(), counted)
            client.give_back()
        except Exception as exc:
            faults.append(repr(exc))

    threads = [
        threading.Thread(target=measure, args=("sonoma", office.client())),
        threading.Thread(target=measure, args=("marin", office.other())),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert faults == []
    (first, second) = sorted(spans.values())
    assert first[1] <= second[0] + 0.5, "one after the other"
    assert (first[2], second[2]) == (3_000_000, 3_000_000)


@pytest.mark.slow
def test_a_client_that_is_cut_off_frees_its_turn_within_15_seconds(office: Office) -> None:
    """No FIN, no reset: its sockets stay open and silent, with a paced download on its way."""
    dead, next_one = office.client(), office.other()
    dead.ask(seconds=100)
    dead.until_granted()
    with contextlib.ExitStack() as held:
        held.enter_context(dead.opened("feedback"))
        held.enter_context(dead.opened("down?bytes=9000000&mbit=1"))
        died = time.monotonic()
        next_one.ask()
        assert next_one.slot["state"] == "waiting"
        next_one.until_granted(20)
        waited = time.monotonic() - died

    assert LEASE_S - 1 <= waited <= 15
    next_one.give_back()


def test_a_client_that_vanishes_leaves_nothing_running(office: Office) -> None:
    """In the middle of a body, a download and the feedback: the collector goes on for others."""
    client = office.client()
    client.ask()
    client.until_granted()
    for begin in (
        f"POST {BASE}/up HTTP/1.1\r\nHost: x\r\nContent-Length: 999999\r\n",
        f"GET {BASE}/down?bytes=90000000 HTTP/1.1\r\nHost: x\r\n",
        f"GET {BASE}/feedback HTTP/1.1\r\nHost: x\r\n",
    ):
        with socket.create_connection((client.host, client.port), 5) as sock:
            bearer = client.bearer["Authorization"]
            sock.sendall(f"{begin}Authorization: {bearer}\r\n\r\nsome".encode())
            sock.recv(1000) if begin.startswith("GET") else time.sleep(0.05)

    assert client.up(1000)[0] == 200
    assert client.give_back() == 204
    log = office.served.log.read_text()
    assert "Traceback" not in log
    assert "request.failed" not in log


def test_no_secret_of_a_turn_is_in_the_log(office: Office, line: TurnClient) -> None:
    """Token and key open a line to whoever reads the log."""
    line.up(1000)
    with line.datagrams() as sock:
        sock.send(line.packet(0))
        sock.recv(2000)
    line.give_back()
    wait_until(lambda: "capacity.turn" in office.served.log.read_text(), "the turn's line")
    log = office.served.log.read_text()
    ended = [
        json.loads(one) for one in log.splitlines() if one[:1] == "{" and '"capacity.turn"' in one
    ]

    assert line.slot["token"] not in log
    assert line.slot["key"] not in log
    assert ended[-1]["machine"] == office.served.machine.id
    assert ended[-1]["end"] == "given-back"
    assert '"/api/v1/capacity/echo","status":204' not in log, "dozens a second"


def test_stopping_does_not_wait_for_a_turn(collector_template: Path, tmp_path: Path) -> None:
    """A service manager waits 15 s, then kills; a feedback stream has minutes before it."""
    served = Served(collector_template, tmp_path / "state")
    with served.running() as (address, process):
        client = TurnClient(address, served.machine)
        client.ask(seconds=100)
        with client.opened("feedback") as feedback:
            lines_of(feedback, 2)
            process.terminate()
            begun = time.monotonic()
            assert process.wait(20) == 0

    assert time.monotonic() - begun < 10


def test_a_collector_without_a_reflector_says_so(collector_template: Path, tmp_path: Path) -> None:
    served = Served(collector_template, tmp_path / "state")
    with served.running("--udp-port", "0") as (address, _process):
        client = TurnClient(address, served.machine)
        client.ask()

        assert client.slot["state"] == "granted"
        assert client.slot["udp_port"] is None
        assert client.request("GET", f"{SLOTS}/{client.slot['id']}")[0] == 200
    assert "reflecting on" not in served.log.read_text()


def test_a_taken_udp_port_is_said_and_costs_the_reflector_only(
    collector_template: Path, tmp_path: Path
) -> None:
    served = Served(collector_template, tmp_path / "state")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with served.running("--udp-port", str(port)) as (address, _process):
            client = TurnClient(address, served.machine)
            status, slot = client.ask()

    assert (status, slot["udp_port"]) == (201, None)
    assert f"no reflector on UDP 127.0.0.1:{port} (EADDRINUSE)" in served.log.read_text()


async def _paced(count: int, mbit: float, jumps: dict[int, float]) -> list[tuple[float, int]]:
    """Return when which size was given, on a clock that steps 1 ms a look and jumps as told."""
    at, looks, given = 0.0, 0, []

    def clock() -> float:
        nonlocal at, looks
        looks += 1
        at += jumps.get(looks, 0.001)
        return at

    async for size in sizes(count, mbit, clock):
        given.append((at, size))
        assert size <= CHUNK
    return given


@pytest.mark.parametrize("mbit", [0.5, 8.0, 400.0])
def test_pacing_keeps_the_rate_and_bursts_after_no_stall(rig: Any, mbit: float) -> None:
    """What a stall held back is not sent at once: the line would see a burst that nobody paced."""
    rate = mbit * 1e6 / 8
    given = rig.run(_paced(int(rate * 0.5), mbit, jumps={100: 0.5}))
    sizes_ = [size for _, size in given]

    assert sum(sizes_) == int(rate * 0.5)
    assert max(sizes_) <= max(1, rate * (0.05 + 3 * step_s(rate)))
    assert step_s(rate) <= 0.010


def test_the_pieces_of_the_pool_differ() -> None:
    filler = Filler()

    assert bytes(filler.piece(5000)) != bytes(filler.piece(5000))
    assert len(filler.piece(CHUNK)) == CHUNK


@pytest.mark.parametrize(
    ("stalls", "busy"), [([], False), ([0.04] * 40, False), ([0.06], False), ([0.5], True)]
)
def test_a_stalled_loop_is_busy(stalls: list[float], busy: bool) -> None:
    """More than 2 % of its ticks later than 50 ms: then the collector measures itself."""
    lag, now = Lag(), 0.0
    for step in [TICK_S] * 100 + stalls:
        now += step
        lag.seen(now)

    assert lag.busy is busy
