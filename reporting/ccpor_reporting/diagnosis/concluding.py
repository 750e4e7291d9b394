"""What the contrasts and walks of one cause say beyond its findings, by ``[[conclude]]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from ccpor_reporting.diagnosis.compared import read_walks
from ccpor_reporting.diagnosis.conditions import holds
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.networks import is_address, owner_of
from ccpor_reporting.diagnosis.places import broken_resolvers, proxy_of, slowest_resolver
from ccpor_reporting.diagnosis.rulebook import Conclude, Rules
from ccpor_reporting.diagnosis.suspect import Concluded, Place, Suspect
from ccpor_reporting.diagnosis.telling import filled
from ccpor_reporting.diagnosis.ways import HERE, place_of_host, place_on_the_way
from ccpor_reporting.diagnosis.wire import bare
from ccpor_reporting.faults import FAR_END, catalogue
from ccpor_reporting.model import Json, Owner


def conclude(suspects: Sequence[Suspect], known: Facts, rules: Rules) -> list[Suspect]:
    """Return *suspects* with what the rules conclude; what an earlier rule set, stays."""
    by_fault: dict[str, list[Conclude]] = {}
    for rule in rules.conclude:
        for fault in rule.faults:
            by_fault.setdefault(fault, []).append(rule)
    found = []
    for suspect in suspects:
        for rule in by_fault.get(suspect.seen_fault, ()):
            if all(holds(each, suspect, known) for each in rule.when) and not any(
                holds(each, suspect, known) for each in rule.unless
            ):
                suspect = _concluded(suspect, rule, known)  # noqa: PLW2901 - step by step
        found.append(suspect)
    return found


def _concluded(suspect: Suspect, rule: Conclude, known: Facts) -> Suspect:
    said = suspect.concluded
    place = said.place or (PLACE_OF[rule.place](suspect, known) if rule.place else None)
    suspect = replace(suspect, concluded=replace(said, place=place))
    owner = said.owner or _owner(rule, suspect, known)
    concluded = Concluded(
        fault=said.fault or rule.fault,
        owner=owner,
        place=place,
        fix=said.fix or (filled(rule.fix, suspect, known) if rule.fix else None),
        confidence=said.confidence or rule.confidence,
    )
    because = (filled(rule.says, suspect, known),) if rule.says else ()
    return replace(suspect, concluded=concluded, because=(*suspect.because, *because))


def _owner(rule: Conclude, suspect: Suspect, known: Facts) -> Owner | None:
    if rule.owner == "place":
        place = suspect.concluded.place
        return place.owner if place else None
    far_end = known.owner_of_target(suspect.first.target)
    if rule.owner == FAR_END:
        return far_end
    if rule.owner:
        return Owner(rule.owner)
    if rule.fault and not suspect.concluded.fault:
        code, _, reason = rule.fault.partition("/")
        return catalogue()[code].reasons[reason].owner_for(far_end or suspect.first.owner)
    return None


def _name_servers(suspect: Suspect, known: Facts) -> Place | None:
    slow = slowest_resolver(suspect.first, known)
    broken = [slow] if slow else broken_resolvers(suspect.first)
    if not broken:
        return None
    noun = "name servers" if len(broken) > 1 else "name server"
    owners = {owner_of(bare(who), known.networks) for who in broken}
    return Place(f"{noun} {', '.join(broken)}", owners.pop() if len(owners) == 1 else None)


def _proxy(suspect: Suspect, known: Facts) -> Place | None:
    who = proxy_of(suspect.first, known)
    if not who:
        return None
    try:
        host = urlsplit(who if "//" in who else f"//{who}").hostname or ""
    except ValueError:
        host = ""
    return Place(f"proxy {who}", owner_of(host, known.networks))


def _measured(suspect: Suspect, known: Facts) -> Place | None:
    """Return where the path check saw the trouble begin, or who says that a packet is too big."""
    seen = known.evidence(suspect.first.target, suspect.first.check)
    mtu = seen.get("mtu")
    if seen.get("method") == "stamp":  # hops are walked to by other packets than those measured
        return None
    if suspect.first.code != "path.mtu":
        said_no = _router(seen.get("refused_by"), "", known)
        return said_no or _router(seen.get("begins_after"), "at or past ", known)
    if not isinstance(mtu, Mapping):
        return None
    if suspect.first.reason == "too-small":
        return _router(mtu.get("said_by"), "", known)
    walks = read_walks([mtu.get("walk")])
    last = walks[0].last if walks else None
    return _router(last.address if last else None, "at or past ", known)


def _router(address: Json, words: str, known: Facts) -> Place | None:
    if not isinstance(address, str) or not is_address(address):
        return None
    return Place(f"{words}{address}", owner_of(address, known.networks))


def _plain(words: str) -> Callable[[Suspect, Facts], Place | None]:
    return lambda _suspect, _known: Place(words)


PLACE_OF: Mapping[str, Callable[[Suspect, Facts], Place | None]] = {
    "way": place_on_the_way,
    "workstation": _plain(HERE),
    "name servers": _name_servers,
    "proxy": _proxy,
    "host": place_of_host,
    "measured": _measured,
    "up": _plain("on the way there"),
    "down": _plain("on the way back"),
}
