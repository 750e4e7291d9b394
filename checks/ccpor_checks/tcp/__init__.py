"""TCP: does the target's port accept connections from this workstation?

Does:    opens `tries` connections, sends nothing, listens a moment for a reset, closes. A next try
         starts when the one before it ended or 250 ms after it started.
Needs:   the `dns` check to have passed for the same target.
Source:  RFC 9293 (TCP), RFC 792 and RFC 4443 (ICMP errors), RFC 8305 section 5 (stagger).
"""

from __future__ import annotations

import ipaddress
import socket

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_checks.tcp.connecting import STAGGER_S, Connecting
from ccpor_checks.tcp.evidence import TcpEvidence, TcpOptions
from ccpor_checks.tcp.rules import RULES

__all__ = ["CHECK", "TcpEvidence", "TcpOptions", "run"]

MOST_ADDRESSES = 4  # two of each family; a name with forty must not cost forty timeouts


def run(target: Target, options: TcpOptions, ctx: Context) -> TcpEvidence:
    """Connect to *target* and return what each try met.

    Raises:
        CannotObserve: The target names no port, its name has no address, or this workstation
            cannot open a connection at all.
    """
    if target.port is None:
        raise CannotObserve(f"{target.url} names no port; write it, e.g. tcp://{target.host}:443")
    connecting = Connecting(target.port, options.timeout_s, ctx)
    tries = connecting.run(_addresses(target, ctx)[:MOST_ADDRESSES], options.tries)
    ctx.attempts = len(tries)
    made = [each for each in tries if each.reason is None]
    times = [each.ms for each in made]
    return TcpEvidence(
        host=target.host,
        port=target.port,
        address=made[0].address if made else None,
        tries=tries,
        local_address=connecting.local_address,
        connect_p50_ms=nearest_rank(times, 50),
        connect_p95_ms=nearest_rank(times, 95),
    )


def _addresses(target: Target, ctx: Context) -> tuple[str, ...]:
    """Return what `dns` found, the address itself where the target is one, else the system's."""
    found: tuple[str, ...] = getattr(ctx.earlier.get("dns"), "addresses", ())
    if found:
        return found
    try:
        return (str(ipaddress.ip_address(target.host)),)
    except ValueError:
        pass
    try:
        infos = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise CannotObserve(
            f"{target.host} has no address here; let the dns check run on this target"
        ) from exc
    return tuple(dict.fromkeys(str(info[4][0]) for info in infos))


CHECK: Check[TcpEvidence, TcpOptions] = Check(
    id="tcp",
    version=1,
    title="Connection to the port",
    does="opens a few TCP connections to the target's port, sends nothing and closes them",
    needs=("dns",),
    options=TcpOptions,
    evidence=TcpEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: options.timeout_s + STAGGER_S * options.tries * MOST_ADDRESSES + 1,
)
