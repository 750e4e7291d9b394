"""A collector on loopback, and a workstation enrolled at it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_agent.enroll import enroll
from ccpor_agent.upload import Pace
from tests.agent.spool.conftest import quick_folder
from tests.peers.fake_collector import CODE, FakeCollector, started_collector

__all__ = ["quick_folder"]  # pytest finds fixtures by name


class HeldTime:
    """A clock that stands still unless the agent pauses; it remembers for how long."""

    def __init__(self) -> None:
        self.at = 1_795_000_000.0
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.at += seconds

    def pace(self) -> Pace:
        return Pace(
            clock=lambda: self.at,
            monotonic=lambda: self.at,
            pause=self.pause,
            uniform=lambda low, high: high,
        )


@pytest.fixture
def held() -> HeldTime:
    return HeldTime()


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with started_collector(FakeCollector()) as running:
        yield running


@pytest.fixture
def state(quick_folder: Path, collector: FakeCollector) -> Path:
    enroll(quick_folder, collector.url, CODE)
    return quick_folder


@pytest.fixture(autouse=True)
def _this_state(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands find the state where the fixture put it."""
    monkeypatch.setenv("CCPOR_STATE_DIR", str(state))
