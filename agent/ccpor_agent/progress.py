"""What a person sees while a run goes on: a block of a few lines on stderr, redrawn in place.

Only on a terminal that can move its cursor; elsewhere nothing is drawn at all.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from ccpor_reporting.render.lines import cells
from ccpor_reporting.text import single_line

REDRAW_S = 0.1
MOST_SHOWN = 5
USUAL_COLUMNS = 80
UP, CLEAR_BELOW = "\x1b[{}F", "\x1b[0J"
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


def wants_live(stream: TextIO, environ: Mapping[str, str], *, plain: bool) -> bool:
    """Return whether *stream* is a terminal on which a block may be redrawn."""
    if plain or "NO_COLOR" in environ or environ.get("TERM", "") == "dumb":
        return False
    if not stream.isatty():
        return False
    return os.name != "nt" or _windows_terminal(stream)


def _windows_terminal(stream: TextIO) -> bool:
    """Switch on ANSI sequences in the console of *stream*; False where it knows none."""
    if sys.platform != "win32":
        return False
    import ctypes
    import msvcrt

    kernel = ctypes.windll.kernel32
    handle = msvcrt.get_osfhandle(stream.fileno())
    mode = ctypes.c_uint32()
    virtual_terminal = 0x0004  # ENABLE_VIRTUAL_TERMINAL_PROCESSING
    if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
        return False
    return bool(kernel.SetConsoleMode(handle, mode.value | virtual_terminal))


@dataclass(slots=True)
class Live:
    """A view of a run: elapsed time, how many are done, and what has been running the longest."""

    stream: TextIO
    total: int
    clock: Callable[[], float] = time.monotonic
    _running: dict[tuple[str, str], float] = field(default_factory=dict)
    _words: dict[tuple[str, str], str] = field(default_factory=dict)
    _done: int = 0
    _begun: float = 0.0
    _drawn_at: float = -1.0
    _drawn_lines: int = 0

    def __post_init__(self) -> None:
        self._begun = self.clock()

    def began(self, target: str, check: str) -> None:
        self._words.pop((target, check), None)
        self._running[target, check] = self.clock()

    def says(self, target: str, check: str, words: str) -> None:
        """Show *words* behind the check until it says others or ends; from any thread."""
        self._words[target, check] = single_line(words)

    def ended(self, target: str, check: str) -> None:
        self._words.pop((target, check), None)
        self._running.pop((target, check), None)
        self._done += 1

    def tick(self) -> None:
        now = self.clock()
        if now - self._drawn_at >= REDRAW_S:
            self._drawn_at = now
            self._draw(self.lines(now))

    def close(self) -> None:
        """Wipe the block: what stays on the screen is the result."""
        self._draw([])
        self.stream.write(SHOW)
        self.stream.flush()

    def lines(self, now: float) -> list[str]:
        """Return the block at *now*, no line wider than the terminal."""
        # what a failure is compared with comes on top of the plan
        total = max(self.total, self._done + len(self._running))
        lines = [f"{now - self._begun:5.1f} s  {self._done} of {total} done"]
        longest = sorted(self._running.items(), key=lambda item: item[1])
        lines += [
            f"{now - since:5.1f} s  {check} on {target}{self._said(target, check)}"
            for (target, check), since in longest[:MOST_SHOWN]
        ]
        if len(longest) > MOST_SHOWN:
            lines.append(f"         and {len(longest) - MOST_SHOWN} more")
        # One column is left free: a full line makes some terminals wrap.
        room = max(1, _columns(self.stream) - 1)
        return [_fitting(line, room) for line in lines]

    def _said(self, target: str, check: str) -> str:
        words = self._words.get((target, check))
        return f": {words}" if words else ""

    def _draw(self, lines: list[str]) -> None:
        back = f"\r{UP.format(self._drawn_lines)}" if self._drawn_lines else "\r"
        text = "".join(f"{line}\n" for line in lines)
        self.stream.write(f"{HIDE}{back}{CLEAR_BELOW}{text}")
        self.stream.flush()
        self._drawn_lines = len(lines)


def _fitting(line: str, room: int) -> str:
    """Return *line* within *room* columns; what is cut off is shown by an ellipsis."""
    if cells(line) <= room:
        return line
    kept = line[:room]  # no character is narrower than one column but combining ones
    while cells(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…"


def _columns(stream: TextIO) -> int:
    """Return the width of the terminal behind *stream* itself: stdout may go to a file."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_COLUMNS
    except OSError:  # no terminal, or its size is unknown
        return USUAL_COLUMNS
