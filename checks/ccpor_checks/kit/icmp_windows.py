"""One ICMP echo by the IP helper API of Windows: no right is needed, and the call blocks.

Source: Microsoft, "IcmpSendEcho function", "Icmp6SendEcho2 function", "IP_OPTION_INFORMATION",
"ICMP_ECHO_REPLY", "ICMPV6_ECHO_REPLY", "IP_STATUS".
"""

from __future__ import annotations

import ctypes
import ipaddress
import sys
import time
from dataclasses import dataclass
from typing import Any

SUCCESS, TIMED_OUT = 0, 11010  # IP_STATUS of ipexport.h
DO_NOT_SPLIT = 0x02  # IP_FLAG_DF
USUAL_HOPS = 64
AF_INET6 = 23


class _Options(ctypes.Structure):
    """IP_OPTION_INFORMATION"""

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
    """SOCKADDR_IN6"""

    _fields_ = (
        ("family", ctypes.c_uint16),
        ("port", ctypes.c_uint16),
        ("flow", ctypes.c_uint32),
        ("address", ctypes.c_ubyte * 16),
        ("scope", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True)
class Status:
    """What one echo met: IP_STATUS, who answered, and how long it took."""

    code: int
    sender: str | None
    ms: float


def echo(
    address: str,
    content: bytes,
    *,
    wait_ms: int,
    split: bool = True,
    hops: int = USUAL_HOPS,
) -> Status:
    """Return what one echo with *content* met that lives *hops* hops.

    split: whether routers may split it. The API's own times are whole milliseconds, so `ms` is
    measured here.

    Raises:
        OSError: This is not Windows, or the API gives no handle.
    """
    if sys.platform != "win32":
        raise OSError("there is no IP helper API on this system")
    target = ipaddress.ip_address(address.partition("%")[0])
    six = target.version == 6
    api: Any = ctypes.WinDLL("iphlpapi", use_last_error=True)
    create = api.Icmp6CreateFile if six else api.IcmpCreateFile
    create.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(create())
    if handle.value in {None, ctypes.c_void_p(-1).value}:
        raise ctypes.WinError(ctypes.get_last_error())
    try:
        room = ctypes.sizeof(_Reply4) + len(content) + 128  # and an ICMP error
        buffer = ctypes.create_string_buffer(room)
        options = _Options(ttl=hops, flags=0 if split else DO_NOT_SPLIT)
        end = (content, len(content), ctypes.byref(options), buffer, room, max(1, wait_ms))
        begun = time.perf_counter_ns()
        if six:
            none, there = _SocketAddress6(family=AF_INET6), _SocketAddress6(family=AF_INET6)
            there.address[:] = target.packed
            api.Icmp6SendEcho2.restype = ctypes.c_uint32
            parts = (None, None, None, ctypes.byref(none), ctypes.byref(there))
            count = api.Icmp6SendEcho2(handle, *parts, *end)
        else:
            number = ctypes.c_uint32(int.from_bytes(target.packed, sys.byteorder))
            api.IcmpSendEcho.restype = ctypes.c_uint32
            count = api.IcmpSendEcho(handle, number, *end)
        ms = round((time.perf_counter_ns() - begun) / 1e6, 3)
        if not count:
            return Status(ctypes.get_last_error() or TIMED_OUT, None, ms)
        code, sender = read(buffer.raw, six=six)
        return Status(code, sender, ms)
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
