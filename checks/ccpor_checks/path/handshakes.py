"""TCP handshakes with the very port, timed: what a user's connections meet, echo or no echo.

A handshake whose first packet, or the answer to it, was lost shows in two ways: Linux counts the
repeat (TCP_INFO), and everywhere it takes a second longer (RFC 6298 section 2: first time-out 1 s).
Source: RFC 9293 section 3.5, tcp(7).
"""

from __future__ import annotations

import errno
import selectors
import socket
import struct
import sys
import time

from ccpor_checks.kit.packets import SendClock, family_of
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.sampling import LONGEST_WAIT_S, Reply

UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN})
TCP_INFO, INFO_BYTES = 11, 232
FIRST_TIMEOUT_MS = 950.0  # no repeat comes sooner: RFC 6298 says 1 s, clocks tick coarsely
MOST_OPEN = 100
REFUSED = errno.ECONNREFUSED


class TcpInfo:
    """The kernel's own figures of one connection (linux/tcp.h, struct tcp_info)."""

    _raw: bytes

    def __init__(self, sock: socket.socket) -> None:
        """Read them.

        Raises:
            OSError: The connection is gone, or this is not Linux.
        """
        if sys.platform != "linux":
            raise OSError(errno.ENOPROTOOPT, "no TCP_INFO on this system")
        self._raw = sock.getsockopt(socket.IPPROTO_TCP, TCP_INFO, INFO_BYTES)

    def _at(self, offset: int) -> int:
        return int(struct.unpack_from("=I", self._raw, offset)[0])

    @property
    def has_timestamps(self) -> bool:
        return bool(self._raw[5] & 1)

    @property
    def segment_bytes(self) -> int:
        """The most payload of one segment to the target, as it stands now."""
        return self._at(16)

    @property
    def unacknowledged(self) -> int:
        return self._at(24)

    @property
    def path_mtu(self) -> int:
        return self._at(60)

    @property
    def rtt_ms(self) -> float:
        return self._at(68) / 1000

    @property
    def repeats(self) -> int:
        return self._at(100)


class TcpEchoes:
    """Handshakes; each connection is closed as soon as it stands, nothing is sent on it."""

    method: Method = "tcp"

    def __init__(self, address: str, port: int) -> None:
        self.refused_by: str | None = None
        self._address, self._port = address, port
        self._family = family_of(address)
        self._clock = SendClock()
        self._selector = selectors.DefaultSelector()
        self._open: dict[int, tuple[socket.socket, float]] = {}  # by number; since when

    def send(self, number: int) -> None:
        self._give_up_old()
        sock = socket.socket(self._family, socket.SOCK_STREAM)
        sock.setblocking(False)
        self._clock.start()
        try:
            failed = sock.connect_ex((self._address, self._port)) not in UNDER_WAY
        except OSError:
            failed = True
        self._clock.sent(number)
        if failed:
            sock.close()
            return
        self._open[number] = sock, time.monotonic()
        self._selector.register(sock, selectors.EVENT_WRITE, number)

    def wait(self, seconds: float) -> list[Reply]:
        if not self._open:
            time.sleep(seconds)  # select() of nothing fails on Windows
            return []
        found = []
        for key, _ in self._selector.select(seconds):
            at_ns = time.time_ns()
            number: int = key.data
            sock, _since = self._open[number]
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            answered = error in {0, REFUSED}  # a reset is an answer, too
            if answered and (reply := _timed(sock, number, self._clock.ms(number, at_ns))):
                found.append(reply)
            self._close(number)
        return found

    def _give_up_old(self) -> None:
        now = time.monotonic()
        for number, (_, since) in list(self._open.items()):
            if now - since <= 2 * LONGEST_WAIT_S and len(self._open) < MOST_OPEN:
                break  # in the order they were opened
            self._close(number)

    def _close(self, number: int) -> None:
        sock, _ = self._open.pop(number)
        self._selector.unregister(sock)
        sock.close()

    def close(self) -> None:
        for number in list(self._open):
            self._close(number)
        self._selector.close()


def _timed(sock: socket.socket, number: int, ms: float | None) -> Reply | None:
    """Return the answer to handshake *number*; None where it took a second packet: one was lost.

    The kernel's own time of it does not wait until this program has its turn.
    """
    try:
        info = TcpInfo(sock)
    except OSError:
        return None if ms is not None and ms >= FIRST_TIMEOUT_MS else Reply(number, ms)
    if info.repeats:
        return None
    return Reply(number, round(info.rtt_ms, 3) or ms)
