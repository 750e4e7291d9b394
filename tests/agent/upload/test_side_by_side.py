"""Uploads that meet: the schedule's and a person's."""

from __future__ import annotations

import threading
from pathlib import Path

from ccpor_agent.seam import RunLock
from ccpor_agent.spool import Place, Spool
from ccpor_agent.upload import UploadOutcome, deliver, send_report
from tests.agent.upload.conftest import HeldTime
from tests.peers.fake_collector import FakeCollector, new_report


def test_reports_sent_at_the_same_moment_are_each_kept_once(
    collector: FakeCollector, state: Path
) -> None:
    """One lock, one spool, no report twice and none forgotten."""
    outcomes: list[UploadOutcome] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(send_report(new_report(), state)))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [outcome.acknowledged for outcome in outcomes] == [True] * 8
    assert [len(digests) for digests in collector.stored.values()] == [1] * 8
    assert len(Spool(state).read(Place.ACKNOWLEDGED)) == 8


def test_while_another_upload_is_under_way_this_one_says_so(state: Path, held: HeldTime) -> None:
    """It waits as long as it may, and no longer."""
    (state / "spool").mkdir(exist_ok=True)
    with RunLock(state / "spool" / "upload.lock"):
        went = deliver(state, seconds=3.0, pace=held.pace())

    assert went.message == "another upload is under way"
    assert sum(held.pauses) <= 3.0
