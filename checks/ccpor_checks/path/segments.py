"""The largest packet by TCP alone: one segment of an exact size to the very port.

Nothing of ICMP is needed: the far end acknowledges what arrived, and repeats show what did not.
Where a router does say "too big", Linux notes the size it named (TCP_INFO, Linux only).
The bytes suit the protocol: a request with a long header line for HTTP, a ClientHello with padding
for TLS, SSH's message to be ignored, else lines of filler. Nothing is asked to be stored.

Source: RFC 9293 section 3.7, RFC 7685 (padding of a ClientHello), RFC 4253 sections 4.2, 6, 11.2.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

from ccpor_checks.base import Context, Target
from ccpor_checks.kit.packets import family_of
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.handshakes import TcpInfo
from ccpor_checks.path.mtu import Answer
from ccpor_checks.path.sockets import IP_HEADER

TCP_HEADER, TIMESTAMPS = 20, 12
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: else the system goes on repeating what vanished
FILLER = b"ccpor-check: filler, please ignore\r\n"
POLL_S = 0.01
REPEATS_TO_BELIEVE = 2
LONGEST_S = 2.5  # Linux repeats after 0.2 and 0.6 s, later where the round trip is long
TLS_PORTS = frozenset({443, 465, 636, 853, 993, 995, 5061, 8443})
HTTP_PORTS = frozenset({80, 3128, 8000, 8008, 8080, 8888})
SSH_PORTS = frozenset({22, 2222})
CONNECT_S = 3.0
PADDING = 21  # the extension's number, RFC 7685
FAILED_CONNECTIONS = 2  # on a lossy path one may fail


class Segments:
    """One TCP connection for each size. `largest` is what the far end takes, from its MSS."""

    method: Method = "tcp"

    def __init__(self, target: Target, address: str, ctx: Context, interface: int) -> None:
        """Connect once to learn the far end's MSS.

        Raises:
            OSError: No connection, or not Linux.
        """
        assert target.port is not None
        self._target, self.address, self._ctx = target, address, ctx
        with self._connected() as sock:
            info = TcpInfo(sock)
            self._overhead = IP_HEADER[family_of(address)] + TCP_HEADER
            self._overhead += TIMESTAMPS if info.has_timestamps else 0
            # What this workstation was told before, it keeps for ten minutes (ip-sysctl)
            self.remembered = info.path_mtu if info.path_mtu < interface else None
            self.largest = min(interface, info.segment_bytes + self._overhead)
            self.far_end = None if self.remembered else self.largest

    def close(self) -> None:
        """Nothing is kept open between two sizes."""

    def probe(self, size: int, tries: int) -> Answer:
        """Send one segment that makes a packet of *size* bytes; the system repeats it itself.

        Raises:
            ConnectionError: The port takes no connection any more.
        """
        unanswered = 0
        for attempt in range(tries + FAILED_CONNECTIONS):
            try:
                with self._connected() as sock:
                    if answer := self._sent(sock, size):
                        return answer
                    unanswered += 1
            except ConnectionResetError:
                return Answer("passed", repeats=attempt)  # an answer to what had arrived
            except TimeoutError:
                self._ctx.remaining()  # the check's own deadline goes on its way
            if unanswered >= tries:
                break
        if not unanswered:
            raise ConnectionError(f"{self.address} takes no more connections")
        return Answer("vanished", repeats=unanswered * REPEATS_TO_BELIEVE)

    def _sent(self, sock: socket.socket, size: int) -> Answer | None:
        """Send and watch; None where it went unanswered, repeated as it was."""
        room = size - self._overhead
        before = TcpInfo(sock)
        if before.segment_bytes < room:
            return Answer("too-big", before.path_mtu)
        sock.sendall(payload(self._target, room))
        until = self._ctx.monotonic() + self._ctx.remaining(LONGEST_S)
        while self._ctx.monotonic() < until:
            info = TcpInfo(sock)
            if info.path_mtu < size:
                return Answer("too-big", info.path_mtu)
            if info.unacknowledged == 0:
                return Answer("passed", repeats=info.repeats - before.repeats)
            if info.repeats - before.repeats >= REPEATS_TO_BELIEVE:
                until = min(until, self._ctx.monotonic() + 0.1 + 2 * info.rtt_ms / 1000)
            time.sleep(self._ctx.remaining(POLL_S))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        return None

    @contextlib.contextmanager
    def _connected(self) -> Iterator[socket.socket]:
        where = (self.address, self._target.port)
        with socket.create_connection(where, self._ctx.remaining(CONNECT_S)) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            yield sock


def payload(target: Target, room: int) -> bytes:
    """Return *room* bytes that a server of the target's kind reads without harm."""
    port = target.port
    if target.scheme in {"ssh", "sftp"} or port in SSH_PORTS:
        return ssh_ignored(room)
    if target.scheme in {"tls", "https"} or (target.scheme == "tcp" and port in TLS_PORTS):
        return tls_hello(target.host, room)
    if target.scheme == "http" or port in HTTP_PORTS:
        return http_request(target.host, room)
    return (FILLER * (room // len(FILLER) + 1))[:room]


def http_request(host: str, room: int) -> bytes:
    """Return a HEAD request of *room* bytes; only its start where that is too little."""
    name = f"[{host}]" if ":" in host else host
    head = f"HEAD / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\nX-Filler: ".encode()
    return (head + b"x" * (room - len(head) - 4) + b"\r\n\r\n")[:room]


def ssh_ignored(room: int) -> bytes:
    """Return SSH's first line and one SSH_MSG_IGNORE, *room* bytes in all."""
    line = b"SSH-2.0-ccpor_check"
    spare = (room - len(line) - 2) % 8
    line += (b" " + b"x" * ((spare - 1) % 8 if spare else 0) if spare else b"") + b"\r\n"
    left = room - len(line)
    if left < 24:
        return (line + bytes(max(left, 0)))[:room]
    filler = left - 4 - 1 - 5 - 8  # lengths of packet and padding, kind and length of the string
    packet = struct.pack(">IB", left - 4, 8) + struct.pack(">BI", 2, filler) + bytes(filler + 8)
    return line + packet


def tls_hello(host: str, room: int) -> bytes:
    """Return OpenSSL's own ClientHello, padded to *room* bytes; its start where they are few."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    written = ssl.MemoryBIO()
    name = None if host.replace(".", "").isdigit() or ":" in host else host
    context.check_hostname = False
    session = context.wrap_bio(ssl.MemoryBIO(), written, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        session.do_handshake()
    hello = _without_padding(written.read())
    spare = room - len(hello) - 4  # kind and length of the extension
    if spare < 0:
        return (hello + bytes(room))[:room]
    return _longer(hello, 4 + spare) + struct.pack(">HH", PADDING, spare) + bytes(spare)


def _extensions(hello: bytes) -> int:
    """Return where the length of the extensions stands in the record *hello*."""
    at = 5 + 4 + 2 + 32  # record, message, version, random
    at += 1 + hello[at]  # session
    at += 2 + int.from_bytes(hello[at : at + 2])  # suites
    return at + 1 + hello[at]  # compressions


def _without_padding(hello: bytes) -> bytes:
    """Return *hello* without the padding that OpenSSL itself may have put in: one is allowed."""
    at = _extensions(hello) + 2
    while at + 4 <= len(hello):
        kind, length = struct.unpack_from(">HH", hello, at)
        end = at + 4 + length
        if kind == PADDING:
            return _longer(hello[:at] + hello[end:], -(4 + length))
        at = end
    return hello


def _longer(hello: bytes, more: int) -> bytes:
    """Return *hello* with *more* added to the lengths of record, message and extensions."""
    grown = bytearray(hello)
    for place, width in ((3, 2), (6, 3), (_extensions(hello), 2)):
        length = int.from_bytes(hello[place : place + width]) + more
        grown[place : place + width] = length.to_bytes(width, "big")
    return bytes(grown)
