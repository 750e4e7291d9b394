"""What a fault may do to the lab: a closed list of actions.

A fault names them in TOML as ``{ do = "nft", at = "county_edge", rule = "tcp dport 443 drop" }``. `Action.apply`
returns what undoes it; None where that is not worth the lines: then the lab is made anew after the fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from tests.lab.network import NTP, SSH, WEB, Network
from tests.lab.services import COUNTY_PROXY, COURT_PROXY, Services

Undo = Callable[[], object]
Node = Literal["court", "court_router", "county_edge", "datacenter_router", "datacenter", "gateway"]
Hook = Literal["input", "forward", "output", "prerouting", "postrouting", "dstnat", "srcnat"]
SERVICES = {  # where a service is looked for: node, address, protocol, port
    "https": ("datacenter", WEB, "tcp", 443),
    "http": ("datacenter", WEB, "tcp", 80),
    "ssh": ("datacenter", SSH, "tcp", 22),
    "ntp": ("datacenter", NTP, "udp", 123),
    "dns": ("county_edge", "10.77.2.2", "udp", 53),
    "proxy": ("county_edge", COUNTY_PROXY, "tcp", 3128),
    "gateway": ("gateway", "10.77.5.10", "tcp", 443),
}
Service = Literal["https", "http", "ssh", "ntp", "dns", "proxy", "gateway"]


@dataclass
class Bench:
    """A running lab as an action sees it. environment: what is added to the agent's. spent: not to be used again."""

    net: Network
    services: Services
    environment: dict[str, str] = field(default_factory=dict)
    spent: bool = False

    def redirect(self, service: Service, port: int) -> Undo:
        """Send what is meant for *service* to another port of the same address."""
        node, address, protocol, asked = SERVICES[service]
        protocols = [protocol, "tcp"] if service == "dns" else [protocol]
        for each in protocols:
            rule = f"ip daddr {address} {each} dport {asked} dnat ip to {address}:{port}"
            self.net.nft(node, rule, hook="dstnat")
        return lambda: self.net.clear(node)


class Action(msgspec.Struct, kw_only=True, tag_field="do", forbid_unknown_fields=True):
    """One thing done to the lab."""

    def apply(self, bench: Bench) -> Undo | None:
        """Do it, and return what undoes it."""
        raise NotImplementedError


class Nft(Action, tag="nft"):
    """A rule of nftables (table `inet`)."""

    at: Node
    rule: str
    hook: Hook = "forward"

    def apply(self, bench: Bench) -> Undo:
        bench.net.nft(self.at, self.rule, hook=self.hook)
        return lambda: bench.net.clear(self.at)


class Ip(Action, tag="ip"):
    """Lines for ``ip -batch``, e.g. ``route del default``."""

    at: Node
    lines: tuple[str, ...]

    def apply(self, bench: Bench) -> None:
        bench.net.run(self.at, "ip", "-batch", "-", stdin="\n".join(self.lines) + "\n")


class Cable(Action, tag="cable-out"):
    """The cable of the court's machine is out."""

    def apply(self, bench: Bench) -> None:
        bench.net.run("court_router", "ip", "link", "set", "in0", "down")
        end = time.monotonic() + 5
        # The kernel says so up to a second later; a cable that is out has been out for longer.
        while "LOWER_UP" in bench.net.run("court", "ip", "link", "show", "dev", "eth0").stdout:
            if time.monotonic() > end:
                raise RuntimeError("eth0 has not lost its carrier")
            time.sleep(0.05)
        time.sleep(1)


class Sysctl(Action, tag="sysctl"):
    """A setting of the kernel, e.g. ``net.ipv4.ping_group_range``."""

    at: Node
    name: str
    value: str

    def apply(self, bench: Bench) -> None:
        bench.net.run(self.at, "sysctl", "-qw", f"{self.name}={self.value}")


class Address(Action, tag="address-gone"):
    """The datacenter's network has no machine of that address any more; its router notices soon."""

    address: str

    def apply(self, bench: Bench) -> None:
        # Out of its address a machine answers nobody; the default of a second between two questions of the router
        # would leave it open whether the router speaks before the agent's patience ends.
        bench.net.run(
            "datacenter_router", "sysctl", "-qw", "net.ipv4.neigh.out0.retrans_time_ms=150"
        )
        bench.net.nft("datacenter", f"arp daddr ip {self.address} drop", hook="arp")
        bench.net.run("datacenter_router", "ip", "neigh", "flush", "dev", "out0")


class Line(Action, tag="line"):
    """The county's line (see tests/lab/tun_link.py), e.g. ``options = { delay_ms = 130 }``, each way."""

    options: dict[str, float]

    def apply(self, bench: Bench) -> Undo:
        bench.net.line(**self.options)
        return bench.net.line


class Mtu(Action, tag="mtu"):
    """The county's line takes packets of *size* bytes. silent: its routers do not say so."""

    size: int
    silent: bool = False

    def apply(self, bench: Bench) -> None:
        ends: tuple[tuple[Node, str], ...] = (("county_edge", "out0"), ("datacenter_router", "in0"))
        for node, interface in ends:
            bench.net.mtu(node, interface, self.size)
            if self.silent:
                for rule in (
                    "icmp type destination-unreachable icmp code frag-needed drop",
                    "icmpv6 type packet-too-big drop",
                ):
                    bench.net.nft(node, rule, hook="output")


