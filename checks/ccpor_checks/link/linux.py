"""Linux: interfaces, addresses, routes by rtnetlink; speed and radio by ioctl. No right needed."""

from __future__ import annotations

import ctypes
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ccpor_checks.link.evidence import Interface, Kind, Route, Wireless
from ccpor_checks.link.netlink import (
    GET_ADDRESS,
    GET_LINK,
    GET_ROUTE,
    Attributes,
    attributes,
    dump,
    number,
    text,
)

LINK, ADDRESS, ROUTE = struct.Struct("=BxHiII"), struct.Struct("=BBBBi"), struct.Struct("=8BI")
NEXT_HOP = struct.Struct("=HBBi")
COUNTERS = struct.Struct("=8Q")  # rtnl_link_stats64, as far as the drops
# IFLA_, IFA_ and RTA_ numbers of linux/if_link.h, if_addr.h, rtnetlink.h
NAME, MTU, MASTER, OPERSTATE, LINKINFO, STATS = 3, 4, 10, 16, 18, 23
INFO_KIND = 1
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS, DAD_FAILED = 1, 2, 8, 0x08
DESTINATION, OUT, GATEWAY, MULTIPATH, TABLE, VIA = 1, 4, 5, 9, 15, 18
LOCAL_TABLE, UNICAST = 255, 1
DEAD = 0x01 | 0x10  # RTNH_F_DEAD, RTNH_F_LINKDOWN
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
STATE_UNKNOWN, STATE_UP = 0, 6  # RFC 2863
ARPHRD_ETHER, ARPHRD_LOOPBACK = 1, 772
TUNNELS = frozenset(
    {"tun", "wireguard", "ipip", "sit", "gre", "gretap", "ip6tnl", "ip6gre", "vti", "xfrm", "ppp"}
)
UNCONNECTED = frozenset({"dummy", "ifb", "nlmon", "vcan"})
VIRTUAL = frozenset({"bridge", "bond", "team", "vlan", "veth", "macvlan", "ipvlan", "vrf", "vxlan"})
FOR_GUESTS = frozenset({"veth", "tun"})  # the ports of a bridge for containers and machines

SIOCETHTOOL, ETHTOOL_GSET, SIOCGIWNAME = 0x8946, 0x1, 0x8B01
SPEEDS_UNKNOWN = {0, 0xFFFF, 0xFFFFFFFF}


@dataclass(frozen=True, slots=True)
class Link:
    """One message about a link."""

    index: int
    hardware: int
    flags: int
    told: Attributes

    @property
    def name(self) -> str:
        return text(self.told.get(NAME))

    @property
    def info_kind(self) -> str:
        return text(attributes(self.told.get(LINKINFO, b"")).get(INFO_KIND))

    @property
    def master(self) -> int | None:
        return number(self.told.get(MASTER))

    @property
    def up(self) -> bool:
        state = number(self.told.get(OPERSTATE)) or STATE_UNKNOWN
        carrier = bool(self.flags & IFF_LOWER_UP)
        known = state == STATE_UP or (state == STATE_UNKNOWN and carrier)
        return bool(self.flags & IFF_UP) and known


class LinuxLinks:
    """This machine's network, as the calling thread's network namespace has it."""

    def interfaces(self) -> tuple[Interface, ...]:
        """Return every interface, in the kernel's order.

        Raises:
            OSError: The kernel does not tell.
        """
        links = _links()
        addresses = _addresses()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
            return tuple(
                _interface(link, links, tuple(addresses.get(link.index, ())), door)
                for link in links
            )

    def routes(self) -> list[Route]:
        """Return the unicast routes of all tables but the local one.

        Raises:
            OSError: The kernel does not tell.
        """
        names = {link.index: link.name for link in _links()}
        found = []
        for family in (socket.AF_INET, socket.AF_INET6):
            for payload in dump(GET_ROUTE, ROUTE.pack(family, 0, 0, 0, 0, 0, 0, 0, 0)):
                if route := _route(payload, names):
                    found.append(route)
        return found


def _links() -> list[Link]:
    found = []
    for payload in dump(GET_LINK, LINK.pack(0, 0, 0, 0, 0)):
        _family, hardware, index, flags, _change = LINK.unpack_from(payload)
        found.append(Link(index, hardware, flags, attributes(payload[LINK.size :])))
    return found


def _addresses() -> dict[int, list[str]]:
    """Return each interface's addresses with their prefixes; one that is in use twice is none."""
    found: dict[int, list[str]] = {}
    for payload in dump(GET_ADDRESS, ADDRESS.pack(0, 0, 0, 0, 0)):
        family, length, flags, _scope, index = ADDRESS.unpack_from(payload)
        told = attributes(payload[ADDRESS.size :])
        # A point-to-point link's IFA_ADDRESS is the far end; IFA_LOCAL is ours.
        own = told.get(IFA_LOCAL) or told.get(IFA_ADDRESS)
        flags = number(told.get(IFA_FLAGS)) or flags
        if own is None or flags & DAD_FAILED or family not in {socket.AF_INET, socket.AF_INET6}:
            continue
        found.setdefault(index, []).append(f"{socket.inet_ntop(family, own)}/{length}")
    return found


