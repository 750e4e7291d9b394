"""What the system's TCP says and does for one connection: on Linux; elsewhere nothing is known.

Source: tcp(7), socket(7); struct tcp_info of linux/tcp.h, whose fields only ever grow at its end.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

ON_LINUX = sys.platform == "linux"
SO_MAX_PACING_RATE = 47  # asm-generic/socket.h; bytes a second of TCP payload
TCP_NOTSENT_LOWAT, TCP_INFO, TCP_CONGESTION = 25, 11, 13
UNSENT = 128 * 1024  # bytes that may wait in the system: what it holds, nobody has received
_INFO_SIZE = 232
_SRTT_US, _TOTAL_RETRANS, _MIN_RTT_US, _DATA_SEGS_OUT = 68, 100, 148, 156


@dataclass(frozen=True, slots=True)
class Counters:
    """Of one sending connection. Times in ms; None where the kernel is too old to say."""

    srtt_ms: float
    min_rtt_ms: float | None
    segments: int | None  # with data, that were sent
    retransmitted: int


def counters(sock: socket.socket) -> Counters | None:
    """Return what the kernel counted on *sock*; None: not Linux, or the connection is gone."""
    if not ON_LINUX:
        return None
    try:
        told = sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, _INFO_SIZE)
    except OSError:
        return None

    def number(at: int) -> int | None:
        return struct.unpack_from("=I", told, at)[0] if at + 4 <= len(told) else None

    srtt, again, least = number(_SRTT_US), number(_TOTAL_RETRANS), number(_MIN_RTT_US)
    if srtt is None or again is None:
        return None
    unknown = least is None or least == 0xFFFFFFFF
    return Counters(
        srtt_ms=srtt / 1000,
        min_rtt_ms=None if unknown or least is None else least / 1000,
        segments=number(_DATA_SEGS_OUT),
        retransmitted=again,
    )


def congestion(sock: socket.socket) -> str | None:
    """Return the name of the congestion control that sends on *sock*; None: cannot be seen."""
    if not ON_LINUX:
        return None
    try:
        name = sock.getsockopt(socket.IPPROTO_TCP, TCP_CONGESTION, 16)
    except OSError:
        return None
    return name.partition(b"\0")[0].decode("ascii", "replace") or None


def keep_little_unsent(sock: socket.socket) -> None:
    """Let the system take no more than `UNSENT` bytes ahead of what it sends, where it can."""
    if ON_LINUX:
        try:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT)
        except OSError:
            return


def pace(sock: socket.socket, bytes_per_s: float) -> bool:
    """Let the kernel pace *sock*; say whether it does."""
    if not ON_LINUX:
        return False
    try:
        sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, max(1, round(bytes_per_s)))
    except OSError:
        return False
    return True
