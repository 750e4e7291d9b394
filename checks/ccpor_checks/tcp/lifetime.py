"""Whether resets arrive with more life left than the host's own answers: a nearer device sent them.

Each router on the way takes one from a packet's time to live. An ordinary user cannot read that of
a reset, but can ask the system to ignore packets with too little left (IP_MINTTL, Linux only).
Source: RFC 5082 section 3, ip(7), ipv6(7).
"""

from __future__ import annotations

import errno
import selectors
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ccpor_checks.base import Context

IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73  # linux/in.h, linux/in6.h; Python names neither
STARTS = (64, 128, 255)  # with which systems send; never more than a few dozen hops are lost
LEAST_S, ROUND_TRIPS = 0.2, 3  # how long an answer is waited for
UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EAGAIN})
Answer = Literal["open", "refused"]


@dataclass(frozen=True, slots=True)
class _Asked:
    port: int
    least: int  # what is left of an answer that may count


def reset_lives_longer(
    address: str, *, refused: int, opened: int, hops: int, rtt_s: float, ctx: Context
) -> bool | None:
    """Return whether resets of port *refused* have more life left than answers of port *opened*.

    hops: how far away the reset was met. None where it cannot be told: not Linux, or the open
    port's answers took another way back. More is counted only as far as the way is long: a host
    whose resets start from another number is no forger.
    """
    if sys.platform != "linux" or hops < 2:
        return None
    left = [start - (hops - 1) for start in STARTS]
    asked = [_Asked(opened, least) for each in left for least in (each, each + 1)]
    met = _answers(address, asked, rtt_s, ctx)
    mine = [e for e in left if _Asked(opened, e) in met and _Asked(opened, e + 1) not in met]
    if len(mine) != 1:
        return None
    same, more, most = (_Asked(refused, mine[0] + each) for each in (0, 1, hops))
    resets = _answers(address, (same, more, most), rtt_s, ctx)
    if resets.get(same) != "refused":
        return None
    return resets.get(more) == "refused" and most not in resets


def _answers(
    address: str, asked: Iterable[_Asked], rtt_s: float, ctx: Context
) -> dict[_Asked, Answer]:
    """Return what came for each connection; those without an answer that counts are left out."""
    found: dict[_Asked, Answer] = {}
    until = ctx.monotonic() + max(LEAST_S, ROUND_TRIPS * rtt_s)
    socks: list[socket.socket] = []
    with selectors.DefaultSelector() as selector:
        try:
            for each in asked:
                socks.append(_connecting(address, each))
                selector.register(socks[-1], selectors.EVENT_WRITE, each)
            while selector.get_map() and (left := until - ctx.monotonic()) > 0:
                for key, _ in selector.select(ctx.remaining(left)):
                    sock = key.fileobj
                    assert isinstance(sock, socket.socket)
                    selector.unregister(sock)
                    number = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if number in {0, errno.ECONNREFUSED}:
                        found[key.data] = "refused" if number else "open"
        finally:
            for sock in socks:
                sock.close()
    return found


def _connecting(address: str, asked: _Asked) -> socket.socket:
    """Return a socket that connects and ignores answers with less life left than asked."""
    six = ":" in address
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        level, option = (
            (socket.IPPROTO_IPV6, IPV6_MINHOPCOUNT) if six else (socket.IPPROTO_IP, IP_MINTTL)
        )
        sock.setsockopt(level, option, asked.least)
        number = sock.connect_ex((address, asked.port))
        if number not in UNDER_WAY:
            raise OSError(number, "connect")
    except OSError:
        sock.close()
        raise
    return sock
