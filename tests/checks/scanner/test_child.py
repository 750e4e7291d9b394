"""A child process of the check: it cannot ask, cannot stay, and cannot say too much."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.scanner import child

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SANE is Linux's")


def ctx(seconds: float = 30.0) -> Context:
    return Context(deadline=time.monotonic() + seconds)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_what_it_says_and_how_it_ends_comes_back() -> None:
    """The exit code is what scanners' states are read from."""
    end = child.ran(python("print('two\\nlines'); raise SystemExit(7)"), ctx(), 20)

    assert end == child.Ended(7, "two\nlines\n")


def test_a_prompt_finds_nobody_to_answer() -> None:
    """scanimage asks for a password and would wait for ever."""
    end = child.ran(python("input('password: ')"), ctx(), 20)

    assert end.code == 1  # EOFError at once


def test_what_it_says_is_bounded() -> None:
    """A driver in a loop must not fill the memory."""
    end = child.ran(python("import os\nfor _ in range(64): os.write(1, b'x' * 65536)"), ctx(), 20)

    assert (end.code, len(end.said)) == (0, child.MOST_SAID)


def test_it_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    """A grandchild that keeps the pipe open must not keep the check, nor live on."""
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "other = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(other.pid))\n"
        "time.sleep(60)"
    )
    begun = time.monotonic()
    end = child.ran(python(code), ctx(), 2.0)

    assert end.code is None
    assert time.monotonic() - begun < 20
    assert _is_gone(int(note.read_text()))


def _is_gone(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True  # dead; whoever adopted it has not looked yet
        time.sleep(0.05)
    return False


def test_giving_the_check_up_ends_it_at_once() -> None:
    """Ctrl-C while paper moves."""
    context = ctx()
    threading.Timer(0.3, context.abandon).start()
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        child.ran(python("import time; time.sleep(60)"), context, 50)
    assert time.monotonic() - begun < 20


def test_one_that_hangs_after_it_told_its_failure_is_not_waited_for() -> None:
    """Drivers hang in their own tidying up after an error."""
    code = "import sys, time; print('status = 6', file=sys.stderr, flush=True); time.sleep(60)"
    heard: list[bytes] = []

    def hear(said: bytes) -> float:
        heard.append(said)
        return 0.3

    begun = time.monotonic()
    end = child.ran(python(code), ctx(), 50, hear=hear)

    assert (end.code, b"".join(heard)) == (None, b"status = 6\n")
    assert time.monotonic() - begun < 20


def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Not a failure of the scanner."""
    with pytest.raises(CannotObserve, match="gone cannot be started"):
        child.ran([str(tmp_path / "gone")], ctx(), 5)
