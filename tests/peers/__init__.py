"""Real peers for tests: servers started on loopback with ports of their own, stopped by their pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true"}


def need(*programs: str) -> None:
    """End the test unless every program is here: a failure in CI, a skip with its reason elsewhere."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in programs if not shutil.which(name, path=path)]
    if missing:
        lacking(f"needs {', '.join(missing)}; see .ci/install for the packages")


def lacking(reason: str) -> None:
    """End the test because its peer is not here: a failure in CI, a skip elsewhere."""
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def program(name: str) -> str:
    """Return the path of *name*, /usr/sbin included; ends the test when it is not installed."""
    need(name)
    return str(shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin"))


def free_port(kind: int = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """Return a port that nobody listens on at this moment, of the kind asked for."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_until(ready: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Return when *ready()* holds; AssertionError names *what* did not come."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} was not ready within {seconds:g} s")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 0.5):
        return True
    return False


@contextlib.contextmanager
def started(
    command: Sequence[str],
    *,
    log: Path,
    ready: Callable[[], bool],
    env: dict[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run *command* until the block ends; its output goes to *log*, which a failure quotes."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
        )
    try:
        try:
            wait_until(lambda: process.poll() is not None or ready(), command[0])
        except AssertionError as exc:
            raise AssertionError(f"{exc}; its log:\n{log.read_text(errors='replace')}") from exc
        if process.poll() is not None:
            raise AssertionError(f"{command[0]} ended:\n{log.read_text(errors='replace')}")
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(5)
