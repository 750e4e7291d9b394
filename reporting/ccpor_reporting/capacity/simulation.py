"""Many orders on one line at once, event by event: processor sharing as TCP does it.

An order opens its connection (`Path.handshake_round_trips`), then sends at the least of

* the slow-start ramp: `FIRST_SEGMENTS` in the first round trip, twice as many in each next one
  (RFC 6928, RFC 5681 section 3.1); `CROWDED` times as many where it begins on a full line: its
  first bursts meet a queue, slow start ends at once and the climb is cubic's (RFC 9438);
* `LOSS_FACTOR` × MSS / (RTT √p) once its first segment was lost at random, the law of Mathis et
  al. (1997) with cubic's constant as measured;
* window / RTT;
* its share of the line: what the slower ones leave is divided equally (water-filling);

and has arrived one round trip after its last byte. The event loop gives the same as stepping
through time in small steps (`tests/reporting/capacity/stepped.py`), some hundred times faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from heapq import heappop, heappush
from operator import attrgetter

from ccpor_reporting.capacity.traffic import Order, Traffic

MSS = 1448  # bytes of payload: 1500 less IPv4, TCP and the timestamp option
FIRST_SEGMENTS = 10  # RFC 6928
# A round's segments leave as a burst at its start: on average 1/ln 2 of what even sending gives.
BURST = 1 / math.log(2)
LOSS_FACTOR = 0.93  # cubic, measured at 40 ms
# What a new order's round trips take longer: a part of what the others still have to send.
QUEUED, LONGEST_QUEUE_S = 0.1, 0.03
DOUBLING, CROWDED = 2.0, 1.3  # of the ramp, in a round trip
NEVER = math.inf
WHOLE = 1.0  # bytes: less is nothing left
# No event waits for less than 1 ns, or than what the clock, itself a float, can still count.
INSTANT, ROUNDING = 1e-9, 1e-15


@dataclass(frozen=True, slots=True)
class Path:
    """A line in the units of the simulation."""

    bytes_per_s: float
    rtt_s: float
    loss: float
    window_bytes: float
    handshake_round_trips: float

    @property
    def lossy_rate(self) -> float:
        """Return the bytes a second of one flow after its first loss."""
        if self.loss <= 0:
            return NEVER
        return LOSS_FACTOR * MSS / (self.rtt_s * math.sqrt(self.loss))

    def until_loss(self, luck: float) -> float:
        """Return how many bytes go before the first random loss, geometric in segments."""
        if self.loss <= 0:
            return NEVER
        return math.log(luck) / math.log1p(-self.loss) * MSS


class Flow:
    """One order under way."""

    __slots__ = ("ceiling", "growth", "lasts", "left", "limit", "order", "rate", "round_at", "rtt")

    def __init__(self, order: Order, path: Path, rtt: float, growth: float = DOUBLING) -> None:
        self.order, self.rtt, self.growth = order, rtt, growth
        self.left = order.size
        self.limit = FIRST_SEGMENTS * MSS * BURST / rtt
        self.ceiling = min(path.window_bytes / rtt, path.bytes_per_s)
        self.rate = 0.0
        self.round_at = NEVER  # when the ramp doubles next
        lossy = path.lossy_rate < self.ceiling
        # What is still to go at the first loss; 0 once it is over, or where it changes nothing.
        self.lasts = max(0.0, self.left - path.until_loss(order.luck)) if lossy else 0.0

    def ramp(self, now: float) -> None:
        """Bring the slow-start ramp to *now*."""
        while self.round_at <= now and self.limit < self.ceiling:
            self.limit *= self.growth
            self.round_at += self.rtt


_limit = attrgetter("limit")


class Sharing:
    """The flows that send now.

    `live` are looked at one by one. Those that have lost and run at the one rate that loss leaves
    them are alike: `settled` is a heap of what must have been served to each such flow (`served`)
    before it ends, so that a lossy line with many orders under way costs no more.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.live: list[Flow] = []
        self.settled: list[tuple[float, int, Flow]] = []
        self.served = self.settled_rate = 0.0

    def __bool__(self) -> bool:
        return bool(self.live or self.settled)

    def next_change(self, now: float) -> float:
        """Give each flow its rate; return when the first of them ends, loses, or doubles."""
        self.live.sort(key=_limit)
        rest, sharers = self.path.bytes_per_s, len(self.live) + len(self.settled)
        alike, soonest = len(self.settled), NEVER
        for flow in self.live:
            if alike and flow.limit >= self.path.lossy_rate:
                rest -= self._settled_share(rest / sharers) * alike
                sharers -= alike
                alike = 0
            share = rest / sharers
            rate = flow.rate = min(flow.limit, share)
            rest -= rate
            sharers -= 1
            to_go = flow.left - flow.lasts if flow.lasts > 0 else flow.left
            at = now + to_go / rate
            if flow.limit <= share and flow.round_at < at:
                at = flow.round_at
            soonest = min(soonest, at)
        if alike:
            self._settled_share(rest / sharers)
        if self.settled:
            soonest = min(soonest, now + (self.settled[0][0] - self.served) / self.settled_rate)
        return soonest

    @property
    def is_full(self) -> bool:
        """Say whether the flows could send as much as the line carries, or more."""
        wanted: float = sum(flow.limit for flow in self.live)
        if self.settled:
            wanted += self.path.lossy_rate * len(self.settled)
        return wanted >= self.path.bytes_per_s

    @property
    def queue_s(self) -> float:
        """Return what a new order's round trips take longer than on the idle line."""
        most = LONGEST_QUEUE_S / QUEUED * self.path.bytes_per_s
        left = sum(flow.left for flow in self.live)
        for ends_at, _number, _flow in self.settled:
            if left >= most:
                break
            left += max(0.0, ends_at - self.served)
        return QUEUED * min(left, most) / self.path.bytes_per_s

    def _settled_share(self, share: float) -> float:
        self.settled_rate = min(self.path.lossy_rate, share)
        return self.settled_rate

    def advance(self, span: float, now: float) -> list[Flow]:
        """Let *span* pass until *now*: bytes, ramps, first losses; return the flows that ended."""
        ended = []
        nothing = INSTANT + now * ROUNDING
        self.served += self.settled_rate * span
        least = self.served + WHOLE + self.settled_rate * nothing
        while self.settled and self.settled[0][0] <= least:
            ended.append(heappop(self.settled)[2])
        staying = []
        for flow in self.live:
            left = flow.left = flow.left - flow.rate * span
            least = WHOLE + flow.rate * nothing
            if left <= least:
                ended.append(flow)
                continue
            if flow.lasts and left - flow.lasts <= least:
                flow.lasts = 0.0
                flow.ceiling = self.path.lossy_rate
            if flow.round_at <= now:
                flow.ramp(now)
            if flow.limit >= flow.ceiling:
                flow.limit, flow.round_at = flow.ceiling, NEVER
                if flow.ceiling == self.path.lossy_rate:
                    heappush(self.settled, (self.served + left, flow.order.number, flow))
                    continue
            staying.append(flow)
        self.live = staying
        return ended


