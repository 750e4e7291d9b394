"""Where two causes belong together: each scope gives both sides names; a shared one joins them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.networks import is_address, neighbours
from ccpor_reporting.diagnosis.places import proxy_of
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.diagnosis.ways import BEFORE_THE_FIRST, HERE
from ccpor_reporting.diagnosis.wire import known_addresses

Names = Callable[[Suspect, Facts], set[str]]


def _targets(suspect: Suspect, _known: Facts) -> set[str]:
    return {member.target for member in suspect.members}


def _hosts(suspect: Suspect, known: Facts) -> set[str]:
    hosts = (known.where(member.target).host for member in suspect.members)
    return {host for host in hosts if host}


def _ports(suspect: Suspect, known: Facts) -> set[str]:
    places = (known.where(member.target) for member in suspect.members)
    return {str(where) for where in places if where.host}


def _place(suspect: Suspect, _known: Facts) -> set[str]:
    return {suspect.place} if suspect.place else set()


def _proxies(suspect: Suspect, known: Facts) -> set[str]:
    return {who for member in suspect.members if (who := proxy_of(member, known))}


def _proxy_ends(suspect: Suspect, known: Facts) -> set[str]:
    return {end for who in _proxies(suspect, known) if (end := end_of(who))}


def end_of(proxy: str) -> str:
    """Return ``host:port`` of a proxy's URL; "" of what is none."""
    try:
        parts = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        host = parts.hostname or ""
        shown = f"[{host}]" if ":" in host else host
        return f"{shown}:{parts.port}" if host and parts.port else ""
    except ValueError:
        return ""


def _networks(suspect: Suspect, known: Facts) -> set[str]:
    found = set()
    for member in suspect.members:
        tried = known_addresses(known.seen, member.target)
        for text in (*tried, known.where(member.target).host):
            if is_address(text):
                found.add(neighbours(text))
    return found


def _this_side(suspect: Suspect, _known: Facts) -> set[str]:
    return {"here"} if suspect.place in (HERE, BEFORE_THE_FIRST) else set()


def _everywhere(_suspect: Suspect, _known: Facts) -> set[str]:
    return {"everywhere"}


# Of the cause that explains, and of the one that is explained.
SCOPE: Mapping[str, tuple[Names, Names]] = {
    "anywhere": (_everywhere, _everywhere),
    "same target": (_targets, _targets),
    "same host": (_hosts, _hosts),
    "same network": (_networks, _networks),
    "this side": (_this_side, _this_side),
    "same place": (_place, _place),
    "the proxy itself": (_proxy_ends, _ports),
}
