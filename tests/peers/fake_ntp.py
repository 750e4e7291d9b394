"""An NTP server on loopback that tells whatever a test wants; it touches no clock.

For what a real chronyd never does: Kiss-o'-Death on demand, a forged origin, a short packet. It
writes its packets itself and shares no code with the check.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

UNIX_TO_NTP_S = 2_208_988_800


@dataclass(kw_only=True)
class FakeNtp:
    """What it says; a test sets the fields it wants to be other than healthy."""

    offset_s: float = 0.0  # its clock minus this machine's
    stratum: int = 2
    leap: int = 0
    mode: int = 4
    kiss: bytes | None = None  # e.g. b"RATE": stratum 0, no time
    delay_s: float | Callable[[int], float] = 0.0  # on the way, by the number of the request
    busy_s: float = 0.0  # between its receive and its transmit timestamp
    good_origin: bool = True
    answers: Callable[[int], bool] = lambda _nth: True  # which requests get an answer
    size: int = 48
    zero_time: bool = False
    forged_first: bool = False  # a wrong origin before each true answer
    root_delay_s: float = 0.004
    root_dispersion_s: float = 0.008
    now: Callable[[], float] = time.time
    port: int = 0
    requests: list[bytes] = field(default_factory=list)

    def reply(self, request: bytes, came: float) -> bytes:
        """Return the answer to *request*, which came when its clock said *came*."""
        time.sleep(self.busy_s)
        stratum, reference = self.stratum, b"\x7f\x7f\x01\x01"
        if self.kiss is not None:
            stratum, reference = 0, self.kiss.ljust(4, b"\0")[:4]
        stamps = [came - 10, came, self.now() + self.offset_s]
        updated, received, sent = (b"\0" * 8 if self.zero_time else _stamp(at) for at in stamps)
        head = struct.pack(
            "!BBbbII",
            self.leap << 6 | 4 << 3 | self.mode,
            stratum,
            6,
            -20,
            round(self.root_delay_s * 65536),
            round(self.root_dispersion_s * 65536),
        )
        origin = request[40:48] if self.good_origin else b"\1" * 8
        return (head + reference + updated + origin + received + sent)[: self.size]

    def serve(self, wire: socket.socket) -> None:
        """Answer until an empty datagram comes."""
        while True:
            try:
                request, whence = wire.recvfrom(512)
            except OSError:
                return
            if not request:
                return
            self.requests.append(request)
            nth = len(self.requests)
            if not self.answers(nth):
                continue
            delay = self.delay_s(nth) if callable(self.delay_s) else self.delay_s
            answer = self.reply(request, self.now() + self.offset_s)
            if self.forged_first:
                wire.sendto(answer[:24] + b"\2" * 8 + answer[32:], whence)
            if delay:  # on the way back: later requests are not held up
                threading.Timer(delay, _send, (wire, answer, whence)).start()
            else:
                wire.sendto(answer, whence)


def _send(wire: socket.socket, answer: bytes, whence: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # the test is over
        wire.sendto(answer, whence)


def _stamp(unix_s: float) -> bytes:
    whole, fraction = divmod(unix_s, 1)
    return struct.pack("!II", (int(whole) + UNIX_TO_NTP_S) & 0xFFFFFFFF, int(fraction * 2**32))


@contextlib.contextmanager
def fake_ntp(server: FakeNtp | None = None, host: str = "127.0.0.1") -> Iterator[FakeNtp]:
    """Run *server* on a port of its own until the block ends."""
    server = server or FakeNtp()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as wire:
        wire.bind((host, server.port))
        server.port = wire.getsockname()[1]
        thread = threading.Thread(target=server.serve, args=(wire,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(family, socket.SOCK_DGRAM) as last:  # nothing else wakes recvfrom
                last.sendto(b"", (host, server.port))  # everywhere
            thread.join(5)
