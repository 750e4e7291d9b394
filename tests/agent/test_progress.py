"""The live block: what it shows, and where it is not drawn."""

from __future__ import annotations

import io

import pytest

from ccpor_agent.progress import Live, wants_live


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
