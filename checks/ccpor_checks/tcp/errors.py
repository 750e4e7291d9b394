"""Why a connection was not made: from errno and, on Linux, from the ICMP error behind it.

Source: RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3.1 (types and codes), ip(7) for
IP_RECVERR. Where a system does not show the ICMP error, errno alone decides.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import sys

from ccpor_checks.tcp.evidence import Icmp

PROHIBITED = {
    4: frozenset({(3, 9), (3, 10), (3, 13)}),
    6: frozenset({(1, 1), (1, 5), (1, 6)}),  # policy and reject routes are decisions, too
}
REASONS = {
    errno.ECONNREFUSED: "refused",
    errno.ETIMEDOUT: "dropped",
    errno.ECONNRESET: "reset",
    errno.ECONNABORTED: "reset",
    errno.EPIPE: "reset",
    errno.EACCES: "prohibited",  # what ICMPv6 1/1 and a `prohibit` route become
    errno.EPERM: "prohibited",  # this workstation's own firewall
    errno.EHOSTUNREACH: "host-unreachable",
    getattr(errno, "EHOSTDOWN", -1): "host-unreachable",
    getattr(errno, "ENONET", -1): "host-unreachable",
    errno.ENOPROTOOPT: "host-unreachable",  # ICMP 3/2: a host that speaks no TCP
    errno.ENETUNREACH: "network-unreachable",
    errno.ENETDOWN: "network-unreachable",
    errno.EADDRNOTAVAIL: "network-unreachable",  # no source address of that family
    errno.EAFNOSUPPORT: "network-unreachable",  # IPv6 switched off
    errno.EINVAL: "network-unreachable",  # a `blackhole` route; link-local without its interface
}

# linux/in.h, linux/in6.h, linux/errqueue.h: Python's socket module does not name them
IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE = 11, 25, 0x2000
ORIGIN_ICMP, ORIGIN_ICMP6 = 2, 3
EXTENDED_ERROR = struct.Struct("=IBBBBII")


PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}  # what a packet filter's `reject` sends by default


def reason_of(number: int, icmp: Icmp | None, address: str) -> str | None:
    """Return why *address* was not reached, by errno *number* and the ICMP error behind it.

    "No such port" is the host's own word only from the host itself; from anybody else it is a
    filter's. None where the error says nothing about the network.
    """
    if (
        icmp
        and (icmp.type, icmp.code) == PORT_UNREACHABLE[icmp.version]
        and icmp.sender not in {None, address}
    ):
        return "prohibited"
    if icmp and (icmp.type, icmp.code) in PROHIBITED[icmp.version]:
        return "prohibited"
    return REASONS.get(number)


def show_icmp(sock: socket.socket) -> None:
    """Ask the system to keep ICMP errors for *sock* (Linux; elsewhere nothing changes)."""
    if sys.platform != "linux":
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def icmp_error(sock: socket.socket) -> Icmp | None:
    """Return the ICMP error kept for *sock*, if any."""
    if sys.platform != "linux":
        return None
    try:
        _, ancillary, _, _ = sock.recvmsg(1, 512, MSG_ERRQUEUE)
    except OSError:  # EAGAIN: the queue is empty
        return None
    for level, kind, blob in ancillary:
        if (level, kind) in {
            (socket.IPPROTO_IP, IP_RECVERR),
            (socket.IPPROTO_IPV6, IPV6_RECVERR),
        } and len(blob) >= EXTENDED_ERROR.size:
            return _from_extended_error(blob)
    return None


def _from_extended_error(blob: bytes) -> Icmp | None:
    """Read a sock_extended_err and the sockaddr of the sender behind it."""
    _, origin, icmp_type, code, _, _, _ = EXTENDED_ERROR.unpack_from(blob)
    address = blob[EXTENDED_ERROR.size :]
    sender: str | None = None
    if origin == ORIGIN_ICMP:
        if len(address) >= 8:
            sender = str(ipaddress.IPv4Address(address[4:8]))
        return Icmp(version=4, type=icmp_type, code=code, sender=sender)
    if origin == ORIGIN_ICMP6:
        if len(address) >= 24:
            sender = str(ipaddress.IPv6Address(address[8:24]))
        return Icmp(version=6, type=icmp_type, code=code, sender=sender)
    return None  # found out by this workstation itself: errno says it all
