"""The live block: what it shows, and where it is not drawn."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccpor_agent.engine import Surroundings, run_plan
from ccpor_agent.progress import Live, wants_live
from ccpor_checks.base import Context, Target
from ccpor_reporting.render.lines import cells
from tests.agent import fake_checks as fake
from tests.agent.program import ccpor, listening, tcp_target, write_profile


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def live() -> Live:
    now = iter(range(100))
    return Live(Terminal(), total=9, clock=lambda: float(next(now)))


def test_the_five_that_run_longest_are_shown_and_the_rest_counted(live: Live) -> None:
    """What hangs is what the person wants to see."""
    for n in range(7):
        live.began(f"t{n}", "tcp")
    live.ended("t0", "tcp")
    live.ended("t6", "tcp")
    live.began("t7", "dns")
    live.began("t8", "dns")

    assert live.lines(20.0) == [
        " 20.0 s  2 of 9 done",
        " 18.0 s  tcp on t1",
        " 17.0 s  tcp on t2",
        " 16.0 s  tcp on t3",
        " 15.0 s  tcp on t4",
        " 14.0 s  tcp on t5",
        "         and 2 more",
    ]


def test_closing_wipes_exactly_what_was_drawn(live: Live) -> None:
    """One line too many would wipe the person's own work above."""
    live.began("t", "tcp")
    live.tick()
    stream = live.stream
    assert isinstance(stream, Terminal)
    drawn = stream.getvalue()
    live.close()

    assert drawn.count("\n") == 2
    assert stream.getvalue()[len(drawn) :] == "\x1b[?25l\r\x1b[2F\x1b[0J\x1b[?25h"


@pytest.mark.parametrize(
    ("stream", "environ", "plain", "wanted"),
    [
        (Terminal(), {"TERM": "xterm"}, False, True),
        (Terminal(), {"TERM": "xterm"}, True, False),
        (Terminal(), {"TERM": "dumb"}, False, False),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, False, False),
        (io.StringIO(), {"TERM": "xterm"}, False, False),
    ],
)
def test_it_is_drawn_only_where_a_cursor_can_move(
    stream: io.StringIO, environ: dict[str, str], plain: bool, wanted: bool
) -> None:
    """A log file full of escape sequences helps nobody."""
    assert wants_live(stream, environ, plain=plain) is wanted


MEASURING = "up 8.2 Mbit/s, 43 ms, 2.1 s and 3.4 MB left"


def test_what_a_check_does_now_stands_behind_it(live: Live) -> None:
    """A minute of measuring without a word looks like a program that hangs."""
    live.began("aoc", "capacity")
    live.says("aoc", "capacity", "waits for its turn, 12 s")
    live.says("aoc", "capacity", MEASURING)

    assert live.lines(4.1)[1:] == [f"  3.1 s  capacity on aoc: {MEASURING}"]
    live.ended("aoc", "capacity")
    live.began("aoc", "capacity")
    assert live.lines(4.1)[1:] == ["  2.1 s  capacity on aoc"]


def test_words_never_move_the_cursor_nor_leave_the_line(live: Live) -> None:
    """A server's name is somebody else's text, and a wrapped line spoils the block."""
    live.began("aoc", "capacity")
    live.says("aoc", "capacity", "\x1b[2J\r\nproxy 東京" + "京" * 60)
    [_, line] = live.lines(3.0)

    assert "\x1b" not in line
    assert "\n" not in line
    assert line.endswith("京…")
    assert cells(line) <= 79


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals of POSIX")
def test_a_real_terminal_shows_the_words_while_the_check_runs() -> None:
    """From the check's thread through the engine to the screen, within its width."""
    import pty

    ours, theirs = pty.openpty()
    termios_size(theirs, columns=50)
    shown, drawn = threading.Event(), bytearray()

    def measures(_target: Target, _options: fake.Ask, ctx: Context) -> fake.Saw:
        ctx.tell(MEASURING)
        shown.wait(10)
        return fake.Saw()

    reader = threading.Thread(target=read_until_closed, args=(ours, drawn, shown), daemon=True)
    reader.start()
    plan = fake.planned({"aoc": ["capacity"]}, fake.check("capacity", measures, budget_s=20))
    with os.fdopen(theirs, "w", encoding="utf-8") as screen:
        view = Live(screen, total=len(plan.nodes))
        run_plan(plan, Surroundings(now=lambda: datetime(2026, 11, 23, tzinfo=UTC), view=view))
        view.close()
    reader.join(10)
    os.close(ours)

    assert shown.is_set()
    lines = drawn.decode("utf-8").replace("\r", "\n").split("\n")
    said = [line for line in lines if "capacity on aoc: up 8.2 Mbit/s" in line]
    assert said
    assert max(len(line) for line in said) <= 49
    assert said[-1].endswith("…")


def termios_size(terminal: int, columns: int) -> None:
    import fcntl
    import struct
    import termios

    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))


def read_until_closed(terminal: int, drawn: bytearray, shown: threading.Event) -> None:
    with contextlib.suppress(OSError):  # Linux says EIO when the other end is gone
        while piece := os.read(terminal, 65536):
            drawn += piece
            if b"up 8.2 Mbit/s" in drawn:
                shown.set()


def test_without_a_terminal_nothing_is_drawn(tmp_path: Path) -> None:
    """The log of a scheduled run holds no line of progress."""
    with listening() as port:
        profile = write_profile(tmp_path / "p.toml", [tcp_target("aoc", port)])
        ran = ccpor("run", "--profile", profile, "--no-upload")

    assert (ran.returncode, "done" in ran.stderr, "\x1b" in ran.stderr) == (0, False, False)
