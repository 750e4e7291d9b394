"""Real transfers to a collector on loopback: what is asked is reached, and every bound holds."""

from __future__ import annotations

import re
import threading
import time

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_checks.capacity import counters, loads, planned
from ccpor_checks.capacity.course import Course
from ccpor_checks.capacity.evidence import CapacityOptions, Delay, Direction, Transfer
from ccpor_checks.capacity.pacing import Pacer
from ccpor_checks.capacity.prober import Prober
from ccpor_checks.capacity.transfer import planned as run_planned
from ccpor_checks.capacity.transfer import saturated as run_saturated
from ccpor_reporting.capacity.workload import Workload
from tests.checks.capacity.office import Office

IDLE = Delay(samples=30, lost=0, min_ms=0.5, p50_ms=1, p95_ms=2, p99_ms=2, by="stamp")
BUSY = Workload(users=3, orders_per_hour=3600)


def made(office: Office, options: CapacityOptions, direction: Direction) -> Transfer:
    ctx = office.context()
    run = run_planned if options.mode == "planned" else run_saturated
    with office.turn(ctx) as turn:
        return run(turn, direction, options, IDLE, ctx)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_the_planned_rate_is_reached_and_no_more(office: Office, direction: Direction) -> None:
    """1.25 × 2 Mbit/s of payload on three flows: no more, or it would be a flood."""
    found = made(office, CapacityOptions(required_mbit=2, workload=BUSY), direction)

    assert found.streams == 3
    assert found.asked_mbit == 2.5
    assert found.mbit == pytest.approx(2.5, rel=0.1)  # 0.03 where nothing else runs
    assert found.low_mbit <= found.mbit <= found.high_mbit
    assert found.stopped_by == "answered"
    assert found.seconds <= 5.1
    assert found.megabytes < 2.5
    assert [moment.at_s for moment in found.course[:2]] == [0.25, 0.5]
    assert found.loaded is not None
    assert found.loaded.by == "stamp"


def test_where_the_kernel_does_not_pace_the_program_does(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has no such kernel: the same rate, and it says who kept to it."""
    monkeypatch.setattr(counters, "ON_LINUX", False)
    found = made(office, CapacityOptions(required_mbit=2, workload=BUSY), "up")

    assert found.paced_by == "program"
    assert found.mbit == pytest.approx(2.5, rel=0.1)
    assert (found.congestion, found.retransmitted_pct) == (None, None)


@pytest.mark.parametrize("direction", ["up", "down"])
def test_no_more_is_moved_than_allowed(office: Office, direction: Direction) -> None:
    """A metered line costs its court money by the megabyte."""
    found = made(office, CapacityOptions(mode="saturate", max_megabytes=30), direction)

    assert found.stopped_by == "bytes"
    assert 29 <= found.megabytes <= 34
    assert found.mbit > 10


def test_no_more_time_is_taken_than_allowed(office: Office) -> None:
    found = made(office, CapacityOptions(required_mbit=2, max_seconds=1), "up")

    assert found.stopped_by == "time"
    assert found.seconds < 2


def test_the_guard_ends_a_test_that_others_suffer_from(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Live users share the line: 1.5 s of a round trip 150 ms too long are enough."""
    monkeypatch.setattr(Prober, "recent_ms", lambda _self: 250.0)
    monkeypatch.setattr(planned.Judge, "is_answered", lambda *_: False)
    found = made(office, CapacityOptions(required_mbit=2), "up")

    assert found.stopped_by == "guard"
    assert found.guard_ms == 249.0
    assert 1.4 <= found.seconds <= 4


def test_too_little_with_a_queue_is_the_answer_at_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is full: nothing is won by filling it for three seconds more."""
    monkeypatch.setattr(Course, "over_idle_ms", lambda _self: 120.0)
    monkeypatch.setattr(planned, "RAMP_MS", 100.0)
    paced = loads.UpLoad._paced

    def half(self: loads.UpLoad, wire: object) -> object:
        self.each_mbit = (self.each_mbit or 0) / 2
        return paced(self, wire)  # type: ignore[arg-type]

    monkeypatch.setattr(loads.UpLoad, "_paced", half)
    found = made(office, CapacityOptions(required_mbit=2), "up")

    assert found.stopped_by == "answered"
    assert found.mbit < 0.9 * 2.5
    assert found.seconds < 3


def test_the_live_line_says_rate_delay_and_what_is_left(office: Office) -> None:
    office.told.clear()
    made(office, CapacityOptions(required_mbit=2, max_seconds=1), "up")
    shape = re.compile(r"up \d+\.\d Mbit/s(, \d+ ms)?, \d\.\d s and \d+\.\d MB left")

    told = [words for words in office.told if shape.fullmatch(words)]

    assert 2 <= len(told) <= 8
    assert told == office.told


def test_a_turn_that_ends_under_way_says_so(office: Office) -> None:
    """The server may take the line away: what arrived until then is what is known."""
    ctx = office.context()
    with office.turn(ctx) as turn:
        timer = threading.Timer(2.0, turn.give_back)
        timer.start()
        found = run_planned(turn, "up", CapacityOptions(required_mbit=8), IDLE, ctx)
        timer.join()

    assert found.stopped_by == "target"
    assert found.seconds < 4


def test_a_turn_that_is_over_gives_no_transfer(office: Office) -> None:
    """Unknown, in words; no rate of zero that reads like a dead line."""
    ctx = office.context()
    turn = office.turn(ctx)
    with turn:
        pass
    with pytest.raises(CannotObserve):
        run_planned(turn, "up", CapacityOptions(required_mbit=8), IDLE, ctx)


def test_nothing_stays_open(office: Office) -> None:
    """All threads of a test end with it, also where it is given up in the middle."""
    before = {thread.name for thread in threading.enumerate()}
    ctx = office.context()
    with office.turn(ctx) as turn:
        timer = threading.Timer(1.0, ctx.abandon)
        timer.start()
        with pytest.raises(TimeoutError):
            run_planned(turn, "down", CapacityOptions(required_mbit=8), IDLE, ctx)
        timer.join()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        left = {thread.name for thread in threading.enumerate()} - before
        if not left:
            break
        time.sleep(0.05)

    assert left == set()


def test_pacing_neither_drifts_nor_bursts() -> None:
    """A hundred pieces take their time; after a hold-up at most 50 ms are made up for."""
    clock = [0.0]

    class Over(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            clock[0] += (timeout or 0.0) + 0.001  # a timer is always a little late
            return False

    pacer = Pacer(1_000_000, clock=lambda: clock[0])
    for _ in range(100):
        pacer.wait(10_000, Over())
    steady = clock[0]
    clock[0] += 5.0
    held_up = clock[0]
    for _ in range(100):
        pacer.wait(10_000, Over())

    assert steady == pytest.approx(0.99, abs=0.01)
    assert clock[0] - held_up == pytest.approx(0.94, abs=0.02)
