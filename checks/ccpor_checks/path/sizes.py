"""Packets of an exact size that must not be split: ICMP echo, STAMP, and UDP nobody listens to.

Each is the three things the search and the diagnosis ask for: does it pass, does it pass where it
may be split, and how far does one come that is too large (packets that live 1, 2, 3 … hops).
"""

from __future__ import annotations

import contextlib
import errno
import select
import socket
import time
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ccpor_checks.base import Context
from ccpor_checks.kit.packets import NetworkError, arrived, family_of, network_errors, prepare, send
from ccpor_checks.kit.stamp_session import number_in, open_session, packet_of
from ccpor_checks.path.datagrams import FIRST_PORT, HEADER, IcmpSocket
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.mtu import PASSED, Answer, Sizes
from ccpor_checks.path.sockets import IP_HEADER, live_for
from ccpor_reporting.contrasts import Hop, Walk

UDP_HEADER = 8
USUAL_HOPS = 64


class Casting(Sizes, Protocol):
    """A way to send packets of an exact size that can also tell how far they come."""

    def cast(self, size: int, *, hops: range, each: int, gap_s: float = 0.0) -> Walk:
        """Return who answers packets of *size* bytes that live so many *hops*, *each* for each."""


@dataclass(slots=True)
class Seen:
    """What came back since the last look: numbers that passed, errors by number."""

    passed: set[int] = field(default_factory=set)
    errors: list[tuple[int | None, NetworkError]] = field(default_factory=list)


class Datagrams:
    """The part that all three share. `_send`, `_look` and `sock` are each one's own."""

    method: Method
    protocol = "udp"
    gap_s = 0.0  # between two answers that the target limits

    def __init__(self, address: str, ctx: Context, largest: int, wait_s: float) -> None:
        self.address, self.largest = address, largest
        self._ctx, self._wait_s, self._number = ctx, wait_s, 0
        self.family = family_of(address)
        self._passed_at = float("-inf")

    @property
    def sock(self) -> socket.socket:
        raise NotImplementedError

    def _send(self, number: int, size: int) -> None:
        raise NotImplementedError

    def _look(self) -> Seen:
        raise NotImplementedError

    def close(self) -> None:
        self.sock.close()

    def probe(self, size: int, tries: int) -> Answer:
        """Send one packet of *size* bytes, at most *tries* times; silence each time: vanished."""
        first = self._number
        for attempt in range(tries):
            self._pause()
            number, self._number = self._number, self._number + 1
            try:
                self._send(number, size)
            except OSError as exc:
                if exc.errno == errno.EMSGSIZE:
                    return Answer("too-big")
                continue  # an error about an earlier packet is told here; this one was not sent
            if answer := self._answer(range(first, number + 1), attempt):
                return answer
        return Answer("vanished", repeats=tries - 1)

    def _pause(self) -> None:
        left = self._passed_at + self.gap_s - time.monotonic()
        if left > 0:
            time.sleep(self._ctx.remaining(left))

    def _answer(self, numbers: range, repeats: int) -> Answer | None:
        until = self._ctx.monotonic() + self._wait_s
        while (left := until - self._ctx.monotonic()) > 0:
            select.select([self.sock], [], [], self._ctx.remaining(left))
            seen = self._look()
            if seen.passed & set(numbers):
                self._passed_at = time.monotonic()
                return PASSED if not repeats else Answer("passed", repeats=repeats)
            for number, error in seen.errors:
                if number in numbers and error.is_too_big:
                    return Answer("too-big", error.mtu or None, error.sender, repeats)
        return None

    def cast(self, size: int, *, hops: range, each: int, gap_s: float = 0.0) -> Walk:
        """Return who answers packets of *size* bytes that live so many *hops*, *each* for each."""
        sent: dict[int, tuple[int, int]] = {}  # hops and time by number
        said: dict[int, NetworkError] = {}
        passed: set[int] = set()

        def look(seconds: float) -> None:
            select.select([self.sock], [], [], self._ctx.remaining(seconds))
            seen = self._look()
            passed.update(seen.passed)
            said.update((n, e) for n, e in seen.errors if n in sent)

        for _ in range(each):
            for ttl in hops:
                live_for(self.sock, ttl)
                number, self._number = self._number, self._number + 1
                sent[number] = ttl, time.time_ns()
                with contextlib.suppress(OSError):
                    self._send(number, size)
                if gap_s:
                    look(gap_s)
        live_for(self.sock, USUAL_HOPS)
        until = self._ctx.monotonic() + max(self._wait_s, 0.4)
        while (left := until - self._ctx.monotonic()) > 0 and len(said.keys() | passed) < len(sent):
            look(left)
        return self._walk(sent, said, passed)

    def _walk(
        self, sent: dict[int, tuple[int, int]], said: dict[int, NetworkError], passed: set[int]
    ) -> Walk:
        hops: list[Hop] = []
        for ttl in sorted({ttl for ttl, _ in sent.values()}):
            numbers = [number for number, (hop, _) in sent.items() if hop == ttl]
            if passed & set(numbers):
                hop = self._arrived_hop(ttl, numbers, passed)
            else:
                hop = _hop(ttl, sent, [(n, said[n]) for n in numbers if n in said], len(numbers))
            hops.append(hop)
            if hop.answer not in {"time-exceeded", "silent"}:
                break
        while hops and hops[-1].answer == "silent":
            hops.pop()
        end = hops[-1].answer if hops and hops[-1].answer != "time-exceeded" else "silent"
        return Walk(
            protocol="icmp" if self.protocol == "icmp" else "udp",
            address=self.address,
            port=None,
            hops=tuple(hops),
            end=end,
            distance=hops[-1].ttl if end == "open" else None,
        )

    def _arrived_hop(self, ttl: int, numbers: list[int], passed: set[int]) -> Hop:
        return Hop(
            ttl=ttl,
            address=self.address,
            answer="open",
            sent=len(numbers),
            answered=len(passed & set(numbers)),
        )


