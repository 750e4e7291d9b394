"""Whether a reset came from the host or was forged on the way: pure comparisons over evidence.

A reset carries the host's address whoever sent it. Three things give a forger away: it answers
packets that do not live long enough to reach the host, or sooner than the host itself can, or its
resets have passed fewer routers than the host's own answers.
"""

from __future__ import annotations

from dataclasses import dataclass

from ccpor_checks.tcp.evidence import TcpEvidence
from ccpor_reporting.contrasts import Walk

SAMPLES = 3  # of each kind, at least
ASKED = 4
QUICKER = 2.0  # times, and at least
QUICKER_MS = 5.0  # below that a court's own network is as quick as its firewall


@dataclass(frozen=True, slots=True)
class Forged:
    """The resets of *address* are not its own; *words* say where and how that shows."""

    address: str
    words: str


def forged(seen: TcpEvidence) -> Forged | None:
    """Return what shows that the resets were forged; None where nothing does."""
    walk = reset_walk(seen.walks, seen.port)
    if walk is None:
        return None
    where = _where(seen.walks, walk)
    other = next((each for each in seen.walks if goes_beyond(each, walk)), None)
    if other is not None:
        return Forged(walk.address, f"reset on the way{where}")
    if (times := quicker_than_open(seen, walk.address)) is not None:
        reset_ms, open_ms = times
        port = seen.open_port.port if seen.open_port else 0
        return Forged(
            walk.address,
            f"reset on the way{where}, after {reset_ms:.3g} ms, "
            f"while port {port} of the same host takes {open_ms:.3g} ms",
        )
    if seen.open_port and seen.open_port.reset_lives_longer:
        return Forged(
            walk.address,
            f"reset on the way{where}, by a device that fewer routers lie before than before "
            f"port {seen.open_port.port} of the same host",
        )
    return None


def _where(walks: tuple[Walk, ...], walk: Walk) -> str:
    """Return the words for the farthest router that let the packets of *walk* pass."""
    reset_at = walk.hops[-1].ttl
    routers = [
        hop
        for each in walks
        for hop in each.hops
        if each.address == walk.address and hop.ttl < reset_at and hop.answer == "time-exceeded"
    ]
    if routers:
        return f", at or past {max(routers, key=lambda hop: hop.ttl).address}"
    return ", at the first hop" if reset_at == 1 else ""


def reset_walk(walks: tuple[Walk, ...], port: int) -> Walk | None:
    """Return the TCP walk to *port* that a reset ended."""
    return next((w for w in walks if (w.protocol, w.port, w.end) == ("tcp", port, "refused")), None)


def goes_beyond(other: Walk, walk: Walk) -> bool:
    """Say whether *other* shows the host farther away than the reset that ended *walk*.

    A router at that hop, or farther, is proof. So is the host's own answer from farther away where
    the hop itself stayed silent often enough that no loss explains it; not by UDP, as a host sends
    few "port unreachable" a second.
    """
    if other is walk or other.address != walk.address:
        return False
    reset_at = walk.hops[-1].ttl
    if any(
        hop.ttl >= reset_at and hop.answer == "time-exceeded" and hop.address != walk.address
        for hop in other.hops
    ):
        return True
    asked = sum(hop.sent for hop in other.hops if (hop.ttl, hop.answer) == (reset_at, "silent"))
    farther = other.distance is not None and other.distance > reset_at
    return other.protocol != "udp" and farther and asked >= ASKED


def reaches(other: Walk, walk: Walk) -> bool:
    """Say whether *other* shows the host no farther away than the reset that ended *walk*."""
    return other.distance is not None and other.distance <= walk.hops[-1].ttl


def quicker_than_open(seen: TcpEvidence, address: str) -> tuple[float, float] | None:
    """Return milliseconds of the slowest reset and of the quickest connection to the open port.

    None where there are too few of either, or the resets are not that much quicker.
    """
    if seen.open_port is None or seen.open_port.address != address:
        return None
    resets = [t.ms for t in seen.tries if t.address == address and t.reason == "refused"]
    opened = seen.open_port.connect_ms
    if min(len(resets), len(opened)) < SAMPLES:
        return None
    slowest, quickest = max(resets), min(opened)
    if slowest * QUICKER < quickest and quickest - slowest >= QUICKER_MS:
        return slowest, quickest
    return None
