"""Which way of sending serves a method on this system: the seam between Linux and Windows."""

from __future__ import annotations

import contextlib
import sys

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.path.datagrams import IcmpEchoes, UdpEchoes
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.handshakes import TcpEchoes
from ccpor_checks.path.mtu import Sizes
from ccpor_checks.path.sampling import Echoes
from ccpor_checks.path.segments import Segments
from ccpor_checks.path.sizes import Casting, IcmpSizes, StampSizes, UdpSizes
from ccpor_checks.path.sockets import interface_mtu
from ccpor_checks.path.stamp import StampEchoes

STAMP_PORT = 862
ECHO_WAIT_S = 0.6
LARGEST = 65535  # of any IP packet


def open_echoes(method: Method, target: Target, address: str) -> Echoes:
    """Return the sender of *method*.

    Raises:
        CannotObserve: This user or this system cannot send that way; the message says what helps.
        OSError: There is no way to *address* at all.
    """
    if method == "stamp":
        return StampEchoes(address, target.port or STAMP_PORT)
    if method == "tcp":
        assert target.port is not None, "only a target with a port is looked at by TCP"
        return TcpEchoes(address, target.port)
    if sys.platform == "win32":
        from ccpor_checks.path.windows import WindowsEchoes

        if method == "udp":
            raise CannotObserve("Windows does not show who answers UDP packets")
        return WindowsEchoes(address)
    return IcmpEchoes(address) if method == "icmp" else UdpEchoes(address)


def own_interface(address: str) -> int:
    """Return the largest packet of this workstation's interface towards *address*.

    Raises:
        CannotObserve: The system does not say.
    """
    largest = interface_mtu(address)
    if largest is None:
        raise CannotObserve("the system does not say how large this workstation's packets may be")
    return min(largest, LARGEST)


def segments_to(target: Target, address: str, ctx: Context, interface: int) -> Sizes:
    """Return the prober of packet sizes by TCP; on Windows by ICMP, which shows more there.

    Linux sends no segment that is larger than what a router once called too big, for ten minutes.
    Whether that still holds, only an echo tells.

    Raises:
        OSError: The port takes no connection.
        CannotObserve: Not possible here.
    """
    if sys.platform == "win32":
        return probe_sizes("icmp", target, address, ctx, wait_s=1.0)
    segments = Segments(target, address, ctx, interface)
    if segments.remembered:
        with contextlib.suppress(CannotObserve, OSError):
            echoes = probe_sizes("icmp", target, address, ctx, wait_s=ECHO_WAIT_S)
            if echoes.method == "icmp" and echoes.probe(segments.remembered, 2).kind == "passed":
                return echoes
            echoes.close()
    return segments


def probe_sizes(
    method: Method,
    target: Target,
    address: str,
    ctx: Context,
    *,
    wait_s: float,
    split: bool = False,
) -> Casting:
    """Return the prober of packet sizes by datagrams; UDP where ICMP is not allowed.

    Raises:
        CannotObserve: Not possible here.
        OSError: There is no way to *address*.
    """
    largest = own_interface(address)
    if sys.platform == "win32":
        from ccpor_checks.path.windows import WindowsSizes

        if method not in {"icmp", "udp", "tcp"} or ":" in address:
            raise CannotObserve("on Windows only ICMP shows which packet sizes pass, on IPv4")
        return WindowsSizes(address, ctx, largest, wait_s, split=split)
    if method == "stamp":
        port = target.port or STAMP_PORT
        return StampSizes(address, port, ctx, largest, wait_s, split=split)
    if method == "icmp":
        try:
            return IcmpSizes(address, ctx, largest, wait_s, split=split)
        except CannotObserve:
            pass
    return UdpSizes(address, ctx, largest, wait_s, split=split)
