"""The hops on the way, and the farthest one that a loss or a delay does not touch.

A router that answers rarely or slowly itself is not what is wrong: only a hop that does clearly
*better* than the target says something, namely that the fault begins past it.
"""

from __future__ import annotations

import contextlib
import math

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.walk import walk
from ccpor_checks.path.bounds import tail
from ccpor_checks.path.evidence import Method, PathEvidence, PathOptions
from ccpor_checks.path.judged import is_lossy, is_slow
from ccpor_checks.path.methods import probe_sizes
from ccpor_reporting.contrasts import Hop, Walk

EACH = 3
FEWEST_CLOSE, MOST_CLOSE = 40, 150  # packets for each hop, where a fault is to be placed
CLOSE_GAP_S = 0.004
CLOSE_BYTES = 84  # as an ordinary ping
CLOSE_WAIT_S = 0.5
LESS = 0.6  # of the target's loss: a hop that loses clearly less than this is before the fault
DOUBT = 0.01
STEP = 0.5  # of the least round trip: a hop that is quicker than this is before the delay


def walks_to(target: Target, address: str, method: Method, ctx: Context) -> tuple[Walk, ...]:
    """Return the walks to the very port and by echo, as far as this user may walk."""
    found: list[Walk] = []
    if method == "tcp":
        with contextlib.suppress(CannotObserve):
            found.append(walk(address, target.port, "tcp", ctx, each=EACH))
    for protocol in ("icmp", "udp"):
        try:
            found.append(walk(address, None, protocol, ctx, each=EACH))
        except CannotObserve:
            continue
        break
    return tuple(found)


def begins_after(
    target: Target,
    seen: PathEvidence,
    walks: tuple[Walk, ...],
    options: PathOptions,
    ctx: Context,
) -> tuple[str | None, tuple[Walk, ...]]:
    """Return the last hop before a loss or delay, and the close walk that shows it.

    None and no walk where nothing is wrong, or no router answers.
    """
    lossy, slow = is_lossy(seen, options), is_slow(seen, options)
    hops = [hop.ttl for w in walks for hop in w.hops if hop.answer == "time-exceeded"]
    if not (lossy or slow) or not hops:
        return None, ()
    share = seen.lost / seen.sent
    each = FEWEST_CLOSE
    if lossy:  # so many that a hop without any loss cannot look like one with it
        each = min(MOST_CLOSE, max(each, math.ceil(-math.log(DOUBT) / (LESS * share))))
    method: Method = "stamp" if seen.method == "stamp" else "icmp"  # the very packets, if possible
    try:
        sizes = probe_sizes(method, target, seen.address, ctx, wait_s=CLOSE_WAIT_S)
    except (CannotObserve, OSError):
        return None, ()
    with contextlib.closing(sizes):
        close = sizes.cast(CLOSE_BYTES, hops=range(1, max(hops) + 1), each=each, gap_s=CLOSE_GAP_S)
    least = seen.rtt_min_ms or 0.0
    before = [
        hop.address
        for hop in close.hops
        if hop.address
        and (
            _loses_less(hop, share)
            if lossy
            else hop.rtt_ms is not None and hop.rtt_ms < STEP * least
        )
    ]
    if lossy and _is_on_the_way_back(seen) and before and before[-1] == close.hops[-1].address:
        before = []  # what routers answer may come back by where the target's answers do not
    return (before[-1] if before else None), (close,)


def _is_on_the_way_back(seen: PathEvidence) -> bool:
    return (seen.loss_down_pct or 0.0) > (seen.loss_up_pct or 0.0)


def _loses_less(hop: Hop, share: float) -> bool:
    """Say whether *hop* answers more often than most of the target's loss would let it."""
    lost = hop.sent - hop.answered
    return 1 - tail(lost + 1, hop.sent, LESS * share) < DOUBT
