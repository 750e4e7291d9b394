"""One DNS query to one resolver: UDP, and TCP where the answer is truncated.

Source: RFC 1035 section 4.2, RFC 7766 section 5 (truncation). No EDNS: it is what the C library
sends by default, so that a middlebox that drops EDNS is not blamed on the resolver.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ccpor_checks.dns.evidence import Record, RecordAnswer
from ccpor_checks.dns.system import Resolver
from ccpor_checks.kit.os_errors import error_name

if TYPE_CHECKING:
    from dns.message import Message
    from dns.name import Name

SENDS = 2  # one lost datagram is ordinary; two are the path's answer
NAP_S = 0.25  # how late an error that wakes nobody is noticed
LONGEST_LOOP = 8
REFUSING = frozenset({"REFUSED", "NOTAUTH"})


@dataclass(slots=True)
class _Asked:
    """One query under way."""

    message: Message
    resolver: Resolver
    monotonic: Callable[[], float]
    deadline: float
    attempts: int = 0
    discarded: int = 0
    over_tcp: bool = False
    sent: dict[int, float] = field(default_factory=dict)  # by message id: when it went out
    ms: float = 0.0  # from the query that was answered to its answer; a lost one is no slowness

    def left(self, until: float | None = None) -> float:
        """Return the seconds left; TimeoutError when there are none."""
        left = (self.deadline if until is None else until) - self.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def ask(
    resolver: Resolver,
    name: str,
    record: Record,
    *,
    timeout_s: float,
    monotonic: Callable[[], float],
) -> RecordAnswer:
    """Return what *resolver* says of *name* within *timeout_s*, both transports included.

    A datagram that is no reply to this query (wrong id or question, unreadable) is counted and
    passed over, as a stub resolver does: waiting on is what defeats a forged answer.
    """
    asked = _asked(resolver, name, record, timeout_s, monotonic)
    try:
        reply = _reply(asked)
    except TimeoutError:
        return _silence(asked, record, None)
    except OSError as exc:
        return _silence(asked, record, exc.errno)
    return _read(asked, record, reply)


def loop(
    resolver: Resolver, name: str, *, timeout_s: float, monotonic: Callable[[], float]
) -> tuple[str, ...]:
    """Return the aliases by which *name* leads back to itself; none where it does not.

    A recursive resolver says SERVFAIL of such a name and shows nothing, so each alias is asked for
    by itself, all of them within *timeout_s*.
    """
    end = monotonic() + timeout_s
    aliases: list[str] = []
    current = name
    while len(aliases) < LONGEST_LOOP and (left := end - monotonic()) > 0:
        asked = _asked(resolver, current, "CNAME", left, monotonic)
        try:
            alias = _alias(_reply(asked), asked.message.question[0].name)
        except OSError:
            return ()
        if alias is None:
            return ()
        current = alias.to_text()
        again = current.lower() in {name.lower(), *(each.lower() for each in aliases)}
        aliases.append(current)
        if again:
            return tuple(each.removesuffix(".") for each in aliases)
    return ()


def _asked(
    resolver: Resolver, name: str, kind: str, timeout_s: float, monotonic: Callable[[], float]
) -> _Asked:
    from dns import message

    query = message.make_query(name, kind, use_edns=False)
    return _Asked(query, resolver, monotonic, monotonic() + timeout_s)


def _reply(asked: _Asked) -> Message:
    """Return the reply by the transport that it needs.

    Raises:
        OSError: TimeoutError when nothing valid came in time, or what the socket said.
    """
    reply = _over_udp(asked)
    if reply is None:
        asked.over_tcp = True
        reply = _over_tcp(asked)
    return reply


def _silence(asked: _Asked, record: Record, number: int | None) -> RecordAnswer:
    # A connected datagram socket gets ICMP port unreachable as ECONNREFUSED (ECONNRESET on
    # Windows): nobody listens. Over TCP a datagram was answered before, so somebody does.
    unheard = not asked.over_tcp and number in {errno.ECONNREFUSED, errno.ECONNRESET}
    return RecordAnswer(
        record=record,
        reason="no-resolver" if unheard else "timeout",
        error=error_name(number),
        attempts=max(asked.attempts, 1),
        over_tcp=asked.over_tcp,
        discarded=asked.discarded,
    )


def _read(asked: _Asked, record: Record, reply: Message) -> RecordAnswer:
    from dns import rcode

    code = rcode.to_text(reply.rcode())
    addresses, aliases, loops = chain(reply, record)
    reason: str | None
    if code == "NXDOMAIN":
        reason = "nxdomain"
    elif loops:  # BIND says SERVFAIL and shows the loop
        reason = "no-address"
    elif code in REFUSING:
        reason = "refused"
    elif code != "NOERROR":
        reason = "servfail"
    else:
        reason = None if addresses else "no-address"
    return RecordAnswer(
        record=record,
        reason=reason,
        addresses=addresses if reason is None else (),
        aliases=aliases,
        rcode=code,
        ms=round(asked.ms, 3),
        attempts=asked.attempts,
        over_tcp=asked.over_tcp,
        discarded=asked.discarded,
    )


def chain(reply: Message, record: Record) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return what *reply*'s CNAME chain ends at, its aliases, and whether it loops."""
    from dns import rdataclass, rdatatype

    current = reply.question[0].name if reply.question else None
    passed = {current}
    aliases: list[str] = []
    while current is not None:
        found = reply.get_rrset(reply.answer, current, rdataclass.IN, rdatatype.from_text(record))
        if found is not None:
            return tuple(str(item.address) for item in found), tuple(aliases), False
        current = _alias(reply, current)
        if current is None:
            break
        aliases.append(current.to_text(omit_final_dot=True))
        if current in passed:
            return (), tuple(aliases), True
        passed.add(current)
    return (), tuple(aliases), False


