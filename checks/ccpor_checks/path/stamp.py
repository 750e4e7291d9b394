"""STAMP: the target's reflector says what reached it, so each way is seen by itself.

Unauthenticated sender. Source: RFC 8762 sections 4.2 and 4.3.
"""

from __future__ import annotations

import time

from ccpor_checks.kit.arrivals import lost_ways
from ccpor_checks.kit.stamp_session import StampSession
from ccpor_checks.path.evidence import Method
from ccpor_checks.path.sampling import Reply, Taken

COPIES = 5


class StampEchoes:
    """One STAMP session: test packets of 44 bytes, numbered from zero."""

    method: Method = "stamp"

    def __init__(self, address: str, port: int) -> None:
        self._session = StampSession(address, port)

    @property
    def refused_by(self) -> str | None:
        return self._session.refused_by

    def send(self, number: int) -> None:
        self._session.send(number=number)

    def wait(self, seconds: float) -> list[Reply]:
        return [
            Reply(
                each.number,
                each.ms,
                up_ms=None if each.ms is None else each.up_ms,
                down_ms=each.down_ms,
                far_number=each.far_number,
            )
            for each in self._session.wait(seconds)
        ]

    def close(self) -> None:
        self._session.close()


def lost_each_way(echoes: StampEchoes, taken: Taken, wait_s: float) -> tuple[int, int] | None:
    """Return how many were lost towards the target and on the way back.

    A reflector that keeps no count of its own copies ours: then None, where anything was lost.
    To tell one from the other where both counts still agree, the last packet is sent several
    times: a count of its own then runs ahead. What came after the newest answer stands on neither
    way.
    """
    if not taken.replies:
        return None
    if not taken.lost:
        return 0, 0
    counts = {n: r.far_number for n, r in taken.replies.items() if r.far_number is not None}
    if len(counts) < len(taken.replies):
        return None
    oldest, newest = min(counts), max(counts)
    lead = counts[oldest] - oldest  # above zero: left from an older session
    is_own = taken.first == 0 and lead <= 0  # below: the first packets of this one were lost
    missed = newest - (counts[newest] - (0 if is_own else lead))
    if missed <= 0 and not _counts_itself(echoes, taken, wait_s):
        return None
    numbers = range(taken.first, taken.first + taken.sent)
    ways = lost_ways(numbers, counts, taken.far_numbers, before=-1 if is_own else None)
    if ways is None:
        return None
    told = list(ways.values())
    return told.count("up"), told.count("down")


def _counts_itself(echoes: StampEchoes, taken: Taken, wait_s: float) -> bool:
    if any(r.far_number is not None and r.far_number < n for n, r in taken.replies.items()):
        return True
    until = time.monotonic() + wait_s
    for _ in range(COPIES):
        echoes.send(taken.first + taken.sent - 1)
        time.sleep(0.01)
    while (left := until - time.monotonic()) > 0:
        if any((r.far_number or 0) > r.number for r in echoes.wait(left)):
            return True
    return False
