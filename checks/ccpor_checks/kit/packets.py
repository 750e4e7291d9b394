"""Packets and their times: what came, when, ICMP errors, packets that must not be split.

Source: ip(7), ipv6(7), icmp(7), socket(7); linux/in.h, in6.h, errqueue.h (Python names few of
them). Every function loads on any system; on one that is not Linux nothing is asked of it.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ccpor_checks.kit.icmp import (
    EXTENDED_ERROR,
    IP_RECVERR,
    IPV6_RECVERR,
    MSG_ERRQUEUE,
    ORIGIN_ICMP,
    ORIGIN_ICMP6,
    show_icmp,
)

IP_MTU_DISCOVER, IPV6_MTU_DISCOVER = 10, 23
WITHOUT_DF, PROBING = 0, 3  # PROBING: DF set, and what the system remembers of the path ignored
SO_TIMESTAMPNS = 35
TIMESPEC = struct.Struct("=qq")
ON_LINUX = sys.platform == "linux"
# Windows' wall clock ticks every 15.6 ms (Python before 3.13 reads no finer one), its counter never
# that coarsely: there the wall clock is read once and counted on from.
_FROM = time.time_ns() - time.perf_counter_ns()


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A packet, and when it came (nanoseconds of the wall clock)."""

    content: bytes
    sender: tuple[str, int]
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkError:
    """An ICMP error about a packet of ours. `content` is what was sent, as far as it was quoted."""

    number: int  # errno
    origin: int
    type: int
    code: int
    mtu: int  # of the next hop, where the error is "too big"
    sender: str | None
    towards: tuple[str, int]
    content: bytes
    at_ns: int

    @property
    def is_too_big(self) -> bool:
        return self.number == errno.EMSGSIZE and self.origin in {ORIGIN_ICMP, ORIGIN_ICMP6}

    @property
    def is_port_unreachable(self) -> bool:
        return (self.origin, self.type, self.code) in {(ORIGIN_ICMP, 3, 3), (ORIGIN_ICMP6, 1, 4)}

    @property
    def is_time_exceeded(self) -> bool:
        return (self.origin, self.type) in {(ORIGIN_ICMP, 11), (ORIGIN_ICMP6, 3)}


def wall_ns() -> int:
    """Return nanoseconds since 1970 by the clock that arrivals are told in, finely."""
    return _FROM + time.perf_counter_ns() if sys.platform == "win32" else time.time_ns()


def family_of(address: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def prepare(sock: socket.socket, *, split: bool) -> None:
    """Have *sock* tell of ICMP errors and arrival times; *split*: whether its packets may be."""
    if not ON_LINUX:
        return
    discovery = WITHOUT_DF if split else PROBING
    show_icmp(sock)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, discovery)
    else:
        sock.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, discovery)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def send(sock: socket.socket, content: bytes, to: tuple[str, int] | None = None) -> None:
    """Send *content* over *sock*, connected unless *to* is given.

    An ICMP error about an earlier packet is told at the next call, which then sends nothing: that
    call is made again.

    Raises:
        OSError: This packet itself cannot be sent.
    """
    for attempt in (1, 2, 3):
        try:
            if to is None:
                sock.send(content)
            else:
                sock.sendto(content, to)
        except OSError as exc:
            if attempt == 3 or exc.errno in {errno.EMSGSIZE, errno.EPERM, errno.EACCES}:
                raise
        else:
            return


def arrived(sock: socket.socket) -> Iterator[Arrived]:
    """Yield the packets that wait at *sock*, a socket that never blocks.

    An ICMP error that waits there instead is passed over: `network_errors` tells it in full.
    """
    for _ in range(1000):
        ancillary: list[tuple[int, int, bytes]] = []
        try:
            if sys.platform == "win32":
                content, sender = sock.recvfrom(65535)
            else:
                content, ancillary, _, sender = sock.recvmsg(65535, 256)
        except BlockingIOError:
            return
        except OSError:
            continue
        yield Arrived(content=content, sender=(sender[0], sender[1]), at_ns=_came_at(ancillary))


def network_errors(sock: socket.socket) -> Iterator[NetworkError]:
    """Yield the errors that wait at *sock*."""
    if sys.platform != "linux":
        return
    while True:
        try:
            content, ancillary, _, towards = sock.recvmsg(65535, 512, MSG_ERRQUEUE)
        except OSError:  # EAGAIN: there is none
            return
        for level, kind, blob in ancillary:
            if (level, kind) in {
                (socket.IPPROTO_IP, IP_RECVERR),
                (socket.IPPROTO_IPV6, IPV6_RECVERR),
            } and len(blob) >= EXTENDED_ERROR.size:
                number, origin, icmp_type, code, _, mtu, _ = EXTENDED_ERROR.unpack_from(blob)
                yield NetworkError(
                    number=number,
                    origin=origin,
                    type=icmp_type,
                    code=code,
                    mtu=mtu,
                    sender=_offender(origin, blob[EXTENDED_ERROR.size :]),
                    towards=(str(towards[0]), int(towards[1])) if towards else ("", 0),
                    content=content,
                    at_ns=_came_at(ancillary),
                )


def _offender(origin: int, address: bytes) -> str | None:
    if origin == ORIGIN_ICMP and len(address) >= 8:
        return str(ipaddress.IPv4Address(address[4:8]))
    if origin == ORIGIN_ICMP6 and len(address) >= 24:
        return str(ipaddress.IPv6Address(address[8:24]))
    return None


def _came_at(ancillary: list[tuple[int, int, bytes]]) -> int:
    """Return when the network card's driver handed the packet over, else this very moment."""
    for level, kind, blob in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(blob) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(blob)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return wall_ns()


class SendClock:
    """When each packet left, and whether this workstation was held up while sending it."""

    HELD_UP_NS = 2_000_000

    def __init__(self) -> None:
        self._sent: dict[int, tuple[int, int, bool]] = {}  # wall clock, steady, in time
        self._before = 0, 0

    def start(self) -> int:
        """Read the clocks; the packet is sent next. Return the wall clock's time (ns)."""
        self._before = wall_ns(), time.perf_counter_ns()
        return self._before[0]

    def sent(self, number: int) -> None:
        """Note that packet *number* has left; one that is sent again is timed no more."""
        wall, steady = self._before
        once = number not in self._sent
        in_time = once and time.perf_counter_ns() - steady < self.HELD_UP_NS
        self._sent[number] = (wall, steady, in_time)

    def knows(self, number: int) -> bool:
        """Say whether a packet *number* has left."""
        return number in self._sent

    def ms(self, number: int, at_ns: int) -> float | None:
        """Return how long the answer took that came *at_ns*; None where that cannot be told.

        The arrival is the system's own wall clock time; where that clock was set meanwhile, the
        steady clock, which has only the time of reading, bounds it.
        """
        if number not in self._sent:
            return None
        wall, steady, in_time = self._sent[number]
        if not in_time:
            return None
        read = time.perf_counter_ns() - steady
        took = at_ns - wall
        return round((took if 0 <= took <= read else read) / 1e6, 3)
