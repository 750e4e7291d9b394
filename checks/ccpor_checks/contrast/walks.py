"""A walk towards what did not answer, so that the last router that did has a name."""

from __future__ import annotations

import socket

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.contrast.asked import Protocol, Question
from ccpor_checks.contrast.reach import known_addresses
from ccpor_reporting.contrasts import Walk

WAIT_S = 0.5  # for a router's answer: a court is 120 ms from its datacenter at most

MOST_HOPS = 20  # two batches of the kit: a walk into silence then lasts 1.4 s


def look(question: Question, ctx: Context) -> Walk:
    """Return the walk that *question* asks for.

    An echo's walk ("icmp") that shows nothing, or that this account may not make, is made by
    datagrams, which any account may send.

    Raises:
        CannotObserve: This account or system cannot walk, or the name has no address.
    """
    try:
        address = known_addresses(question, ctx)[0]
    except (socket.gaierror, UnicodeError) as exc:
        raise CannotObserve(f"{question.host} has no address here") from exc
    if question.protocol in {"tcp", "udp"}:
        return walk_to(address, question.port, question.protocol, ctx)
    try:
        echoed = walk_to(address, None, "icmp", ctx)
    except (CannotObserve, PermissionError):
        return walk_to(address, None, "udp", ctx)
    if echoed.distance is None and echoed.last is None:
        return walk_to(address, None, "udp", ctx)
    return echoed


def walk_to(address: str, port: int | None, protocol: Protocol, ctx: Context) -> Walk:
    """Return the walk, no longer than a look may take; see `ccpor_checks.kit.walk.walk`."""
    from ccpor_checks.kit.walk import walk

    assert protocol != "ntp", "a time server is walked to by udp"
    return walk(address, port, protocol, ctx, wait_s=WAIT_S, most_hops=MOST_HOPS)
