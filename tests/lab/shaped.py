"""A line whose rate, delay, queue and loss are exactly what was set: the truth that a measurement is held against.

    court 10.77.1.2 --veth-- 10.77.1.1 router 10.77.2.1 --TUN, delay_link-- 10.77.2.2 datacenter

    with shaped(mbit=10, rtt_ms=40, loss_pct=1) as line:
        line.start("datacenter", [...]); line.run("court", ...); line.inside("court", work)

The router shapes both ways by a token bucket with a tail-drop queue (`tbf`): up where it leaves for the
datacenter (a TUN: counted in IP bytes), down where it leaves for the court (a veth: 14 bytes more a packet, which
are added to its rate and queue, so that both ways carry the same). The TUN pair adds delay, jitter and loss.
Nothing has a name outside of this process: any number of lines at once, and nothing is left behind.
Needs root, or a user namespace (`unshare -Urnm`); PermissionError where the kernel refuses.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeVar

from tests.lab.namespaces import PATH, Namespace, punctual, refused

T = TypeVar("T")
Direction = Literal["up", "down"]
ROOT = Path(__file__).resolve().parents[2]

NODES = ("court", "router", "datacenter")
COURT, ROUTER_IN, ROUTER_OUT, DATACENTER = "10.77.1.2", "10.77.1.1", "10.77.2.1", "10.77.2.2"
GOODPUT = 1448 / 1500  # TCP payload of an IP packet, timestamps on
ETHERNET = 1514 / 1500
FAST_MBIT = 50.0  # from here on super-packets are no line time to speak of
RING = 10_000  # packets that wait for the delay link: it loses none that it was not told to lose
TUN_SET, TUN_OFFLOAD = 0x400454CA, 0x400454D0  # linux/if_tun.h
TUN_PLAIN, TUN_HEADER = 0x1001, 0x4000  # IFF_TUN | IFF_NO_PI; IFF_VNET_HDR
OFFLOADS = 0x01 | 0x02 | 0x04  # checksum, TSO of IPv4 and of IPv6


@dataclass(frozen=True)
class Shape:
    """What a line is set to. Rates are of IP bytes; `GOODPUT` of them is TCP payload."""

    mbit: float | None
    up_mbit: float | None
    rtt_ms: float
    queue_ms: float
    burst: int | None  # bytes of the token bucket; None: 2 ms
    gso: bool
    trouble: dict[str, float] = field(default_factory=dict)  # for `delay_link`

    def rate(self, direction: Direction) -> float | None:
        return self.mbit if direction == "down" or self.up_mbit is None else self.up_mbit

    def queue_bytes(self, direction: Direction) -> int:
        """Return the queue in IP bytes; a rate too low for it has room for two full packets."""
        return max(3000, int((self.rate(direction) or 0) * 1e6 / 8 * self.queue_ms / 1000))

    def burst_bytes(self, direction: Direction) -> int:
        return self.burst or max(3200, int((self.rate(direction) or 0) * 1e6 / 8 * 0.002))


class Line:
    """What `shaped()` gives: the namespaces `court`, `router` and `datacenter`, and the truth."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.folder, self.shape = folder, shape
        self.rtt_ms, self.queue_ms = shape.rtt_ms, shape.queue_ms
        self.nodes: dict[str, Namespace] = {}
        self._started: list[subprocess.Popen[bytes]] = []
        self._link: subprocess.Popen[bytes] | None = None

    @property
    def truth_mbit(self) -> float:
        """Return the goodput of the way down (of both, unless up_mbit was given)."""
        return self.truth("down")

    @property
    def truth_up_mbit(self) -> float:
        return self.truth("up")

    def truth(self, direction: Direction) -> float:
        """Return the TCP payload in Mbit/s that a full *direction* carries; inf where nothing shapes."""
        rate = self.shape.rate(direction)
        return float("inf") if rate is None else rate * GOODPUT

    def full_queue_ms(self, direction: Direction) -> float:
        """Return the delay that a full queue adds (more than queue_ms only where two packets are)."""
        rate = self.shape.rate(direction)
        return 0.0 if rate is None else self.shape.queue_bytes(direction) * 8 / rate / 1000

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
            words = done.stderr.strip() or done.stdout.strip()
            raise RuntimeError(f"{node}: {' '.join(argv)}: {words}")
        return done

    def start(
        self,
        node: str,
        argv: Sequence[str],
        *,
        log: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start *argv* within *node*; it is stopped with the line. Its output goes to *log*."""
        path = log or self.folder / f"{len(self._started)}-{Path(argv[0]).name}.log"
        with path.open("ab") as output:
            process = subprocess.Popen(
                [*_tied(), *self.command(node, *argv)],
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

    def trouble(self, **options: float) -> None:
        """Set delay, jitter and loss anew while the line runs (see `delay_link`); what is not named is none."""
        self._ask({"delay_ms": self.shape.rtt_ms / 2, **options})

    def counters(self) -> dict[str, dict[str, float]]:
        """Return what the delay link did: "up", "down" -> taken, lost, doubled, held, given, refused, late …

        `overrun`: packets that it did not take in time, which the line lost without being told to.
        `queued_out`: packets that the queue of the token bucket dropped.
        """
        counted = self._ask(None)
        for direction, node, device, queue in (
            ("up", "router", "r1", "r1"),
            ("down", "datacenter", "d0", "r0"),
        ):
            stats = json.loads(self.run(node, "ip", "-s", "-j", "link", "show", device).stdout)
            bucket = json.loads(
                self.run("router", "tc", "-s", "-j", "qdisc", "show", "dev", queue).stdout
            )
            dropped = sum(one.get("drops", 0) for one in bucket if one["kind"] == "tbf")
            counted[direction]["queued_out"] = dropped
            lost = stats[0]["stats64"]["tx"]["dropped"]
            counted[direction]["overrun"] = max(0, lost - (dropped if device == queue else 0))
        return counted

    def _ask(self, options: dict[str, float] | None) -> dict[str, dict[str, float]]:
        if self._link is None or self._link.stdin is None or self._link.stdout is None:
            raise RuntimeError("the line is not up")
        self._link.stdin.write((json.dumps(options) if options else "").encode() + b"\n")
        self._link.stdin.flush()
        answer: dict[str, dict[str, float]] = json.loads(self._link.stdout.readline())
        return answer

    def set_up(self) -> None:
        """Make the namespaces, links, addresses and queues."""
        for node in NODES:
            self.nodes[node] = Namespace({})
            self._kernel(node)
        there = f"/proc/{os.getpid()}/fd/{self.nodes['router'].net}"
        pair = ["link", "add", "c0", "type", "veth", "peer", "name", "r0", "netns", there]
        self.run("court", "ip", *pair)
        self._delay_link()
        # A route names the congestion control: a namespace may not choose a restricted one for itself.
        cubic = "congctl cubic"
        self._addresses("court", {"c0": COURT}, f"route add default via {ROUTER_IN} {cubic}")
        self._addresses("router", {"r0": ROUTER_IN, "r1": ROUTER_OUT})
        self._addresses(
            "datacenter", {"d0": DATACENTER}, f"route add default via {ROUTER_OUT} {cubic}"
        )
        self._bucket("r1", "up", 1.0)
        self._bucket("r0", "down", ETHERNET)

    def _delay_link(self) -> None:
        header = self.shape.gso
        ends = [
            self.inside("router", lambda: _tun("r1", header)),
            self.inside("datacenter", lambda: _tun("d0", header)),
        ]
        options = {"delay_ms": self.shape.rtt_ms / 2, **self.shape.trouble}
        program = [sys.executable, "-m", "tests.lab.delay_link", *map(str, ends)]
        self._link = subprocess.Popen(
            [*_tied(), *program, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=ends,
            cwd=ROOT,
            start_new_session=True,  # Ctrl-C is for the lab, which ends its line in order
        )
        for end in ends:
            os.close(end)
        punctual(self._link.pid)
        assert self._link.stdout is not None
        if self._link.stdout.readline() != b"ready\n":
            raise RuntimeError("the delay link did not come up")

    def _addresses(self, node: str, held: dict[str, str], route: str = "") -> None:
        lines = ["link set lo up"]
        for device, address in held.items():
            one_packet = "" if self.shape.gso else " gso_max_segs 1"
            lines.append(f"link set {device} txqueuelen {RING}{one_packet}")
            lines.append(f"link set {device} up")
            lines.append(f"addr add {address}/24 dev {device}")
        self.run(node, "ip", "-batch", "-", stdin="\n".join([*lines, route]) + "\n")

    def _bucket(self, device: str, direction: Direction, over: float) -> None:
        rate = self.shape.rate(direction)
        if rate is None:
            return
        burst, limit = self.shape.burst_bytes(direction), self.shape.queue_bytes(direction)
        sizes = ["burst", str(int(burst * over)), "limit", str(int(limit * over))]
        shaping = ["root", "tbf", "rate", f"{int(rate * 1e6 * over)}bit", *sizes]
        self.run("router", "tc", "qdisc", "add", "dev", device, *shaping)

    def _kernel(self, node: str) -> None:
        settings = ["net.ipv4.tcp_no_metrics_save=1"]
        settings += [f"net.ipv6.conf.default.{name}=0" for name in ("dad_transmits", "accept_ra")]
        if node == "router":
            settings += ["net.ipv4.ip_forward=1", "net.ipv4.icmp_ratelimit=0"]
        if node == "court":
            most = 0 if Path("/proc/self/uid_map").read_text().split()[2] == "1" else 2147483647
            settings.append(f"net.ipv4.ping_group_range=0 {most}")
        self.run(node, "sysctl", "-qw", *settings, check=False)

    def close(self) -> None:
        """Stop every process by its id and let go of the namespaces."""
        for process in reversed(self._started):
            _stop(process)
        self._started.clear()
        if self._link is not None:
            _stop(self._link)
            for pipe in (self._link.stdin, self._link.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
        for space in self.nodes.values():
            space.close()


@contextlib.contextmanager
def shaped(
    *,
    mbit: float | None = 10.0,
    up_mbit: float | None = None,
    rtt_ms: float = 40.0,
    loss_pct: float = 0.0,
    loss_way: Literal["up", "down", "both"] = "both",
    jitter_ms: float = 0.0,
    queue_ms: float = 100.0,
    burst: int | None = None,
    gso: bool | None = None,
    dup_pct: float = 0.0,
    reorder_pct: float = 0.0,
    reorder_ms: float = 20.0,
    seed: int = 1,
) -> Iterator[Line]:
    """Give the line for the time of the block.

    mbit: both ways, IP bytes; None: not shaped. up_mbit: from the court to the datacenter, where it differs.
    burst: bytes of the token bucket (None: 2 ms of the rate). queue_ms: of tail-drop queue, each way.
    loss_pct, jitter_ms (uniform ±, order kept), dup_pct, reorder_pct (so many come reorder_ms late): of the delay
    link, each way, beyond the queue; loss of one way by *loss_way*.
    gso: super-packets of 64 kB; None: only from 50 Mbit/s without any of these, where they are no line time.
    """
    why = refused()
    if why:
        raise PermissionError(why)
    lost = {"loss_pct": loss_pct} if loss_way == "both" else {f"loss_{loss_way}_pct": loss_pct}
    trouble = {**lost, "jitter_ms": jitter_ms, "dup_pct": dup_pct, "reorder_pct": reorder_pct}
    clean = not any(trouble.values())
    rates = [rate for rate in (mbit, up_mbit) if rate is not None]
    fast = min(rates, default=FAST_MBIT) >= FAST_MBIT
    if gso and not clean:
        raise ValueError("a lost super-packet would be 44 lost packets: no gso with loss or jitter")
    shape = Shape(
        mbit=mbit,
        up_mbit=up_mbit,
        rtt_ms=rtt_ms,
        queue_ms=queue_ms,
        burst=burst,
        gso=clean and fast if gso is None else gso,
        trouble={**trouble, "reorder_ms": reorder_ms, "seed": seed},
    )
    with tempfile.TemporaryDirectory(prefix="ccpor-line-") as folder:
        Path(folder).chmod(0o755)
        line = Line(Path(folder), shape)
        try:
            line.set_up()
            yield line
        finally:
            line.close()


def _tun(name: str, header: bool) -> int:
    """Return the descriptor of a new TUN interface in this thread's namespace."""
    end = os.open("/dev/net/tun", os.O_RDWR)
    flags = TUN_PLAIN | (TUN_HEADER if header else 0)
    fcntl.ioctl(end, TUN_SET, struct.pack("16sH22x", name.encode(), flags))
    if header:
        fcntl.ioctl(end, TUN_OFFLOAD, OFFLOADS)
    return end


def _tied() -> list[str]:
    # A child asks to die with the thread that made it: only the main thread surely lives on.
    lasting = threading.current_thread() is threading.main_thread()
    return ["setpriv", "--pdeathsig", "KILL", "--"] if lasting else []


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(3)
