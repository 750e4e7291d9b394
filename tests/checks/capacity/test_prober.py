"""The process that times the line: by UDP, by HTTPS, beside a busy parent, and gone with it."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from ccpor_checks.capacity.prober import Prober, delay_of
from tests.checks.capacity.office import Office
from tests.peers import wait_until


def test_idle_round_trips_by_udp(office: Office) -> None:
    """Loopback takes no time to speak of, and loses nothing."""
    ctx = office.context()
    with office.turn(ctx) as turn, Prober(turn, ctx) as prober:
        idle = prober.idle(20)

    assert idle is not None
    assert (idle.by, idle.lost) == ("stamp", 0)
    assert idle.samples >= 10  # what was held up while it was sent is not timed
    assert 0 < idle.min_ms <= idle.p50_ms <= idle.p95_ms < 500
    assert len(idle.rtts_ms) == idle.samples


@pytest.mark.parametrize("udp", ["nobody", "none"])
def test_where_udp_does_not_pass_https_is_asked(office: Office, udp: str) -> None:
    """Court firewalls drop UDP; the line is timed all the same, and it is said by what."""
    ctx = office.context()
    with office.turn(ctx) as turn:
        port = None if udp == "none" else 9  # discard: nobody answers
        turn.slot = msgspec.structs.replace(turn.slot, udp_port=port)
        with Prober(turn, ctx) as prober:
            idle = prober.idle(10)

    assert idle is not None
    assert (idle.by, idle.lost) == ("echo", 0)
    assert idle.samples == 10


def test_a_busy_parent_is_not_the_lines_delay(office: Office) -> None:
    """The reason for a process of its own: this one holds the interpreter, the child does not wait."""
    ctx = office.context()
    over = threading.Event()

    def spin() -> None:
        while not over.is_set():
            sum(range(10_000))

    spinners = [threading.Thread(target=spin) for _ in range(3)]
    with office.turn(ctx) as turn, Prober(turn, ctx) as prober:
        prober.start()
        assert prober.wait_for_first(10)
        for one in spinners:
            one.start()
        time.sleep(1.5)
        over.set()
        loaded = prober.stop()
        for one in spinners:
            one.join()

    assert loaded is not None
    assert loaded.samples >= 10
    assert loaded.p50_ms < 20


def test_recent_round_trips_are_there_while_it_asks(office: Office) -> None:
    """The guard and the live line read them."""
    ctx = office.context()
    with office.turn(ctx) as turn, Prober(turn, ctx) as prober:
        prober.start()
        wait_until(lambda: prober.recent_ms() is not None, "a round trip")
        recent = prober.recent_ms()
        prober.slow_down()
        loaded = prober.stop()

    assert recent is not None
    assert recent < 500
    assert loaded is not None


def test_neither_token_nor_key_is_on_the_command_line(office: Office) -> None:
    """Every user of a workstation may read the command lines of all."""
    ctx = office.context()
    with office.turn(ctx) as turn, Prober(turn, ctx) as prober:
        prober.idle(3)
        assert prober._child is not None
        words = " ".join(map(str, prober._child.args))
        secrets = (turn.slot.token, turn.slot.key or "no key")
        if sys.platform == "linux":
            words += Path(f"/proc/{prober._child.pid}/cmdline").read_text()
            words += Path(f"/proc/{prober._child.pid}/environ").read_text()

    assert not [one for one in secrets if one in words]


def test_it_ends_with_its_block_and_with_its_check(office: Office) -> None:
    """No process stays behind on a court's workstation."""
    ctx = office.context()
    with office.turn(ctx) as turn:
        with Prober(turn, ctx) as first:
            first.start()
        second = Prober(turn, ctx)
        second.__enter__()
        assert second._child is not None
        second._child.stdin.close()  # type: ignore[union-attr]
        ended = second._child.wait(10)
        second.__exit__()

    assert first._child is not None
    assert first._child.poll() is not None
    assert ended == 0


def test_percentiles_are_of_what_came_and_losses_are_counted() -> None:
    """Nearest rank: each is a round trip that was."""
    delay = delay_of([float(ms) for ms in range(1, 1001)] + [None] * 10, "stamp")

    assert delay is not None
    assert (delay.samples, delay.lost) == (1010, 10)
    assert (delay.min_ms, delay.p50_ms, delay.p95_ms, delay.p99_ms) == (1, 500, 950, 990)
    assert len(delay.rtts_ms) == 400
    assert delay_of([None, None], "echo") is None
