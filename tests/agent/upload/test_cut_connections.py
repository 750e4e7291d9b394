"""A line that breaks anywhere: each report ends up at the collector exactly once."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from ccpor_agent.identity import load_identity, save_identity
from ccpor_agent.spool import Place, Spool
from ccpor_agent.upload import send_report
from tests.agent.upload.conftest import HeldTime
from tests.peers.chaos_proxy import ChaosProxy, Way, started_proxy
from tests.peers.fake_collector import FakeCollector, new_report, run_id_of

PARTS = 4  # so that two workers share the cut points
SPREAD = 16  # bytes by which one exchange may be longer than another


def send_by(proxy: ChaosProxy, state: Path) -> None:
    """Let the workstation reach its collector through *proxy*."""
    identity = load_identity(state)
    assert identity is not None
    save_identity(
        state, msgspec.structs.replace(identity, collector=f"http://127.0.0.1:{proxy.port}")
    )


def faults_after_cut(
    way: Way, at: int, proxy: ChaosProxy, state: Path, collector: FakeCollector, held: HeldTime
) -> list[str]:
    """Send one report over a line that is cut once; return what is not as it must be."""
    report = new_report()
    run_id = run_id_of(report)
    cuts = proxy.cuts
    proxy.cut(way, at)
    outcome = send_report(report, state, seconds=30.0, pace=held.pace())
    faults = []
    # Signatures differ by some bytes in length: an exchange that ended before the cut is whole.
    if proxy.cuts != cuts + 1 and proxy.passed[way] > at:
        faults.append(f"{way} {at}: was not cut")
    if len(collector.stored.get(run_id, [])) != 1:
        faults.append(f"{way} {at}: stored {len(collector.stored.get(run_id, []))} times")
    if not outcome.acknowledged:
        faults.append(f"{way} {at}: {outcome.message}")
    if Spool(state).read(Place.WAITING):
        faults.append(f"{way} {at}: still waits")
    return faults


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("way", ["up", "down"])
def test_a_cut_at_every_byte_ends_in_exactly_one_stored_report(
    way: Way, part: int, collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """After the cut the workstation cannot know whether the collector committed; no matter."""
    with started_proxy(collector.port) as proxy:
        send_by(proxy, state)
        send_report(new_report(), state, pace=held.pace())
        offsets = range(part, proxy.passed[way] + SPREAD, PARTS)
        assert len(offsets) > 100, "the measured exchange is too short to be one"
        # The spool is emptied as it goes: 500 acknowledged files would only slow the listing.
        faults = []
        for number, at in enumerate(offsets):
            faults += faults_after_cut(way, at, proxy, state, collector, held)
            if number % 50 == 0:
                for path in (state / "spool" / "acknowledged").iterdir():
                    path.unlink()

    assert faults == []


def test_the_collector_had_committed_before_some_answers_were_cut(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """Negative control: the dangerous case, stored but not told, really happens here."""
    with started_proxy(collector.port) as proxy:
        send_by(proxy, state)
        faults = faults_after_cut("down", 10, proxy, state, collector, held)

    assert faults == []
    assert collector.posts == 2
    assert [len(digests) for digests in collector.stored.values()] == [1]
