"""Asks a process of its own what a driver says: a driver may crash, hang, print or never end.

The question goes as JSON in the last argument and the answer comes as JSON on stdout; see
`child_side`. All that the process starts ends with it (on Windows by a job object).
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.scanner.windows_job import Job

A = TypeVar("A", bound=msgspec.Struct)

BEAT_S = 0.5
PARTING_S = 2.0
PACKAGE = Path(__file__).resolve().parents[2]  # where ccpor_checks lies


@dataclass(frozen=True, slots=True)
class Answer(Generic[A]):
    """said None: it ended without an answer. code None: it was stopped, its time was up."""

    said: A | None
    code: int | None

    @property
    def why_not(self) -> str | None:
        """Return, in words, why there is no answer; the number is Windows' own (ntstatus.h)."""
        if self.said is not None:
            return None
        if self.code is None:
            return "the driver did not come to an end in time; it may be showing a window"
        return (
            f"the driver broke the process that asked it (exit code 0x{self.code & 0xFFFFFFFF:08X})"
        )


def ask(
    module: str,
    question: msgspec.Struct,
    answer: type[A],
    ctx: Context,
    seconds: float,
    *,
    folder: Path | None = None,
    beat: Callable[[], object] | None = None,
) -> Answer[A]:
    """Return what *module* answers to *question* within *seconds*.

    Raises:
        CannotObserve: No process can be started.
        TimeoutError: The check's deadline had passed before, or the check was given up.
    """
    end = ctx.monotonic() + ctx.remaining(seconds)
    paths = [str(PACKAGE), *(path for path in sys.path if path)]
    try:
        child = subprocess.Popen(
            [sys.executable, "-P", "-X", "utf8", "-m", module, msgspec.json.encode(question)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as exc:
        raise CannotObserve(
            f"the process that asks the scanner's driver cannot be started ({type(exc).__name__}); "
            "let this user start processes"
        ) from exc
    job = Job(child)
    ctx.on_abandon(job.end)
    try:
        said, code = _heard(child, job, end, ctx, beat)
    finally:
        job.end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.communicate(timeout=PARTING_S)
    if ctx.abandoned:
        raise TimeoutError("the check was given up")
    try:
        return Answer(msgspec.json.decode(said, type=answer), code)
    except msgspec.DecodeError:
        return Answer(None, code)


def _heard(
    child: subprocess.Popen[bytes],
    job: Job,
    end: float,
    ctx: Context,
    beat: Callable[[], object] | None,
) -> tuple[bytes, int | None]:
    """Return what it said once it ended, and how; nothing where *end* came first."""
    while (left := end - ctx.monotonic()) > 0:
        try:
            said, _ = child.communicate(timeout=min(left, BEAT_S))
        except subprocess.TimeoutExpired:
            if child.poll() is not None:
                job.end()  # a helper that the driver left behind keeps the pipe open
            if beat:
                beat()
        else:
            return said, child.returncode
    return b"", None
