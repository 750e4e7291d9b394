"""Whether a run is due: drawn once, kept, and drawn anew."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from pathlib import Path

from ccpor_agent.schedule.due import draw_next, forget, is_due, kept

NOW = datetime(2026, 11, 23, 9, 0)


def test_what_was_drawn_is_kept(tmp_path: Path) -> None:
    drawn = draw_next(tmp_path / "state", NOW, random.Random(1), 2.0)

    found = kept(tmp_path / "state")

    assert found is not None
    assert (found.next_run, found.mean_hours) == (drawn, 2.0)
    assert drawn > NOW


def test_it_is_due_from_that_moment_on(tmp_path: Path) -> None:
    drawn = draw_next(tmp_path, NOW, random.Random(1))

    assert not is_due(tmp_path, drawn - timedelta(seconds=1))
    assert is_due(tmp_path, drawn)


def test_the_mean_stays_when_the_next_is_drawn(tmp_path: Path) -> None:
    draw_next(tmp_path, NOW, random.Random(1), 7.0)
    draw_next(tmp_path, NOW, random.Random(2))

    assert (found := kept(tmp_path)) is not None
    assert found.mean_hours == 7.0


def test_without_a_schedule_and_with_a_broken_one_it_is_due(tmp_path: Path) -> None:
    """One run too many is harmless; a machine that never looks again is not."""
    assert is_due(tmp_path, NOW)
    (tmp_path / "schedule.json").write_bytes(b'{"next_run": 17')
    assert is_due(tmp_path, NOW)


def test_forgetting_twice_is_fine(tmp_path: Path) -> None:
    draw_next(tmp_path, NOW, random.Random(1))
    forget(tmp_path)
    forget(tmp_path)

    assert kept(tmp_path) is None
