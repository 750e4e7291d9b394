"""`make demo CHECK_ONLY=1` is what a newcomer types first."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demo import __main__ as demo
from tests.demo.steps import technical_items_met

pytestmark = [pytest.mark.slow]  # they share the folder .demo/run
COMMAND = [sys.executable, "-m", "tests.demo"]


def test_the_demo_fills_the_checklist(root: Path) -> None:
    """Real programs, real traffic: profile, enrolment, run, upload, checklist."""
    done = subprocess.run(
        [*COMMAND, "--check-only"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert f"{demo.WANTED_ITEMS}" in done.stdout
    assert "Go-live" in done.stdout
    assert leftovers(root) == ""


def test_ctrl_c_leaves_nothing_running(root: Path) -> None:
    """A demo that leaves a server behind is remembered for that."""
    process = subprocess.Popen(
        COMMAND,
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    assert process.stdout is not None
    with process.stdout as screen:
        for line in screen:
            if "Ctrl-C stops everything" in line:
                break
        process.send_signal(signal.SIGINT)
        screen.read()

    assert process.wait(20) == 0
    assert leftovers(root) == ""


def leftovers(root: Path) -> str:
    """Return the processes that still work below the demo's folder."""
    time.sleep(0.2)
    done = subprocess.run(
        ["pgrep", "-af", str(root / ".demo" / "run")],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    return done.stdout


def test_an_item_counts_only_when_it_is_met_with_evidence() -> None:
    """Negative control of the count."""
    line = '{"state": "%s", "item": {"kind": "%s"}, "evidence": [%s]}'
    items = [
        line % ("met", "technical", "1"),
        line % ("met", "technical", ""),
        line % ("open", "technical", "1"),
        line % ("met", "attested", "1"),
    ]

    assert technical_items_met(f'{{"items": [{", ".join(items)}]}}') == 1
