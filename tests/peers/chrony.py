"""A real chronyd on loopback that serves a clock and never sets one (``-x``)."""

from __future__ import annotations

import contextlib
import getpass
import socket
from collections.abc import Iterator
from pathlib import Path

from tests.peers import free_port, lacking, program, started

FAKETIME = (
    Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"),
    Path("/usr/lib64/faketime/libfaketime.so.1"),
)


@contextlib.contextmanager
def chronyd(folder: Path, *, off_s: float = 0.0, has_time: bool = True) -> Iterator[int]:
    """Run a chronyd whose clock is *off_s* from this machine's; gives its port.

    has_time: False lets it answer as a server that has found no source of time yet.
    """
    port = free_port(socket.SOCK_DGRAM)
    lines = [
        f"port {port}",
        "bindaddress 127.0.0.1",
        "allow 127.0.0.0/8",
        "cmdport 0",
        "bindcmdaddress /",
        f"pidfile {folder / 'chronyd.pid'}",
    ]
    if has_time:
        lines.append("local stratum 3")
    conf = folder / "chrony.conf"
    conf.write_text("\n".join([*lines, ""]))
    command = [program("chronyd"), "-x", "-d", "-U", "-u", getpass.getuser(), "-f", str(conf)]
    env = {"FAKETIME": f"{off_s:+g}s", "LD_PRELOAD": str(libfaketime())} if off_s else {}
    with started(command, log=folder / "chronyd.log", ready=lambda: replies(port), env=env):
        yield port


def replies(port: int) -> bool:
    """Return whether anything answers a plain NTP request on *port*."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(0.2)
        wire.connect(("127.0.0.1", port))
        with contextlib.suppress(OSError):
            wire.send(b"\x23" + b"\0" * 39 + b"\1" * 8)
            return len(wire.recv(512)) >= 48
    return False


def libfaketime() -> Path:
    """Return the library that gives a program another clock; ends the test without it."""
    for path in FAKETIME:
        if path.exists():
            return path
    lacking("needs libfaketime; see .ci/install for the packages")
    raise AssertionError("lacking() ends the test")
