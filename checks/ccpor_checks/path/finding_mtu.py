"""Finds the path's MTU by the method that the target answers, and who is in its way."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Literal

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.path.evidence import PathEvidence, PathMtu
from ccpor_checks.path.methods import own_interface, probe_sizes, segments_to
from ccpor_checks.path.mtu import Search, Sizes
from ccpor_checks.path.segments import Segments
from ccpor_reporting.contrasts import Walk

MOST_HOPS = 16
FAR_EACH = 2
LEAST_CHANCE = 1e-4  # that a size is called silent only because its packets were lost
MOST_TRIES = 8


def find_mtu(target: Target, seen: PathEvidence, ctx: Context) -> PathMtu:
    """Return the largest packet that reaches *target* unsplit.

    Raises:
        CannotObserve: This system or this method cannot tell; the message says why.
        TimeoutError: The deadline of the check passed.
    """
    slowest_s = max(seen.rtts_ms, default=250.0) / 1000
    finding = _Finding(target, seen, ctx, min(1.0, 0.25 + 3 * slowest_s))
    interface = own_interface(seen.address)
    try:
        if seen.method == "tcp":
            sizes: Sizes = segments_to(target, seen.address, ctx, interface)
        else:
            sizes = probe_sizes(seen.method, target, seen.address, ctx, wait_s=finding.wait_s)
        with contextlib.closing(sizes):
            return finding.run(sizes, interface)
    except TimeoutError:
        ctx.remaining()  # the check's own deadline goes on its way
        raise CannotObserve("no connection was made to try packet sizes on") from None
    except OSError as exc:
        raise CannotObserve(f"the largest packet could not be looked for ({exc})") from exc


def tries_for(loss: float) -> int:
    """Return how often a silent size is sent, so that chance is no explanation."""
    tries = 2
    while tries < MOST_TRIES and loss**tries > LEAST_CHANCE:
        tries += 1
    return tries


@dataclass(slots=True)
class _Finding:
    target: Target
    seen: PathEvidence
    ctx: Context
    wait_s: float

    def run(self, sizes: Sizes, interface: int) -> PathMtu:
        """Search, then look at what is in the way of the next larger size."""
        search = Search(sizes, 6 if ":" in self.seen.address else 4)
        tries = tries_for(self.seen.loss_pct / 100)
        if sizes.method == "tcp":
            tries = 1  # the system itself repeats
        if not search.run(tries, lambda: tries + 1):
            raise CannotObserve("no packet of any size that may not be split was answered")
        stop = _stopped_by(search, sizes, interface)
        walk: Walk | None = None
        splits: bool | None = None
        if stop in {"vanished", "too-big"}:
            above = search.high or search.low + 1
            walk = self._how_far(search.low, above)
            if stop == "vanished" and self.seen.method != "tcp" and ":" not in self.seen.address:
                splits = self._passes_split(above)
            if sizes.method == "icmp" and splits is not True and self._is_echo_limit(sizes, search):
                return self._whole(search, interface)
        said_by = search.high_answer.said_by
        if said_by is None and walk and walk.end == "too-big":
            said_by = walk.hops[-1].address
        return PathMtu(
            method=sizes.method,
            bytes=search.low,
            exact=search.is_exact,
            next=stop,
            interface_bytes=interface,
            probes=len(search.tried),
            repeats=search.repeats,
            sizes=tuple(search.tried),
            said_by=said_by,
            splits=splits,
            walk=walk,
        )

    def _is_echo_limit(self, sizes: Sizes, search: Search) -> bool:
        """Say whether only echoes of that size are kept away: UDP of full size arrives."""
        try:
            other = probe_sizes("udp", self.target, self.seen.address, self.ctx, wait_s=self.wait_s)
        except (CannotObserve, OSError):
            return False
        with contextlib.closing(other):
            return (
                search.high_answer.kind == "vanished"
                and other.method == "udp"
                and other.probe(sizes.largest, 2).kind == "passed"
            )

    def _whole(self, search: Search, interface: int) -> PathMtu:
        return PathMtu(
            method="udp",
            bytes=interface,
            exact=True,
            next="own-interface",
            interface_bytes=interface,
            probes=len(search.tried),
            repeats=search.repeats,
            sizes=tuple(search.tried),
        )

    def _how_far(self, low: int, above: int) -> Walk | None:
        """Return how far packets too large by a byte come; None if small ones come no farther."""
        method = self.seen.method if self.seen.method != "tcp" else "udp"
        try:
            sizes = probe_sizes(
                method, self.target, self.seen.address, self.ctx, wait_s=self.wait_s
            )
        except (CannotObserve, OSError):
            return None
        hops = range(1, MOST_HOPS + 1)
        with contextlib.closing(sizes):
            large = sizes.cast(above, hops=hops, each=FAR_EACH)
            if large.end == "too-big":
                return large
            small = sizes.cast(low, hops=hops, each=FAR_EACH)
        return large if _reach(small) > _reach(large) else None

    def _passes_split(self, size: int) -> bool | None:
        """Say whether a packet of *size* bytes arrives where routers may split it."""
        try:
            sizes = probe_sizes(
                self.seen.method,
                self.target,
                self.seen.address,
                self.ctx,
                wait_s=self.wait_s,
                split=True,
            )
        except (CannotObserve, OSError):
            return None
        with contextlib.closing(sizes):
            return sizes.probe(size, 3).kind == "passed"


def _reach(walk: Walk) -> int:
    return max((hop.ttl for hop in walk.hops), default=0)


def _stopped_by(
    search: Search, sizes: Sizes, interface: int
) -> Literal["too-big", "vanished", "own-interface", "far-end"]:
    if search.high is not None:
        return "vanished" if search.high_answer.kind == "vanished" else "too-big"
    if isinstance(sizes, Segments) and sizes.remembered:
        return "too-big"
    return "own-interface" if search.low >= interface else "far-end"