def _interface(
    link: Link, links: list[Link], addresses: tuple[str, ...], door: socket.socket
) -> Interface:
    stats = link.told.get(STATS)
    counters = COUNTERS.unpack_from(stats) if stats and len(stats) >= COUNTERS.size else (None,) * 8
    radio = link.hardware == ARPHRD_ETHER and _has_radio(link, door)
    speed, duplex = _speed(link.name, door) if link.up else (None, None)
    return Interface(
        name=link.name,
        kind=_kind(link, radio=radio),
        up=link.up,
        carries=carries(link, links),
        addresses=addresses,
        mtu=number(link.told.get(MTU)),
        speed_mbit=speed,
        duplex=duplex,
        rx_errors=counters[4],
        tx_errors=counters[5],
        rx_dropped=counters[6],
        tx_dropped=counters[7],
        # which cipher is in use only a privileged nl80211 client is told for certain
        wireless=Wireless(joined=link.up) if radio else None,
    )


def _kind(link: Link, *, radio: bool) -> Kind:
    if link.hardware == ARPHRD_LOOPBACK:
        return "loopback"
    if radio:
        return "wireless"
    if link.info_kind in TUNNELS:
        return "tunnel"
    if link.info_kind in VIRTUAL | UNCONNECTED:
        return "virtual"
    return "wired" if link.hardware == ARPHRD_ETHER else "other"


def carries(link: Link, links: list[Link]) -> bool:
    """Say whether *link*, one of *links*, may lead out of this workstation."""
    masters = {each.index: each.info_kind for each in links}
    if link.master and masters.get(link.master) != "vrf":
        return False  # a port of a bridge or bond: that one has the address
    if link.hardware == ARPHRD_LOOPBACK or link.info_kind in UNCONNECTED:
        return False
    if link.info_kind != "bridge":
        return True
    ports = [each for each in links if each.master == link.index]
    return any(port.info_kind not in FOR_GUESTS | UNCONNECTED for port in ports)


def _route(payload: bytes, names: dict[int, str]) -> Route | None:
    family, length, _source, _tos, table, _protocol, _scope, kind, flags = ROUTE.unpack_from(
        payload
    )
    told = attributes(payload[ROUTE.size :])
    if kind != UNICAST or (number(told.get(TABLE)) or table) == LOCAL_TABLE or flags & DEAD:
        return None
    size = 4 if family == socket.AF_INET else 16
    destination = socket.inet_ntop(family, told.get(DESTINATION, b"").ljust(size, b"\0"))
    out, gateway = number(told.get(OUT)), _gateway(told, family)
    if out is None:
        out, gateway = _first_hop(told.get(MULTIPATH, b""), family)
    if out not in names:
        return None
    return Route(destination=f"{destination}/{length}", gateway=gateway, interface=names[out])


def _first_hop(blob: bytes, family: int) -> tuple[int | None, str | None]:
    """Return interface and gateway of the first hop of several that is alive."""
    at = 0
    while at + NEXT_HOP.size <= len(blob):
        size, flags, _weight, out = NEXT_HOP.unpack_from(blob, at)
        if not flags & DEAD:
            return out, _gateway(attributes(blob[at + NEXT_HOP.size : at + size]), family)
        at += max((size + 3) & ~3, NEXT_HOP.size)
    return None, None


def _gateway(told: Attributes, family: int) -> str | None:
    if found := told.get(GATEWAY):
        return socket.inet_ntop(family, found)
    if via := told.get(VIA):  # a gateway of the other family: two bytes of it, then the address
        return socket.inet_ntop(int.from_bytes(via[:2], sys.byteorder), via[2:])
    return None


def _speed(name: str, door: socket.socket) -> tuple[float | None, Literal["full", "half"] | None]:
    """Return Mbit/s and duplex as the driver tells them (ethtool_cmd of linux/ethtool.h)."""
    if sys.platform != "linux":
        return None, None
    import fcntl

    asked = ctypes.create_string_buffer(struct.pack("=I", ETHTOOL_GSET), 44)
    request = struct.pack("16sP16x", name.encode()[:15], ctypes.addressof(asked))
    try:
        fcntl.ioctl(door, SIOCETHTOOL, request)
    except OSError:  # a driver without a speed, or a sandbox
        return None, None
    low, way = struct.unpack_from("=HB", asked, 12)
    (high,) = struct.unpack_from("=H", asked, 28)
    speed = high << 16 | low
    duplex: Literal["full", "half"] | None = "half" if way == 0 else "full" if way == 1 else None
    return (None if speed in SPEEDS_UNKNOWN else float(speed)), duplex


def _has_radio(link: Link, door: socket.socket) -> bool:
    """Say whether *link* is wireless, by its old ioctl or where ``/sys`` is of this network."""
    if sys.platform != "linux":
        return False
    import fcntl

    try:
        fcntl.ioctl(door, SIOCGIWNAME, struct.pack("32s", link.name.encode()[:15]))
    except OSError:
        pass
    else:
        return True
    folder = Path("/sys/class/net", link.name)
    try:
        same = int((folder / "ifindex").read_text()) == link.index
    except (OSError, ValueError):
        return False
    return same and (folder / "phy80211").exists()
