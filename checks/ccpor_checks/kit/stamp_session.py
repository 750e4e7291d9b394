"""One STAMP session: test packets to a reflector, and its answers, checked and timed.

The reflector writes its own number and its own two times into each answer. So a loss is told by
direction, the time it kept a packet is no delay of the line, and a copy is no second packet.
Source: RFC 8762 sections 4.2 and 4.3, RFC 8972 section 3 (session identifier).
"""

from __future__ import annotations

import contextlib
import select
import socket
from dataclasses import dataclass

from ccpor_checks.kit.packets import (
    SendClock,
    arrived,
    family_of,
    network_errors,
    prepare,
    send,
    wall_ns,
)
from ccpor_reporting.stamp import PacketInvalid, ms_of, ntp_time, read_reflected, sender_packet

ROOM = 1 << 20  # bytes of answers that wait while this program has no turn: none is lost by us
LONGEST_KEPT_MS = 1000.0  # by the reflector; what claims more has no clock to be believed


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to our packet *number*, in the order they came; a copy is one more of them.

    ms: the round trip less what the reflector kept it; None where it came but cannot be timed (this
        workstation was held up while it sent, or it was sent more than once).
    up_ms, down_ms: each way, each by its own pair of clocks: only their changes mean something.
    far_number: the reflector's own count of what it answered; ours again where it keeps none.
    """

    number: int
    ms: float | None
    up_ms: float
    down_ms: float
    far_number: int
    size: int  # bytes of the answer, IP and UDP headers not counted


class StampSession:
    """A socket connected to one reflector, which never blocks; our packets count from zero.

    refused_by: who said by ICMP that there is no way (the target itself: nobody listens there).
    foreign: packets that came and were no answer to one of ours (other key, session or number).
    unsent: packets that the system did not send.
    """

    def __init__(
        self,
        address: str,
        port: int,
        session: int | None = None,
        key: bytes | None = None,
        *,
        split: bool = True,
    ) -> None:
        """Open the session; with a *key* in authenticated mode, where no packet is below 112 bytes.

        Raises:
            OSError: There is no way to *address*.
        """
        self.sock = open_session(address, port, split=split)
        self.session, self.key = session, key
        self.number = self.foreign = self.unsent = 0
        self.refused_by: str | None = None
        self._clock = SendClock()

    def send(self, size: int = 0, *, number: int | None = None) -> int | None:
        """Send the next packet, of *size* bytes or the least, and return its number.

        number: another one than the next; a number that was sent before makes a copy.
        None: the system did not send it; its number stands for the next one then.
        """
        own = self.number if number is None else number
        at_ns = self._clock.start()
        packet = sender_packet(own, at_ns, session=self.session or 0, key=self.key, size=size)
        try:
            send(self.sock, packet)
        except OSError:
            self.unsent += 1
            return None
        self._clock.sent(own)
        if number is None:
            self.number += 1
        return own

    def wait(self, seconds: float) -> list[Answer]:
        """Return the answers of the next *seconds*, sooner when one came; none: no time is left."""
        with contextlib.suppress(ValueError):  # another thread has closed it meanwhile
            select.select([self.sock], [], [], max(0.0, seconds))
        found = []
        for came in arrived(self.sock):
            answer = self._read(came.content, came.at_ns)
            if answer is None:
                self.foreign += 1
            else:
                found.append(answer)
        for error in network_errors(self.sock):
            self.refused_by = error.sender or self.refused_by
        return found

    def _read(self, content: bytes, at_ns: int) -> Answer | None:
        try:
            said = read_reflected(content, self.key)
        except PacketInvalid:
            return None
        number = said.sent.number
        if not self._clock.knows(number):
            return None
        # A reflector of RFC 8762 alone leaves zero where RFC 8972 has the session
        if self.session is not None and said.session not in {self.session, 0}:
            return None
        sent = ms_of(said.sent.seconds, said.sent.fraction, said.sent.error)
        kept = said.left_ms - said.came_ms
        total = self._clock.ms(number, at_ns)
        if total is not None and 0 <= kept <= LONGEST_KEPT_MS:
            total = round(max(total - kept, 0.0), 3)
        return Answer(
            number=number,
            ms=total,
            up_ms=said.came_ms - sent,
            down_ms=ms_of(*ntp_time(at_ns), 0) - said.left_ms,
            far_number=said.number,
            size=len(content),
        )

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> StampSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_session(address: str, port: int, *, split: bool) -> socket.socket:
    """Return a socket that never blocks, connected to the reflector.

    Raises:
        OSError: There is no way to *address*.
    """
    sock = socket.socket(family_of(address), socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        prepare(sock, split=split)
        sock.connect((address, port))
    except OSError:
        sock.close()
        raise
    return sock


def packet_of(number: int, size: int) -> bytes:
    """Return a plain test packet of *size* bytes (44 at least), stamped with this moment."""
    return sender_packet(number, wall_ns(), size=size)


def number_in(content: bytes) -> int | None:
    """Return the sender's number in a plain reflected packet; None: it is none."""
    try:
        return read_reflected(content).sent.number
    except PacketInvalid:
        return None
