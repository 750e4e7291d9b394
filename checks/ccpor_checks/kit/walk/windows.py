"""Walks on Windows: echoes by the IP helper API, and connections that live a few hops.

Windows keeps no ICMP error for an ordinary socket. An echo of IcmpSendEcho does name the router
that ended it; a connection shows from which hop on it is accepted or reset, and nothing nearer.

Source: Microsoft, "IcmpSendEcho function", "Icmp6SendEcho2 function", "IP_STATUS",
"SIO_TCP_INITIAL_RTO".
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import queue
import socket
import sys
import threading
import time
from typing import Any

from ccpor_checks.base import CannotObserve
from ccpor_checks.kit.walk.rounds import Reply, Side
from ccpor_checks.kit.walk.sockets import Packet, TcpSide
from ccpor_reporting.contrasts import Answer

PAYLOAD = b"ccpor-check walk"
ROOM = 512  # for one reply, its payload and an ICMP error
SILENT = 11010
ANSWERS: dict[int, Answer] = {  # IP_STATUS of ipexport.h
    0: "open",
    11002: "unreachable",  # network
    11003: "unreachable",  # host
    11004: "unreachable",  # protocol; for IPv6 "administratively prohibited", the same number
    11005: "refused",  # port
    11009: "too-big",
    11013: "time-exceeded",
    11014: "time-exceeded",
    11040: "unreachable",
    11045: "unreachable",
}
PROHIBITED_6 = 11004
NO_RETRANSMISSION = 0xFE  # TCP_INITIAL_RTO_NO_SYN_RETRANSMISSIONS
SIO_TCP_INITIAL_RTO = 0x98000011


class _Options(ctypes.Structure):
    _fields_ = (
        ("ttl", ctypes.c_ubyte),
        ("tos", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("size", ctypes.c_ubyte),
        ("data", ctypes.c_void_p),
    )


class _Reply4(ctypes.Structure):
    """ICMP_ECHO_REPLY"""

    _fields_ = (
        ("address", ctypes.c_ubyte * 4),
        ("status", ctypes.c_uint32),
        ("ms", ctypes.c_uint32),
        ("size", ctypes.c_uint16),
        ("reserved", ctypes.c_uint16),
        ("data", ctypes.c_void_p),
        ("options", _Options),
    )


class _Reply6(ctypes.Structure):
    """ICMPV6_ECHO_REPLY: an address that is packed, then status and time"""

    _fields_ = (
        ("port", ctypes.c_ubyte * 2),
        ("flow", ctypes.c_ubyte * 4),
        ("address", ctypes.c_ubyte * 16),
        ("scope", ctypes.c_ubyte * 4),
        ("padding", ctypes.c_ubyte * 2),
        ("status", ctypes.c_uint32),
        ("ms", ctypes.c_uint32),
    )


class _SocketAddress6(ctypes.Structure):
    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint16),
        ("flow", ctypes.c_uint32),
        ("address", ctypes.c_ubyte * 16),
        ("scope", ctypes.c_uint32),
    )


class _InitialRto(ctypes.Structure):
    _fields_ = (("rtt", ctypes.c_uint16), ("retransmissions", ctypes.c_ubyte))


def side(address: str, port: int | None, protocol: str, wait_s: float) -> Side:
    """Return the sender for *protocol*.

    Raises:
        CannotObserve: UDP, whose errors Windows does not show; no port for TCP.
    """
    if protocol == "icmp":
        return IcmpSide(address, wait_s)
    if protocol == "udp":
        raise CannotObserve("Windows shows no answers to UDP packets; walk by ICMP instead")
    if port is None:
        raise CannotObserve(f"a TCP walk to {address} needs a port")
    return WindowsTcpSide(address, port)


class WindowsTcpSide(TcpSide):
    """A refused connection is tried twice more by Windows, half a second apart: not here."""

    def failed(self, packet: Packet, number: int) -> tuple[Answer, str | None]:
        if number in {errno.EHOSTUNREACH, errno.ENETUNREACH}:
            return "silent", None  # any router's word, "time exceeded" included: it tells no place
        return super().failed(packet, number)

    def new(self) -> socket.socket:
        sock = super().new()
        wanted = _InitialRto(0xFFFF, NO_RETRANSMISSION)
        with contextlib.suppress(OSError, AttributeError):  # before Windows 8, and under Wine
            ctypes.WinDLL("ws2_32").WSAIoctl(  # type: ignore[attr-defined,unused-ignore]
                ctypes.c_size_t(sock.fileno()),
                SIO_TCP_INITIAL_RTO,
                ctypes.byref(wanted),
                ctypes.sizeof(wanted),
                None,
                0,
                ctypes.byref(ctypes.c_uint32()),
                None,
                None,
            )
        return sock


class IcmpSide:
    """Each echo waits in a thread of its own: the call takes a time limit and cannot be broken."""

    def __init__(self, address: str, wait_s: float) -> None:
        self._target = ipaddress.ip_address(address.partition("%")[0])
        self._wait_ms = max(1, int(wait_s * 1000))
        self._replies: queue.SimpleQueue[Reply | CannotObserve] = queue.SimpleQueue()

    def send(self, ttl: int) -> None:
        threading.Thread(target=self._ask, args=(ttl,), name=f"walk {ttl}", daemon=True).start()

    def wait(self, seconds: float) -> list[Reply]:
        heard: list[Reply] = []
        with contextlib.suppress(queue.Empty):
            said = self._replies.get(timeout=max(0.0, seconds))
            while True:
                if isinstance(said, CannotObserve):
                    raise said
                heard.append(said)
                said = self._replies.get_nowait()
        return heard

    def close(self) -> None:
        """Nothing stays open: each call closes its own handle when its time is over."""

    def _ask(self, ttl: int) -> None:
        started = time.monotonic()
        try:
            status, address = echo(self._target, ttl, self._wait_ms)
        except (OSError, AttributeError) as exc:
            self._replies.put(CannotObserve(f"this workstation could not send an echo: {exc}"))
            return
        answer = ANSWERS.get(status)
        if status == PROHIBITED_6 and self._target.version == 6:
            answer = "prohibited"
        if answer is None:  # timed out, or a failure that says nothing about the path
            return
        if answer == "refused" and address != str(self._target):
            answer = "prohibited"
        ms = (time.monotonic() - started) * 1000  # the API's own are whole milliseconds
        self._replies.put(Reply(ttl, answer, address, ms))


def echo(
    target: ipaddress.IPv4Address | ipaddress.IPv6Address, ttl: int, wait_ms: int
) -> tuple[int, str | None]:
    """Return the IP_STATUS of one echo that lives *ttl* hops, and who answered.

    Raises:
        OSError: The API is not there or refuses.
    """
    if sys.platform != "win32":
        raise OSError("needs the IP helper API of Windows")
    api: Any = ctypes.WinDLL("iphlpapi", use_last_error=True)
    six = target.version == 6
    create = api.Icmp6CreateFile if six else api.IcmpCreateFile
    create.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(create())
    if handle.value in {None, ctypes.c_void_p(-1).value}:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        buffer = ctypes.create_string_buffer(ROOM)
        options = _Options(ttl=ttl)
        end = (ctypes.byref(options), buffer, ROOM, wait_ms)
        if six:
            none, there = _SocketAddress6(family=23), _SocketAddress6(family=23)
            there.address[:] = target.packed
            api.Icmp6SendEcho2.restype = ctypes.c_uint32
            parts = (None, None, None, ctypes.byref(none), ctypes.byref(there))
            count = api.Icmp6SendEcho2(handle, *parts, PAYLOAD, len(PAYLOAD), *end)
        else:
            number = ctypes.c_uint32(int.from_bytes(target.packed, sys.byteorder))
            api.IcmpSendEcho.restype = ctypes.c_uint32
            count = api.IcmpSendEcho(handle, number, PAYLOAD, len(PAYLOAD), *end)
        if not count:
            return ctypes.get_last_error() or SILENT, None
        return read(buffer.raw, six=six)
    finally:
        api.IcmpCloseHandle(handle)


def read(reply: bytes, *, six: bool) -> tuple[int, str]:
    """Return status and sender of the reply structure at the start of *reply*."""
    if six:
        found6 = _Reply6.from_buffer_copy(reply)
        words = bytes(found6.address)
        return int(found6.status), str(ipaddress.IPv6Address(words))
    found = _Reply4.from_buffer_copy(reply)
    return int(found.status), str(ipaddress.IPv4Address(bytes(found.address)))
