"""The whole check against a real collector on loopback: its parts, its order, and its bounds."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity import CHECK, CapacityEvidence, look, schedule
from ccpor_checks.capacity.history import History, Kept
from ccpor_checks.capacity.look import local_day, loss_up, sample_of
from ccpor_checks.capacity.schedule import turn_s, wanted_mb, within
from ccpor_reporting.model import Status
from tests.checks.capacity.office import Office
from tests.checks.capacity.seen import MONDAY, OFFICE, findings, options, seen, transfer

SMALL = options(workload={**OFFICE, "users": 2}, required_mbit=3, packets_s=3)


def run(office: Office, ctx: Context, asked: Any = SMALL) -> CapacityEvidence:
    return CHECK.run(office.target, asked, ctx)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def measured(office: Office, state: Path) -> CapacityEvidence:
    """One whole look, with a shorter time for UDP than usual."""
    office.told.clear()
    return run(office, dataclasses.replace(office.context(120), state_dir=state))


@pytest.mark.slow
def test_a_healthy_line_has_no_finding(measured: CapacityEvidence) -> None:
    """No false alarms; and what one run cannot prove is not said."""
    found = findings(measured, SMALL)

    assert {each.status for each in found.values()} <= {Status.PASS, Status.ERROR}, found
    # errors only where this machine is busy with other tests, or where runs are missing
    reasons = {each.reason for each in found.values() if each.status is Status.ERROR}
    assert measured.too_busy or reasons <= {None, "unsteady"}
    assert [one.mbit for one in measured.transfers] == pytest.approx([3.75, 3.75], rel=0.1)
    assert measured.middlebox is None


@pytest.mark.slow
def test_every_part_left_its_figures(measured: CapacityEvidence) -> None:
    """Idle, packets, both ways, orders, and what it cost."""
    assert measured.idle is not None
    assert measured.idle.by == "stamp"
    assert measured.quality is not None, measured.quality_unknown
    assert [one.direction for one in measured.transfers] == ["up", "down"]
    assert [one.asked_mbit for one in measured.transfers] == [3.75, 3.75]
    assert measured.replay is not None
    assert len(measured.replay.seconds) == 3
    assert measured.replay.order_bytes == 540_000
    assert 0 < measured.megabytes < 12
    assert measured.address == "127.0.0.1"


@pytest.mark.slow
def test_the_run_is_kept_for_the_next_one(
    measured: CapacityEvidence, office: Office, state: Path
) -> None:
    """The worst hour is found by several runs only."""
    if measured.too_busy:
        pytest.skip("this machine is too busy to measure, and said so")
    (own,) = measured.history
    context = dataclasses.replace(office.context(), state_dir=state)
    kept = History(office.target, context)

    assert own.up_mbit is not None
    assert own.up_is_lower_bound
    assert own.replay_ratio is None or own.replay_ratio >= 0.7
    assert kept.used_mb(local_day(own.at)) == measured.megabytes
    assert kept.samples(own.at) == (own,)


@pytest.mark.slow
def test_the_live_line_tells_each_part(measured: CapacityEvidence, office: Office) -> None:
    """Nobody waits half a minute for nothing."""
    assert measured.transfers
    told = " | ".join(office.told)
    for part in ("round trips", "UDP", "proxy", "up ", "down ", "test order 3 of 3"):
        assert part in told


def test_another_court_in_its_turn_is_no_verdict(office: Office) -> None:
    """Our patience ends, theirs goes on: an error with its reason, nothing else."""
    theirs = office.context(machine=1)
    with office.turn(theirs):
        evidence = run(office, office.context(schedule.turn_s(SMALL) + 3))

    assert evidence.not_measured_reason == "server-busy"
    found = findings(evidence, SMALL)
    assert {each.reason for each in found.values()} == {"server-busy"}


def test_a_workstation_that_is_not_enrolled_is_told_so(office: Office) -> None:
    """It could not look: who it is must be known first."""
    stranger = dataclasses.replace(office.context(), sign=lambda _method, _path: None)

    with pytest.raises(CannotObserve, match="not enrolled"):
        run(office, stranger)


def test_a_day_has_200_megabytes(office: Office, tmp_path: Path) -> None:
    """A schedule gone wild must not eat a court's line."""
    context = dataclasses.replace(office.context(), state_dir=tmp_path)
    today = local_day(context.now())
    History(office.target, context).add(Kept(local_day=today, megabytes=199.0))

    evidence = run(office, context)

    assert evidence.transfers == ()
    assert evidence.not_measured is not None
    assert "200 MB" in evidence.not_measured
    assert findings(evidence, SMALL)["capacity.upload"].status is Status.ERROR


def test_a_turn_has_room_for_what_is_asked() -> None:
    """Seconds and bytes are cut to what the server granted, never below what shows anything."""
    long = options(max_seconds=300, workload=OFFICE)

    cut = within(long, seconds=turn_s(long), megabytes=8)

    assert turn_s(long) == 120
    assert 2 * (cut.max_seconds + schedule.SET_UP_S) <= 120 - long.packets_s
    assert 2 * cut.megabytes <= 8
    assert wanted_mb(options()) == 50
    assert wanted_mb(options(mode="saturate", directions=["up"])) == 60
    assert within(options(), seconds=1, megabytes=0.1).max_seconds == 1.0


def test_a_sample_is_the_low_end_of_what_was_seen() -> None:
    """What a court can count on; quick orders on a line that may carry more are no doubt."""
    quick = look.Replay(order_bytes=540_000, seconds=(0.2,), predicted_s=2.0, ratio=0.1)

    free = sample_of(seen(transfer(), replay=quick), MONDAY)
    full = sample_of(seen(transfer(limited_by="queue"), replay=quick), MONDAY)

    assert (free.up_mbit, free.up_is_lower_bound, free.replay_ratio) == (10.7, True, None)
    assert (full.up_is_lower_bound, full.replay_ratio) == (False, 0.1)
    assert loss_up(None) == (None, None)
