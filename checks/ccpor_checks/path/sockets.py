"""What the system says of this workstation's own interface, and how far its packets live."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys

from ccpor_checks.kit.packets import family_of

IP_HEADER = {socket.AF_INET: 20, socket.AF_INET6: 40}


def live_for(sock: socket.socket, hops: int) -> None:
    """Have the packets of *sock* end after *hops* routers."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, hops)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, hops)


def interface_mtu(address: str) -> int | None:
    """Return the largest packet of this workstation's interface towards *address*; nothing is sent.

    None: the system does not say.
    """
    import psutil

    family = family_of(address)
    with socket.socket(family, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
        sock.connect((address, 9))
        own = str(sock.getsockname()[0])
        name = next(
            (
                name
                for name, known in psutil.net_if_addrs().items()
                if any(each.address.partition("%")[0] == own for each in known)
            ),
            None,
        )
        if name is None:
            return None
        if sys.platform == "linux":
            return _mtu_by_name(sock, name)
        stats = psutil.net_if_stats().get(name)
        return stats.mtu if stats and stats.mtu else None
    return None


def _mtu_by_name(sock: socket.socket, name: str) -> int:
    """Return what SIOCGIFMTU (netdevice(7)) says of interface *name*."""
    if sys.platform == "win32":
        raise OSError("there is no SIOCGIFMTU on this system")
    import fcntl

    request = struct.pack("16si12x", name.encode()[:15], 0)
    return int(struct.unpack_from("16si", fcntl.ioctl(sock.fileno(), 0x8921, request))[1])
