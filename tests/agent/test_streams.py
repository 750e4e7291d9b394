"""A result that has nowhere to go is told plainly, and the exit code keeps its meaning."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.agent.program import command, environment
from tests.peers import free_port

PROFILE = """schema = "ccpor-profile/1"
[[target]]
id = "closed"
url = "tcp://127.0.0.1:{port}"
"""


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", line],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Return a run that finds one closed port, as a shell writes it."""
    profile = tmp_path / "p.toml"
    profile.write_text(PROFILE.format(port=free_port()), encoding="utf-8")
    return shlex.join(command("run", "--profile", profile, "--no-upload"))


def test_a_full_disk_behind_stdout_is_no_bug_of_ours(run: str) -> None:
    """The report is kept; the message says how to see it."""
    done = shell(f"{run} > /dev/full")

    assert done.returncode == 2
    assert "standard output cannot be written (ENOSPC)" in done.stderr
    assert "show last -o FILE" in done.stderr


def test_with_stdout_closed_the_exit_code_is_still_the_verdict(run: str) -> None:
    """A schedule that throws the text away asks for the code alone."""
    assert shell(f"{run} >&-").returncode == 1


def test_a_list_on_a_full_disk_says_so() -> None:
    """Every command writes; none ends with "our own bug" for it."""
    done = shell(f"{shlex.join(command('list'))} > /dev/full")

    assert (done.returncode, done.stderr) == (
        2,
        "Error: standard output takes no more: its disk is full\n",
    )
