"""A run on an enrolled machine: its own profile, the upload, and what acknowledged means."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_agent.enroll import enroll, refresh_profile
from tests.agent.program import ccpor, listening
from tests.peers.fake_collector import CODE, FakeCollector, started_collector

PROFILE = """schema = "ccpor-profile/1"
version = 1
[location]
court = "ca-sonoma"
name = "santa-rosa"
role = "scan-station"
[[target]]
id = "aoc"
url = "tcp://127.0.0.1:{port}"
"""


@pytest.fixture
def server() -> Iterator[int]:
    with listening() as port:
        yield port


@pytest.fixture
def collector(server: int, tmp_path: Path) -> Iterator[FakeCollector]:
    with started_collector(FakeCollector()) as running:
        enroll(tmp_path / "state", running.url, CODE)
        running.publish(toml=PROFILE.format(port=server))
        yield running


def test_the_own_profile_is_run_and_the_report_acknowledged(
    collector: FakeCollector, tmp_path: Path
) -> None:
    """After enrolment, `ccpor-check run` is all that a technician types."""
    ran = ccpor("run", "--require-upload", "--json")

    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert list(collector.stored) == [told["run_id"]]
    assert told["machine"]["id"]


def test_no_upload_keeps_the_report_here(collector: FakeCollector, tmp_path: Path) -> None:
    """A trial run must not appear on anybody's board."""
    refresh_profile(tmp_path / "state")
    asked = len(collector.requests)

    ran = ccpor("run", "--no-upload")

    assert ran.returncode == 0, ran.stderr
    assert (list(collector.stored), len(collector.requests)) == ([], asked)


@pytest.mark.slow
def test_ready_but_unreachable_collector_is_4(tmp_path: Path, server: int) -> None:
    """The court is ready, and the AOC does not know it yet: only --require-upload minds."""
    with started_collector(FakeCollector()) as running:
        enroll(tmp_path / "state", running.url, CODE)
        running.publish(toml=PROFILE.format(port=server))
        refresh_profile(tmp_path / "state")

    ran = ccpor("run", "--require-upload")

    assert ran.returncode == 4, ran.stderr
    assert "saved" in ran.stderr
