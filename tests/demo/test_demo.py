"""`make demo CHECK_ONLY=1` is what a newcomer types first."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demo import __main__ as demo
from tests.demo.steps import technical_items_met

pytestmark = [pytest.mark.slow]  # they share the folder .demo/run
SEEN_ITEMS = {"IM-10", *(f"IM-{number}" for number in range(14, 28))}
SCANNER_ITEMS = {"IM-14", "IM-15", "IM-16", "IM-17", "IM-18", "IM-19"}
COMMAND = [sys.executable, "-m", "tests.demo"]


@pytest.fixture(scope="module")
def demo_run(root: Path) -> subprocess.CompletedProcess[str]:
    """The whole demo, once."""
    return subprocess.run(
        [*COMMAND, "--check-only"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def test_the_demo_fills_the_checklist(
    root: Path, demo_run: subprocess.CompletedProcess[str]
) -> None:
    """Real programs, real traffic: profile, enrolment, run, upload, checklist."""
    assert demo_run.returncode == 0, demo_run.stdout[-2000:] + demo_run.stderr
    assert f"{demo.WANTED_ITEMS}" in demo_run.stdout
    assert "Go-live" in demo_run.stdout
    assert leftovers(root) == ""


@pytest.mark.usefixtures("demo_run")
def test_scanner_and_workstation_fill_their_items(root: Path) -> None:
    """IM-10 and IM-14 to IM-27 are answered by what was seen, whatever the answer is."""
    text = (root / ".demo" / "run" / "checklist.json").read_text(encoding="utf-8")
    items = {one["item"]["id"]: one for one in json.loads(text)["items"]}
    unanswered = {each for each in SEEN_ITEMS if not items[each]["evidence"]}
    unmet = {each for each in SCANNER_ITEMS if items[each]["state"] != "met"}

    assert unanswered == set()
    assert unmet == set()


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
            if "looking, judging" in line:  # all servers run, a program of ours works
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
