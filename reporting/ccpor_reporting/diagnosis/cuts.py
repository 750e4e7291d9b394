"""One cut on the way seen from many targets: one letter that lists them, not forty letters.

Where walks name the place, all that end there are one cut; not every target is walked, so the rest
joins the cut that it is nearest to.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ccpor_reporting.diagnosis import wire
from ccpor_reporting.diagnosis.conditions import answered_late
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.rulebook import Crowd, Rules
from ccpor_reporting.diagnosis.suspect import Concluded, Suspect, least
from ccpor_reporting.faults import has_own_words

LEAST_SHARED = {4: 16, 6: 32}  # leading bits; less in common says nothing of the way


@dataclass(slots=True)
class _Cut:
    """Suspects of one fault at one place; `place` is "" where none of them was walked."""

    place: str
    parts: list[Suspect] = field(default_factory=list)

    def hosts(self, known: Facts) -> set[str]:
        return {known.where(target).host for part in self.parts for target in part.targets}


def cuts(suspects: Sequence[Suspect], known: Facts, rules: Rules) -> list[Suspect]:
    """Return *suspects* with those of one cut put together, where the first of them stood."""
    kept = list(suspects)
    for rule in rules.crowd:
        for cut in _cuts_of(rule, kept, known):
            needed = rule.hosts_at_one_place if cut.place else rule.hosts
            if len(cut.parts) > 1 and len(cut.hosts(known)) >= needed:
                kept = _replaced(kept, cut.parts)
    return kept


def together(parts: Sequence[Suspect]) -> Suspect:
    """Return *parts* as one suspect; what is concluded comes from the first that concluded most."""
    best = max(parts, key=lambda part: _known_of(part.concluded)).concluded
    sure = None
    for part in parts:
        sure = least(sure, part.concluded.confidence)
    return Suspect(
        members=tuple(member for part in parts for member in part.members),
        explains=tuple(dict.fromkeys(name for part in parts for name in part.explains)),
        folded=tuple(each for part in parts for each in part.folded),
        because=tuple(dict.fromkeys(each for part in parts for each in part.because)),
        concluded=replace(best, confidence=best.confidence or sure),
    )


def _known_of(concluded: Concluded) -> int:
    told = (concluded.place, concluded.owner, concluded.fix, concluded.confidence)
    return sum(each is not None for each in told)


def _cuts_of(rule: Crowd, suspects: Sequence[Suspect], known: Facts) -> list[_Cut]:
    placed: dict[tuple[str, ...], _Cut] = {}
    rest: list[Suspect] = []
    for suspect in suspects:
        if suspect.fault not in rule.faults or not _may_join(suspect, known):
            continue
        if not suspect.place:
            rest.append(suspect)
            continue
        key = (suspect.fault, suspect.place, suspect.owner.value, _own_fix(suspect))
        placed.setdefault(key, _Cut(suspect.place)).parts.append(suspect)
    lone: dict[tuple[str, ...], _Cut] = {}
    for suspect in rest:
        near = _nearest(
            suspect,
            [c for k, c in placed.items() if (k[0], k[3]) == (suspect.fault, _own_fix(suspect))],
            known,
        )
        if near is not None:
            near.parts.append(suspect)
            continue
        alone = (suspect.fault, suspect.owner.value, _own_fix(suspect))
        lone.setdefault(alone, _Cut("")).parts.append(suspect)
    return [*(_walked(cut, rule, known) for cut in placed.values()), *lone.values()]


def _own_fix(suspect: Suspect) -> str:
    """Return what the check itself asks for: another ask is another cause."""
    return suspect.first.fix or "" if has_own_words(suspect.first) else ""


def _walked(cut: _Cut, rule: Crowd, known: Facts) -> _Cut:
    """Return *cut*, its place left out where only one host of it was walked: one says little."""
    walked = {known.where(t).host for part in cut.parts if part.place for t in part.targets}
    return cut if len(walked) >= rule.hosts_at_one_place else _Cut("", cut.parts)


def _may_join(suspect: Suspect, known: Facts) -> bool:
    first = suspect.first
    if not known.where(first.target).host:
        return False
    return not answered_late(first)  # each target has its own number


def _nearest(suspect: Suspect, placed: Sequence[_Cut], known: Facts) -> _Cut | None:
    """Return the walked cut that *suspect* belongs to: the only one, or the one next to it."""
    if len(placed) < 2:
        return next(iter(placed), None)
    mine = _addresses([suspect], known)
    shared = [(_shared(mine, _addresses(_walked_parts(cut), known)), cut) for cut in placed]
    best = max(bits for bits, _ in shared)
    nearest = [cut for bits, cut in shared if bits == best]
    least_bits = LEAST_SHARED[4] if any(each.version == 4 for each in mine) else LEAST_SHARED[6]
    return nearest[0] if best >= least_bits and len(nearest) == 1 else None


def _walked_parts(cut: _Cut) -> list[Suspect]:
    return [part for part in cut.parts if part.place]


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _addresses(suspects: Iterable[Suspect], known: Facts) -> list[_Address]:
    found = []
    for suspect in suspects:
        for member in suspect.members:
            host = known.where(member.target).host
            for text in wire.addresses(known.seen, member.target) or [host]:
                try:
                    found.append(ipaddress.ip_address(text))
                except ValueError:
                    continue
    return found


def _shared(mine: Sequence[_Address], theirs: Sequence[_Address]) -> int:
    """Return how many leading bits the nearest two addresses have in common."""
    return max(
        (
            one.max_prefixlen - (int(one) ^ int(other)).bit_length()
            for one in mine
            for other in theirs
            if one.version == other.version
        ),
        default=0,
    )


def _replaced(suspects: Sequence[Suspect], parts: Sequence[Suspect]) -> list[Suspect]:
    gone = {id(part) for part in parts}
    ordered = [each for each in suspects if id(each) in gone]
    joined = together(ordered)
    found = []
    for each in suspects:
        if id(each) not in gone:
            found.append(each)
        elif each is ordered[0]:
            found.append(joined)
    return found
