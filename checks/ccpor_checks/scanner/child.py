"""A child process that cannot ask, cannot outlive the check, and cannot say too much."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ccpor_checks.base import CannotObserve, Context

MOST_SAID = 512 * 1024
MOST_HEARD = 4096  # of stderr at a time
BEAT_S = 0.5
PARTING_S = 2.0


class Ended(NamedTuple):
    """code: as the process ended, negative by a signal; None: it was stopped, its time was up."""

    code: int | None
    said: str


def ran(
    words: Sequence[str],
    ctx: Context,
    seconds: float,
    *,
    folder: Path | None = None,
    more: Mapping[str, str] | None = None,
    beat: Callable[[], object] | None = None,
    hear: Callable[[bytes], float | None] | None = None,
) -> Ended:
    """Run *words* for at most *seconds* and return how it ended and what it said on stdout.

    It reads from nowhere, so that no prompt can hold it, and its whole group ends with it. *beat*
    is called twice a second meanwhile. *hear* gets what comes on stderr and may answer with the
    seconds that the process still has; without it, what is said there is thrown away.

    Raises:
        CannotObserve: It cannot be started.
        TimeoutError: The check's deadline had passed before, or the check was given up.
    """
    end = ctx.monotonic() + ctx.remaining(seconds)
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if hear else subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", **(more or {})},
            start_new_session=sys.platform != "win32",
        )
    except OSError as exc:
        name = Path(words[0]).name
        raise CannotObserve(f"{name} cannot be started ({type(exc).__name__})") from exc
    ctx.on_abandon(lambda: stop(child))
    try:
        said, in_time = _followed(child, end, ctx, beat, hear)
        if in_time:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(max(0.1, end - ctx.monotonic()))
        code = child.poll()
    finally:
        stop(child)
        for stream in filter(None, (child.stdout, child.stderr)):
            with contextlib.suppress(OSError):
                stream.close()
    if ctx.abandoned:
        raise TimeoutError("the check was given up")
    return Ended(code, said.decode("utf-8", "replace"))


def _followed(
    child: subprocess.Popen[bytes],
    end: float,
    ctx: Context,
    beat: Callable[[], object] | None,
    hear: Callable[[bytes], float | None] | None,
) -> tuple[bytes, bool]:
    """Return what came on stdout until all was closed, and whether that was before *end*."""
    said = bytearray()
    with selectors.DefaultSelector() as waiting:
        for stream in filter(None, (child.stdout, child.stderr)):
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map() and (left := end - ctx.monotonic()) > 0:
            for key, _events in waiting.select(min(left, BEAT_S)):
                part = os.read(key.fd, 65_536)
                if not part:
                    waiting.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    said += part[: MOST_SAID - len(said)]
                elif hear and (more := hear(part[-MOST_HEARD:])) is not None:
                    end = min(end, ctx.monotonic() + more)
            if beat:
                beat()
        in_time = not waiting.get_map()
    return bytes(said), in_time


def stop(child: subprocess.Popen[bytes]) -> None:
    """End *child* and all that it started; safe to call again, and while another thread reads."""
    if child.poll() is not None:
        return
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(PARTING_S)
