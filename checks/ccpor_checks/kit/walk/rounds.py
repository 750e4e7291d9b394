"""Which hops are asked, when, and for how long: the same on every system.

Hops are asked nearly at once, in batches, so that a walk lasts little more than one round trip. The
packets are a moment apart and stop where the path ended, so that a short path costs few.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ccpor_checks.base import Context
from ccpor_reporting.contrasts import Answer, Hop

BATCH = 10
PACE_S = 0.002
GRACE_S = 0.3  # for hops nearer than one that has answered already, if three round trips are less
BEYOND = 4  # hops past the last answer that are asked once more where nothing ended the walk


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to a packet that lived *ttl* hops."""

    ttl: int
    answer: Answer
    address: str | None
    rtt_ms: float

    @property
    def ends(self) -> bool:
        return self.answer != "time-exceeded"


class Side(Protocol):
    """How one operating system sends such packets and hears the answers."""

    def send(self, ttl: int) -> None:
        """Send one packet that lives *ttl* hops; raises CannotObserve where it cannot at all."""

    def wait(self, seconds: float) -> list[Reply]:
        """Return what came within *seconds*; as soon as anything did."""

    def close(self) -> None:
        """Let go of every socket."""


class Rounds:
    """One walk under way."""

    def __init__(
        self, side: Side, ctx: Context, *, span: range, wait_s: float, each: int, again: bool
    ) -> None:
        self._side, self._ctx, self._wait_s = side, ctx, wait_s
        self._first, self._most = span[0], span[-1]
        self._each, self._again = each, again
        self._sent: dict[int, int] = {}
        self._replies: dict[int, list[Reply]] = {}
        self._end: int | None = None  # the nearest hop with an answer that ends the walk
        self._slowest_s = 0.0
        self._last_sent = 0.0

    def run(self) -> tuple[Hop, ...]:
        """Return the hops, up to the first that ended the walk or the first of endless silence."""
        for first in range(self._first, self._most + 1, BATCH):
            batch = range(first, min(first + BATCH, self._most + 1))
            self._ask(batch)
            if self._end is None and batch[-1] < self._most:
                self._listen(self._grace())
            if self._end is not None:
                break
        self._listen(self._wait_s, patient=self._again)
        if self._again and (silent := self._silent()):
            self._ask(silent)
            self._listen(self._wait_s, patient=False)
        return tuple(self._hop(ttl) for ttl in range(self._first, self._length() + 1))

    def _ask(self, ttls: Iterable[int]) -> None:
        for ttl in ttls:
            for _ in range(self._each):
                if self._end is not None and ttl > self._end:
                    return
                self._ctx.remaining()
                self._side.send(ttl)
                self._sent[ttl] = self._sent.get(ttl, 0) + 1
                self._last_sent = self._ctx.monotonic()
                self._hear(PACE_S)

    def _listen(self, seconds: float, *, patient: bool = True) -> None:
        """Hear until nothing is open any more, or *seconds* after the last packet.

        patient: wait as long for hops nearer than one that ended the walk; else only a moment.
        """
        while not self._settled():
            limit = seconds if patient or self._end is None else self._grace()
            left = self._last_sent + limit - self._ctx.monotonic()
            if left <= 0:
                return
            self._hear(left)

    def _hear(self, seconds: float) -> None:
        for reply in self._side.wait(self._ctx.remaining(seconds)):
            self._replies.setdefault(reply.ttl, []).append(reply)
            self._slowest_s = max(self._slowest_s, reply.rtt_ms / 1000)
            if reply.ends and (self._end is None or reply.ttl < self._end):
                self._end = reply.ttl

    def _grace(self) -> float:
        return min(self._wait_s, max(GRACE_S, 3 * self._slowest_s))

    def _settled(self) -> bool:
        return all(
            len(self._replies.get(ttl, ())) >= sent
            for ttl, sent in self._sent.items()
            if self._end is None or ttl <= self._end
        )

    def _silent(self) -> list[int]:
        """Return the hops to ask once more.

        A router sends few errors a second, and any packet may be lost. Far past the last answer
        another try would tell nothing: each hop there is another try of the same kind.
        """
        far = self._end or max(self._replies, default=self._first - 1) + BEYOND
        span = range(self._first, min(far, self._most) + 1)
        return [ttl for ttl in span if ttl not in self._replies]

    def _length(self) -> int:
        last = max(self._replies, default=self._first - 1)
        return self._end or min(last + 1, self._most)

    def _hop(self, ttl: int) -> Hop:
        replies = sorted(self._replies.get(ttl, ()), key=lambda reply: not reply.ends)
        sent = self._sent.get(ttl, self._each)
        if not replies:
            return Hop(ttl=ttl, address=None, answer="silent", sent=sent)
        return Hop(
            ttl=ttl,
            address=replies[0].address,
            answer=replies[0].answer,
            sent=sent,
            answered=min(len(replies), sent),
            rtt_ms=round(min(reply.rtt_ms for reply in replies), 3),
        )
