"""Is the service down, or the way to it? Ten faults, an enrolled workstation, the collector's own look.

The collector stands in the network of the gateway, behind the datacenter's router: what is cut between
court and datacenter is not cut for it. Five faults cut the way, five are of the service itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.network import GATEWAY, WEB, Network, network
from tests.peers import certificates, lacking, wait_until

pytestmark = [pytest.mark.netns, pytest.mark.slow]
PORT, COLLECTOR = 443, 8443
PROFILE = f"""schema = "ccpor-profile/1"
version = 1
[location]
court = "ca-lab"
name = "main"
role = "clerk"
[network]
court-it = ["10.77.1.0/24", "10.77.2.1/32"]
county-network = ["10.77.2.2/32", "10.77.3.1/32"]
datacenter = ["10.77.3.2/32", "10.77.4.0/24"]
[[target]]
id = "web"
owner = "datacenter"
url = "tls://{WEB}:{PORT}"
[target.tls]
timeout_s = 2
revocation = "off"
"""
SERVER = """import socket, ssl, struct, sys, threading, time
kind, port = sys.argv[1], int(sys.argv[2])
listener = socket.create_server(("0.0.0.0", port), backlog=64)
def serve(peer):
    if kind == "resets":
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif kind == "mute":
        time.sleep(20)
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[4])
        try:
            peer = context.wrap_socket(peer, server_side=True)
            peer.recv(1)
        except OSError:
            pass
    peer.close()
while True:
    peer, _ = listener.accept()
    threading.Thread(target=serve, args=(peer,), daemon=True).start()
