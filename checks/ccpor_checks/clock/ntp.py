"""The client's side of NTP: requests out, valid replies in, offset and delay of each.

Source: RFC 5905 (packet: section 7.3; offset and delay: section 8; Kiss-o'-Death: section 7.4).
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from ccpor_checks.base import Context, TargetFailed
from ccpor_checks.kit.os_errors import error_name

REQUESTS = 4
SPACING_S = 0.06
NAP_S = 0.25  # a receive wakes this often: shutting a UDP socket from outside does not end it
PACKET = struct.Struct("!BBbbII4sQQQQ")
CLIENT = 4 << 3 | 3  # version 4, mode 3; the rest of a request is zero
SERVER_MODE = 4
EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
ERA = 1 << 64  # timestamps are 32.32 bits; they wrap in February 2036


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A valid reply, and the exchange it ended."""

    leap: int
    stratum: int
    reference: bytes
    root_delay_s: float
    root_dispersion_s: float
    offset_s: float  # the server's clock minus this machine's (theta)
    delay_s: float  # round trip without the server's own time (delta)

    @property
    def kiss(self) -> str | None:
        """The kiss code of a Kiss-o'-Death; None for an answer with time in it."""
        letters = self.reference.rstrip(b"\0")
        if self.stratum or not (letters.isalnum() and letters.isascii()):
            return None
        return letters.decode("ascii")


@dataclass(frozen=True, slots=True)
class _Asked:
    """When a request left: `wall` as an NTP timestamp, `at` on the monotonic clock."""

    wall: int
    at: float


def answers(address: str, port: int, timeout_s: float, ctx: Context) -> Iterator[Answer]:
    """Yield valid replies, at most `REQUESTS`; none comes later than *timeout_s* from now.

    Requests stay open until then, so that a slow answer counts although the next one was sent.

    Raises:
        TargetFailed: ``clock.server`` ``refused`` or ``timeout``, before any valid reply.
        TimeoutError: The deadline of the check came first.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    heard = 0
    with socket.socket(family, socket.SOCK_DGRAM) as wire:
        try:
            wire.connect((address, port))
            for answer in _exchange(wire, timeout_s, ctx):
                heard += 1
                yield answer
        except TimeoutError:  # our own deadline, before the profile's: not the server's fault
            if not heard:
                raise
        except OSError as exc:
            if not heard:
                raise _unanswered(address, port, exc) from exc
    if not heard:
        raise TargetFailed(
            "clock.server",
            "timeout",
            f"no valid answer from {address} port {port} (UDP) within {timeout_s:g} s",
            {"address": address, "port": port},
        )


def _exchange(wire: socket.socket, timeout_s: float, ctx: Context) -> Iterator[Answer]:
    """Send up to `REQUESTS` and yield what comes back, until *timeout_s* or enough is heard."""
    asked: dict[int, _Asked] = {}
    now = ctx.monotonic()
    end, next_at = now + timeout_s, now
    sent = heard = 0
    while heard < REQUESTS and now < end:
        if sent < REQUESTS and now >= next_at:
            _ask(wire, asked, ctx)
            sent += 1
            # Silence so far: spread what is left of the requests over the whole wait.
            next_at = now + (SPACING_S if heard else timeout_s / REQUESTS)
        until = min(end, next_at) if sent < REQUESTS else end
        wire.settimeout(ctx.remaining(min(max(until - now, 0.001), NAP_S)))
        if (answer := _hear(wire, asked, ctx)) is not None:
            heard += 1
            yield answer
            if answer.kiss:
                return  # asked to stop: stop
            next_at = ctx.monotonic() + SPACING_S
        now = ctx.monotonic()


def _ask(wire: socket.socket, asked: dict[int, _Asked], ctx: Context) -> None:
    """Send one request; its transmit timestamp is a die's throw that only a real answer repeats."""
    nonce = ctx.dice.getrandbits(64) or 1
    asked[nonce] = _Asked(timestamp(ctx.now()), ctx.monotonic())
    wire.send(PACKET.pack(CLIENT, 0, 0, 0, 0, 0, b"", 0, 0, 0, nonce))


def _hear(wire: socket.socket, asked: dict[int, _Asked], ctx: Context) -> Answer | None:
    """Return the next reply to one of *asked*; None for silence and for what is no such reply."""
    try:
        reply = wire.recv(1024)
    except TimeoutError:
        # Not every system wakes a waiting receive for an ICMP error; all of them keep it.
        if pending := wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(pending, os.strerror(pending)) from None
        return None
    came = ctx.monotonic()
    if len(reply) < PACKET.size:
        return None
    first, stratum, _poll, _precision, root_delay, dispersion, reference, _, origin, t2, t3 = (
        PACKET.unpack_from(reply)
    )
    if first & 7 != SERVER_MODE or origin not in asked:
        return None
    if stratum and not (t2 and t3):
        return None  # time is claimed and none is given
    began = asked.pop(origin)
    elapsed = came - began.at  # monotonic: a clock that is set meanwhile does not matter
    arrived = began.wall + round(elapsed * 2**32)
    return Answer(
        leap=first >> 6,
        stratum=stratum,
        reference=reference,
        root_delay_s=root_delay / 2**16,
        root_dispersion_s=dispersion / 2**16,
        offset_s=(seconds(t2 - began.wall) + seconds(t3 - arrived)) / 2,
        delay_s=max(elapsed - seconds(t3 - t2), 0.0),
    )


def precision_s() -> float:
    """Return what our two clocks' resolution adds to the error: 30 ms on older Windows."""
    return sum(time.get_clock_info(clock).resolution for clock in ("time", "monotonic"))


def timestamp(when: datetime) -> int:
    """Return *when* as a 64-bit NTP timestamp of its era."""
    since = when - EPOCH
    whole = since.days * 86_400 + since.seconds
    return ((whole << 32) + (since.microseconds << 32) // 1_000_000) % ERA


def seconds(difference: int) -> float:
    """Return a difference of two timestamps in seconds, right across the change of an era.

    Two's complement holds as long as the clocks are less than 68 years apart (section 6).
    """
    half = ERA // 2
    return ((difference + half) % ERA - half) / 2**32


def _unanswered(address: str, port: int, exc: OSError) -> TargetFailed:
    where, seen = f"{address} port {port} (UDP)", {"address": address, "port": port}
    # Windows tells of ICMP "port unreachable" as a reset.
    if isinstance(exc, ConnectionRefusedError | ConnectionResetError):
        return TargetFailed("clock.server", "refused", f"{where} is closed", seen)
    name = error_name(exc.errno) or type(exc).__name__
    return TargetFailed("clock.server", "timeout", f"no answer from {where}: {name}", seen)
