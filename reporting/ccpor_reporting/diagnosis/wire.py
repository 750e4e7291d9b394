"""What the observations say of the wire: addresses and ports of both ends, ICMP senders, errnos.

All of it is optional: a stored report may come without observations, or from another version.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence

from ccpor_reporting.model import Json, Observation

Seen = Mapping[tuple[str, str], Observation]  # by target and check
UDP_CHECKS = frozenset({"clock", "snmp"})
TCP_CHECKS = frozenset({"tcp", "tls", "http", "ssh", "sftp", "gateway", "order", "capacity"})
# by method; whether it goes to the port of the profile
PATH_PROTOCOLS = {
    "icmp": ("ICMP", False),
    "udp": ("UDP", False),
    "stamp": ("UDP", True),
    "tcp": ("TCP", True),
}
WITH_ADDRESS = ("tcp", "clock", "path", "snmp")
MOST_PORTS = 6


def by_target_and_check(observations: Iterable[Observation]) -> Seen:
    return {(seen.target, seen.check): seen for seen in observations}


def connection(seen: Seen, target: str, check: str, *, otherwise: str, ports: bool = True) -> str:
    """Return protocol, source and destination of *check* on *target*; "" where none is known.

    otherwise: the destination as the profile names it, where no address was seen.
    ports: whether to name this workstation's own.
    """
    if check == "dns":
        return _name_servers(seen, target)
    tcp = _evidence(seen, target, "tcp")
    proxy = via(seen, target)
    mine = _evidence(seen, target, check)
    if check == "proxy":
        return f"TCP from this workstation to {proxy}" if proxy else ""
    if check == "path" and str(mine.get("method")) in PATH_PROTOCOLS:
        protocol, to_the_port = PATH_PROTOCOLS[str(mine["method"])]
        where = otherwise if to_the_port else _end(mine) or otherwise
        return f"{protocol} from {_source(tcp, ())} to {where}"
    if check in UDP_CHECKS:
        return f"UDP from this workstation to {_end(mine) or otherwise}"
    if check not in TCP_CHECKS:
        return ""
    if proxy:
        return f"TCP from this workstation through {proxy} to {otherwise}"
    tries = _tries(tcp)
    source = _source(tcp, tries if ports else ())
    return f"TCP from {source} to {_end(tcp, tries) or otherwise}"


def hop(seen: Seen, target: str) -> str:
    """Return who sent the ICMP error that ended a try on *target*, e.g. ``10.0.0.1 (ICMP 3/13)``.

    "" where none came or where this workstation said it itself.
    """
    who = sender(seen, target)
    for icmp in _icmp(seen, target):
        if who and icmp.get("sender") == who:
            version = "v6" if icmp.get("version") == 6 else ""
            return f"{who} (ICMP{version} {icmp.get('type')}/{icmp.get('code')})"
    return ""


def sender(seen: Seen, target: str) -> str:
    """Return the address on the way that sent an ICMP error for *target*; "" if there is none."""
    own = _evidence(seen, target, "tcp").get("local_address")
    senders = (icmp.get("sender") for icmp in _icmp(seen, target))
    return next((str(who) for who in senders if who and who != own), "")


def via(seen: Seen, target: str) -> str:
    """Return the proxy that *target* is reached through, e.g. ``http://10.0.0.8:3128``; else ""."""
    return str(_evidence(seen, target, "proxy").get("via") or "")


def said_here(seen: Seen, target: str) -> bool:
    """Say whether this workstation itself sent the ICMP error for *target*."""
    own = _evidence(seen, target, "tcp").get("local_address")
    return own is not None and any(icmp.get("sender") == own for icmp in _icmp(seen, target))


def addresses(seen: Seen, target: str) -> list[str]:
    """Return the addresses of *target* that were tried, each once."""
    return list(dict.fromkeys(str(each["address"]) for each in _tried(seen, target)))


def known_addresses(seen: Seen, target: str) -> list[str]:
    """Return every address of *target* that some check used or was given, each once."""
    found = addresses(seen, target)
    for check in WITH_ADDRESS:
        found.append(str(_evidence(seen, target, check).get("address") or ""))
    found += [str(each) for each in _list(_evidence(seen, target, "dns").get("addresses"))]
    return [each for each in dict.fromkeys(found) if each]


