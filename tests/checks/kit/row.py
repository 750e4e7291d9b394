"""The lab's row of routers with a web server at its end, for tests that walk it."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.lab.network import COURT, WEB, Network, network
from tests.peers import lacking, wait_until

OPEN = 8080  # at the web server and at the last router
WEB6 = "fd77:4::10"
ROUTERS = ("10.77.1.1", "10.77.2.2", "10.77.3.2")
ROUTERS6 = ("fd77:1::1", "fd77:2::2", "fd77:3::2")
LAST_ROUTER = "10.77.4.1"  # an address of the router beyond the county's line
ORDINARY_USER = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"),
)
ACCEPT = f"""
import socket
server = socket.create_server(("::", {OPEN}), family=socket.AF_INET6, dualstack_ipv6=True)
print("ready", flush=True)
while True:
    server.accept()[0].close()
"""

__all__ = ["COURT", "LAST_ROUTER", "OPEN", "ROUTERS", "ROUTERS6", "WEB", "WEB6", "Network", "row"]


@contextlib.contextmanager
def row(**options: Any) -> Iterator[Network]:
    """Give the row with port `OPEN` open at its end and at its last router."""
    try:
        with network(**options) as net:
            for node in ("datacenter", "datacenter_router"):
                log = net.folder / f"{node}.log"
                net.start(node, [sys.executable, "-c", ACCEPT], log=log)
                wait_until(lambda log=log: b"ready" in log.read_bytes(), node)
            yield net
    except PermissionError as exc:
        lacking(str(exc))


def as_ordinary_user(net: Network, program: str) -> Any:
    """Return the JSON that *program* prints, run in `court` by a user without any capability."""
    for folder in Path(__file__).resolve().parents[3], Path(sys.executable):
        if not folder.stat().st_mode & 0o5:
            lacking(f"{folder} is closed to other users")
    done = net.run("court", *ORDINARY_USER, sys.executable, "-c", program, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
