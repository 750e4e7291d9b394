"""STAMP: the target's reflector says what reached it, so each way is seen by itself.

Unauthenticated sender. Source: RFC 8762 sections 4.2 and 4.3.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time

from ccpor_checks.path.evidence import Method
from ccpor_checks.path.sampling import Reply, Taken
from ccpor_checks.path.sockets import (
    SendClock,
    arrived,
    family_of,
    network_errors,
    prepare,
    send,
)

SENT = struct.Struct(">IIIH30x")  # sequence, seconds, fraction, error estimate
REFLECTED = struct.Struct(">IIIH2xIIIIIH2xB3x")
SIZE = 44
SECONDS_1900_TO_1970 = 2_208_988_800
IS_PTP = 0x4000  # the Z bit of the error estimate: seconds and nanoseconds (IEEE 1588)
OWN_ERROR = 0x8001  # S clear would say "synchronised by nothing known"; scale 0, multiplier 1
COPIES = 5


class StampEchoes:
    """One STAMP session: test packets of 44 bytes, numbered from zero."""

    method: Method = "stamp"

    def __init__(self, address: str, port: int) -> None:
        self.refused_by: str | None = None
        self.sock = open_session(address, port, split=True)
        self._address = address
        self._clock = SendClock()

    def send(self, number: int) -> None:
        self._clock.start()
        with contextlib.suppress(OSError):
            send(self.sock, packet(number))
        self._clock.sent(number)

    def wait(self, seconds: float) -> list[Reply]:
        select.select([self.sock], [], [], seconds)
        found = []
        for came in arrived(self.sock):
            if reply := self._read(came.content, came.at_ns):
                found.append(reply)
        for error in network_errors(self.sock):
            self.refused_by = error.sender or self.refused_by
        return found

    def _read(self, content: bytes, at_ns: int) -> Reply | None:
        """Return one reflected packet; the time the reflector kept it does not count."""
        if len(content) < SIZE:
            return None
        (far, sec3, low3, error, sec2, low2, number, sec1, low1, _, _) = REFLECTED.unpack_from(
            content
        )
        left, came = _ms(sec3, low3, error), _ms(sec2, low2, error)
        sent = _ms(sec1, low1, 0)
        total = self._clock.ms(number, at_ns)
        now = _ms(*ntp_time(at_ns), 0)
        kept = left - came
        ms = None if total is None else round(max(total - kept, 0.0), 3)
        return Reply(
            number,
            ms if 0 <= kept <= 1000 else total,
            up_ms=None if total is None else came - sent,
            down_ms=now - left,
            far_number=far,
        )

    def close(self) -> None:
        self.sock.close()


def open_session(address: str, port: int, *, split: bool) -> socket.socket:
    """Return a socket that never blocks, connected to the reflector."""
    sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    sock.setblocking(False)
    prepare(sock, split=split)
    try:
        sock.connect((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def packet(number: int, size: int = SIZE) -> bytes:
    """Return a test packet of *size* bytes (44 at least), stamped with this moment."""
    seconds, fraction = ntp_time(time.time_ns())
    return SENT.pack(number, seconds, fraction, OWN_ERROR) + bytes(max(0, size - SIZE))


def number_in(content: bytes) -> int | None:
    """Return the sender's number in a reflected packet."""
    return int(REFLECTED.unpack_from(content)[6]) if len(content) >= SIZE else None


def ntp_time(at_ns: int) -> tuple[int, int]:
    """Return *at_ns* since 1970 as NTP writes it: seconds since 1900 and a fraction of 2**32."""
    seconds, rest = divmod(at_ns, 1_000_000_000)
    return (seconds + SECONDS_1900_TO_1970) & 0xFFFFFFFF, (rest << 32) // 1_000_000_000


def _ms(seconds: int, low: int, error: int) -> float:
    return seconds * 1000 + (low / 1e6 if error & IS_PTP else low * 1000 / 2**32)


def lost_each_way(echoes: StampEchoes, taken: Taken, wait_s: float) -> tuple[int, int] | None:
    """Return how many were lost towards the target and on the way back.

    A reflector that keeps no count of its own copies ours: then None, where anything was lost.
    To tell one from the other where both counts still agree, the last packet is sent several
    times: a count of its own then runs ahead.
    """
    if not taken.replies:
        return None
    if not taken.lost:
        return 0, 0
    newest = taken.replies[max(taken.replies)]
    if newest.far_number is None:
        return None
    oldest = taken.replies[min(taken.replies)]
    lead = (oldest.far_number or 0) - oldest.number  # left from an older session
    if taken.first == 0:
        lead = max(0, lead)  # behind: the first packets of this one were lost
    missed = newest.number - (newest.far_number - lead)
    if missed <= 0 and not _counts_itself(echoes, taken, wait_s):
        return None
    up = max(0, missed)
    # What came after the newest answer was lost on one way or the other: shared alike
    back = newest.number - taken.first + 1 - up - len(taken.replies)
    return up, max(0, back)


def _counts_itself(echoes: StampEchoes, taken: Taken, wait_s: float) -> bool:
    if any(r.far_number is not None and r.far_number < n for n, r in taken.replies.items()):
        return True
    until = time.monotonic() + wait_s
    for _ in range(COPIES):
        echoes.send(taken.first + taken.sent - 1)
        time.sleep(0.01)
    while (left := until - time.monotonic()) > 0:
        if any((r.far_number or 0) > r.number for r in echoes.wait(left)):
            return True
    return False