def _alias(reply: Message, name: Name) -> Name | None:
    """Return what *name* is an alias of in *reply*; None where it is none."""
    from dns import rdataclass, rdatatype

    found = reply.get_rrset(reply.answer, name, rdataclass.IN, rdatatype.CNAME)
    return found[0].target if found else None


def _over_udp(asked: _Asked) -> Message | None:
    """Return the reply, or None when it was truncated.

    Raises:
        OSError: TimeoutError when nothing valid came, or what the socket said.
    """
    from dns import entropy

    with _connected(asked, socket.SOCK_DGRAM) as sock:
        span = asked.left() / SENDS
        while True:
            asked.attempts += 1
            if asked.sent:  # an id of its own tells which of them is answered
                asked.message.id = entropy.random_16()
            asked.sent[asked.message.id] = asked.monotonic()
            sock.send(asked.message.to_wire())
            last = asked.attempts == SENDS
            until = asked.deadline if last else asked.monotonic() + span
            try:
                while True:
                    reply, cut = _parsed(asked, _datagram(asked, sock, until))
                    if reply is not None:
                        return None if cut else reply
                    asked.discarded += 1
            except TimeoutError:
                if last:
                    raise


def _datagram(asked: _Asked, sock: socket.socket, until: float) -> bytes:
    """Return the next datagram.

    Raises:
        OSError: TimeoutError when none came before *until*, or what the socket said.
    """
    while True:
        sock.settimeout(min(asked.left(until), NAP_S))
        try:
            return sock.recv(65535)
        except TimeoutError:
            # Not every system wakes a waiting receive for an ICMP error; all of them keep it.
            if pending := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(pending, os.strerror(pending)) from None


def _parsed(asked: _Asked, wire: bytes) -> tuple[Message | None, bool]:
    """Return (reply, truncated); (None, False) for what is no reply to this query."""
    from dns import exception, message

    heard, cut = asked.monotonic(), False  # reading it is our time, not the resolver's
    try:
        reply = message.from_wire(wire, raise_on_truncation=True)
    except message.Truncated as exc:
        reply, cut = exc.kwargs["message"], True
    except (exception.DNSException, ValueError, struct.error, IndexError):
        return None, False
    if reply.id not in asked.sent:
        return None, False
    asked.message.id = reply.id
    if not asked.message.is_response(reply):
        return None, False
    asked.ms = (heard - asked.sent[reply.id]) * 1000
    return reply, cut


def _over_tcp(asked: _Asked) -> Message:
    wire = asked.message.to_wire()
    with _connected(asked, socket.SOCK_STREAM) as sock:
        sock.settimeout(asked.left())
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", _exactly(asked, sock, 2))
        reply, cut = _parsed(asked, _exactly(asked, sock, size))
    if reply is None or cut:  # a stream has no room for somebody else's answer: it is broken
        raise TimeoutError
    return reply


def _exactly(asked: _Asked, sock: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        sock.settimeout(asked.left())
        more = sock.recv(size - len(read))
        if not more:
            raise TimeoutError  # closed before the answer: none will come
        read += more
    return read


def _connected(asked: _Asked, kind: socket.SocketKind) -> socket.socket:
    where = (asked.resolver.address, asked.resolver.port)
    family, _, _, _, address = socket.getaddrinfo(*where, type=kind, flags=socket.AI_NUMERICHOST)[0]
    sock = socket.socket(family, kind)
    try:
        sock.settimeout(asked.left())
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock
