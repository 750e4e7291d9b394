"""One connection to another port, address or host; an NTP query or an echo where that is asked."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccpor_checks.base import CannotObserve, Context, Target, TargetFailed
from ccpor_checks.contrast.asked import Question
from ccpor_checks.kit.connect import resolve
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.tcp.errors import icmp_error, reason_of, show_icmp
from ccpor_reporting.contrasts import WORKS, Contrast

if TYPE_CHECKING:
    from ccpor_checks.path.sampling import Echoes

MOST_ADDRESSES = 2  # of a name: the first that answers is the answer
LISTEN_S = 0.05  # a reset right after accept comes within one round trip on a court's network
NO_ADDRESS = "no-address"
ECHOES = 3


@dataclass(frozen=True, slots=True)
class Tried:
    """One connection tried: the reason is None when it was made."""

    address: str
    reason: str | None
    ms: float | None  # None: not known
    detail: str = ""


def look(question: Question, ctx: Context) -> Contrast:
    """Return whether what *question* names answers.

    Raises:
        CannotObserve: This workstation cannot try it.
        TimeoutError: The name got no answer in time.
    """
    try:
        addresses = known_addresses(question, ctx)
    except (socket.gaierror, UnicodeError):
        return Contrast(
            kind=question.kind,
            what=question.what,
            outcome=NO_ADDRESS,
            detail=f"{question.host} has no address here",
            port=question.port,
        )
    tried = _tried(question, addresses, ctx)
    return Contrast(
        kind=question.kind,
        what=question.what,
        outcome=tried.reason or WORKS,
        detail=tried.detail,
        address=tried.address,
        port=question.port,
        ms=tried.ms if tried.reason is None else None,
    )


def known_addresses(question: Question, ctx: Context) -> tuple[str, ...]:
    """Return the addresses to try: the known ones, else what the system says.

    Raises:
        TimeoutError: No answer in time.
        socket.gaierror: There is none. UnicodeError: It is no name.
    """
    return question.addresses or resolve(question.host, ctx.remaining(question.seconds / 2))


def _tried(question: Question, addresses: tuple[str, ...], ctx: Context) -> Tried:
    addresses = addresses[:MOST_ADDRESSES]
    if question.protocol == "icmp":
        return _echo(addresses[0], question, ctx)
    if question.protocol == "ntp":
        return _time_server(addresses[0], question, ctx)
    for position, address in enumerate(addresses):
        share = ctx.remaining(question.seconds) / (len(addresses) - position)
        tried = connected(address, question.port or 0, share, ctx)
        if tried.reason is None:
            break
    return tried


def connected(address: str, port: int, seconds: float, ctx: Context) -> Tried:
    """Return what a TCP connection to *address* meets within *seconds*; it is closed again.

    Raises:
        CannotObserve: This workstation cannot open a connection at all.
    """
    begun = ctx.monotonic()
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as exc:
        return _not_made(address, exc, None, begun, ctx)
    with sock:
        sock.settimeout(ctx.remaining(seconds))
        try:
            show_icmp(sock)
            sock.connect((address, port))
        except TimeoutError:
            ms = _ms(ctx, begun)
            return Tried(address, "dropped", ms, f"nothing came back within {ms / 1000:.2g} s")
        except OSError as exc:
            sock.setblocking(False)  # its queue of errors is read, not waited for
            return _not_made(address, exc, sock, begun, ctx)
        ms = _ms(ctx, begun)
        sock.settimeout(LISTEN_S)
        with contextlib.suppress(TimeoutError):
            try:
                sock.recv(1, socket.MSG_PEEK)
            except (ConnectionResetError, ConnectionAbortedError):
                return Tried(address, "reset", ms, "reset right after it was accepted")
    return Tried(address, None, ms)


def _not_made(
    address: str, exc: OSError, sock: socket.socket | None, begun: float, ctx: Context
) -> Tried:
    icmp = icmp_error(sock) if sock is not None else None
    reason = reason_of(exc.errno or 0, icmp, address)
    name = error_name(exc.errno)
    if reason is None:
        raise CannotObserve(f"this workstation could not open a connection ({name})") from exc
    said = f", says {icmp.sender}" if icmp and icmp.sender else ""
    return Tried(address, reason, _ms(ctx, begun), f"{name}{said}")


def _time_server(address: str, question: Question, ctx: Context) -> Tried:
    from ccpor_checks.clock import PORT, STILL_STARTING, ntp

    begun = ctx.monotonic()
    try:
        answer = next(iter(ntp.answers(address, question.port or PORT, question.seconds, ctx)))
    except TargetFailed as exc:
        return Tried(address, str(exc.reason), _ms(ctx, begun), exc.detail)
    if answer.kiss and answer.kiss not in STILL_STARTING:
        return Tried(address, "refused", _ms(ctx, begun), f"Kiss-o'-Death {answer.kiss}")
    return Tried(address, None, _ms(ctx, begun))


def _echo(address: str, question: Question, ctx: Context) -> Tried:
    """Return whether *address* answers an echo, or a datagram where echoes are not allowed."""
    echoes = _echoes(address)
    try:
        for number in range(ECHOES):
            echoes.send(number)
            until = ctx.monotonic() + question.seconds / (ECHOES + 1)
            while (left := until - ctx.monotonic()) > 0:
                for reply in echoes.wait(ctx.remaining(left)):
                    return Tried(address, None, reply.ms)
    finally:
        echoes.close()
    refused = f", {echoes.refused_by} refuses" if echoes.refused_by else ""
    return Tried(address, "dropped", None, f"{ECHOES} echoes got no answer{refused}")


def _echoes(address: str) -> Echoes:
    from ccpor_checks.path.methods import open_echoes

    target = Target(id="contrast", url=f"icmp://{address}", scheme="icmp", host=address)
    try:
        return open_echoes("icmp", target, address)
    except CannotObserve:
        return open_echoes("udp", target, address)


def _ms(ctx: Context, since: float) -> float:
    return round((ctx.monotonic() - since) * 1000, 3)
