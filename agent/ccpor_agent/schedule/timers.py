"""The operating system's own timer, whichever this machine has."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

CALL_S = 30.0
MOST_SAID = 65536


class CannotSchedule(Exception):
    """This machine has no timer that we know, or it refused; the message says what to do."""


def call(words: list[str]) -> str:
    """Return what a program of the system printed.

    Raises:
        CannotSchedule: It is missing, refused, or did not end in time.
    """
    # A file, not a pipe: a service that the program wakes may keep a pipe open for ever.
    with tempfile.TemporaryFile() as printed:
        try:
            done = subprocess.run(
                words,
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                timeout=CALL_S,
                check=False,
            )
        except FileNotFoundError:
            raise CannotSchedule(f"{words[0]} is not on this machine") from None
        except subprocess.TimeoutExpired:
            raise CannotSchedule(f"{words[0]} did not answer within {CALL_S:g} s") from None
        printed.seek(0)
        said = printed.read(MOST_SAID).decode("utf-8", "replace")
    if done.returncode != 0:
        words_said = " ".join(said.split())[:300]
        raise CannotSchedule(f"{' '.join(words[:3])} refused: {words_said or done.returncode}")
    return said


def install(command: list[str], state: Path) -> str:
    """Have *command* called every few minutes of court hours; returns where that is written.

    Raises:
        CannotSchedule: With what to do instead.
    """
    if sys.platform == "win32":
        from ccpor_agent.schedule import task_scheduler

        return task_scheduler.install(command, state)
    from ccpor_agent.schedule import systemd

    return systemd.install(command)


def remove() -> bool:
    """Take the timer away; False where there was none. Raises CannotSchedule."""
    if sys.platform == "win32":
        from ccpor_agent.schedule import task_scheduler

        return task_scheduler.remove()
    from ccpor_agent.schedule import systemd

    return systemd.remove()


def is_installed() -> bool:
    """Say whether the timer is there. Raises CannotSchedule where that cannot be seen."""
    if sys.platform == "win32":
        from ccpor_agent.schedule import task_scheduler

        return task_scheduler.is_installed()
    from ccpor_agent.schedule import systemd

    return systemd.is_installed()
