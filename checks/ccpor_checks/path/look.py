"""One look at a path: which method answers, what its packets met, and on which hop it begins."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import ipaddress
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from ccpor_checks.base import CannotObserve, Context, NotApplicable, Target
from ccpor_checks.kit.arrivals import above_least, differences, mean, percentile, reordering
from ccpor_checks.kit.connect import resolve
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_checks.kit.wilson import wilson
from ccpor_checks.path.bounds import TOO_FEW
from ccpor_checks.path.evidence import Method, PathEvidence, PathOptions
from ccpor_checks.path.finding_mtu import find_mtu
from ccpor_checks.path.judged import is_jittery, is_lossy, is_slow
from ccpor_checks.path.methods import open_echoes
from ccpor_checks.path.route import begins_after, walks_to
from ccpor_checks.path.sampling import LONGEST_WAIT_S, Echoes, Taken, take
from ccpor_checks.path.stamp import StampEchoes, lost_each_way
from ccpor_reporting.contrasts import Walk

RESOLVE_S = 3.0
MTU_S = 60.0
ROUTE_S = 20.0  # kept for what comes after
CALM_S = 1.0
LOOKS_AGAIN, LOOKS_AGAIN_BUSY = 1, 3
BUSY_MS = 4.0  # a workstation with nothing else to do gives this program its turn within 2 ms
NAMES = {
    "stamp": "STAMP test packets",
    "tcp": "TCP handshakes",
    "icmp": "ICMP echo requests",
    "udp": "UDP packets to a closed port",
}


def run(target: Target, options: PathOptions, ctx: Context) -> PathEvidence:
    """Look at the path to *target*.

    Raises:
        CannotObserve: No method is possible here, or the host is there but answers none of them.
        NotApplicable: The target is reached through a proxy.
        TimeoutError: The deadline of the check passed.
    """
    if via := getattr(ctx.earlier.get("proxy"), "via", None):
        raise NotApplicable(f"the target is reached through the proxy {via}, not by this path")
    return _Look(target, options, ctx, _address(target, ctx)).run()


def _address(target: Target, ctx: Context) -> str:
    """Return the address that earlier checks proved or found, else the system's first."""
    if reached := getattr(ctx.earlier.get("tcp"), "address", None):
        return str(reached)
    if found := getattr(ctx.earlier.get("dns"), "addresses", ()):
        return str(found[0])
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(target.host))
    try:
        return resolve(target.host, ctx.remaining(RESOLVE_S))[0]
    except (OSError, UnicodeError) as exc:
        raise CannotObserve(
            f"{target.host} has no address here; let the dns check run on this target"
        ) from exc


def _methods(target: Target) -> tuple[Method, ...]:
    if target.scheme == "stamp":
        return ("stamp",)
    if target.scheme == "icmp" or target.port is None:
        return ("icmp", "udp")
    return ("tcp",)


