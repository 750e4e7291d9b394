"""TCP: does the target's port accept connections from this workstation?

Does:    opens `tries` connections, sends nothing, listens a moment for a reset, closes. A next try
         starts when the one before it ended or 250 ms after it started. Every address of the name
         is tried at least once. Where the port is refused, packets that live a few hops show
         whether the refusal is the host's own.
Needs:   the `dns` check to have passed for the same target.
Source:  RFC 9293 (TCP), RFC 792 and RFC 4443 (ICMP errors), RFC 8305 section 5 (stagger),
         RFC 3360 (resets sent by firewalls).
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from ccpor_checks.base import CannotObserve, Check, Context, Target
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_checks.kit.tunnel import leave_to_proxy
from ccpor_checks.tcp.connecting import STAGGER_S, Connecting
from ccpor_checks.tcp.evidence import TcpEvidence, TcpOptions
from ccpor_checks.tcp.rules import RULES
from ccpor_checks.tcp.whence import BUDGET_S, look_whence

__all__ = ["CHECK", "TcpEvidence", "TcpOptions", "run"]

MOST_ADDRESSES = 4  # two of each family; a name with forty must not cost forty connections


def run(target: Target, options: TcpOptions, ctx: Context) -> TcpEvidence:
    """Connect to *target* and return what each try met.

    Raises:
        CannotObserve: The target names no port, its name has no address, or this workstation
            cannot open a connection at all.
        NotApplicable, TargetFailed: A proxy makes the connection; see `leave_to_proxy`.
    """
    leave_to_proxy(target, ctx, "tcp")
    if target.port is None:
        raise CannotObserve(f"{target.url} names no port; write it, e.g. tcp://{target.host}:443")
    connecting = Connecting(target.port, options.timeout_s, ctx)
    tries = connecting.run(_some(_addresses(target, ctx)), options.tries)
    ctx.attempts = len(tries)
    made = [each for each in tries if each.reason is None]
    address = made[0].address if made else None
    times = [each.ms for each in made if each.address == address]
    seen = TcpEvidence(
        host=target.host,
        port=target.port,
        address=address,
        tries=tries,
        local_address=connecting.local_address,
        connect_p50_ms=nearest_rank(times, 50),
        connect_p95_ms=nearest_rank(times, 95),
    )
    return look_whence(seen, target, ctx)


def _some(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return *addresses* in their order, of many the first ones of each family."""
    chosen = tuple(dict.fromkeys(addresses))
    if len(chosen) <= MOST_ADDRESSES:
        return chosen
    first = {
        address
        for six in (True, False)
        for address in [each for each in chosen if (":" in each) == six][: MOST_ADDRESSES // 2]
    }
    return tuple(each for each in chosen if each in first)


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
    version=2,
    title="Connection to the port",
    does="opens a few TCP connections to the target's port, sends nothing and closes them; where "
    "the port is refused, sends packets that live a few hops to see who refuses",
    needs=("dns", "proxy"),
    options=TcpOptions,
    evidence=TcpEvidence,
    run=run,
    rules=RULES,
    budget_s=lambda options: (
        options.timeout_s + STAGGER_S * options.tries * MOST_ADDRESSES + 1 + BUDGET_S
    ),
)
