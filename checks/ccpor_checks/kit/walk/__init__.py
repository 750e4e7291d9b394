"""Walks a path hop by hop: packets that live 1, 2, 3 … hops, and who answers each of them.

On Linux an ordinary user sees it all for TCP and UDP (IP_TTL, IP_RECVERR); ICMP needs
``ping_group_range`` or root. On Windows ICMP names the routers (IcmpSendEcho), while TCP shows no
more than from which hop on the target answers; UDP shows nothing there.

Source: RFC 792 and RFC 4443 (time exceeded), RFC 1812 section 4.3.2.8 (routers limit their errors),
ip(7), ipv6(7), icmp(7).
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from typing import Literal

from ccpor_checks.base import Context
from ccpor_checks.kit.walk.rounds import Rounds, Side
from ccpor_reporting.contrasts import Walk

__all__ = ["Protocol", "walk"]

Protocol = Literal["tcp", "udp", "icmp"]

AT_ONCE = 8  # walks of this process: forty targets behind one router must not flood it
_slots = threading.BoundedSemaphore(AT_ONCE)


def walk(
    address: str,
    port: int | None,
    protocol: Protocol,
    ctx: Context,
    *,
    wait_s: float = 1.0,
    most_hops: int = 30,
    each: int = 1,
    first_hop: int = 1,
    again: bool = True,
) -> Walk:
    """Return who answered on the way to *address*, up to the first answer that ends it.

    wait_s: seconds to wait for an answer. A hop that stays silent is asked once more; a path that
    goes silent for good costs about twice *wait_s* and a second. each: packets for each hop.
    port: for TCP the port to connect to; for UDP None means the high ports of traceroute.
    first_hop: nearer ones are not asked and not told. again: False asks no silent hop once more
    and waits but a moment for those nearer than the end.

    Raises:
        CannotObserve: This workstation may not, or cannot, send such packets.
        TimeoutError: The deadline of the check passed; an unfinished walk would mislead.
    """
    name = str(ipaddress.ip_address(address.partition("%")[0]))
    if not _slots.acquire(timeout=ctx.remaining()):
        raise TimeoutError("the deadline of this check has passed while others walked")
    try:
        side = _side(address, port, protocol, wait_s)
        try:
            span = range(first_hop, most_hops + 1)
            hops = Rounds(side, ctx, span=span, wait_s=wait_s, each=each, again=again).run()
        finally:
            side.close()
    finally:
        _slots.release()
    last = hops[-1]
    ends = last.answer not in {"time-exceeded", "silent"}
    return Walk(
        protocol=protocol,
        address=name,
        port=port,
        hops=hops,
        end=last.answer if ends else "silent",
        distance=last.ttl if ends and last.address == name else None,
    )


def _side(address: str, port: int | None, protocol: Protocol, wait_s: float) -> Side:
    if sys.platform == "win32":
        from ccpor_checks.kit.walk.windows import side
    else:
        from ccpor_checks.kit.walk.linux import side
    return side(address, port, protocol, wait_s)