@dataclass(slots=True)
class _Look:
    """The look at one address. `passed_over`: the methods that gave nothing, and why."""

    target: Target
    options: PathOptions
    ctx: Context
    address: str

    def run(self) -> PathEvidence:
        passed_over: list[str] = []
        silent: PathEvidence | None = None
        for method in _methods(self.target):
            try:
                echoes = open_echoes(method, self.target, self.address)
            except CannotObserve as exc:
                passed_over.append(str(exc))
                continue
            except OSError as exc:
                why = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
                passed_over.append(f"this workstation has no way to {self.address} ({why})")
                continue
            with contextlib.closing(echoes):
                taken, seen = self._taken(echoes, tuple(passed_over))
            if taken.hasty_lost:
                lost, sent = taken.hasty_lost
                hasty = f"{lost} of {sent} echoes went unanswered when sent fast, none of slow ones"
                seen = replace(seen, not_used=(*seen.not_used, hasty))
            if taken.replies:
                return self._with_more(seen)
            passed_over.append(f"{self.address} answers no {NAMES[method]}")
            refused_by = (silent or seen).refused_by or seen.refused_by
            silent = replace(silent or seen, refused_by=refused_by)
        if silent is None:
            raise CannotObserve("; ".join(passed_over))
        return self._nothing_came_back(silent, "; ".join(passed_over))

    def _taken(self, echoes: Echoes, passed_over: tuple[str, ...]) -> tuple[Taken, PathEvidence]:
        """Return the samples; where they came late, calmer ones of a moment later, if there are."""
        first = self._once(echoes, passed_over, 0)
        if not self._is_late(first[1]) or is_lossy(first[1], self.options):
            return first
        tried, most = [first], LOOKS_AGAIN
        while len(tried) <= most:
            time.sleep(self.ctx.remaining(CALM_S))
            again = self._once(echoes, passed_over, tried[-1][0].first + tried[-1][0].sent)
            if not self._is_late(again[1]):
                return again
            tried.append(again)
            if any(seen.held_up_p95_ms > BUSY_MS for _, seen in tried):
                most = LOOKS_AGAIN_BUSY
        return min(tried, key=lambda each: each[1].held_up_p95_ms)

    def _once(
        self, echoes: Echoes, passed_over: tuple[str, ...], first: int
    ) -> tuple[Taken, PathEvidence]:
        taken = take(echoes, self.options, self.ctx, first)
        return taken, self._summed(echoes, taken, passed_over)

    def _is_late(self, seen: PathEvidence) -> bool:
        return bool(
            is_slow(seen, self.options, sure=False) or is_jittery(seen, self.options, sure=False)
        )

    def _summed(self, echoes: Echoes, taken: Taken, passed_over: tuple[str, ...]) -> PathEvidence:
        """Return what the samples say, before anything else is looked at."""
        ways = None
        if isinstance(echoes, StampEchoes):
            ways = lost_each_way(echoes, taken, LONGEST_WAIT_S / 2)
        times = taken.rtts_ms
        enough = len(times) >= TOO_FEW
        replies = taken.replies.values()

        def percent(count: float, of: float = taken.sent) -> float:
            return round(100 * count / of, 3)

        low, high = wilson(taken.lost, taken.sent)
        late = reordering(taken.order) if echoes.method == "stamp" else None
        varied = differences(taken.in_turn_ms)
        return PathEvidence(
            address=self.address,
            method=echoes.method,
            sent=taken.sent,
            lost=taken.lost,
            rtts_ms=times,
            loss_pct=percent(taken.lost),
            loss_low_pct=percent(low, 1),
            loss_high_pct=percent(high, 1),
            loss_up_pct=percent(ways[0]) if ways else None,
            loss_down_pct=percent(ways[1]) if ways else None,
            rtt_min_ms=min(times, default=None),
            rtt_p50_ms=nearest_rank(times, 50) if enough else None,
            rtt_p95_ms=nearest_rank(times, 95) if enough else None,
            rtt_p99_ms=nearest_rank(times, 99) if enough else None,
            jitter_ms=_variation(times),
            jitter_up_ms=_variation([r.up_ms for r in replies if r.up_ms is not None]),
            jitter_down_ms=_variation([r.down_ms for r in replies if r.down_ms is not None]),
            jitter_mean_ms=round(mean(varied) or 0.0, 3) if len(varied) >= TOO_FEW else None,
            pdv_p99_ms=percentile(above_least(times), 99) if enough else None,
            reordered=late[0] if late else None,
            reorder_extent=late[1] if late else None,
            duplicated=taken.copies if late else None,
            held_up_p95_ms=round(nearest_rank(taken.late_ms, 95) or 0.0, 3),
            refused_by=echoes.refused_by,
            not_used=passed_over,
        )

    def _with_more(self, seen: PathEvidence) -> PathEvidence:
        """Return *seen* with the packet size, the route, and where a fault begins."""
        mtu, mtu_unknown = None, None
        end = min(self.ctx.monotonic() + MTU_S, self.ctx.deadline - ROUTE_S)
        try:
            mtu = find_mtu(self.target, seen, dataclasses.replace(self.ctx, deadline=end))
        except CannotObserve as exc:
            mtu_unknown = str(exc)
        except TimeoutError:
            mtu_unknown = f"the search for the largest packet did not end within {MTU_S:.0f} s"
        walks: tuple[Walk, ...] = ()
        begins = None
        if self.options.route:
            walks = walks_to(self.target, self.address, seen.method, self.ctx)
            begins, close = begins_after(self.target, seen, walks, self.options, self.ctx)
            walks += close
        return replace(seen, mtu=mtu, mtu_unknown=mtu_unknown, walks=walks, begins_after=begins)

    def _nothing_came_back(self, silent: PathEvidence, said: str) -> PathEvidence:
        """Return all lost, where the network itself answers up to some hop.

        Raises:
            CannotObserve: The host is there but gives no answer of the wanted kind, or not even the
                first router answers: then this workstation may be what keeps the packets.
        """
        if silent.refused_by == self.address:
            raise CannotObserve(f"{self.address} is there, but nobody answers on that port: {said}")
        walks = walks_to(self.target, self.address, silent.method, self.ctx)
        if any(walk.distance for walk in walks) or self._is_there():
            raise CannotObserve(f"{said}, though it is there; let it answer, or look another way")
        routers = [walk.last for walk in walks if walk.last]
        if not silent.refused_by and not routers:
            raise CannotObserve(
                f"{said}, and no router on the way answers either; "
                "let this workstation's firewall pass ICMP, or look another way"
            )
        last = max(routers, key=lambda hop: hop.ttl, default=None)
        return replace(
            silent,
            not_used=tuple(said.split("; ")),
            walks=walks,
            begins_after=last.address if last else None,
            mtu_unknown="nothing came back",
        )

    def _is_there(self) -> bool:
        """Say whether a web server's ports give any answer: then the host is there."""
        for port in (443, 80):
            try:
                socket.create_connection((self.address, port), self.ctx.remaining(1.0)).close()
            except ConnectionRefusedError:
                return True
            except OSError:
                continue
            return True
        return False


def _variation(times: Sequence[float]) -> float | None:
    """Return the p95 of the delay above the least one (RFC 5481, PDV); None of too few."""
    if len(times) < TOO_FEW:
        return None
    return round((nearest_rank(times, 95) or 0.0) - min(times), 3)
