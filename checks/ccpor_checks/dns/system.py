"""What this workstation itself would do with a name when the profile names no resolvers."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ccpor_checks.kit.hosts_file import addresses_in, hosts_text

RESOLV_CONF = Path("/etc/resolv.conf")
MOST_RESOLVERS = 3  # MAXNS in resolv.conf(5): the C library never asks a fourth
OwnSource = Literal["hosts-file", "localhost"]
LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Resolver:
    """One resolver: `name` is how people wrote it, address without brackets."""

    name: str
    address: str
    port: int = 53


def resolver_from(text: str) -> Resolver:
    """Return the resolver written as ``10.0.0.1``, ``10.0.0.1:5353``, ``::1`` or ``[::1]:5353``.

    Raises:
        ValueError: Not an address, or the port is not one.
    """
    try:
        return Resolver(text, str(ipaddress.ip_address(text.strip("[]"))))
    except ValueError:
        address, _, port = text.rpartition(":")
    try:
        number = int(port)
        where = str(ipaddress.ip_address(address.removeprefix("[").removesuffix("]")))
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise ValueError(
            f'"{text}" is not a resolver; write its address, e.g. "10.0.0.1" or "10.0.0.1:5353"'
        )
    return Resolver(text, where, number)


def nameservers_in(text: str) -> tuple[Resolver, ...]:
    """Return the resolvers that *text* (resolv.conf(5)) names, as the C library reads it."""
    words = (line.split() for line in text.splitlines())
    named = [line[1] for line in words if len(line) > 1 and line[0] == "nameserver"]
    return _resolvers(named[:MOST_RESOLVERS])


def _resolvers(named: list[str]) -> tuple[Resolver, ...]:
    found = []
    for text in named:
        try:
            found.append(resolver_from(text))
        except ValueError:  # the C library passes over a line that it cannot read, too
            continue
    return tuple(found)


def system_resolvers() -> tuple[Resolver, ...]:
    """Return the resolvers this system is set to use; none where none are set."""
    if sys.platform != "win32":
        try:
            return nameservers_in(RESOLV_CONF.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return ()
    from dns import resolver  # reads the registry: adapters in use only

    try:
        return _resolvers([str(server) for server in resolver.Resolver().nameservers])
    except (resolver.NoResolverConfiguration, OSError):
        return ()


@dataclass(frozen=True, slots=True)
class Machine:
    """What this workstation knows of names; tests hand in their own."""

    hosts: Callable[[], str] = hosts_text
    resolvers: Callable[[], tuple[Resolver, ...]] = system_resolvers

    def own_answer(self, name: str) -> tuple[OwnSource, tuple[str, ...]] | None:
        """Return (source, addresses) where no resolver would be asked, else None.

        The hosts file comes first; localhost names are loopback by RFC 6761, section 6.3.
        """
        if found := addresses_in(self.hosts(), name):
            return "hosts-file", found
        last = name.rstrip(".").lower().rpartition(".")[2]
        return ("localhost", LOOPBACK) if last == "localhost" else None
