"""A collector on loopback, not yet known to this workstation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.fake_collector import FakeCollector, started_collector


@pytest.fixture
def collector() -> Iterator[FakeCollector]:
    with started_collector(FakeCollector()) as running:
        running.publish()
        yield running


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"
