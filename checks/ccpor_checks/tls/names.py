"""Does a certificate name the host? RFC 9525: subjectAltName only, wildcards as a whole label."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

LEAST_LABELS_UNDER_WILDCARD = 2  # "*.org" would cover what nobody owns as a whole

LONGEST_LABEL = 63


def ascii_name(host: str) -> str:
    """Return *host* as certificates and DNS hold it: A-labels, lower case, no final dot.

    Raises:
        ValueError: *host* cannot be a name: an empty label, or one over 63 octets (RFC 1035).
    """
    bare = host.removesuffix(".")
    if as_address(bare):
        return bare.lower()
    name = bare.lower() if bare.isascii() else bare.encode("idna").decode("ascii").lower()
    if not all(0 < len(label) <= LONGEST_LABEL for label in name.split(".")):
        raise ValueError(f"{host!r} is no host name")
    return name


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def certificate_matches(names: Iterable[str], host: str) -> bool:
    """Say whether one of *names* (DNS names and addresses of the certificate) is *host*."""
    address = as_address(host)
    if address is not None:
        return any(as_address(name) == address for name in names)
    wanted = ascii_name(host)
    return any(_dns_name_matches(name.lower().rstrip("."), wanted) for name in names)


def _dns_name_matches(pattern: str, wanted: str) -> bool:
    if pattern == wanted:
        return True
    star, _, rest = pattern.partition(".")
    label, _, parent = wanted.partition(".")
    return (
        star == "*"
        and bool(label)
        and parent == rest
        and rest.count(".") + 1 >= LEAST_LABELS_UNDER_WILDCARD
    )
