"""Who runs the routers of which addresses, as the profile's ``[network]`` says."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from ccpor_reporting.model import Network, Owner

AnyNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Range:
    """One address range and whose it is."""

    network: AnyNetwork
    owner: Owner


def ranges(networks: Iterable[Network]) -> tuple[Range, ...]:
    """Return the ranges, the narrowest first; unreadable ones of a stored report are left out."""
    found = []
    for entry in networks:
        for text in entry.addresses:
            try:
                found.append(Range(ipaddress.ip_network(text, strict=False), entry.owner))
            except ValueError:
                continue
    return tuple(sorted(found, key=lambda known: -known.network.prefixlen))


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def neighbours(address: str) -> str:
    """Return the network that *address* shares with its neighbours: /24, or /64 of IPv6."""
    bits = 24 if ipaddress.ip_address(address).version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def owner_of(address: str, known: Iterable[Range]) -> Owner | None:
    """Return who runs *address*: the owner of the narrowest range that holds it; None if none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return next((each.owner for each in known if parsed in each.network), None)
