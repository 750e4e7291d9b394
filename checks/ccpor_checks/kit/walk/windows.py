"""Walks on Windows: echoes by the IP helper API, and connections that live a few hops.

Windows keeps no ICMP error for an ordinary socket. An echo of IcmpSendEcho does name the router
that ended it; a connection shows from which hop on it is accepted or reset, and nothing nearer.

Source: Microsoft, "IP_STATUS", "SIO_TCP_INITIAL_RTO".
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import ipaddress
import queue
import socket
import threading
import time

from ccpor_checks.base import CannotObserve
from ccpor_checks.kit.icmp_windows import echo
from ccpor_checks.kit.walk.rounds import Reply, Side
from ccpor_checks.kit.walk.sockets import Packet, TcpSide
from ccpor_reporting.contrasts import Answer

PAYLOAD = b"ccpor-check walk"
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
            said = echo(str(self._target), PAYLOAD, wait_ms=self._wait_ms, hops=ttl)
        except (OSError, AttributeError) as exc:
            self._replies.put(CannotObserve(f"this workstation could not send an echo: {exc}"))
            return
        answer = ANSWERS.get(said.code)
        if said.code == PROHIBITED_6 and self._target.version == 6:
            answer = "prohibited"
        if answer is None:  # timed out, or a failure that says nothing about the path
            return
        if answer == "refused" and said.sender != str(self._target):
            answer = "prohibited"
        ms = (time.monotonic() - started) * 1000  # the API's own are whole milliseconds
        self._replies.put(Reply(ttl, answer, said.sender, ms))
