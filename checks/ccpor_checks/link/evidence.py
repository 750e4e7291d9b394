"""What the `link` check may be asked, and what it saw."""

from __future__ import annotations

import ipaddress
from typing import Literal

import msgspec

from ccpor_checks.base import Evidence, Options

Kind = Literal["wired", "wireless", "loopback", "tunnel", "virtual", "other"]
MOST_ROUTES = 50  # kept; the default ones come first


class LinkOptions(Options, frozen=True, kw_only=True):
    """`[target.link]` has no keys: naming the check is all there is to say."""


class Wireless(msgspec.Struct, frozen=True, kw_only=True):
    """How a wireless interface is protected. Its network's name, often a place, is not kept."""

    joined: bool | None  # it is on a wireless network; None: the system does not say
    cipher: str | None = None  # e.g. "CCMP", "none"; None: the system does not say


class Interface(msgspec.Struct, frozen=True, kw_only=True):
    """One network interface. None: the system does not say. Counters are since its start.

    up: switched on, and a cable or a network is there.
    carries: it may lead out: no loopback, no part of another interface, no bridge that joins
        only virtual machines or containers of this workstation.
    """

    name: str
    kind: Kind
    up: bool
    carries: bool
    addresses: tuple[str, ...] = ()  # with the length of their prefix: "10.20.0.7/24"
    mtu: int | None = None
    speed_mbit: float | None = None
    duplex: Literal["full", "half"] | None = None
    rx_errors: int | None = None
    tx_errors: int | None = None
    rx_dropped: int | None = None
    tx_dropped: int | None = None
    wireless: Wireless | None = None  # None: not a wireless one


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route that leads beyond the interface's own network."""

    destination: str  # "0.0.0.0/0" and "::/0" are the default routes
    gateway: str | None  # None: straight through the interface, e.g. a tunnel
    interface: str

    @property
    def is_default(self) -> bool:
        return self.destination in {"0.0.0.0/0", "::/0"}


class LinkEvidence(Evidence, frozen=True, kw_only=True):
    """The interfaces of this workstation and the routes that lead beyond their own networks.

    target_on_link: the target is in the network of an interface that is up, so that no route is
    needed; None where the target names no host, or its address is not known.
    """

    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    target_on_link: bool | None = None


def usable(address: str) -> bool:
    """Say whether *address* (with its prefix) is good for more than the next cable."""
    try:
        own = ipaddress.ip_interface(address).ip
    except ValueError:
        return False
    return not (own.is_link_local or own.is_loopback or own.is_unspecified or own.is_multicast)


def covers(interfaces: tuple[Interface, ...], address: str) -> bool:
    """Say whether *address* lies in a network of an interface that is up."""
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return False
    networks = (ipaddress.ip_interface(a).network for i in interfaces if i.up for a in i.addresses)
    return any(wanted.version == network.version and wanted in network for network in networks)


def leading_out(routes: list[Route], interfaces: tuple[Interface, ...]) -> tuple[Route, ...]:
    """Return those of *routes* that go beyond their interface's own networks, default ones first.

    Left out: routes through an interface that is down or a loopback, multicast and link-local
    destinations, and the networks of the interface itself.
    """
    up = {each.name: each for each in interfaces if each.up and each.kind != "loopback"}
    kept = [route for route in routes if route.interface in up and _beyond(route, up)]
    kept.sort(key=lambda route: not route.is_default)
    return tuple(dict.fromkeys(kept))[:MOST_ROUTES]


def _beyond(route: Route, up: dict[str, Interface]) -> bool:
    if route.is_default:
        return True
    destination = ipaddress.ip_network(route.destination, strict=False)
    if destination.is_multicast or destination.is_link_local:
        return False
    if route.gateway is not None:
        return True
    if str(destination) == "255.255.255.255/32":  # Windows: broadcasts
        return False
    own = [ipaddress.ip_interface(each).network for each in up[route.interface].addresses]
    # An address, broadcast or part of its own network is not beyond it.
    return not any(_within(destination, network) for network in own)


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _within(inner: Network, outer: Network) -> bool:
    return inner.version == outer.version and (
        inner.network_address in outer and inner.prefixlen >= outer.prefixlen
    )
