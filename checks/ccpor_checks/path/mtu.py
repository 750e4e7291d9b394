"""The largest packet that passes whole: a search over sizes that ends at an exact number.

Sizes that lines really have are tried first, as long as halving the gap still ends within
`MOST_PROBES` sizes. "Too big" answers are taken as hints and tried, silence is asked again before
it is believed. Source: RFC 1191, RFC 8201, RFC 8899 (the search with probes of one's own).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from ccpor_checks.path.evidence import Method

MOST_PROBES = 14
SMALLEST = {4: 68, 6: 1280}  # RFC 791, RFC 8200: less than this no line may have
USUAL_MOST = 1500
MOST_USUAL = (576, 1280, 1400, 1420, 1492)
USUAL = (
    *(576, 700, 828, 956, 1006, 1130, 1200, 1280, 1300, 1320, 1340, 1350, 1358, 1360, 1370),
    *(1372, 1380, 1390, 1392, 1400, 1406, 1410, 1412, 1418, 1420, 1422, 1428, 1430, 1432),
    *(1436, 1438, 1440, 1442, 1446, 1450, 1452, 1454, 1456, 1458, 1460, 1462, 1464, 1468),
    *(1470, 1472, 1476, 1480, 1484, 1488, 1490, 1492, 1496, 1498, 1500),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a packet of one size met. mtu: of the next hop, where a router said so."""

    kind: Literal["passed", "too-big", "vanished"]
    mtu: int | None = None
    said_by: str | None = None
    repeats: int = 0


PASSED = Answer("passed")


class Sizes(Protocol):
    """One way to send packets of an exact size that must not be split."""

    method: Method
    largest: int  # that this way can send at all: the interface, or the far end's segments

    def probe(self, size: int, tries: int) -> Answer:
        """Send one packet of *size* bytes, IP header included, *tries* times at most."""

    def close(self) -> None:
        """Let go of the sockets."""


@dataclass(slots=True)
class Search:
    """Finds the largest size that passes. `low` passed, `high` did not (None: not known yet)."""

    sizes: Sizes
    version: int  # of IP
    low: int = 0
    high: int | None = None
    high_answer: Answer = PASSED
    tried: list[int] = field(default_factory=list)
    repeats: int = 0
    hints: list[int] = field(default_factory=list)  # sizes that routers said would fit
    most: int = MOST_PROBES

    def run(self, tries: int, doubt: Callable[[], int]) -> bool:
        """Search; return whether anything passed at all.

        tries: packets of one size before silence is believed. doubt: how many more the size just
        above the result is given, since the whole result hangs on it.
        """
        self._step(self.sizes.largest, tries)
        if self.low == 0 and self.high is not None and self.high > USUAL_MOST:
            self._step(USUAL_MOST, tries)
        while (size := self._next()) is not None and len(self.tried) < self.most:
            self._step(size, tries)
            if self._is_done() and self.high_answer.kind == "vanished":
                self._make_sure(doubt())
        return self.low > 0

    @property
    def is_exact(self) -> bool:
        """Say whether the very next size failed, or a router named this one."""
        return self.high is None or self._is_done() or self.low in self.hints

    def _is_done(self) -> bool:
        return self.high is not None and self.high - self.low <= 1

    def _step(self, size: int, tries: int) -> None:
        self.tried.append(size)
        answer = self.sizes.probe(size, tries)
        self.repeats += answer.repeats
        self._learn(size, answer)

    def _learn(self, size: int, answer: Answer) -> None:
        if answer.kind == "passed":
            self.low = max(self.low, size)
            if self.high is not None and self.high <= self.low:
                self.high = None  # what was lost by chance is no limit
            return
        if self.high is None or size <= self.high:
            self.high, self.high_answer = size, answer
        if answer.mtu and SMALLEST[4] <= answer.mtu < size:
            self.hints.append(answer.mtu)

    def _make_sure(self, more: int) -> None:
        """Ask once more for the size just above the result; where it passes, the search goes on."""
        assert self.high is not None
        above = self.high
        answer = self.sizes.probe(above, more)
        self.repeats += more if answer.kind == "vanished" else 1 + answer.repeats
        if answer.kind == "passed":
            self.most += len(self.tried) - self.tried.index(above)  # what chance had cost
            self.low, self.high = above, self._next_failed(above)
        elif answer.kind == "too-big":
            self.high_answer = answer

    def _next_failed(self, above: int) -> int | None:
        larger = [size for size in self.tried if size > above]
        return min(larger) if larger else None

    def _next(self) -> int | None:
        """Return the size to try next; None once the result is exact."""
        if self.high is None or self._is_done():
            return None
        low = max(self.low, SMALLEST[self.version] - 1)
        for hint in reversed(self.hints):
            if low < hint < self.high:
                return hint
            if hint == self.low:
                return self.low + 1
        if self.high - low <= 1:
            return None
        left = self.most - len(self.tried) - 1
        for known in (MOST_USUAL, USUAL):
            between = [size for size in known if low < size < self.high]
            if not between and self.low in known:
                between = [self.low + 1]  # it passed, the next known one did not: the limit?
            middle = between[len(between) // 2] if between else low
            fits = max(middle - low, self.high - middle) <= 2**left
            if low < middle and (fits or self.low == USUAL_MOST):
                return middle
        return (low + self.high) // 2
