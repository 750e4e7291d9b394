"""Packets at an even pace until they prove something: how many, how far apart, when to stop.

A healthy path costs `samples` packets. A packet lost, or many slow ones, are looked into with more
of them, so that one unlucky packet is no finding and a really lossy line is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ccpor_checks.base import Context
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_checks.path.bounds import TOO_FEW, at_most_share, is_above, is_lasting
from ccpor_checks.path.evidence import Method, PathOptions
from ccpor_reporting.rules import Limit

LONGEST_WAIT_S = 1.0  # for one answer; a slower one is of no use to anybody who waits for a page
SHARE_BEYOND_P95 = 0.05
LOW_PERCENT = 5.0  # of the delays: what the others are compared with, where one may be a lucky one


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to packet *number*; *ms* is None where it came but could not be timed.

    up_ms, down_ms: each way, each by its own pair of clocks: only their changes mean something.
    far_number: the target's own count of what it got (STAMP).
    """

    number: int
    ms: float | None
    up_ms: float | None = None
    down_ms: float | None = None
    far_number: int | None = None


class Echoes(Protocol):
    """One way to have packets answered."""

    method: Method

    @property
    def refused_by(self) -> str | None:
        """Return who said that there is no way, if anybody."""

    def send(self, number: int) -> None:
        """Send packet *number*; one that the system refuses to send counts as lost."""

    def wait(self, seconds: float) -> Iterable[Reply]:
        """Return the answers of the next *seconds*, sooner when one came."""

    def close(self) -> None:
        """Let go of the sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """gap_s: between packets; hurry_gap_s: past the asked ones; least, most: packets at all.

    Thirty packets without a loss do not show a line that loses one in twenty (one case in five
    looks like that); a hundred do.
    """

    gap_s: float
    hurry_gap_s: float
    least: int
    most: int


PACES: dict[Method, Pace] = {
    "stamp": Pace(gap_s=0.02, hurry_gap_s=0.01, least=100, most=400),
    "icmp": Pace(gap_s=0.02, hurry_gap_s=0.01, least=100, most=400),
    "tcp": Pace(gap_s=0.03, hurry_gap_s=0.02, least=60, most=400),
    # Linux hosts send one such error a second to each asker (icmp_ratelimit)
    "udp": Pace(gap_s=1.05, hurry_gap_s=1.05, least=20, most=30),
}
MOST_UDP = 20
ENOUGH_SILENCE: dict[Method, int] = {"stamp": 20, "icmp": 20, "tcp": 20, "udp": 4}
ROUND = 50
LIMITED_SHARE = 0.25  # lost: twenty in a row without one would come once in 300 looks
LEISURE_GAP_S = 0.25


@dataclass(slots=True)
class Taken:
    """Samples by number, from `first` on; a number that is missing in `replies` was lost.

    order: the numbers as they came, copies left out. far_numbers: of all answers, copies included.
    hasty_lost: of how many sent fast before, where only those were lost (an echo limit on the way).
    """

    first: int = 0
    sent: int = 0
    replies: dict[int, Reply] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    copies: int = 0
    far_numbers: set[int] = field(default_factory=set)
    hasty_lost: tuple[int, int] | None = None
    late_ms: list[float] = field(default_factory=list)  # how late this program had its turn

    @property
    def lost(self) -> int:
        return self.sent - len(self.replies)

    @property
    def rtts_ms(self) -> tuple[float, ...]:
        return tuple(r.ms for _, r in sorted(self.replies.items()) if r.ms is not None)

    @property
    def in_turn_ms(self) -> list[float | None]:
        """Return the round trip of each packet as it was sent; None: lost, or not timed."""
        numbers = range(self.first, self.first + self.sent)
        return [None if (r := self.replies.get(n)) is None else r.ms for n in numbers]

    def note(self, reply: Reply) -> None:
        """Take *reply* in, where it is to one of these packets."""
        if not self.first <= reply.number < self.first + self.sent:
            return
        if reply.far_number is not None:
            self.far_numbers.add(reply.far_number)
        if reply.number in self.replies:
            self.copies += 1
        else:
            self.replies[reply.number] = reply
            self.order.append(reply.number)


def take(echoes: Echoes, options: PathOptions, ctx: Context, first: int = 0) -> Taken:
    """Return the samples of *echoes*, as many as it takes, numbered from *first* on.

    Raises:
        TimeoutError: The check's deadline passed.
    """
    pace, taken = PACES[echoes.method], Taken(first=first)
    wanted = options.samples
    if echoes.method == "udp":
        wanted = min(wanted, MOST_UDP)
    most = max(wanted, pace.most)
    _send(taken, echoes, wanted, pace.gap_s, ctx)
    if taken.replies and options.samples >= TOO_FEW:
        _send(taken, echoes, pace.least - taken.sent, pace.hurry_gap_s, ctx)
    while taken.replies and taken.sent < most and _is_in_doubt(taken, options, most):
        _send(taken, echoes, min(ROUND, most - taken.sent), pace.hurry_gap_s, ctx)
    if echoes.method == "icmp" and taken.replies and taken.lost >= LIMITED_SHARE * taken.sent:
        return _at_leisure(taken, echoes, ctx)
    return taken


def _at_leisure(taken: Taken, echoes: Echoes, ctx: Context) -> Taken:
    """Return *taken*, or slower samples where none of those is lost.

    Firewalls and hosts answer so many echoes a second and no more: that is no loss of the line.
    """
    slow = Taken(first=taken.first + taken.sent, hasty_lost=(taken.lost, taken.sent))
    for _ in range(TOO_FEW):
        _send(slow, echoes, 1, 0.0, ctx)
        if slow.lost:
            return taken
        _collect(slow, echoes, ctx.monotonic() + LEISURE_GAP_S, ctx)
    return slow


def _send(taken: Taken, echoes: Echoes, count: int, gap_s: float, ctx: Context) -> None:
    """Send *count* packets *gap_s* apart and wait for their answers."""
    if count <= 0:
        return
    due = ctx.monotonic()
    for _ in range(count):
        ctx.remaining()
        echoes.send(taken.first + taken.sent)
        taken.sent += 1
        due = max(due + gap_s, ctx.monotonic())  # never a burst to make up for lost time
        _collect(taken, echoes, due, ctx)
        taken.late_ms.append(max(0.0, ctx.monotonic() - due) * 1000)
        if not taken.replies and taken.sent >= ENOUGH_SILENCE[echoes.method]:
            break  # `samples` of nothing say no more
    _collect(taken, echoes, ctx.monotonic() + _last_wait(taken), ctx, until_all=True)


def _collect(
    taken: Taken, echoes: Echoes, until: float, ctx: Context, *, until_all: bool = False
) -> None:
    while (left := until - ctx.monotonic()) > 0 and not (until_all and not taken.lost):
        for reply in echoes.wait(ctx.remaining(left)):
            taken.note(reply)


def _last_wait(taken: Taken) -> float:
    """Return how long to wait for what has not come: the longest, until it is known to be less."""
    times = taken.rtts_ms
    if len(times) < TOO_FEW:
        return LONGEST_WAIT_S
    return min(LONGEST_WAIT_S, max(0.4, 4 * max(times) / 1000))


def limits(limit: Limit | Sequence[float] | None) -> tuple[float, ...]:
    """Return the numbers of a limit, the lower first."""
    if limit is None:
        return ()
    return tuple(sorted(limit)) if isinstance(limit, Sequence) else (float(limit),)


def above_base(times: Sequence[float]) -> list[float]:
    """Return how much longer each of *times* took than the quickest twentieth of them."""
    base = nearest_rank(times, LOW_PERCENT) or 0.0
    return [each - base for each in times]


def _is_in_doubt(taken: Taken, options: PathOptions, most: int) -> bool:
    """Say whether more packets could change what is said of any limit."""
    if _loss_in_doubt(taken, limits(options.max_loss_pct)):
        return True
    if taken.sent >= max(3 * options.samples, 3 * TOO_FEW, most // 4):
        return False
    times = taken.rtts_ms
    return _is_close(times, limits(options.max_rtt_p95_ms)) or _is_close(
        above_base(times), limits(options.max_jitter_ms)
    )


def _loss_in_doubt(taken: Taken, percents: tuple[float, ...]) -> bool:
    if not taken.lost or not percents:
        return False
    if taken.sent < 2 * ROUND:
        return True
    # above the highest, or surely below the lowest: said; between the two, go on
    if is_above(taken.lost, taken.sent, percents[-1] / 100):
        return False
    return at_most_share(taken.lost, taken.sent) > percents[0] / 100


def _is_close(times: Sequence[float], edges: tuple[float, ...]) -> bool:
    """Say whether the slow ones among *times* are many enough to matter and too few to prove it."""
    if not edges or len(times) < TOO_FEW:
        return False
    suspicious = sum(each > edges[0] for each in times) > SHARE_BEYOND_P95 * len(times)
    return suspicious and not is_lasting(times, edges[-1], SHARE_BEYOND_P95)