def times(traffic: Traffic, path: Path) -> list[tuple[int, float]]:
    """Return (number, seconds from its coming to its receipt) of each order, as they end."""
    waiting, opening = traffic.known, list[tuple[float, int, Flow]]()
    sending = Sharing(path)
    took: list[tuple[int, float]] = []
    now, started = 0.0, 0
    while waiting or opening or sending:
        comes = waiting[0].at_s if waiting else NEVER
        opens = opening[0][0] if opening else NEVER
        until = min(comes, opens, sending.next_change(now))
        span, now = max(0.0, until - now), max(now, until)
        for flow in sending.advance(span, now):
            done = now + flow.rtt
            took.append((flow.order.number, done - flow.order.at_s))
            if started + len(waiting) < traffic.total:
                following = traffic.after(flow.order, done)
                if following:
                    heappush(waiting, following)
        if comes <= now:
            order = heappop(waiting)
            started += 1
            rtt = path.rtt_s + sending.queue_s
            ready = order.at_s + path.handshake_round_trips * rtt
            flow = Flow(order, path, rtt, CROWDED if sending.is_full else DOUBLING)
            heappush(opening, (ready, order.number, flow))
        if opens <= now:
            flow = heappop(opening)[2]
            flow.round_at = now + flow.rtt
            sending.live.append(flow)
    return took
