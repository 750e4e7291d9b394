"""A courthouse, its county and a datacenter in a row of network namespaces, made in about half a second.

    court 10.77.1.2 - 10.77.1.1 court_router 10.77.2.1 - 10.77.2.2 county_edge 10.77.3.1 -
    10.77.3.2 datacenter_router 10.77.4.1 - datacenter 10.77.4.10 (web) .53 (dns) .22 (ssh) .123 (ntp) .3 (proxy)
                                10.77.5.1 - gateway 10.77.5.10

IPv6 likewise: fd77:N::last/64, the last part written with the same digits. The county's line (county_edge to
datacenter_router) is a veth pair, or a TUN link where delay, jitter, loss or a rate is asked for.
Needs root, or a user namespace (`unshare -Urnm`); `refused()` says whether the kernel allows it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from tests.lab.namespaces import PATH, Namespace, punctual, refused

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]

NODES = ("court", "court_router", "county_edge", "datacenter_router", "datacenter", "gateway")
ROUTERS = NODES[1:4]
WEB, DNS, SSH, NTP, PROXY = (f"10.77.4.{last}" for last in (10, 53, 22, 123, 3))
GATEWAY = "10.77.5.10"
COURT = "10.77.1.2"
NOWHERE = "10.77.4.99"  # an address of the datacenter's network that no machine has

LINKS = (  # node, interface, its addresses' last parts; the same of the other end; the network's number
    (1, "court", "eth0", (2,), "court_router", "in0", (1,)),
    (2, "court_router", "out0", (1,), "county_edge", "in0", (2,)),
    (3, "county_edge", "out0", (1,), "datacenter_router", "in0", (2,)),
    (4, "datacenter_router", "out0", (1,), "datacenter", "eth0", (10, 53, 22, 123, 3)),
    (5, "datacenter_router", "out1", (1,), "gateway", "eth0", (10,)),
)
COUNTY_LINE = 3
ROUTES = {  # node -> (default by way of (network, last), further networks by way of)
    "court": ((1, 1), {}),
    "court_router": ((2, 2), {}),
    "county_edge": ((3, 2), {1: (2, 1)}),
    "datacenter_router": (None, {1: (3, 1), 2: (3, 1)}),
    "datacenter": ((4, 1), {}),
    "gateway": ((5, 1), {}),
}
HOOKS = ("input", "forward", "output", "prerouting", "postrouting")
NAT = {"dstnat": "prerouting", "srcnat": "postrouting"}
LOCALHOST = "127.0.0.1 localhost\n::1 localhost\n"
TUN_SET = 0x400454CA  # TUNSETIFF
TUN_FLAGS = 0x1001  # IFF_TUN | IFF_NO_PI


class Network:
    """What `network()` gives: the six nodes, and what may be done at each."""

    def __init__(self, folder: Path, *, ping: bool, icmp_ratelimit: bool) -> None:
        self.folder = folder
        self.resolv, self.hosts = folder / "resolv.conf", folder / "hosts"  # of `court`
        self._started: list[subprocess.Popen[bytes]] = []
        self._line: subprocess.Popen[bytes] | None = None
        self._ping, self._icmp_ratelimit = ping, icmp_ratelimit
        self.nodes: dict[str, Namespace] = {}
        for node in NODES:
            self.nodes[node] = Namespace(self._files("" if node == "court" else "-elsewhere"))

    def _files(self, suffix: str) -> dict[str, Path]:
        """Return what stands in place of this machine's own name service files."""
        words = {"resolv.conf": f"nameserver {DNS}\n", "hosts": LOCALHOST}
        files = {}
        for name, text in words.items():
            held = self.folder / (name + suffix)
            held.write_text(text)
            if Path("/etc", name).exists():
                files[f"/etc/{name}"] = held
        return files

    def inside(self, node: str, work: Callable[[], T]) -> T:
        """Return what *work* returns, run in a thread within *node*. Threads that it starts stay there."""
        return self.nodes[node].inside(work)

    def command(self, node: str, *argv: str) -> list[str]:
        """Return the command line that runs *argv* within *node*, for subprocess."""
        return self.nodes[node].command(list(argv))

    def run(
        self, node: str, *argv: str, check: bool = True, stdin: str = "", timeout: float = 60.0
    ) -> subprocess.CompletedProcess[str]:
        """Run *argv* within *node* and return it; RuntimeError with its words where it fails."""
        done = subprocess.run(
            self.command(node, *argv),
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, "PATH": PATH},
        )
        if check and done.returncode != 0:
            raise RuntimeError(
                f"{node}: {' '.join(argv)}: {done.stderr.strip() or done.stdout.strip()}"
            )
        return done

    def start(
        self,
        node: str,
        argv: Sequence[str],
        *,
        log: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start *argv* within *node*; it is stopped with the network. Its output goes to *log*."""
        path = log or self.folder / f"{len(self._started)}-{Path(argv[0]).name}.log"
        # A child asks to die with the thread that made it: only the main thread surely lives on.
        lasting = threading.current_thread() is threading.main_thread()
        tied = ["setpriv", "--pdeathsig", "KILL", "--"] if lasting else []
        with path.open("ab") as output:
            process = subprocess.Popen(
                [*tied, *self.command(node, *argv)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PATH": PATH, **(env or {})},
            )
        self._started.append(process)
        return process

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop what `start` gave."""
        if process in self._started:
            self._started.remove(process)
        _stop(process)

    def nft(self, node: str, rule: str, *, hook: str = "forward") -> None:
        """Add a rule of nftables (family inet, table `lab`) at *hook*: HOOKS, `dstnat`, `srcnat` or `arp`."""
        chain = "arp lab hears" if hook == "arp" else f"inet lab {hook}"
        self.run(node, "nft", "-f", "-", stdin=f"{_table(hook)}add rule {chain} {rule}\n")

    def clear(self, node: str) -> None:
        """Take away every rule that `nft` added at *node*."""
        self.run(node, "nft", "-f", "-", stdin="add table inet lab\ndelete table inet lab\n")

    def line(self, **options: float) -> None:
        """Set the county's line anew (see `tun_link`): delay_ms, jitter_ms, loss_pct, rate_kbit, queue_ms, seed …"""
        if self._line is None or self._line.stdin is None or self._line.stdout is None:
            raise RuntimeError("the county's line is a veth pair here: ask for network(tun=True)")
        self._line.stdin.write(json.dumps(options).encode() + b"\n")
        self._line.stdin.flush()
        self._line.stdout.readline()

    def mtu(self, node: str, interface: str, size: int) -> None:
        self.run(node, "ip", "link", "set", interface, "mtu", str(size))

    def set_up(self, *, tun: bool, mtu: int) -> None:
        """Make the links, addresses and routes."""
        for node in NODES:
            self._kernel(node)
        for number, near, near_if, near_ips, far, far_if, far_ips in LINKS:
            if tun and number == COUNTY_LINE:
                self._tun_link(near, near_if, far, far_if)
            else:
                self._veth(near, near_if, far, far_if)
            size = mtu if number == COUNTY_LINE else 1500
            self._interface(near, near_if, number, near_ips, size)
            self._interface(far, far_if, number, far_ips, size)
        for node in NODES:
            self._routes(node)

    def _veth(self, near: str, near_if: str, far: str, far_if: str) -> None:
        there = f"/proc/{os.getpid()}/fd/{self.nodes[far].net}"
        pair = ["link", "add", near_if, "type", "veth", "peer", "name", far_if, "netns", there]
        self.run(near, "ip", *pair)

    def _tun_link(self, near: str, near_if: str, far: str, far_if: str) -> None:
        ends = [self.inside(near, lambda: _tun(near_if)), self.inside(far, lambda: _tun(far_if))]
        tied = ["setpriv", "--pdeathsig", "KILL", "--"]
        lasting = threading.current_thread() is threading.main_thread()
        self._line = subprocess.Popen(
            [
                *(tied if lasting else []),
                sys.executable,
                "-m",
                "tests.lab.tun_link",
                *map(str, ends),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=ends,
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C is for the lab, which ends its line in order
        )
        for end in ends:
            os.close(end)
        punctual(self._line.pid)
        assert self._line.stdout is not None
        self._line.stdout.readline()

    def _interface(self, node: str, name: str, number: int, lasts: Sequence[int], mtu: int) -> None:
        lines = [
            "link set lo up",
            f"link set {name} mtu {mtu} txqueuelen 1000",
            f"link set {name} up",
        ]
        for last in lasts:
            lines.append(f"addr add 10.77.{number}.{last}/24 dev {name}")
            if mtu >= 1280:
                lines.append(f"addr add fd77:{number}::{last}/64 dev {name} nodad")
        self.run(node, "ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def _routes(self, node: str) -> None:
        default, further = ROUTES[node]
        ways = {
            **({"default": default} if default else {}),
            **{str(n): way for n, way in further.items()},
        }
        lines = []
        for to, (network, last) in ways.items():
            four, six = (
                ("default", "default")
                if to == "default"
                else (f"10.77.{to}.0/24", f"fd77:{to}::/64")
            )
            lines.append(f"route add {four} via 10.77.{network}.{last}")
            lines.append(f"route add {six} via fd77:{network}::{last}")
        self.run(node, "ip", "-force", "-batch", "-", stdin="\n".join(lines) + "\n", check=False)

    def _kernel(self, node: str) -> None:
        settings = ["net.ipv4.tcp_no_metrics_save=1"]
        # Without these IPv6 addresses are of use only after a second or two.
        settings += [
            f"net.ipv6.conf.default.{name}=0"
            for name in ("accept_dad", "dad_transmits", "accept_ra")
        ]
        if node in ROUTERS:
            settings += ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
        if not self._icmp_ratelimit:
            # The last two are not every kernel's own for each namespace.
            settings += ["net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"]
            settings += ["net.ipv4.icmp_msgs_per_sec=100000", "net.ipv4.icmp_msgs_burst=10000"]
        if node == "court" and self._ping:
            most = 0 if only_one_user() else 2147483647
            settings.append(f"net.ipv4.ping_group_range=0 {most}")
        self.run(node, "sysctl", "-qw", *settings, check=False)

    def close(self) -> None:
        """Stop every process by its id and let go of the namespaces."""
        for process in reversed(self._started):
            _stop(process)
        self._started.clear()
        if self._line is not None:
            _stop(self._line)
            for pipe in (self._line.stdin, self._line.stdout):
                if pipe is not None:
                    pipe.close()
        for space in self.nodes.values():
            space.close()


@contextlib.contextmanager
def network(
    *,
    delay_ms: float = 0,
    jitter_ms: float = 0,
    loss_pct: float = 0,
    rate_kbit: float = 0,
    mtu: int = 1500,
    ping: bool = True,
    icmp_ratelimit: bool = False,
    tun: bool = False,
) -> Iterator[Network]:
    """Give the six nodes for the time of the block. PermissionError where the kernel refuses namespaces.

    delay_ms (one way), jitter_ms (±), loss_pct, rate_kbit: of the county's line, each way; any of them makes it
    a TUN link, as does *tun*. ping: ordinary users in `court` may send ICMP echoes.
    icmp_ratelimit: leave the routers' limit on ICMP answers as the kernel has it.
    """
    why = refused()
    if why:
        raise PermissionError(why)
    shaped = {
        "delay_ms": delay_ms,
        "jitter_ms": jitter_ms,
        "loss_pct": loss_pct,
        "rate_kbit": rate_kbit,
    }
    with tempfile.TemporaryDirectory(prefix="ccpor-lab-") as folder:
        Path(folder).chmod(0o755)
        net = Network(Path(folder), ping=ping, icmp_ratelimit=icmp_ratelimit)
        try:
            net.set_up(tun=tun or any(shaped.values()), mtu=mtu)
            if any(shaped.values()):
                net.line(**shaped)
            yield net
        finally:
            net.close()


def _table(hook: str) -> str:
    """Return the commands that make the chain of *hook* unless it is there."""
    if hook == "arp":
        return "add table arp lab\nadd chain arp lab hears { type filter hook input priority 0; }\n"
    kind, at = ("nat", NAT[hook]) if hook in NAT else ("filter", hook)
    priority = {"dstnat": -100, "srcnat": 100}.get(hook, 0)
    return (
        "add table inet lab\n"
        f"add chain inet lab {hook} {{ type {kind} hook {at} priority {priority}; }}\n"
    )


def _tun(name: str) -> int:
    """Return the descriptor of a new TUN interface in this thread's namespace."""
    end = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(end, TUN_SET, struct.pack("16sH22x", name.encode(), TUN_FLAGS))
    return end


def only_one_user() -> bool:
    """Return whether only one uid exists here, as inside `unshare -Ur`."""
    return Path("/proc/self/uid_map").read_text().split()[2] == "1"


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(3)
