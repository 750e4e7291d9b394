"""One rotten file among many."""

from __future__ import annotations

from pathlib import Path

from ccpor_agent.spool import Spool
from ccpor_agent.upload import deliver, save_report
from tests.agent.upload.conftest import HeldTime
from tests.peers.fake_collector import FakeCollector, new_report, run_id_of


def test_the_others_are_delivered(collector: FakeCollector, state: Path, held: HeldTime) -> None:
    """A bad sector must not cost a court its other evidence."""
    reports = [new_report() for _ in range(5)]
    saved = [save_report(report, state, held.pace().now()) for report in reports]
    path = state / "spool" / saved[2].file_name
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 4
    path.write_bytes(body)

    deliver(state, pace=held.pace())

    ids = [run_id_of(report) for report in reports]
    assert collector.order == [ids[4], ids[0], ids[1], ids[3]]
    assert Spool(state).quarantined() == [saved[2].file_name]
