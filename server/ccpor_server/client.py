"""Who is at the other end: the socket's address, or what a trusted proxy says of it."""

from __future__ import annotations

import ipaddress

from starlette.requests import Request

from ccpor_server.settings import Network

LONGEST_VIA = 120


def client_address(request: Request) -> str:
    """Return the client's address; "unknown" when the server did not give one."""
    peer = request.client.host if request.client else ""
    trusted = request.app.state.collector.settings.trusted_proxies
    hops = request.headers.getlist("x-forwarded-for")
    return behind_proxies(peer, ",".join(hops), trusted) or "unknown"


def named_proxy(request: Request) -> str | None:
    """Return the header by which a proxy on the court's side named itself; None: none did.

    What our own trusted proxies say of the client is no such thing.
    """
    peer = request.client.host if request.client else ""
    hops = [
        one.strip()
        for header in request.headers.getlist("x-forwarded-for")
        for one in header.split(",")
        if one.strip()
    ]
    if _within(peer, request.app.state.collector.settings.trusted_proxies):
        known = client_address(request)
        further = hops[: len(hops) - hops[::-1].index(known) - 1] if known in hops else []
        return _shown("X-Forwarded-For", ", ".join(further))
    for name in ("via", "forwarded", "x-forwarded-for"):
        if shown := _shown(name.title(), request.headers.get(name, "")):
            return shown
    return None


def _shown(name: str, value: str) -> str | None:
    kept = "".join(letter for letter in value if letter.isprintable())[:LONGEST_VIA].strip()
    return f"{name}: {kept}" if kept else None


def behind_proxies(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Return the nearest address that no trusted proxy has: what lies further left is hearsay."""
    address = peer
    for hop in reversed([one.strip() for one in forwarded.split(",") if one.strip()]):
        if not _within(address, trusted):
            break
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            break
    return address


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
