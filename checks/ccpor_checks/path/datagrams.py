"""Echoes by datagram: ICMP echo, and UDP to a port where nobody listens.

Source: RFC 792, RFC 4443 (echo, port unreachable); icmp(7) for echo without any right
(``net.ipv4.ping_group_range``); the raw socket is root's way to the same.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
from collections.abc import Iterator

from ccpor_checks.base import CannotObserve
from ccpor_checks.kit.packets import (
    NetworkError,
    SendClock,
    arrived,
    family_of,
    network_errors,
    prepare,
    send,
)
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.sampling import Reply

ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
ECHO_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}
HEADER = struct.Struct(">BBHHH")  # type, code, checksum, identifier, sequence
ICMP_PROTOCOL = {socket.AF_INET: 1, socket.AF_INET6: 58}
MARK_BYTES = 8
USUAL_BYTES = 56  # of payload, as ping sends
FIRST_PORT = 33434  # of traceroute: nobody listens there
ALLOW_PING = (
    "let this user send ICMP echo requests: sysctl -w net.ipv4.ping_group_range='0 2147483647'"
)


class IcmpSocket:
    """Sends echo requests to one address and knows its answers from others'."""

    def __init__(self, address: str, *, split: bool = True) -> None:
        """Open the socket.

        Raises:
            CannotObserve: This user may not; the message says how to allow it.
        """
        self.family = family_of(address)
        self.sock, self.is_raw = _open(self.family)
        self.sock.setblocking(False)
        self.mark = os.urandom(MARK_BYTES)
        self._identifier = int.from_bytes(os.urandom(2))
        prepare(self.sock, split=split)
        try:
            self.sock.connect((address, 0))
        except OSError:
            self.sock.close()
            raise

    def send(self, sequence: int, payload_bytes: int = USUAL_BYTES) -> None:
        """Send one echo request.

        Raises:
            OSError: The system does not send it (EMSGSIZE, ENETUNREACH, EPERM …).
        """
        kind = ECHO_REQUEST[self.family]
        payload = (self.mark + bytes(payload_bytes))[:payload_bytes]
        head = HEADER.pack(kind, 0, 0, self._identifier, sequence & 0xFFFF)
        if self.family == socket.AF_INET:  # ICMPv6: the system reckons it
            head = HEADER.pack(
                kind, 0, checksum(head + payload), self._identifier, sequence & 0xFFFF
            )
        send(self.sock, head + payload)

    def replies(self) -> Iterator[tuple[int, int]]:
        """Yield sequence and time of arrival (ns) of each answer to a request of ours."""
        for packet in arrived(self.sock):
            sequence = self._sequence(packet.content, ECHO_REPLY[self.family])
            if sequence is not None:
                yield sequence, packet.at_ns

    def errors(self) -> Iterator[tuple[int | None, NetworkError]]:
        """Yield each ICMP error with the sequence of the request it is about."""
        for error in network_errors(self.sock):
            yield self._sequence(error.content, ECHO_REQUEST[self.family], quoted=True), error

    def _sequence(self, content: bytes, kind: int, *, quoted: bool = False) -> int | None:
        """Return the sequence in a message of *kind* of ours; a quotation may be cut short."""
        if self.is_raw and self.family == socket.AF_INET and content[:1] >= b"\x45":
            content = content[(content[0] & 0x0F) * 4 :]
        if len(content) < HEADER.size or content[0] != kind:
            return None
        payload = content[HEADER.size :]
        if not quoted and not payload.startswith(self.mark[: len(payload)]):
            return None
        return int(HEADER.unpack_from(content)[4])

    def close(self) -> None:
        self.sock.close()


def _open(family: socket.AddressFamily) -> tuple[socket.socket, bool]:
    protocol = ICMP_PROTOCOL[family]
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            return socket.socket(family, kind, protocol), kind == socket.SOCK_RAW
        except PermissionError:
            continue
        except OSError as exc:
            if exc.errno not in {errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.ESOCKTNOSUPPORT}:
                raise
    raise CannotObserve(f"this user may not send ICMP echo requests; {ALLOW_PING}")


def checksum(message: bytes) -> int:
    """Return the Internet checksum (RFC 1071) of *message*."""
    if len(message) % 2:
        message += b"\0"
    total: int = sum(struct.unpack(f">{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class IcmpEchoes:
    """ICMP echo requests of 56 bytes."""

    method: Method = "icmp"

    def __init__(self, address: str) -> None:
        self.refused_by: str | None = None
        self._icmp = IcmpSocket(address)
        self._clock = SendClock()

    def send(self, number: int) -> None:
        self._clock.start()
        with contextlib.suppress(OSError):
            self._icmp.send(number)
        self._clock.sent(number)

    def wait(self, seconds: float) -> list[Reply]:
        select.select([self._icmp.sock], [], [], seconds)
        found = [Reply(n, self._clock.ms(n, at)) for n, at in self._icmp.replies()]
        for _, error in self._icmp.errors():
            self.refused_by = error.sender or self.refused_by
        return found

    def close(self) -> None:
        self._icmp.close()


class UdpEchoes:
    """UDP packets to ports where nobody listens: the target itself says so (Linux only)."""

    method: Method = "udp"

    def __init__(self, address: str) -> None:
        self.refused_by: str | None = None
        self._address = address
        self._sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        prepare(self._sock, split=True)
        self._clock = SendClock()

    def send(self, number: int) -> None:
        self._clock.start()
        with contextlib.suppress(OSError):
            send(self._sock, bytes(USUAL_BYTES), (self._address, FIRST_PORT + number))
        self._clock.sent(number)

    def wait(self, seconds: float) -> list[Reply]:
        select.select([self._sock], [], [], seconds)
        found = []
        for error in network_errors(self._sock):
            if error.is_port_unreachable and error.sender == self._address:
                number = error.towards[1] - FIRST_PORT
                found.append(Reply(number, self._clock.ms(number, error.at_ns)))
            elif error.sender:
                self.refused_by = error.sender
        for packet in arrived(self._sock):  # somebody listens there after all
            if packet.sender[0] == self._address:
                number = packet.sender[1] - FIRST_PORT
                found.append(Reply(number, self._clock.ms(number, packet.at_ns)))
        return found

    def close(self) -> None:
        self._sock.close()