def network(tried: Sequence[str]) -> str:
    """Return the smallest network that holds all of *tried*, e.g. ``10.1.2.0/24``; "" if too wide.

    Wider than /16 (IPv4) or /32 (IPv6) says nothing to whoever looks for the place.
    """
    try:
        parsed = [ipaddress.ip_address(text) for text in tried]
    except ValueError:
        return ""
    if not parsed or len({each.version for each in parsed}) > 1:
        return ""
    low, high = int(min(parsed, key=int)), int(max(parsed, key=int))
    length = parsed[0].max_prefixlen - (low ^ high).bit_length()
    if length < (16 if parsed[0].version == 4 else 32):
        return ""
    return str(ipaddress.ip_network(f"{parsed[0]}/{length}", strict=False))


def routeless(seen: Seen, target: str, check: str, errnos: frozenset[str]) -> frozenset[int]:
    """Return the IP versions in which *check* on *target* met one of *errnos*.

    Empty where anything else was met as well: then a missing route does not explain it.
    """
    observation = seen.get((target, check))
    if observation is None:
        return frozenset()
    if check == "dns":
        return _routeless_dns(observation.evidence, errnos)
    if check == "clock" and observation.ending is not None:
        # The check ends its detail with the name of the errno (checks/clock), not with prose.
        named = observation.evidence.get("error") or observation.ending.detail.rpartition(": ")[2]
        if named in errnos:
            return _versions([observation.evidence.get("address")])
    return frozenset()


def tried_versions(seen: Seen, target: str) -> frozenset[int]:
    """Return the IP versions of the addresses of *target* that were tried over TCP."""
    return _versions(addresses(seen, target))


def _routeless_dns(evidence: Mapping[str, Json], errnos: frozenset[str]) -> frozenset[int]:
    answers = [each for each in _list(evidence.get("answers")) if isinstance(each, Mapping)]
    records = [
        (each.get("resolver"), record)
        for each in answers
        for record in _list(each.get("records"))
        if isinstance(record, Mapping)
    ]
    if not records or any(record.get("error") not in errnos for _, record in records):
        return frozenset()
    return _versions([bare(str(resolver)) for resolver, _ in records])


def bare(resolver: str) -> str:
    """Return the address of ``10.0.0.1:5353`` or ``[fd00::1]:53``."""
    if resolver.startswith("["):
        return resolver[1:].partition("]")[0]
    return resolver.partition(":")[0] if resolver.count(":") == 1 else resolver


def _versions(texts: Iterable[Json]) -> frozenset[int]:
    found = set()
    for text in texts:
        try:
            found.add(ipaddress.ip_address(str(text)).version)
        except ValueError:
            continue
    return frozenset(found)


def _name_servers(seen: Seen, target: str) -> str:
    answers = _list(_evidence(seen, target, "dns").get("answers"))
    asked = [str(each.get("resolver")) for each in answers if isinstance(each, Mapping)]
    shown = ", ".join(who if bare(who) != who else f"{who} port 53" for who in asked)
    return f"UDP from this workstation to {shown}" if shown else ""


def _source(tcp: Mapping[str, Json], tries: Sequence[Mapping[str, Json]]) -> str:
    ports = list(dict.fromkeys(str(t["local_port"]) for t in tries if t.get("local_port")))
    shown = ", ".join(ports[:MOST_PORTS]) + (" …" if len(ports) > MOST_PORTS else "")
    where = str(tcp.get("local_address") or "this workstation")
    return f"{where} port {shown}" if shown else where


def _end(evidence: Mapping[str, Json], tries: Sequence[Mapping[str, Json]] = ()) -> str:
    """Return the far addresses and the port that *evidence* names; "" if it names none."""
    tried = list(dict.fromkeys(str(each["address"]) for each in tries))
    one = evidence.get("address")
    where = [str(one)] if one else tried
    port = evidence.get("port")
    if not where:
        return ""
    return " or ".join(where) + (f" port {port}" if port else "")


def _icmp(seen: Seen, target: str) -> list[Mapping[str, Json]]:
    told = (each.get("icmp") for each in _tried(seen, target))
    return [icmp for icmp in told if isinstance(icmp, Mapping)]


def _tried(seen: Seen, target: str) -> list[Mapping[str, Json]]:
    return _tries(_evidence(seen, target, "tcp"))


def _tries(evidence: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    return [
        each
        for each in _list(evidence.get("tries"))
        if isinstance(each, Mapping) and each.get("address")
    ]


def _evidence(seen: Seen, target: str, check: str) -> Mapping[str, Json]:
    observation = seen.get((target, check))
    return observation.evidence if observation else {}


def _list(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()
