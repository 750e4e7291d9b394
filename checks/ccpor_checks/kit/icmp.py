"""ICMP errors as the operating system keeps them for an ordinary socket, and what they say.

Source: RFC 792, RFC 1812 section 5.2.7.1 and RFC 4443 section 3 (types and codes), ip(7) for
IP_RECVERR. Only Linux shows them to a program without rights; elsewhere there are none.
"""

from __future__ import annotations

import ipaddress
import socket
import struct
import sys

import msgspec

from ccpor_reporting.contrasts import Answer

# linux/in.h, linux/in6.h, linux/errqueue.h: Python's socket module does not name them
IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE = 11, 25, 0x2000
ORIGIN_ICMP, ORIGIN_ICMP6 = 2, 3
EXTENDED_ERROR = struct.Struct("=IBBBBII")

PROHIBITED = {
    4: frozenset({(3, 9), (3, 10), (3, 13)}),
    6: frozenset({(1, 1), (1, 5), (1, 6)}),  # policy and reject routes are decisions, too
}
PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}  # what a packet filter's `reject` sends by default
TIME_EXCEEDED = {4: 11, 6: 3}
TOO_BIG = {4: frozenset({(3, 4)}), 6: frozenset({(2, 0)})}


class Icmp(msgspec.Struct, frozen=True, kw_only=True):
    """The ICMP error that ended a try (RFC 792, RFC 4443)."""

    version: int  # 4 or 6
    type: int
    code: int
    sender: str | None  # None: the system did not say


def answer_of(icmp: Icmp, address: str) -> Answer:
    """Return what *icmp* says to a packet for *address*.

    "No such port" is the host's own word only from the host itself; from anybody else it is a
    filter's.
    """
    kind = (icmp.type, icmp.code)
    if icmp.type == TIME_EXCEEDED[icmp.version]:
        return "time-exceeded"
    if kind in PROHIBITED[icmp.version]:
        return "prohibited"
    if kind == PORT_UNREACHABLE[icmp.version]:
        return "refused" if icmp.sender in {None, address} else "prohibited"
    return "too-big" if kind in TOO_BIG[icmp.version] else "unreachable"


def show_icmp(sock: socket.socket) -> None:
    """Ask the system to keep ICMP errors for *sock* (Linux; elsewhere nothing changes)."""
    if sys.platform != "linux":
        return
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)


def icmp_error(sock: socket.socket) -> Icmp | None:
    """Return the ICMP error kept for *sock*, if any; it is forgotten by that."""
    kept = kept_error(sock)
    return kept[0] if kept else None


def kept_error(sock: socket.socket) -> tuple[Icmp | None, bytes] | None:
    """Return the next error kept for *sock* with the start of the packet it is about.

    None: there is none. An error that this workstation found out by itself has no ICMP.
    """
    if sys.platform != "linux":
        return None
    try:
        packet, ancillary, _, _ = sock.recvmsg(512, 512, MSG_ERRQUEUE)
    except OSError:  # EAGAIN: the queue is empty
        return None
    for level, kind, blob in ancillary:
        if (level, kind) in {
            (socket.IPPROTO_IP, IP_RECVERR),
            (socket.IPPROTO_IPV6, IPV6_RECVERR),
        } and len(blob) >= EXTENDED_ERROR.size:
            return _from_extended_error(blob), packet
    return None, packet


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
