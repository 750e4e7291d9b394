"""What the order and the times of arriving packets say: jitter, variation, reordering, lost ways.

Pure. Source: RFC 3550 section 6.4.1 (D, the difference of two packets' transit times; here its mean
over all of them, as the running figure knows only the last sixteen), RFC 5481 section 4.2 (PDV),
RFC 4737 sections 3.4 and 4.2.2 (reordered, extent), RFC 2330 section 11.3 (percentiles).
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from ccpor_checks.kit.quantile import nearest_rank

Way = Literal["up", "down"]
FOREIGN_SHARE = 0.1  # of answers: more numbers of the reflector than that are not ours


def differences(values: Sequence[float | None]) -> list[float]:
    """Return |D| of each two neighbours that were both timed; None stands for one that was not."""
    return [
        abs(after - before)
        for before, after in itertools.pairwise(values)
        if before is not None and after is not None
    ]


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def above_least(values: Sequence[float]) -> list[float]:
    """Return by how much each of *values* is above the least of them."""
    least = min(values, default=0.0)
    return [each - least for each in values]


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the *percent* percentile, to the microsecond where it is in ms; None of none."""
    found = nearest_rank(values, percent)
    return None if found is None else round(found, 3)


def reordering(order: Iterable[int]) -> tuple[int, int]:
    """Return how many of the numbers, in the order they came, came late, and the largest extent.

    Late: after a higher one. Its extent: how many places after the first higher one. Each number
    stands once: a copy is no packet of the stream.
    """
    late = extent = 0
    highest: list[int] = []  # each higher than all before it …
    places: list[int] = []  # … and where it came
    for place, number in enumerate(order):
        if not highest or number > highest[-1]:
            highest.append(number)
            places.append(place)
            continue
        late += 1
        extent = max(extent, place - places[bisect.bisect_right(highest, number)])
    return late, extent


def lost_ways(
    numbers: range,
    answered: Mapping[int, int],
    counts: Collection[int],
    *,
    before: int | None = None,
    after: int | None = None,
) -> dict[int, Way] | None:
    """Return on which way each lost one of *numbers* was lost, by the reflector's own count.

    A number of its count that never came belonged to an answer lost on the way back; a packet for
    which it counted nothing was lost on the way there. A packet that came twice was counted twice:
    where the answer to the copy alone is missing, no packet is.

    answered: number to the count in its first answer. counts: of all answers, copies included.
    before, after: the count of the answer before the first and after the last of *numbers*; where
        they are not known, what was lost there stands on neither way.
    None: somebody else's packets are in the same count.
    """
    known = sorted((count, number) for number, count in answered.items())
    if before is not None:
        known.insert(0, (before, numbers.start - 1))
    if after is not None:
        known.append((after, numbers.stop))
    if not known:
        return {}
    sway = 2 * reordering(number for _, number in known)[1]
    edges = [number for _, number in known]
    lost = [n for n in numbers if n not in answered and min(edges) < n < max(edges)]
    ways: dict[int, Way] = dict.fromkeys(lost, "up")
    strange, seen = 0, set(counts)
    for (low, from_number), (high, to_number) in itertools.pairwise(known):
        missing = [count for count in range(low + 1, min(high, low + 100_000)) if count not in seen]
        if not missing:
            continue
        first = min(from_number, to_number) - sway
        last = max(from_number, to_number) + sway
        start, stop = bisect.bisect_right(lost, first), bisect.bisect_left(lost, last)
        places = [n for n in lost[start:stop] if ways[n] == "up"]
        for number in places[: len(missing)]:
            ways[number] = "down"
        strange += max(0, len(missing) - len(places))
    return None if strange > 5 + FOREIGN_SHARE * len(answered) else ways
