"""One cut on the way seen from many targets, and a missing route seen by many checks."""

from __future__ import annotations

from collections.abc import Sequence

from ccpor_reporting.diagnosis import wire
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.places import NO_ROUTE
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.faults import has_own_words
from ccpor_reporting.model import Finding, Owner

ON_THE_WAY = frozenset({"tcp.reach/dropped", "tcp.reach/prohibited", "tcp.reach/host-unreachable"})
BEHIND_THE_ROUTE = {"dns.answer/timeout": "dns", "clock.server/timeout": "clock"}
LEAST_HOSTS = 3  # two hosts may be down by chance; the third makes it the way to them


def one_cut(suspects: Sequence[Suspect], known: Facts) -> list[Suspect]:
    """The same fault on three hosts or more is one cut: of one ICMP sender, or of one owner.

    The owner of the way gets one letter that lists the targets, not forty letters.
    """
    cuts: dict[tuple[str, ...], list[Suspect]] = {}
    for suspect in suspects:
        key = _cut(suspect.first, known)
        if key is not None:
            cuts.setdefault(key, []).append(suspect)
    kept = list(suspects)
    for parts in cuts.values():
        hosts = {known.where(target).host for part in parts for target in part.targets}
        if len(parts) > 1 and len(hosts) >= LEAST_HOSTS:
            first = kept.index(parts[0])
            kept[first] = _together(parts)
            kept = [each for each in kept if not any(each is part for part in parts)]
    return kept


def no_route(suspects: Sequence[Suspect], known: Facts) -> list[Suspect]:
    """A missing route explains silence that the system itself gave the same reason for.

    Only where every question of the other check met "network unreachable", and over the version
    of IP that has no route: without IPv6 a name server may still be silent over IPv4.
    """
    into = next(
        (
            s
            for s in suspects
            if s.first.fault == NO_ROUTE and not wire.sender(known.seen, s.first.target)
        ),
        None,
    )
    if into is None:
        return list(suspects)
    lacking = {v for m in into.members for v in wire.tried_versions(known.seen, m.target)}
    taken, rest = into, []
    for other in suspects:
        if other is into:
            continue
        check = BEHIND_THE_ROUTE.get(other.first.fault or "")
        met = [wire.routeless(known.seen, m.target, check) for m in other.members] if check else []
        if met and all(versions and versions <= lacking for versions in met):
            why = f"{other.first.id}: this workstation has no route to that server either"
            taken = taken.taking(other, why)
        else:
            rest.append(other)
    return [taken, *rest]


def _cut(first: Finding, known: Facts) -> tuple[str, ...] | None:
    """Return the key of the cut that *first* may be part of; None where it is a fault by itself."""
    if first.fault not in ON_THE_WAY or not known.where(first.target).host:
        return None
    if has_own_words(first) and first.owner is not Owner.COURT_IT:
        return None  # e.g. answered too late: each target has its own number
    sender = wire.sender(known.seen, first.target)
    return (first.fault, first.owner.value, sender, first.fix or "")


def _together(parts: Sequence[Suspect]) -> Suspect:
    return Suspect(
        members=tuple(member for part in parts for member in part.members),
        explains=tuple(dict.fromkeys(name for part in parts for name in part.explains)),
        folded=tuple(each for part in parts for each in part.folded),
        because=tuple(each for part in parts for each in part.because),
    )
