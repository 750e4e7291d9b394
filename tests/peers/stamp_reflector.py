"""A STAMP Session-Reflector (RFC 8762, RFC 8972): `python -m tests.peers.stamp_reflector PORT`.

Its packets are written here by offset, without the project's own packing, so that one checks the other.
Stateful by default: it counts what it got of each sender. With `--stateless` it copies the sender's number, as
the RFC also allows. Answers are as long as the packets. `--ptp` writes times in the other format. With `--key`
(hexadecimal) it is in authenticated mode and answers only what was signed with that key.
`reflecting()` runs one on loopback within the test, on any system, and can be told to do wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

SINCE_1900 = 2_208_988_800
PTP = 0x4000
SO_TIMESTAMPNS = 35
PLAIN, SIGNED = 44, 112  # octets of a packet in each mode


def stamp(at_ns: int, *, ptp: bool) -> bytes:
    """Return seconds and the rest in NTP's or PTP's format."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    words = (seconds, rest) if ptp else (seconds + SINCE_1900, (rest << 32) // 1_000_000_000)
    return struct.pack(">II", *words)


def tag(head: bytes, key: bytes) -> bytes:
    """Return the HMAC of the first six blocks of 16 octets (RFC 8762 section 4.4)."""
    assert len(head) == 96
    return hmac.new(key, head, hashlib.sha256).digest()[:16]


def number_in(packet: bytes) -> int:
    """Return the Sequence Number, which every packet has at its start."""
    return int.from_bytes(packet[:4], "big")


@dataclass(kw_only=True)
class Reflector:
    """What stands between a packet and its answer. seen: how many came of each sender."""

    stateless: bool = False
    ptp: bool = False
    key: bytes | None = None
    seen: Counter[object] = field(default_factory=Counter)

    def answer(self, packet: bytes, sender: object, came_ns: int) -> bytes | None:
        """Return the answer to *packet*, None where it deserves none."""
        size = PLAIN if self.key is None else SIGNED
        if len(packet) < size:
            return None
        if self.key is not None and packet[96:112] != tag(packet[:96], self.key):
            return None
        own = number_in(packet) if self.stateless else self.seen[sender]
        self.seen[sender] += 1
        error = struct.pack(">H", 0x8001 | (PTP if self.ptp else 0))
        came, left = stamp(came_ns, ptp=self.ptp), stamp(time.time_ns(), ptp=self.ptp)
        out = bytearray(size)
        out[0:4] = struct.pack(">I", own & 0xFFFFFFFF)
        if self.key is None:  # RFC 8762 section 4.3.1
            out[4:12], out[12:14], out[14:16] = left, error, packet[14:16]
            out[16:24] = came
            out[24:28], out[28:36], out[36:38] = packet[0:4], packet[4:12], packet[12:14]
            out[40] = 255
        else:  # section 4.3.2
            out[16:24], out[24:26], out[26:28] = left, error, packet[26:28]
            out[32:40] = came
            out[48:52], out[64:72], out[72:74] = packet[0:4], packet[16:24], packet[24:26]
            out[80] = 255
            out[96:112] = tag(bytes(out[:96]), self.key)
        return bytes(out) + packet[size:]


def arrival(about: list[tuple[int, int, bytes]]) -> int:
    """Return when the packet came (ns): the kernel's word, so that waiting for a turn is no delay of the path."""
    for level, kind, blob in about:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
            seconds, rest = struct.unpack("=qq", blob[:16])
            return int(seconds) * 1_000_000_000 + int(rest)
    return time.time_ns()


def reflect(port: int, reflector: Reflector, hold_ms: float = 0) -> None:
    """Answer test packets for ever (Linux); *hold_ms*: how long each is kept before."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.bind(("::", port))
    while True:
        content, about, _, sender = sock.recvmsg(65535, 256)
        came = arrival(about)
        if hold_ms:
            time.sleep(hold_ms / 1000)
        answer = reflector.answer(content, sender[:2], came)
        if answer is None:
            continue
        # from the address that was asked: this machine may have several
        asked_at = [
            (level, kind, blob[:16] + bytes(4))
            for level, kind, blob in about
            if kind == socket.IPV6_PKTINFO
        ]
        sock.sendmsg([answer], asked_at, 0, sender)


Trouble = Callable[[int, bytes], list[bytes]]


@contextlib.contextmanager
def reflecting(
    reflector: Reflector,
    *,
    takes: Callable[[int], int] = lambda _number: 1,
    gives: Trouble = lambda _number, answer: [answer],
) -> Iterator[int]:
    """Give the port of a reflector on 127.0.0.1; it ends with the block.

    takes: how often the packet of this number reaches it. gives: what is sent back instead of an answer, all of
    it at once.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    sock.settimeout(0.1)
    done = threading.Event()

    def run() -> None:
        while not done.is_set():
            try:
                packet, sender = sock.recvfrom(65535)
            except (TimeoutError, ConnectionResetError):  # Windows tells of a client that is gone
                continue
            came = time.time_ns()
            for _ in range(takes(number_in(packet))):
                answer = reflector.answer(packet, sender, came)
                for each in [] if answer is None else gives(number_in(packet), answer):
                    with contextlib.suppress(OSError):
                        sock.sendto(each, sender)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield int(sock.getsockname()[1])
    finally:
        done.set()
        thread.join(5)
        sock.close()


if __name__ == "__main__":
    if sys.platform != "linux":
        raise SystemExit("only on Linux; within a test use reflecting()")
    words = argparse.ArgumentParser()
    words.add_argument("port", type=int)
    words.add_argument("--stateless", action="store_true")
    words.add_argument("--ptp", action="store_true")
    words.add_argument("--hold-ms", type=float, default=0)
    words.add_argument("--key", type=bytes.fromhex)
    asked = words.parse_args()
    reflect(
        asked.port,
        Reflector(stateless=asked.stateless, ptp=asked.ptp, key=asked.key),
        asked.hold_ms,
    )
