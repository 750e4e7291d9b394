"""The Task Scheduler takes the task, knows it, and lets go of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ccpor_agent.schedule import task_scheduler
from ccpor_agent.schedule.timers import CannotSchedule, call


def test_the_scheduler_takes_the_task_and_gives_it_back(tmp_path: Path) -> None:
    said = task_scheduler.install([sys.executable, "-m", "ccpor_agent", "run"], tmp_path)

    assert said == r"Task Scheduler: \CCPOR\ccpor-check"
    assert list(tmp_path.iterdir()) == [], "the description stays nowhere"
    assert task_scheduler.remove()
    with pytest.raises(CannotSchedule, match="/Delete"):  # Wine's /Query says yes to everything
        call(["schtasks", "/Delete", "/TN", task_scheduler.NAME, "/F"])


def test_what_the_scheduler_refuses_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_scheduler, "TASK", "<Task>{program}")

    with pytest.raises(CannotSchedule, match="schtasks"):
        task_scheduler.install(["x"], tmp_path)
