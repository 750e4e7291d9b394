"""Two network namespaces: a workstation, and a router whose firewall and routes a test chooses.

The thread that looks is moved into the workstation's namespace, so nothing of this machine's own
network is touched and other tests run on beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.peers import lacking, program

T = TypeVar("T")
CLONE_NEWNET = 0x40000000

ROUTER = """
table inet fault {
  chain forward {
    type filter hook forward priority 0;
    ip daddr 10.66.1.1 reject with icmpx type admin-prohibited
    ip daddr 10.66.1.2 reject with icmpx type port-unreachable
    ip daddr 10.66.1.3 reject with tcp reset
    ip daddr 10.66.1.4 drop
    ip6 daddr fd66:1::1 reject with icmpx type admin-prohibited
    ip6 daddr fd66:1::4 drop
  }
}
"""


@dataclass(frozen=True)
class Lab:
    """Names of the two namespaces; the router is 10.66.0.1 and fd66::1."""

    workstation: str
    router: str

    def inside(self, look: Callable[[], T]) -> T:
        """Return what *look* returns in a thread that lives in the workstation's namespace."""
        outcome: list[T] = []
        raised: list[BaseException] = []

        def body() -> None:
            try:
                libc = ctypes.CDLL(None, use_errno=True)
                with Path("/run/netns", self.workstation).open() as handle:
                    if libc.setns(handle.fileno(), CLONE_NEWNET):
                        raise OSError(ctypes.get_errno(), "setns")
                outcome.append(look())
            except BaseException as exc:
                raised.append(exc)

        thread = threading.Thread(target=body)
        thread.start()
        thread.join()
        if raised:
            raise raised[0]
        return outcome[0]


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    """Make the namespaces, and remove them when the block ends."""
    if sys.platform != "linux" or os.geteuid() != 0:
        lacking("makes network namespaces, which needs root on Linux")
    ip, nft = program("ip"), program("nft")
    tag = uuid.uuid4().hex[:6]
    made = Lab(f"ccpor-w-{tag}", f"ccpor-r-{tag}")

    def run(*command: str, text: str | None = None) -> None:
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            lacking(f"{' '.join(command)}: {done.stderr.strip()}")

    def at(namespace: str, *command: str, text: str | None = None) -> None:
        run(ip, "netns", "exec", namespace, *command, text=text)

    with contextlib.ExitStack() as stack:
        for namespace in (made.workstation, made.router):
            run(ip, "netns", "add", namespace)
            stack.callback(subprocess.run, [ip, "netns", "del", namespace], check=False)
            at(namespace, ip, "link", "set", "lo", "up")
        run(ip, "link", "add", f"w{tag}", "netns", made.workstation, "type", "veth",
            "peer", "name", f"r{tag}", "netns", made.router)  # fmt: skip
        for namespace, link, last in (
            (made.workstation, f"w{tag}", "2"),
            (made.router, f"r{tag}", "1"),
        ):
            at(namespace, ip, "addr", "add", f"10.66.0.{last}/24", "dev", link)
            at(namespace, ip, "addr", "add", f"fd66::{last}/64", "dev", link, "nodad")
            at(namespace, ip, "link", "set", link, "up")
        for route in ("10.66.1.0/24", "10.66.2.0/24", "10.66.3.0/24"):
            at(made.workstation, ip, "route", "add", route, "via", "10.66.0.1")
        at(made.workstation, ip, "route", "add", "prohibit", "10.66.4.0/24")
        at(made.workstation, ip, "-6", "route", "add", "fd66:1::/64", "via", "fd66::1")
        at(made.router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        at(made.router, "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
        at(made.router, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0")
        at(made.router, "sysctl", "-qw", "net.ipv6.icmp.ratelimit=0")
        # traffic for these is forwarded somewhere, so that the forward chain sees it
        at(made.router, ip, "link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
        at(made.router, ip, "link", "set", "nowhere", "up")
        at(made.router, ip, "link", "set", "nobody", "up")
        at(made.router, ip, "addr", "add", "10.66.1.254/24", "dev", "nowhere")
        at(made.router, ip, "addr", "add", "fd66:1::254/64", "dev", "nowhere", "nodad")
        at(made.router, ip, "route", "add", "unreachable", "10.66.2.0/24")
        at(made.router, nft, "-f", "-", text=ROUTER)
        yield made
