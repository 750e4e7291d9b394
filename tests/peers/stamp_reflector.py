"""A STAMP Session-Reflector (RFC 8762), unauthenticated: `python -m tests.peers.stamp_reflector PORT`.

Stateful by default: it counts what it got of each sender. With `--stateless` it copies the sender's number, as
the RFC also allows. Answers are as long as the packets. `--ptp` writes times in the other format.
"""

from __future__ import annotations

import argparse
import socket
import struct
import time
from collections import Counter

SENT = struct.Struct(">IIIH30x")
REFLECTED = struct.Struct(">IIIH2xIIIIIH2xB3x")
SINCE_1900 = 2_208_988_800
PTP = 0x4000
SO_TIMESTAMPNS = 35


def stamp(at_ns: int, *, ptp: bool) -> tuple[int, int]:
    """Return seconds and the rest in NTP's or PTP's format."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return (seconds, rest) if ptp else (seconds + SINCE_1900, (rest << 32) // 1_000_000_000)


def arrival(about: list[tuple[int, int, bytes]]) -> int:
    """Return when the packet came (ns): the kernel's word, so that waiting for a turn is no delay of the path."""
    for level, kind, blob in about:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, rest = struct.unpack("=qq", blob[:16])
            return seconds * 1_000_000_000 + rest
    return time.time_ns()


def reflect(port: int, *, stateless: bool = False, ptp: bool = False, hold_ms: float = 0) -> None:
    """Answer test packets for ever; *hold_ms*: how long each is kept before."""
    counts: Counter[tuple[str, int]] = Counter()
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind(("::", port))
    error = 0x8001 | (PTP if ptp else 0)
    while True:
        content, about, _, sender = sock.recvmsg(65535, 256)
        came = arrival(about)
        if len(content) < SENT.size:
            continue
        number, seconds, fraction, their_error = SENT.unpack_from(content)
        own = number if stateless else counts[sender[:2]]
        counts[sender[:2]] += 1
        if hold_ms:
            time.sleep(hold_ms / 1000)
        left = stamp(time.time_ns(), ptp=ptp)
        head = REFLECTED.pack(
            own, *left, error, *stamp(came, ptp=ptp), number, seconds, fraction, their_error, 255
        )
        # from the address that was asked: this machine may have several
        asked_at = [
            (level, kind, blob[:16] + bytes(4))
            for level, kind, blob in about
            if kind == socket.IPV6_PKTINFO
        ]
        sock.sendmsg([head + content[len(head) :]], asked_at, 0, sender)


if __name__ == "__main__":
    words = argparse.ArgumentParser()
    words.add_argument("port", type=int)
    words.add_argument("--stateless", action="store_true")
    words.add_argument("--ptp", action="store_true")
    words.add_argument("--hold-ms", type=float, default=0)
    asked = words.parse_args()
    reflect(asked.port, stateless=asked.stateless, ptp=asked.ptp, hold_ms=asked.hold_ms)
