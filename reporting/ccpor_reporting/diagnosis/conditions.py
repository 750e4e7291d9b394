"""What the conditions of ``rules.toml`` mean: each word of the vocabulary is one claim here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ccpor_reporting.contrasts import Contrast
from ccpor_reporting.diagnosis import wire
from ccpor_reporting.diagnosis.compared import fails, works
from ccpor_reporting.diagnosis.dates import hidden_by_clock
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.places import broken_resolvers, proxy_of
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.vocabulary import OF_CONTRASTS
from ccpor_reporting.diagnosis.ways import ways
from ccpor_reporting.faults import has_own_words
from ccpor_reporting.model import Finding, Json

OfOne = Callable[[Suspect, Facts], bool]
OfTwo = Callable[[Suspect, Suspect, Facts], bool]

# Seen from two sides, these say the same: nobody gets an answer of that service.
NO_ANSWER = frozenset({"dropped", "refused", "timeout", "host-unreachable", "closed", "reset"})
HEAVY_LOSS_PCT = 20.0  # three tries in a row are lost once in 125 times; below, hardly ever
SHOWS_THE_WORLD = ("tls.", "http.")
SILENCE = "at or past "
ERRNOS = {
    "tcp.reach/network-unreachable": frozenset({"ENETUNREACH", "WSAENETUNREACH"}),
    "tcp.reach/host-unreachable": frozenset({"EHOSTUNREACH", "WSAEHOSTUNREACH"}),
}
CHECK_OF_ROUTE = {"dns.answer/timeout": "dns", "clock.server/timeout": "clock"}


def holds(condition: str, suspect: Suspect, known: Facts) -> bool:
    """Say whether *condition*, a word of the vocabulary, is true of *suspect*."""
    if condition in OF_CONTRASTS:
        kind, outcome = OF_CONTRASTS[condition]
        return _contrast(suspect, known, kind, outcome)
    return ONE[condition](suspect, known)


def contrasts_of(suspect: Suspect, known: Facts) -> list[Contrast]:
    """Return what the targets of *suspect* were compared with, because of its failures."""
    found: dict[Contrast, None] = {}
    for target in dict.fromkeys(member.target for member in suspect.members):
        compared = known.compared_with(target)
        if compared.speaks_of(suspect.members):
            found.update(dict.fromkeys(compared.contrasts))
    return list(found)


def _contrast(suspect: Suspect, known: Facts, kind: str, outcome: str) -> bool:
    """Say whether all contrasts of *kind* that could be looked at ended so; none is no."""
    said = [c for c in contrasts_of(suspect, known) if c.kind == kind and (works(c) or fails(c))]
    if outcome == "works":
        return any(map(works, said)) and (kind == "tcp" or all(map(works, said)))
    failing = bool(said) and all(map(fails, said))
    if outcome == "fails":
        return failing
    reason = suspect.first.reason or ""
    return failing and all(c.outcome == reason or {c.outcome, reason} <= NO_ANSWER for c in said)


def _farther(suspect: Suspect, known: Facts) -> bool:
    return any(way.farther for way in ways(suspect, known) if way.walk.end == "silent")


def _nothing_farther(suspect: Suspect, known: Facts) -> bool:
    found = ways(suspect, known)
    return bool(found) and all(way.stops_all for way in found)


def _reaches(suspect: Suspect, known: Facts) -> bool:
    return any(way.walk.end == "open" for way in ways(suspect, known))


def _host_answers(suspect: Suspect, known: Facts) -> bool:
    hosts = {known.where(member.target).host for member in suspect.members}
    if any(known.reached.get(host) for host in hosts if host):
        return True
    if any(
        known.is_same_host(c, m.target)
        for c in contrasts_of(suspect, known)
        for m in suspect.members
        if c.kind == "tcp" and works(c)
    ):
        return True
    return any(way.distance is not None for way in ways(suspect, known))


def _answers_nobody(suspect: Suspect, known: Facts) -> bool:
    broken = set(broken_resolvers(suspect.first))
    return bool(broken) and not broken & known.name_servers_alive


def _told_apart(suspect: Suspect, known: Facts) -> bool:
    """Say whether the name server itself is broken, not the name it was asked for."""
    broken = set(broken_resolvers(suspect.first))
    others = set(known.name_servers_alive) - broken
    several = len({member.target for member in suspect.members}) > 1
    return _answers_nobody(suspect, known) and (bool(others) or several)


def _said_here(suspect: Suspect, known: Facts) -> bool:
    return not any(wire.sender(known.seen, member.target) for member in suspect.members)


def _no_other_host(suspect: Suspect, known: Facts) -> bool:
    mine = {known.where(target).host for target in suspect.targets}
    return not any(
        finding.code.startswith(SHOWS_THE_WORLD)
        for target, passes in known.passed.items()
        if known.where(target).host not in mine
        for finding in passes
    )


def _loss(direction: str, other: str) -> OfOne:
    def one_way(suspect: Suspect, known: Facts) -> bool:
        evidence = known.evidence(suspect.first.target, suspect.first.check)
        lost, kept = number(evidence.get(direction)), number(evidence.get(other))
        return lost is not None and kept is not None and lost > 0 and kept <= lost / 10

    return one_way


def _heavy_loss(suspect: Suspect, _known: Facts) -> bool:
    """Say whether the first member's loss, in percent, explains a time-out."""
    lost = number(suspect.first.observed)
    return suspect.first.unit == "%" and lost is not None and lost >= HEAVY_LOSS_PCT