def _hop(
    ttl: int,
    sent: dict[int, tuple[int, int]],
    told: list[tuple[int, NetworkError]],
    count: int,
) -> Hop:
    if not told:
        return Hop(ttl=ttl, address=None, answer="silent", sent=count)
    error = told[0][1]
    answer: Literal["time-exceeded", "too-big", "unreachable"] = "unreachable"
    if error.is_time_exceeded:
        answer = "time-exceeded"
    elif error.is_too_big:
        answer = "too-big"
    return Hop(
        ttl=ttl,
        address=error.sender,
        answer=answer,
        sent=count,
        answered=len(told),
        rtt_ms=round(min(max(e.at_ns - sent[n][1], 0) for n, e in told) / 1e6, 3),
    )


class IcmpSizes(Datagrams):
    """ICMP echo requests."""

    method: Method = "icmp"
    protocol = "icmp"

    def __init__(
        self, address: str, ctx: Context, largest: int, wait_s: float, *, split: bool = False
    ) -> None:
        super().__init__(address, ctx, largest, wait_s)
        self._icmp = IcmpSocket(address, split=split)

    @property
    def sock(self) -> socket.socket:
        return self._icmp.sock

    def _send(self, number: int, size: int) -> None:
        self._icmp.send(number, max(0, size - IP_HEADER[self.family] - HEADER.size))

    def _look(self) -> Seen:
        return Seen({n for n, _ in self._icmp.replies()}, list(self._icmp.errors()))


class StampSizes(Datagrams):
    """STAMP test packets, padded; the reflector answers with as many bytes (RFC 8762, 4.3)."""

    method: Method = "stamp"

    def __init__(
        self,
        address: str,
        port: int,
        ctx: Context,
        largest: int,
        wait_s: float,
        *,
        split: bool = False,
    ) -> None:
        super().__init__(address, ctx, largest, wait_s)
        self._sock = open_session(address, port, split=split)

    @property
    def sock(self) -> socket.socket:
        return self._sock

    def _send(self, number: int, size: int) -> None:
        send(self._sock, packet_of(number, size - IP_HEADER[self.family] - UDP_HEADER))

    def _look(self) -> Seen:
        numbers = {number_in(came.content) for came in arrived(self._sock)}
        errors = [
            (int.from_bytes(error.content[:4]) if len(error.content) >= 4 else None, error)
            for error in network_errors(self._sock)
        ]
        return Seen({each for each in numbers if each is not None}, errors)


class UdpSizes(Datagrams):
    """UDP to ports where nobody listens: "port unreachable" says that it came whole."""

    method: Method = "udp"
    gap_s = 1.05  # Linux hosts send one such error a second to each asker

    def __init__(
        self, address: str, ctx: Context, largest: int, wait_s: float, *, split: bool = False
    ) -> None:
        super().__init__(address, ctx, largest, wait_s)
        self._sock = socket.socket(self.family, socket.SOCK_DGRAM)
        self._sock.setblocking(False)
        prepare(self._sock, split=split)

    @property
    def sock(self) -> socket.socket:
        return self._sock

    def _send(self, number: int, size: int) -> None:
        payload = max(0, size - IP_HEADER[self.family] - UDP_HEADER)
        send(self._sock, bytes(payload), (self.address, FIRST_PORT + number))

    def _look(self) -> Seen:
        seen = Seen()
        for error in network_errors(self._sock):
            number = error.towards[1] - FIRST_PORT
            if error.is_port_unreachable and error.sender == self.address:
                seen.passed.add(number)
            else:
                seen.errors.append((number, error))
        seen.passed |= {
            packet.sender[1] - FIRST_PORT
            for packet in arrived(self._sock)
            if packet.sender[0] == self.address
        }
        return seen