class Resolver(Action, tag="resolver"):
    """The name servers that the court's machine is set to; none leaves it without one."""

    addresses: tuple[str, ...]

    def apply(self, bench: Bench) -> Undo:
        before = bench.net.resolv.read_text()
        bench.net.resolv.write_text("".join(f"nameserver {one}\n" for one in self.addresses))
        return lambda: bench.net.resolv.write_text(before)


class Hosts(Action, tag="hosts"):
    """Lines added to the court machine's hosts file."""

    lines: tuple[str, ...]

    def apply(self, bench: Bench) -> Undo:
        before = bench.net.hosts.read_text()
        bench.net.hosts.write_text(before + "\n".join([*self.lines, ""]))
        return lambda: bench.net.hosts.write_text(before)


class Dns(Action, tag="dns"):
    """The county's name server has these faults (tests/peers/fault_dns.py) by name, `*` for all; or other addresses."""

    faults: dict[str, str] = {}
    zone: dict[str, list[str]] = {}
    over_tcp: Literal["answers", "silent", "closes", "closed"] = "answers"

    def apply(self, bench: Bench) -> Undo:
        node, host, _protocol, _port = SERVICES["dns"]
        port, stop = bench.services.dns_behaviour(
            node, host, faults=self.faults, zone=self.zone, over_tcp=self.over_tcp
        )
        return _both(bench.redirect("dns", port), stop)


class Certificate(Action, tag="certificate"):
    """The web server shows a certificate of that kind (tests/lab/keys.py), or speaks such a TLS."""

    kind: str

    def apply(self, bench: Bench) -> Undo:
        return bench.redirect("https", bench.services.ports[self.kind])


class Tls(Action, tag="tls"):
    """What answers on the port behaves so (tests/lab/services.py, `tls_handler`)."""

    does: str
    service: Service = "https"

    def apply(self, bench: Bench) -> Undo:
        host = SERVICES[self.service][1]
        port, stop = bench.services.tls_behaviour(self.does, host=host)
        return _both(bench.redirect(self.service, port), stop)


class Http(Action, tag="http"):
    """The web server answers as tests/peers/fault_http.py does for that path, e.g. ``status/503``."""

    does: str

    def apply(self, bench: Bench) -> Undo:
        port, stop = bench.services.web_behaviour(self.does)
        return _both(bench.redirect("https", port), stop)


class Ntp(Action, tag="ntp"):
    """The time server says so (fields of tests/peers/fake_ntp.py; `silent`)."""

    says: dict[str, int | float | str | bool]

    def apply(self, bench: Bench) -> Undo:
        port, stop = bench.services.ntp_behaviour(dict(self.says))
        return _both(bench.redirect("ntp", port), stop)


class Sshd(Action, tag="sshd"):
    """An OpenSSH with these lines of sshd_config in front of the usual ones."""

    options: tuple[str, ...]

    def apply(self, bench: Bench) -> Undo:
        port = bench.services.port()
        bench.services.sshd(port, self.options)()
        return bench.redirect("ssh", port)


class Stamp(Action, tag="stamp"):
    """The datacenter's reflector of measurement packets runs (RFC 8762, port 862)."""

    def apply(self, bench: Bench) -> Undo:
        return bench.services.stamp_reflector()


class Closed(Action, tag="closed"):
    """Nobody listens at the service any more."""

    service: Service

    def apply(self, bench: Bench) -> Undo:
        return bench.redirect(self.service, 9)


class Squid(Action, tag="squid"):
    """A real squid runs at the county's edge or the court's router: 3128 open, 3129 asks, 3130 denies, 3131 inspects.

    instead: that port takes the place of 3128.
    """

    at: Literal["county_edge", "court_router"] = "county_edge"
    instead: int = 3128

    def apply(self, bench: Bench) -> Undo:
        address = COUNTY_PROXY if self.at == "county_edge" else COURT_PROXY
        bench.services.squid(self.at, address)
        if self.instead == 3128:
            return _nothing
        rule = f"ip daddr {address} tcp dport 3128 dnat ip to {address}:{self.instead}"
        bench.net.nft(self.at, rule, hook="dstnat")
        return lambda: bench.net.clear(self.at)


class Environment(Action, tag="environment"):
    """Variables of the agent's environment."""

    set: dict[str, str]

    def apply(self, bench: Bench) -> Undo:
        bench.environment.update(self.set)
        return lambda: [bench.environment.pop(name, None) for name in self.set]


AnyAction = (
    Nft
    | Ip
    | Cable
    | Sysctl
    | Address
    | Line
    | Mtu
    | Resolver
    | Hosts
    | Dns
    | Certificate
    | Tls
    | Http
    | Ntp
    | Sshd
    | Stamp
    | Closed
    | Squid
    | Environment
)


def _both(first: Undo, second: Undo) -> Undo:
    def undo() -> None:
        first()
        second()

    return undo


def _nothing() -> None:
    return None
