"""The UDP socket of the reflector: when a packet came, how far it had come, and its answer.

Linux stamps a packet when it arrives (SO_TIMESTAMPNS) and tells its TTL and the address it was sent
to; elsewhere the time is that of reading it, and the TTL is not told (255).
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING, Any

from ccpor_server.capacity.reflecting import LARGEST, Came, Sender

if TYPE_CHECKING:
    from ccpor_server.capacity.reflecting import Reflecting

log = logging.getLogger(__name__)
AT_ONE_GO = 64  # packets, before others have their turn on the loop
BUFFER = 1024 * 1024
UNKNOWN_TTL = 255
# stable numbers of the Linux ABI that this Python does not name
SO_TIMESTAMPNS = 35
IP_PKTINFO, IP_TTL, IP_RECVTTL = 8, 2, 12
IPV6_RECVPKTINFO, IPV6_PKTINFO, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 49, 50, 51, 52
Ancillary = list[tuple[int, int, bytes]]


class Reflector:
    """One bound socket that answers until `close`."""

    def __init__(self, sock: socket.socket, reflecting: Reflecting) -> None:
        self._sock = sock
        self._reflecting = reflecting
        self._transport: asyncio.DatagramTransport | None = None
        self.host, self.port = sock.getsockname()[:2]

    @classmethod
    async def opened(cls, reflecting: Reflecting, host: str, port: int) -> Reflector:
        """Return a reflector that listens on this address; OSError where it cannot."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            sock.bind((host, port))
            sock.setblocking(False)
            opened = cls(sock, reflecting)
            await opened._listen()
        except BaseException:
            sock.close()
            raise
        return opened

    async def _listen(self) -> None:
        if sys.platform != "linux":
            await self._listen_plainly()
            return
        self._sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if self._sock.family == socket.AF_INET6:
            self._sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
            self._sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1)
        else:
            self._sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
            self._sock.setsockopt(socket.IPPROTO_IP, IP_RECVTTL, 1)
        asyncio.get_running_loop().add_reader(self._sock, self._read)

    async def _listen_plainly(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), sock=self._sock
        )

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
        elif self._sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()

    def _read(self) -> None:
        """Answer what waits in the socket, a few packets at one go."""
        if sys.platform != "linux":
            return
        for _ in range(AT_ONE_GO):
            try:
                packet, ancillary, flags, sender = self._sock.recvmsg(LARGEST + 1, 256)
            except BlockingIOError:
                return
            except OSError:
                continue  # an ICMP error of an earlier answer: its client is gone
            came_ns, ttl, way_back = told(ancillary)
            answer = self.answer(packet, sender, came_ns or time.time_ns(), ttl)
            if answer is None or flags & socket.MSG_CTRUNC:
                continue
            try:
                self._sock.sendmsg([answer], way_back, 0, sender)
            except OSError:
                self._reflecting.count("unsent")

    def answer(self, packet: bytes, sender: Any, came_ns: int, ttl: int) -> bytes | None:
        source: Sender = (str(sender[0]), int(sender[1]))
        if source[1] in {0, self.port}:
            self._reflecting.count("reflector")  # two reflectors would answer each other for ever
            return None
        return self._reflecting.answer(Came(packet, source, came_ns, ttl), time.time_ns)


class _Datagrams(asyncio.DatagramProtocol):
    """The same by plain means, for systems without `recvmsg`."""

    def __init__(self, reflector: Reflector) -> None:
        self._reflector = reflector
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        answer = self._reflector.answer(data, addr, time.time_ns(), UNKNOWN_TTL)
        if answer is not None and self._transport is not None:
            self._transport.sendto(answer, addr)


def told(ancillary: Ancillary) -> tuple[int, int, Ancillary]:
    """Return when a packet came (ns since 1970; 0: not told), its TTL, and the way back.

    The way back says from which of this machine's addresses the answer leaves: the one that was
    asked, else a client with a firewall would not know it.
    """
    came_ns, ttl, way_back = 0, UNKNOWN_TTL, []
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS and len(data) >= 16:
            seconds, rest = struct.unpack("@ll", data[:16])
            came_ns = seconds * 1_000_000_000 + rest
        elif (level, kind) in {
            (socket.IPPROTO_IP, IP_TTL),
            (socket.IPPROTO_IPV6, IPV6_HOPLIMIT),
        }:
            ttl = min(255, max(0, int.from_bytes(data[:4], sys.byteorder)))
        elif (level, kind) == (socket.IPPROTO_IP, IP_PKTINFO) and len(data) >= 12:
            way_back.append((level, kind, bytes(4) + data[4:8] + bytes(4)))
        elif (level, kind) == (socket.IPPROTO_IPV6, IPV6_PKTINFO) and len(data) >= 20:
            way_back.append((level, kind, data[:20]))
    return came_ns, ttl, way_back
