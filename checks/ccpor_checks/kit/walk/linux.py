"""Walks on Linux: IP_TTL on ordinary sockets, and the ICMP errors that the kernel keeps of it."""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import struct

from ccpor_checks.base import CannotObserve
from ccpor_checks.kit.icmp import kept_error
from ccpor_checks.kit.walk.rounds import Side
from ccpor_checks.kit.walk.sockets import OWN_WORD, Packet, SocketSide, TcpSide, own_address
from ccpor_reporting.contrasts import Answer

FIRST_UDP_PORT = 33434  # of traceroute, by long custom: firewalls that let it pass know these
PAYLOAD = b"ccpor-check walk"
ECHO = struct.Struct("!BBHHH")
REQUEST, REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
_numbers = itertools.count(os.getpid())


def side(address: str, port: int | None, protocol: str, _wait_s: float) -> Side:
    """Return the sender for *protocol*.

    Raises:
        CannotObserve: No port for TCP, or ICMP that this user may not send.
    """
    if protocol == "icmp":
        return IcmpSide(address)
    if protocol == "udp":
        return UdpSide(address, port)
    if port is None:
        raise CannotObserve(f"a TCP walk to {address} needs a port")
    return TcpSide(address, port)


class _DatagramSide(SocketSide):
    events = selectors.EVENT_READ

    def heard(self, packet: Packet) -> tuple[Answer, str | None] | None:
        number = packet.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        while (kept := kept_error(packet.sock)) is not None:
            icmp, quoted = kept
            if icmp is not None and self.is_about(packet, quoted):
                return self.answer(icmp)
        try:
            received = packet.sock.recv(2048)
        except BlockingIOError:
            received = None
        except OSError as exc:
            number = exc.errno or number
            received = None
        if received is not None:
            return ("open", self.name) if self.is_reply(packet, received) else None
        if number in OWN_WORD and self.is_alone:
            return OWN_WORD[number], own_address(packet.sock)
        return None

    is_alone = True  # no other packet's errors come to its socket

    def is_about(self, _packet: Packet, _quoted: bytes) -> bool:
        return True

    def is_reply(self, _packet: Packet, _received: bytes) -> bool:
        return True


class UdpSide(_DatagramSide):
    """Datagrams to ports that nobody listens on: the target itself says so."""

    def __init__(self, address: str, port: int | None) -> None:
        super().__init__(address, port or FIRST_UDP_PORT)
        self._spread = port is None

    def port(self, ttl: int) -> int:
        return self._port + (ttl - 1 if self._spread else 0)

    def new(self) -> socket.socket:
        return socket.socket(self.family, socket.SOCK_DGRAM)

    def sent(self, packet: Packet) -> int:
        try:
            packet.sock.send(PAYLOAD)
        except OSError as exc:
            return exc.errno or 0
        return 0


class IcmpSide(_DatagramSide):
    """Echo requests: by an unprivileged "ping socket" where allowed, else by a raw one."""

    def __init__(self, address: str) -> None:
        super().__init__(address, 0)
        self._version = 6 if self.family == socket.AF_INET6 else 4
        self._kind = self._allowed_kind()
        self.is_alone = self._kind == socket.SOCK_DGRAM
        self._asked: dict[int, tuple[int, int]] = {}  # by file number: identifier and sequence

    def new(self) -> socket.socket:
        return self._new(self._kind)

    def sent(self, packet: Packet) -> int:
        number = next(_numbers)
        identifier, sequence = (number >> 16) + os.getpid() & 0xFFFF, number & 0xFFFF
        self._asked[packet.sock.fileno()] = identifier, sequence
        request = REQUEST[self._version]
        message = ECHO.pack(request, 0, 0, identifier, sequence) + PAYLOAD
        if self._version == 4:  # for ICMPv6 the kernel computes it (RFC 3542, section 3.1)
            message = ECHO.pack(request, 0, checksum(message), identifier, sequence) + PAYLOAD
        try:
            packet.sock.send(message)
        except OSError as exc:
            return exc.errno or 0
        return 0

    def is_about(self, packet: Packet, quoted: bytes) -> bool:
        return self.is_alone or self._is_ours(packet, quoted, REQUEST[self._version])

    def is_reply(self, packet: Packet, received: bytes) -> bool:
        if self.is_alone:
            return received[:1] == bytes([REPLY[self._version]])
        if self._version == 4:  # a raw socket hands out the IP header, too
            received = received[(received[0] & 15) * 4 :]
        return self._is_ours(packet, received, REPLY[self._version])

    def _is_ours(self, packet: Packet, message: bytes, kind: int) -> bool:
        if len(message) < ECHO.size:
            return False
        found, _, _, identifier, sequence = ECHO.unpack_from(message)
        return (found, identifier, sequence) == (kind, *self._asked[packet.sock.fileno()])

    def _allowed_kind(self) -> socket.SocketKind:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
            try:
                self._new(kind).close()
            except PermissionError:
                continue
            except OSError:  # no such protocol here: `send` says what is missing
                return kind
            return kind
        raise CannotObserve(
            "this user may not send ICMP echoes; run once as an administrator, or let the group "
            "into net.ipv4.ping_group_range"
        )

    def _new(self, kind: socket.SocketKind) -> socket.socket:
        protocol = socket.IPPROTO_ICMPV6 if self._version == 6 else socket.IPPROTO_ICMP
        return socket.socket(self.family, kind, protocol)


def checksum(message: bytes) -> int:
    """Return the Internet checksum of *message* (RFC 1071)."""
    words = message + b"\0" * (len(message) % 2)
    total: int = sum(struct.unpack(f"!{len(words) // 2}H", words))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
