"""Looks where a reset came from: walks to the port, to an open port of the same host, past it.

Nothing is looked at for an address of this workstation itself, and no more than needed: no walk
follows once one of them tells how far away the host is.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.walk import Protocol, walk
from ccpor_checks.tcp.connecting import Connecting
from ccpor_checks.tcp.evidence import OpenPort, TcpEvidence, Try
from ccpor_checks.tcp.forged import SAMPLES, goes_beyond, quicker_than_open, reaches
from ccpor_checks.tcp.lifetime import reset_lives_longer
from ccpor_reporting.contrasts import Walk

WAIT_S = 0.5
PAST = 4  # hops past the reset that are asked: a firewall may be silent itself
EACH = 2  # packets for each hop: paths of unequal length side by side must not look like a forger
OPEN_TRIES = 4
OPEN_TIMEOUT_S = 1.0
PORTS = {"http": 80, "https": 443, "ssh": 22, "sftp": 22}
MOST_S = 6.0
BUDGET_S = MOST_S + 1


def look_whence(seen: TcpEvidence, target: Target, ctx: Context) -> TcpEvidence:
    """Return *seen* with the walks and times that tell whose its first reset was.

    What cannot be looked at in time or without rights is left out: then the reset stays the host's.
    """
    address = next((t.address for t in seen.tries if t.reason == "refused" and not t.icmp), None)
    if address is None or _is_own(address, seen):
        return seen
    share = min(ctx.deadline, ctx.monotonic() + MOST_S)
    with contextlib.suppress(TimeoutError, CannotObserve):
        for each in _looks(seen, address, target, dataclasses.replace(ctx, deadline=share)):
            seen = each
    return seen


def _looks(seen: TcpEvidence, address: str, target: Target, ctx: Context) -> Iterator[TcpEvidence]:
    """Yield *seen* with more and more in it, until whose the reset is can be told."""
    to_port = walk(address, seen.port, "tcp", ctx, wait_s=WAIT_S, again=False)
    if to_port.end != "refused":
        return
    seen = msgspec.structs.replace(seen, walks=(to_port,))
    yield seen
    for port in _open_ports(target, address, seen.port):
        seen = _with_open_port(seen, address, port, ctx)
        yield seen
        if seen.open_port is None:
            continue
        seen = _with(seen, _past(address, port, "tcp", to_port, ctx))
        yield seen
        if goes_beyond(seen.walks[-1], to_port) or quicker_than_open(seen, address):
            return
        seen = _with_lifetime(seen, to_port, ctx)
        yield seen
        if seen.open_port and seen.open_port.reset_lives_longer:
            return
        if reaches(seen.walks[-1], to_port):
            return
        break
    for protocol in ("icmp", "udp"):  # hosts limit how many "port unreachable" they send
        with contextlib.suppress(CannotObserve):
            seen = _with(seen, _past(address, None, protocol, to_port, ctx))
            yield seen
            if _tells(seen.walks[-1], to_port):
                return


def _past(address: str, port: int | None, protocol: Protocol, to_port: Walk, ctx: Context) -> Walk:
    """Return a walk that starts where *to_port* was reset: what is nearer has been asked."""
    reset_at = to_port.hops[-1].ttl
    return walk(
        address,
        port,
        protocol,
        ctx,
        wait_s=WAIT_S,
        each=EACH,
        first_hop=reset_at,
        most_hops=reset_at + PAST,
    )


def _tells(other: Walk, to_port: Walk) -> bool:
    return goes_beyond(other, to_port) or reaches(other, to_port)


def _with(seen: TcpEvidence, other: Walk) -> TcpEvidence:
    return msgspec.structs.replace(seen, walks=(*seen.walks, other))


def _with_open_port(seen: TcpEvidence, address: str, port: int, ctx: Context) -> TcpEvidence:
    """Return *seen* with the times of *port*, if it is open, and enough resets to compare."""
    tried = Connecting(port, OPEN_TIMEOUT_S, ctx).run((address,), OPEN_TRIES)
    times = tuple(each.ms for each in tried if each.reason is None)
    if not times:
        return seen
    resets = sum(t.address == address and t.reason == "refused" for t in seen.tries)
    more: tuple[Try, ...] = ()
    if resets < SAMPLES:
        more = Connecting(seen.port, OPEN_TIMEOUT_S, ctx).run((address,), SAMPLES - resets)
    return msgspec.structs.replace(
        seen,
        tries=(*seen.tries, *more),
        open_port=OpenPort(address=address, port=port, connect_ms=times),
    )


def _with_lifetime(seen: TcpEvidence, to_port: Walk, ctx: Context) -> TcpEvidence:
    """Return *seen* with what the life left of its resets says."""
    opened = seen.open_port
    if opened is None:
        return seen
    try:
        longer = reset_lives_longer(
            opened.address,
            refused=seen.port,
            opened=opened.port,
            hops=to_port.hops[-1].ttl,
            rtt_s=max(opened.connect_ms) / 1000,
            ctx=ctx,
        )
    except OSError:  # no descriptor, or a system that knows no such option
        return seen
    return msgspec.structs.replace(
        seen, open_port=msgspec.structs.replace(opened, reset_lives_longer=longer)
    )


def _open_ports(target: Target, address: str, port: int) -> list[int]:
    """Return the ports of the same host that the profile names to compare with."""
    found: list[int] = []
    for url in target.contrast:
        try:
            parts = urlsplit(url)
            other = parts.port or PORTS.get(parts.scheme)
        except ValueError:  # what the profile's own check let through
            continue
        same = (parts.hostname or "").lower() in {target.host.lower(), address}
        if same and other is not None and other != port and parts.scheme != "udp":
            found.append(other)
    return found


def _is_own(address: str, seen: TcpEvidence) -> bool:
    """Say whether nothing can stand between: loopback, or this workstation's own address."""
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback or (
        address == seen.local_address
    )
