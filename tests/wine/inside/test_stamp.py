"""STAMP on Windows sockets: no arrival times by the system, a coarse wall clock, waits of 15.6 ms."""

from __future__ import annotations

import time

from ccpor_checks import path
from ccpor_checks.base import Context, Target
from ccpor_checks.capacity.quality import Reflector as There
from ccpor_checks.capacity.quality import measure
from ccpor_checks.kit.packets import wall_ns
from ccpor_checks.kit.stamp_session import StampSession
from tests.checks.looking import looked
from tests.peers.stamp_reflector import Reflector, reflecting

KEY = bytes(range(32))


def test_the_clock_that_packets_carry_is_fine() -> None:
    """Windows' own wall clock stands still for 15.6 ms: a jitter of its own making."""
    end = time.perf_counter() + 0.5
    seen = set()
    while time.perf_counter() < end:
        seen.add(wall_ns() // 1_000_000)

    assert len(seen) > 100
    assert abs(wall_ns() - time.time_ns()) < 1_000_000_000


def test_answers_are_timed_without_the_systems_help() -> None:
    """The time of reading stands for the time of arrival."""
    with (
        reflecting(Reflector(key=KEY)) as port,
        StampSession("127.0.0.1", port, 7, KEY) as session,
    ):
        found = []
        for _ in range(20):
            session.send()
            found += session.wait(1.0)

    assert [each.number for each in found] == [each.far_number for each in found]
    assert len(found) == 20
    assert all(each.ms is None or 0 <= each.ms < 500 for each in found)


def test_quality_tells_each_way_on_windows() -> None:
    """The whole measurement, with a loss each way that it must find."""
    with reflecting(
        Reflector(key=KEY),
        takes=lambda number: 0 if number == 20 else 1,
        gives=lambda number, answer: [] if number == 40 else [answer],
    ) as port:
        there = There(address="127.0.0.1", port=port, session=7, key=KEY)
        seen = measure(there, Context(deadline=time.monotonic() + 40), seconds=3)

    assert sum(each.lost_up or 0 for each in seen.losses) == 1
    assert sum(each.lost_down or 0 for each in seen.losses) == 1
    assert (seen.reordered, seen.duplicated) == (0, 0)
    assert sum(each.sent for each in seen.losses) > 100


def test_a_path_is_looked_at_by_stamp() -> None:
    """`stamp://` on Windows: the size search is not possible there and says so."""
    with reflecting(Reflector()) as port:
        target = Target(
            id="t", url=f"stamp://127.0.0.1:{port}", scheme="stamp", host="127.0.0.1", port=port
        )
        seen = looked(path.CHECK, target, {"route": False}, seconds=60)

    assert "path.loss/lossy" not in seen.failed
    assert (seen.evidence.method, seen.evidence.lost) == ("stamp", 0)
    assert (seen.evidence.reordered, seen.evidence.duplicated) == (0, 0)
