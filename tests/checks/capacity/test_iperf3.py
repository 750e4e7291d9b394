"""Debian's iperf3 as a cross-check: a real server, a busy one, none, and what it says in numbers."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.capacity import CHECK, CapacityEvidence
from ccpor_checks.capacity.iperf3 import Output, command, transfer_of
from tests.checks.capacity.seen import findings, options, seen
from tests.peers import free_port, program, started

UP = options(required_mbit=4, directions=["up"])


def target(port: int) -> Target:
    url = f"iperf3://127.0.0.1:{port}"
    return Target(id="line", url=url, scheme="iperf3", host="127.0.0.1", port=port)


def context(seconds: float = 40) -> Context:
    return Context(deadline=time.monotonic() + seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[int]:
    port = free_port()
    log = tmp_path / "iperf3.log"
    words = [program("iperf3"), "--server", "--port", str(port), "--bind", "127.0.0.1"]
    with started([*words, "--forceflush"], log=log, ready=lambda: b"listening" in log.read_bytes()):
        yield port


def run(port: int, asked: object = UP) -> CapacityEvidence:
    return CHECK.run(target(port), asked, context())  # type: ignore[arg-type]


@pytest.mark.slow
def test_both_ways_are_paced_and_counted_by_the_receiver(server: int) -> None:
    """A cross-check of our own numbers by somebody else's program."""
    both = options(required_mbit=4)
    evidence = run(server, both)

    assert evidence.server == "iperf3"
    assert [one.direction for one in evidence.transfers] == ["up", "down"]
    for one in evidence.transfers:
        assert one.mbit == pytest.approx(5.0, rel=0.1)
        assert one.is_lower_bound
        assert one.megabytes < 5
    assert [str(each.status) for each in findings(evidence, both).values()] == [
        "pass",
        "pass",
        "not-applicable",
    ]


def test_somebody_elses_test_is_no_verdict(server: int) -> None:
    """The server's own first byte says that it is busy, not a text."""
    words = [program("iperf3"), "-c", "127.0.0.1", "-p", str(server), "-t", "60", "-b", "1M"]
    words += ["--forceflush"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert any("sec" in line for line in other.stdout), "its test never began"
            evidence = run(server)
        finally:
            other.kill()

    assert evidence.not_measured_reason == "server-busy"
    assert findings(evidence, UP)["capacity.upload"].reason == "server-busy"


def test_nobody_there_is_an_inability() -> None:
    """The tcp check has said so; this one claims nothing."""
    program("iperf3")

    with pytest.raises(CannotObserve, match="gave no result"):
        run(free_port())


def test_without_the_program_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing, and how to get it."""
    monkeypatch.setattr(shutil, "which", lambda _name: None)

    with pytest.raises(CannotObserve, match="install the package iperf3"):
        run(1)


def test_a_server_of_another_kind_is_not_waited_for() -> None:
    """It takes the connection and says nothing: the child ends with our patience."""
    program("iperf3")
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as silent:
        ctx = context(3)
        with pytest.raises((CannotObserve, TimeoutError)):
            CHECK.run(target(silent.getsockname()[1]), UP, ctx)


def test_it_is_bounded_in_time_and_bytes() -> None:
    """And never told through a shell."""
    words = command(seen(server="iperf3"), "down", 4, 10.0)

    assert words[1:] == [
        *("--client", "10.77.4.10", "--port", "8443", "--json", "--connect-timeout", "5000"),
        *("--parallel", "4", "--bitrate", "2500000", "--interval", "0.25"),
        *("--omit", "1", "--time", "4", "--reverse"),
    ]


def test_its_numbers_are_read_with_their_spread() -> None:
    """A queue that filled up, by the kernel's round trips of the sender."""
    parts = [{"sum": {"bits_per_second": 1e6 * mbit}} for mbit in (7.9, 8.1, 8.0, 8.0)]
    said = {
        "intervals": [{"sum": {"bits_per_second": 3e7, "omitted": True}}, *parts],
        "end": {
            "sum_received": {"seconds": 4.0, "bytes": 4e6, "bits_per_second": 8e6},
            "sum_sent": {"retransmits": 3},
            "streams": [{"sender": {"min_rtt": 40_000, "mean_rtt": 140_000}}],
        },
    }
    one = transfer_of(msgspec.convert(said, Output), "up", 2, 12.5)

    assert (one.mbit, one.blocks, one.limited_by) == (8.0, 4, "queue")
    assert 7.8 < one.low_mbit < 8.0 < one.high_mbit < 8.2