def _same_missing_route(into: Suspect, other: Suspect, known: Facts) -> bool:
    """Say whether every question of *other* met the same errno over that version of IP.

    Without IPv6 a name server may still be silent over IPv4.
    """
    check = CHECK_OF_ROUTE.get(other.seen_fault)
    errnos = ERRNOS.get(into.seen_fault)
    if check is None or errnos is None:
        return False
    lacking = {v for m in into.members for v in wire.tried_versions(known.seen, m.target)}
    met = [wire.routeless(known.seen, member.target, check, errnos) for member in other.members]
    return all(versions and versions <= lacking for versions in met)


def _held_by_loss(_into: Suspect, other: Suspect, known: Facts) -> bool:
    """Say whether the tests of *other*'s line were held back by loss, in its direction."""
    way = "down" if other.seen_fault.startswith("capacity.download") else "up"
    for member in other.members:
        transfers = known.evidence(member.target, "capacity").get("transfers")
        for each in transfers if isinstance(transfers, list | tuple) else ():
            if isinstance(each, Mapping) and each.get("direction") == way:
                return each.get("limited_by") == "loss"
    return False


def answered_late(finding: Finding) -> bool:
    """Say whether *finding* holds the time of an answer that did come."""
    return number(finding.observed) is not None and has_own_words(finding)


def number(value: Json) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


ONE: Mapping[str, OfOne] = {
    "other packets get farther": _farther,
    "no packets get farther": _nothing_farther,
    "a walk reaches it": _reaches,
    "a reset comes too early": lambda s, known: any(w.forged_at for w in ways(s, known)),
    "the host answers others": _host_answers,
    "a router is the last to answer": lambda s, _known: s.place.startswith(SILENCE),
    "own words": lambda s, _known: has_own_words(s.first),
    "answered too late": lambda s, _known: answered_late(s.first),
    "a proxy is in use": lambda s, known: bool(proxy_of(s.first, known)),
    "loss only on the way there": _loss("loss_up_pct", "loss_down_pct"),
    "loss only on the way back": _loss("loss_down_pct", "loss_up_pct"),
    "loss of a fifth or more": _heavy_loss,
    "the name server answers nobody": _answers_nobody,
    "the name server is told apart": _told_apart,
    "this workstation says so": _said_here,
    "no other host answers": _no_other_host,
}
TWO: Mapping[str, OfTwo] = {
    "within the clock's offset": lambda into, other, known: hidden_by_clock(
        into.first, other.first, known.at
    ),
    "the same missing route": _same_missing_route,
    "loss held it back": _held_by_loss,
}
