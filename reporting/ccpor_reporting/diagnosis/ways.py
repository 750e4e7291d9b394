"""How far packets got: where they go silent, who forbids them, and how far other packets get.

Silence is "at or past" the last router that answered, never "at" it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ccpor_reporting.contrasts import Hop, Walk
from ccpor_reporting.diagnosis import wire
from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.networks import is_address, owner_of
from ccpor_reporting.diagnosis.suspect import Place, Suspect
from ccpor_reporting.model import Finding, Owner

OVER_UDP = ("clock.", "dns.", "snmp.")
OF_THE_HOST = frozenset({"open", "refused"})  # what only the end of a walk answers
SAID_NO = frozenset({"prohibited", "unreachable"})
TOLD_BY_ICMP = frozenset(
    {"tcp.reach/prohibited", "tcp.reach/host-unreachable", "tcp.reach/network-unreachable"}
)
HERE = "this workstation"
BEFORE_THE_FIRST = "before the first router"


@dataclass(frozen=True, slots=True)
class Way:
    """The walk of one failed finding, and the walks of other packets to the same address."""

    walk: Walk
    others: tuple[Walk, ...]

    @property
    def distance(self) -> int | None:
        """Return how many hops away the host is; None where no walk of others reached it.

        A reset names no sender and may be forged: the walk that met it does not tell. By UDP it may
        seem farther than it is, as a host sends few "port unreachable" a second.
        """
        mine = [self.walk] if self.walk.end == "open" else []
        reached = [each for each in (*self.others, *mine) if each.distance is not None]
        return min((each.distance or 0 for each in reached), default=None)

    @property
    def farther(self) -> Walk | None:
        """Return the walk of other packets that got farthest, where it is farther than this."""
        best = max(self.others, key=_length, default=None)
        return best if best is not None and _length(best) > _length(self.walk) else None

    @property
    def stops_all(self) -> bool:
        """Say whether other packets were sent as well and none got farther."""
        return bool(self.others) and self.walk.end == "silent" and self.farther is None

    @property
    def forged_at(self) -> int | None:
        """Return the ttl at which a reset came although the host is farther away; else None.

        A router at that ttl or beyond it is proof, and so is the host that answers from beyond.
        """
        reset = next((hop.ttl for hop in self.walk.hops if hop.answer == "refused"), None)
        if reset is None or self.walk.protocol != "tcp":
            return None
        farther = any(_shows_beyond(each, reset, self.walk.address) for each in self.others)
        return reset if farther else None


def ways(suspect: Suspect, known: Facts) -> list[Way]:
    """Return the ways of the members of *suspect* that were walked."""
    found = (_way(member, known) for member in suspect.members)
    return [way for way in found if way is not None]


def place_of_host(suspect: Suspect, known: Facts) -> Place | None:
    """Return the address that answered for the host; None where none was seen."""
    for member in suspect.members:
        where = [*wire.addresses(known.seen, member.target), known.where(member.target).host]
        address = next((each for each in where if is_address(each)), None)
        if address is not None:
            return Place(address, known.owner_of_target(member.target))
    return None


def place_on_the_way(suspect: Suspect, known: Facts) -> Place | None:
    """Return where the packets of *suspect* end; None where nothing shows it."""
    for member in suspect.members:
        if (place := _told(member, known) or _silent(member, known)) is not None:
            return place
    return None


def _way(member: Finding, known: Facts) -> Way | None:
    walks = known.compared_with(member.target).walks
    protocol = "udp" if member.code.startswith(OVER_UDP) else "tcp"
    port = _port(member, known) if protocol == "tcp" else None
    mine = [w for w in walks if w.protocol == protocol and w.hops and port in (None, w.port)]
    if protocol == "udp":  # a walk to no port in particular is there to compare with
        mine = [w for w in mine if w.port is not None] or mine
    failing = _failing_addresses(member)
    mine = [w for w in mine if w.address in failing] or mine
    if not mine:
        return None
    walk = min(mine, key=lambda each: (each.end == "open", -_length(each)))
    others = [w for w in walks if w not in mine and w.address == walk.address and w.hops]
    return Way(walk, tuple(others))


def _failing_addresses(member: Finding) -> frozenset[str]:
    """Return the addresses that failed, where the finding lists them beside others that work."""
    seen = member.observed
    listed = seen if isinstance(seen, Mapping) and member.code == "tcp.reach" else {}
    return frozenset(str(address) for address in listed)


def _shows_beyond(other: Walk, ttl: int, host: str) -> bool:
    beyond = (h for h in other.hops if h.ttl >= ttl and h.answer == "time-exceeded")
    if any(hop.address != host for hop in beyond):
        return True
    return other.protocol != "udp" and (other.distance or 0) > ttl


def _port(member: Finding, known: Facts) -> int | None:
    return None if member.code.startswith("proxy.") else known.where(member.target).port


def _length(walk: Walk) -> int:
    """Return the ttl of the farthest answer: of a router, or of the host itself."""
    if walk.end in OF_THE_HOST and walk.hops:
        return walk.distance or walk.hops[-1].ttl
    return walk.last.ttl if walk.last else 0


def _told(member: Finding, known: Facts) -> Place | None:
    """Return the place of whoever said no: a router, the host itself, this workstation."""
    if member.fault not in TOLD_BY_ICMP:
        return None
    way = _way(member, known)
    if who := wire.sender(known.seen, member.target):
        return _at(who, who, way, member, known)
    no = _who_said_no(way)
    if no is not None and no.address:
        return _at(no.address, no.address, way, member, known)
    if wire.said_here(known.seen, member.target) or member.owner is Owner.COURT_IT:
        return Place(HERE, Owner.COURT_IT)
    return None


def _who_said_no(way: Way | None) -> Hop | None:
    hops = way.walk.hops if way else ()
    return next((hop for hop in hops if hop.answer in SAID_NO and hop.address), None)


def _silent(member: Finding, known: Facts) -> Place | None:
    way = _way(member, known)
    if way is None or member.fault in TOLD_BY_ICMP:
        return None
    if (no := _who_said_no(way)) is not None and no.address:
        return _at(no.address, no.address, way, member, known)
    if way.walk.end != "silent" and not (
        way.walk.end == "refused" and (member.reason == "reset" or way.forged_at)
    ):
        return None
    last = _last_router(way)
    if last is not None and last.address:
        return _at(last.address, f"at or past {last.address}", way, member, known, hop=last)
    if way.distance == 1 or not known.routers_answer:
        return None
    return Place(BEFORE_THE_FIRST, Owner.COURT_IT)


def _last_router(way: Way) -> Hop | None:
    """Return the last router that let the packets pass: of a reset, in whichever walk it shows."""
    reset = next((hop.ttl for hop in way.walk.hops if hop.answer == "refused"), None)
    if reset is None:
        return way.walk.last
    hops = [h for w in (way.walk, *way.others) for h in w.hops if h.answer == "time-exceeded"]
    return max((h for h in hops if h.ttl < reset), key=lambda hop: hop.ttl, default=None)


def _at(
    address: str,
    words: str,
    way: Way | None,
    member: Finding,
    known: Facts,
    *,
    hop: Hop | None = None,
) -> Place:
    """Return the place named by *address* and whose it is: the ranges of the profile, else where
    it stands on the way."""
    far_end = known.owner_of_target(member.target)
    if address in wire.addresses(known.seen, member.target) or (
        way is not None and address == way.walk.address
    ):
        return Place(words, far_end)
    if (owner := owner_of(address, known.networks)) is not None:
        return Place(words, owner)
    ttl = hop.ttl if hop else _ttl(address, way)
    if way is not None and ttl is not None and way.distance == ttl + 1:
        return Place(words, far_end)
    return Place(words)


def _ttl(address: str, way: Way | None) -> int | None:
    walks = (way.walk, *way.others) if way else ()
    hops = (hop for walk in walks for hop in walk.hops)
    answers = (hop for hop in hops if hop.address == address and hop.answer == "time-exceeded")
    return next((hop.ttl for hop in answers), None)


def working(found: Iterable[Way]) -> list[str]:
    """Return which other packets get farther, one sentence each: what an owner may rely on."""
    said = (f"{_others(way)[2:]}, to {way.walk.address}" for way in found if way.farther)
    return list(dict.fromkeys(said))


def sentences(found: Iterable[Way]) -> list[str]:
    """Return what the walks show, one sentence each."""
    return list(dict.fromkeys(said for way in found if (said := _sentence(way))))


def _sentence(way: Way) -> str:
    walk, last = way.walk, way.walk.last
    to = f"port {walk.port}" if walk.port else walk.address
    over = "" if walk.protocol == "tcp" else f" over {walk.protocol.upper()}"
    here = f"{last.address} (hop {last.ttl})" if last else ""
    match walk.end:
        case "open":
            return f"a walk to {to}{over} reaches it"
        case "refused" if way.forged_at:
            return f"a walk to {to}{over} gets a reset at hop {way.forged_at}, before the host"
        case "silent":
            after = f"goes silent after {here}" if here else "gets no answer from any router"
            return f"a walk to {to}{over} {after}{_others(way)}"
    no = _who_said_no(way)
    if no is None:
        return ""
    verb = "forbids it" if no.answer == "prohibited" else "says that there is no way on"
    return f"a walk to {to}{over} ends at {no.address} (hop {no.ttl}), which {verb}"


def _others(way: Way) -> str:
    best = way.farther
    if best is None:
        names = list(dict.fromkeys(walk.protocol.upper() for walk in way.others))
        do = "do" if len(names) > 1 else "does"
        return f", and so {do} {' and '.join(names)}" if way.stops_all else ""
    name = best.protocol.upper() if best.protocol != "tcp" else f"port {best.port}"
    if best.end in OF_THE_HOST:
        return f"; {name} reaches the host"
    return f"; {name} goes on to {best.last.address}" if best.last else ""
