"""Looks at paths through the lab's networks, many at once: each waits most of its time."""

from __future__ import annotations

import ctypes
import encodings.idna  # noqa: F401 - below, read before a thread loses the right to read it
import platform
import ssl  # noqa: F401
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

import psutil  # noqa: F401

import ccpor_checks.kit.walk.linux  # noqa: F401
from ccpor_checks import path
from ccpor_checks.base import CannotObserve, Target
from ccpor_reporting.faults import catalogue
from tests.checks.looking import Looked, looked
from tests.lab.network import Network, network, refused
from tests.peers import lacking, wait_until

T = TypeVar("T")
AT_ONCE = 8
NOBODY = 65534
SET_IDS = {"x86_64": (119, 117), "aarch64": (149, 147)}  # setresgid, setresuid: of one thread only
WEB, WEB6 = "10.77.4.10", "[fd77:4::10]"


def target(url: str) -> Target:
    """Return *url* as a target, as the profile reader takes it apart."""
    scheme, _, rest = url.partition("://")
    host, _, port = rest.rpartition(":") if rest.count(":") == 1 or "]:" in rest else (rest, "", "")
    return Target(
        id="t", url=url, scheme=scheme, host=host.strip("[]"), port=int(port) if port else None
    )


@dataclass(frozen=True, kw_only=True)
class Case:
    """One network with its fault, and the URLs to look at, one after another.

    services: what runs in the datacenter, as arguments of this Python.
    """

    urls: Sequence[str]
    line: Mapping[str, Any] = field(default_factory=dict)
    fault: Callable[[Network], object] = lambda _net: None
    options: Mapping[str, Any] = field(default_factory=dict)
    nobody: bool = False

    def run(self) -> dict[str, Looked | CannotObserve]:
        """Return what came of each URL."""
        found: dict[str, Looked | CannotObserve] = {}
        with network(**self.line) as net:
            serve(net)
            self.fault(net)
            for url in self.urls:
                found[url] = net.inside("court", lambda url=url: self._look(url))
        return found

    def _look(self, url: str) -> Looked | CannotObserve:
        if self.nobody:
            become_nobody()
        try:
            return looked(path.CHECK, target(url), self.options, seconds=110)
        except CannotObserve as exc:
            return exc


def serve(net: Network) -> None:
    """Start a web server (80) and reflectors: stateful (862), stateless with PTP times (863)."""
    reflector = [sys.executable, "-m", "tests.peers.stamp_reflector"]
    net.start("datacenter", [sys.executable, "-m", "http.server", "80", "--bind", "::"])
    net.start("datacenter", [*reflector, "862"])
    net.start("datacenter", [*reflector, "863", "--stateless", "--ptp", "--hold-ms", "5"])

    def ready() -> bool:
        listening = net.run("datacenter", "ss", "-Hlntu").stdout
        return all(f":{port} " in listening for port in (80, 862, 863))

    wait_until(ready, "the datacenter's services", 30)


def all_of(cases: Mapping[str, Case]) -> dict[str, dict[str, Looked | CannotObserve]]:
    """Return what came of all *cases*, looked at side by side."""
    if why := refused():
        lacking(why)
    catalogue()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        running = {name: threads.submit(case.run) for name, case in cases.items()}
        return {name: future.result() for name, future in running.items()}


def become_nobody() -> None:
    """Take every right from this thread: an ordinary user's, no more."""
    libc = ctypes.CDLL(None, use_errno=True)
    for number in SET_IDS[platform.machine()]:
        if libc.syscall(number, NOBODY, NOBODY, NOBODY) != 0:
            raise OSError(ctypes.get_errno(), "this thread keeps its rights")
