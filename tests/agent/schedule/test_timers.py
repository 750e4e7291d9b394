"""The systems' timers: what is written is what systemd and the Task Scheduler read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from ccpor_agent.cli import outcome
from ccpor_agent.schedule import systemd, task_scheduler
from tests.agent.program import tcp_target, write_profile
from tests.peers import lacking

ANALYZE = shutil.which("systemd-analyze")
SPACE = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `systemctl` that writes down how it is called: nothing here runs under systemd."""
    log = tmp_path / "calls"
    folder = tmp_path / "bin"
    folder.mkdir()
    script = folder / "systemctl"
    script.write_text(f'#!/bin/sh\necho "$@" >> {log}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(systemd, "_is_administrator", lambda: False)
    return log


def test_install_writes_both_units_and_starts_the_timer(tmp_path: Path, calls: Path) -> None:
    where = systemd.install(["/opt/ccpor check/ccpor-check", "run", "--if-due"])

    assert Path(where).read_text().count("OnCalendar=Mon..Fri *-*-* 08..16:00/10") == 1
    service = Path(where).with_suffix(".service").read_text()
    assert 'ExecStart="/opt/ccpor check/ccpor-check" "run" "--if-due"\n' in service
    assert calls.read_text().splitlines() == [
        "--user daemon-reload",
        "--user enable --now ccpor-check.timer",
    ]


def test_remove_takes_both_units_away(tmp_path: Path, calls: Path) -> None:
    where = Path(systemd.install(["ccpor-check", "run"]))

    assert systemd.is_installed()
    assert systemd.remove()
    assert not where.exists()
    assert not where.with_suffix(".service").exists()
    assert not systemd.remove()


def test_systemd_itself_finds_nothing_wrong_with_the_units(tmp_path: Path, calls: Path) -> None:
    if ANALYZE is None:
        lacking("systemd-analyze is missing")
    where = Path(systemd.install([sys.executable, "-c", 'print("100 % of $HOME")']))
    done = subprocess.run(
        [str(ANALYZE), "verify", "--man=no", str(where), str(where.with_suffix(".service"))],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    ours = [line for line in done.stderr.splitlines() if "ccpor" in line]
    assert (done.returncode, ours) == (0, [])


def test_systemd_reads_the_calendar_as_court_hours() -> None:
    if ANALYZE is None:
        lacking("systemd-analyze is missing")
    calendar = next(
        line.partition("=")[2]
        for line in systemd.TIMER.format(first=8, last=16, every=10).splitlines()
        if line.startswith("OnCalendar")
    )
    done = subprocess.run(
        [str(ANALYZE), "calendar", "--base-time=2026-11-27 16:45:00", "--iterations=2", calendar],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    assert "Fri 2026-11-27 16:50:00" in done.stdout
    assert "Mon 2026-11-30 08:00:00" in done.stdout


def test_the_task_is_well_formed_and_calls_what_it_should() -> None:
    command = [r"C:\Program Files\CCPOR & Co\ccpor-check.exe", "run", "--profile", r"C:\a b.toml"]
    tree = ET.fromstring(task_scheduler.described(command).partition("?>")[2])

    assert tree.findtext(".//t:Command", namespaces=SPACE) == command[0]
    assert tree.findtext(".//t:Arguments", namespaces=SPACE) == r'run --profile "C:\a b.toml"'
    assert len(tree.find(".//t:DaysOfWeek", SPACE) or []) == 5
    assert tree.findtext(".//t:Duration", namespaces=SPACE) == "PT9H"


def test_a_machine_without_a_timer_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "state"))
    profile = write_profile(tmp_path / "court.toml", [tcp_target("aoc", 9)])

    code = outcome(["schedule", "install", "--profile", str(profile)])

    said = capsys.readouterr().err
    assert code == 2
    assert "systemctl is not on this machine; let another timer call this" in said
    assert f"--if-due --plain --profile {profile}" in said
    assert outcome(["schedule", "status"]) == 0


def test_status_says_when_the_next_run_is_due(
    tmp_path: Path, calls: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "state"))
    profile = write_profile(tmp_path / "court.toml", [tcp_target("aoc", 9)])

    assert outcome(["schedule", "install", "--profile", str(profile), "--mean-hours", "2"]) == 0
    assert outcome(["schedule", "status"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert outcome(["schedule", "remove"]) == 0
    assert outcome(["schedule", "status"]) == 0

    assert said[1] == said[3], "what install said is what is kept"
    assert said[1].startswith("next run: ")
    assert said[4] == "on average every 2 court hours"
    assert "not installed" in capsys.readouterr().out


def test_a_run_that_is_not_due_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The timer asks every ten minutes; only the schedule decides."""
    state = tmp_path / "state"
    monkeypatch.setenv("CCPOR_STATE_DIR", str(state))
    profile = write_profile(tmp_path / "court.toml", [tcp_target("aoc", 9)])
    asked = ["run", "--profile", str(profile), "--no-upload", "--if-due", "--no-contrasts"]

    first = outcome(asked)
    second = outcome(asked)

    assert first == 1, "nothing listens on that port"
    assert second == 0
    assert "not due before" in capsys.readouterr().err
    assert len(list((state / "reports").glob("*.json"))) == 1
