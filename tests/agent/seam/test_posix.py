"""Durable files, locks and private folders on this machine's own system."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ccpor_agent import seam

ROOT = Path(__file__).parents[3]
HOLD = """
import sys
from pathlib import Path
from ccpor_agent.seam import AlreadyRunning, RunLock
try:
    with RunLock(Path(sys.argv[1])):
        print("runs", flush=True)
        sys.stdin.read()
except AlreadyRunning:
    print("already running", flush=True)
"""
STARTS, ROUNDS = 10, 5


def environment() -> dict[str, str]:
    rooms = ("agent", "checks", "reporting")
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / room) for room in rooms)}


def start(lock: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )


def finish(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def first_word(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_of_simultaneous_starts_exactly_one_runs(round_: int, tmp_path: Path) -> None:
    """The schedule and a person start at the same moment; the others say so and end."""
    processes = [start(tmp_path / "run.lock") for _ in range(STARTS)]
    try:
        words = sorted(first_word(process) for process in processes)
    finally:
        finish(processes)

    assert words == ["already running"] * (STARTS - 1) + ["runs"]


def test_a_killed_holder_leaves_no_stale_lock(tmp_path: Path) -> None:
    """No file to delete by hand after a power cut or kill -9."""
    lock = tmp_path / "run.lock"
    processes = [start(lock)]
    try:
        assert first_word(processes[0]) == "runs"
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait(10)
        processes.append(start(lock))
        assert first_word(processes[1]) == "runs"
    finally:
        finish(processes)


def test_a_living_holder_keeps_everybody_else_out(tmp_path: Path) -> None:
    """Negative control of the stale lock: while it lives, the second does not run."""
    with (
        seam.RunLock(tmp_path / "run.lock"),
        pytest.raises(seam.AlreadyRunning),
        seam.RunLock(tmp_path / "run.lock"),
    ):
        pass


def test_a_lock_can_be_taken_again_after_use(tmp_path: Path) -> None:
    """One process runs many times."""
    held = 0
    for _ in range(3):
        with seam.RunLock(tmp_path / "run.lock"):
            held += 1

    assert held == 3


def test_a_file_is_replaced_whole_and_private(tmp_path: Path) -> None:
    """No temporary name stays, and nobody else can read it."""
    path = tmp_path / "identity.json"
    seam.write_durably(path, b"old")

    seam.write_durably(path, b"new" * 100_000)

    assert path.read_bytes() == b"new" * 100_000
    assert [each.name for each in tmp_path.iterdir()] == ["identity.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    """A folder stands where the file should go: nothing is lost, nothing is left over."""
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "x").touch()

    with pytest.raises(OSError, match="taken"):
        seam.write_durably(tmp_path / "taken", b"new")

    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == [
        "taken",
        "taken/x",
    ]


def test_a_new_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    """The key lies below it."""
    seam.make_folder(tmp_path / "a" / "b")

    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")] == [0o700, 0o700]
    assert seam.is_private(tmp_path / "a" / "b")


def test_what_others_can_read_is_not_private(tmp_path: Path) -> None:
    """Negative control for the doctor, and the mend."""
    path = tmp_path / "machine.key"
    path.write_bytes(b"x")
    path.chmod(0o644)
    assert not seam.is_private(path)

    seam.make_private(path)
    assert seam.is_private(path)


@pytest.mark.parametrize("secret", [b"", b"x", bytes(range(256)) * 40])
def test_a_protected_secret_comes_back(secret: bytes) -> None:
    """On every system, whatever protects it there."""
    assert seam.unprotect(seam.protect(secret)) == secret


def test_the_state_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A court may keep it on another disk; tests keep it in theirs."""
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "mine"))

    assert seam.state_folder() == tmp_path / "mine"


def test_a_user_has_a_state_folder_of_his_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without the administrator's rights the agent still works; a relative XDG path is ignored."""
    monkeypatch.delenv("CCPOR_STATE_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    chosen = [seam.state_folder()]
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    chosen.append(seam.state_folder())

    assert chosen == [
        tmp_path / "xdg" / "ccpor-check",
        tmp_path / ".local" / "state" / "ccpor-check",
    ]


def test_the_administrator_has_the_machines_state_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """One identity a machine, whoever is signed in."""
    monkeypatch.delenv("CCPOR_STATE_DIR")
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert seam.state_folder() == Path("/var/lib/ccpor-check")


def test_both_sides_offer_the_same() -> None:
    """What works on one system must exist on the other."""
    from ccpor_agent.seam import posix, windows

    offered = set(seam.__all__) - {"state_folder"}

    assert {name for name in offered if not hasattr(posix, name)} == set()
    assert {name for name in offered if not hasattr(windows, name)} == set()
