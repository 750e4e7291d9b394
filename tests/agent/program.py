"""The real program in a process of its own, and profiles for it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.conftest import ROOT

ROOMS = os.pathsep.join(str(ROOT / room) for room in ("agent", "checks", "reporting"))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ROOMS, "PYTHONIOENCODING": "utf-8"}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "ccpor_agent", *map(str, arguments)]


def ccpor(*arguments: str | Path, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    """Run ``ccpor-check`` with *arguments* and return what it said."""
    return subprocess.run(
        command(*arguments),
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run *code* in a fresh interpreter that finds the rooms."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_profile(path: Path, targets: Iterable[str]) -> Path:
    """Write a profile with *targets*, each the TOML below its ``[[target]]``, and return *path*."""
    head = (
        'schema = "ccpor-profile/1"\nversion = 1\ntitle = "Test court"\n\n[location]\n'
        'court = "ca-test"\nname = "main"\nrole = "clerk"\n'
    )
    body = "".join(f"\n[[target]]\n{target}\n" for target in targets)
    path.write_text(head + body, encoding="utf-8")
    return path


def tcp_target(name: str, port: int, more: str = "") -> str:
    return f'id = "{name}"\nurl = "tcp://127.0.0.1:{port}"\n{more}'


@contextlib.contextmanager
def listening() -> Iterator[int]:
    """Give the port of a server that accepts connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as server:
        yield int(server.getsockname()[1])


@contextlib.contextmanager
def black_hole() -> Iterator[int]:
    """Give a port that answers nothing: its accept queue is full, so Linux drops each SYN."""
    with contextlib.ExitStack() as open_ones:
        server = open_ones.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = int(server.getsockname()[1])
        for _ in range(3):
            filler = open_ones.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        yield port
