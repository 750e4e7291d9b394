"""The score of the lab: named exactly, right owner, right hop, extra causes. Pure arithmetic over what runs said."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.lab.reading import Fault
from tests.lab.running import Said

LEAST_EXACT, LEAST_OWNER, LEAST_PLACE, MOST_EXTRA = 0.97, 1.0, 0.90, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How one run did. owner, place: None where there was nothing to be right about."""

    fault: Fault
    said: Said
    exact: bool
    owner: bool | None
    place: bool | None
    extra: int

    @property
    def good(self) -> bool:
        return self.exact and self.owner is not False and self.place is not False and not self.extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Sums over some faults. The shares are 1 where there was nothing to share."""

    faults: int
    exact: int
    owners: int
    right_owners: int
    places: int
    right_places: int
    extra: int

    @property
    def exact_share(self) -> float:
        return _share(self.exact, self.faults)

    @property
    def owner_share(self) -> float:
        return _share(self.right_owners, self.owners)

    @property
    def place_share(self) -> float:
        return _share(self.right_places, self.places)

    @property
    def extra_mean(self) -> float:
        return self.extra / self.faults if self.faults else 0.0

    @property
    def enough(self) -> bool:
        """Whether the bar is reached; nothing looked at reaches no bar."""
        return bool(self.faults) and (
            self.exact_share >= LEAST_EXACT
            and self.owner_share >= LEAST_OWNER
            and self.place_share >= LEAST_PLACE
            and self.extra_mean <= MOST_EXTRA
        )


def marks(fault: Fault, said: Said) -> Marks:
    """Return how *said* compares with what *fault* expects.

    Exact: the first cause is one of the expected ones, and each expected one is named. Owners and the hop are judged
    of what was named rightly only. Extra: every cause beyond one for each expected fault.
    """
    named = [cause.fault for cause in said.causes]
    first = {
        wanted: next((c for c in said.causes if c.fault == wanted), None) for wanted in fault.wanted
    }
    exact = bool(named) and named[0] in fault.wanted and all(first.values())
    owners = [
        first[wanted].owner == owner for wanted, owner in fault.owners.items() if first[wanted]
    ]  # type: ignore[union-attr]
    held = first[fault.wanted[0]]
    place = names_hop(held.place, fault.place) if fault.place and held else None
    return Marks(
        fault=fault,
        said=said,
        exact=exact,
        owner=all(owners) if owners else None,
        place=place,
        extra=len(named) - sum(cause is not None for cause in first.values()),
    )


def names_hop(place: str, hop: str) -> bool:
    """Return whether *place* names the address *hop*, and no address that merely begins like it."""
    return re.search(rf"(?<![\w.:]){re.escape(hop)}(?![\w:]|\.\d)", place) is not None


def score(all_marks: Iterable[Marks]) -> Score:
    each = list(all_marks)
    owners = [one.owner for one in each if one.owner is not None]
    places = [one.place for one in each if one.place is not None]
    return Score(
        faults=len(each),
        exact=sum(one.exact for one in each),
        owners=len(owners),
        right_owners=sum(owners),
        places=len(places),
        right_places=sum(places),
        extra=sum(one.extra for one in each),
    )


def table(all_marks: Sequence[Marks]) -> str:
    """Return the score by area and in all, then every run that was not wholly right."""
    lines = [f"{'area':10} {'faults':>6} {'exact':>9} {'owner':>9} {'hop':>9} {'extra':>6}"]
    for area in [*dict.fromkeys(one.fault.area for one in all_marks), ""]:
        got = score(one for one in all_marks if area in ("", one.fault.area))
        lines.append(
            f"{area or 'all':10} {got.faults:6} {got.exact:4} {got.exact_share:4.0%} "
            f"{got.right_owners:4}/{got.owners:<4} {got.right_places:4}/{got.places:<4} {got.extra:6}"
        )
    misses = [one for one in all_marks if not one.good]
    for one in misses:
        lines += ["", *_miss(one)]
    return "\n".join(lines)


def _miss(one: Marks) -> list[str]:
    wanted = " + ".join(one.fault.wanted)
    owner = ", ".join(one.fault.owners.values()) or "any owner"
    lines = [f"MISS {one.fault.id}: {one.fault.about}"]
    lines.append(
        f"     wanted {wanted} ({owner}{', at ' + one.fault.place if one.fault.place else ''})"
    )
    for cause in one.said.causes:
        lines.append(
            f"     said   {cause.fault} ({cause.owner}{', ' + cause.place if cause.place else ''}) of {cause.target}"
        )
    if not one.said.causes:
        lines.append(
            f"     said   no cause; {one.said.verdict or 'no report'}; {'; '.join(one.said.failed) or 'nothing failed'}"
        )
    if one.said.trouble:
        lines.append(f"     trouble: {one.said.trouble}")
    return lines


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0