"""


def nft(node: str, rule: str, hook: str = "forward") -> Callable[[Network], None]:
    return lambda net: net.nft(node, rule, hook=hook)


def unplugged(net: Network) -> None:
    net.run("datacenter", "ip", "link", "set", "eth0", "down")


def as_it_is(_net: Network) -> None: ...


@dataclass(frozen=True)
class Case:
    name: str
    break_it: Callable[[Network], None]
    fault: str
    way_is_cut: bool
    owners: tuple[str, ...]
    server: str | None = "works"  # None: nobody listens


TO_WEB = f"ip daddr {WEB} tcp dport {PORT}"
CASES = (
    Case("court-router-drops", nft("court_router", f"{TO_WEB} drop"), "tcp.reach/dropped", True,
         ("court-it",)),
    Case("county-edge-drops", nft("county_edge", f"{TO_WEB} drop"), "tcp.reach/dropped", True,
         ("county-network",)),
    Case("county-edge-forbids",
         nft("county_edge", f"{TO_WEB} reject with icmp type admin-prohibited"),
         "tcp.reach/prohibited", True, ("county-network",)),
    Case("court-router-port-unreachable", nft("court_router", f"{TO_WEB} reject"),
         "tcp.reach/prohibited", True, ("court-it",)),
    Case("court-router-resets", nft("court_router", f"{TO_WEB} reject with tcp reset"),
         "tcp.reach/reset", True, ("court-it",)),
    Case("nobody-listens", as_it_is, "tcp.reach/refused", False, ("datacenter",), None),
    Case("host-firewall-drops", nft("datacenter", f"tcp dport {PORT} drop", "input"),
         "tcp.reach/dropped", False, ("datacenter",)),
    Case("host-unplugged", unplugged, "tcp.reach/host-unreachable", False, ("datacenter",)),
    Case("service-resets", as_it_is, "tcp.reach/reset", False, ("datacenter",), "resets"),
    Case("service-is-mute", as_it_is, "tls.handshake/timeout", False, ("datacenter",), "mute"),
)  # fmt: skip


class Office:
    """A collector in the gateway's network and an enrolled workstation in the court's."""

    def __init__(self, net: Network, folder: Path) -> None:
        self.net, self.folder = net, folder
        authority = certificates.authority("Lab CA")
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(authority.pem)
        issued = certificates.leaf(authority, names=[GATEWAY, WEB])
        self.cert, self.key = folder / "server.pem", folder / "server.key"
        self.cert.write_bytes(issued.pem)
        self.key.write_bytes(issued.key_pem)
        self.key.chmod(0o600)
        self.server = folder / "server.py"
        self.server.write_text(SERVER)
        self.profile = folder / "profile.toml"
        self.profile.write_text(PROFILE)
        self._collector()
        self._enroll()

    def ran(self, case: Case) -> dict[str, Any]:
        """Return the report of one run with *case* broken."""
        server = None
        if case.server:
            words = [case.server, str(PORT), str(self.cert), str(self.key)]
            server = self.net.start("datacenter", [sys.executable, str(self.server), *words])
            wait_until(lambda: self._listens("datacenter", PORT), "the service")
        try:
            case.break_it(self.net)
            done = self._program("ccpor_agent", "run", "--json", "--plain", at="court")
            assert done.returncode in (0, 1, 3), done.stderr
            told: dict[str, Any] = json.loads(done.stdout)
            return told
        finally:
            for node in self.net.nodes:
                self.net.clear(node)
            self.net.run("datacenter", "ip", "link", "set", "eth0", "up")
            self.net.run(
                "datacenter", "ip", "route", "replace", "default", "via", "10.77.4.1", check=False
            )
            if server:
                self.net.stop(server)

    def _collector(self) -> None:
        self._program("ccpor_server.cli", "init", "--admin", "lab.admin")
        self._program("ccpor_server.cli", "court", "add", "ca-lab", "--name", "Lab court")
        place = ("--court", "ca-lab", "--location", "main", "--role", "clerk")
        self._program("ccpor_server.cli", "location", "declare", *place, "--machines", "1")
        self._program("ccpor_server.cli", "profile", "publish", *place, str(self.profile))
        self.net.start(
            "gateway",
            [sys.executable, "-m", "ccpor_server.cli", "serve", "--host", GATEWAY,
             "--port", str(COLLECTOR), "--tls-cert", str(self.cert), "--tls-key", str(self.key)],
            log=self.folder / "collector.log",
            env=self._environment(),
        )  # fmt: skip
        wait_until(lambda: self._listens("gateway", COLLECTOR), "the collector", 30)

    def _enroll(self) -> None:
        code = self.folder / "code.txt"
        place = ("--court", "ca-lab", "--location", "main", "--role", "clerk")
        self._program("ccpor_server.cli", "code", "create", *place, "-o", str(code))
        self._program(
            "ccpor_agent", "enroll", "--collector", f"https://{GATEWAY}:{COLLECTOR}",
            "--code-file", str(code), "--ca-file", str(self.ca), at="court",
        )  # fmt: skip

    def _listens(self, node: str, port: int) -> bool:
        return f":{port} " in self.net.run(node, "ss", "-Hltn").stdout

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "CCPOR_STATE_DIR": str(self.folder / "agent"),
            "CCPOR_COLLECTOR_STATE_DIR": str(self.folder / "collector"),
            "CCPOR_COLLECTOR_RATE_LOOKS": "1000:10",
        }

    def _program(
        self, module: str, *words: str, at: str = "gateway"
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.net.command(at, sys.executable, "-m", module, *words),
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        assert done.returncode in (0, 1, 3), f"{module} {words}: {done.stdout}{done.stderr}"
        return done


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("two-sides")
    try:
        with network() as net:
            yield Office(net, folder)
    except PermissionError as exc:
        lacking(str(exc))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_other_side_tells_a_cut_way_from_a_service_that_is_down(
    office: Office, case: Case
) -> None:
    """The one question that both ends ask each other on the telephone."""
    told = office.ran(case)

    seen = [o for o in told["observations"] if o["check"] == "contrast"]
    sides = [c for o in seen for c in o["evidence"]["contrasts"] if c["kind"] == "other-side"]
    assert len(sides) == 1, told["observations"]
    assert (sides[0]["outcome"] == "works") is case.way_is_cut, sides
    assert sides[0]["outcome"] != "unknown"
    cause = told["causes"][0]
    assert (cause["fault"], cause["owner"]) == (case.fault, cause["owner"]), told["causes"]
    assert cause["owner"] in case.owners, json.dumps([told["causes"], sides])
    assert len(told["causes"]) == 1


def test_half_of_the_cases_are_of_each_kind() -> None:
    """Negative control of the set itself."""
    assert [case.way_is_cut for case in CASES].count(True) == 5
    assert len(CASES) == 10
