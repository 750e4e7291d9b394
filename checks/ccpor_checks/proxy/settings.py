"""What this workstation's own settings say about proxies: the seam, and its Linux side.

Source: the variables as curl(1) and Python's urllib read them, lower case before upper case.
``NO_PROXY``: ``*`` for everything; a name stands for itself and what ends in it, with a port for
that port alone; an address or a network (CIDR) for addresses written in the URL. Nothing is looked
up to compare.
"""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from collections.abc import Mapping
from typing import Protocol

import msgspec

from ccpor_checks.proxy.evidence import Source

WITH_PORT = re.compile(r"(\[[^\]]*\]|[^:\[\]]*):([0-9]{1,5})")  # an IPv6 address in brackets alone


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """proxies: by scheme of the target's URL, ``*`` for every other one; may hold an account.

    bypass: who is not sent to a proxy, as written. pac_url: of a file that chooses. detect: look
    for such a file under the name ``wpad``.
    """

    source: Source
    proxies: Mapping[str, str] = msgspec.field(default_factory=dict)
    bypass: tuple[str, ...] = ()
    pac_url: str | None = None
    detect: bool = False

    def proxy_for(self, scheme: str) -> str | None:
        """Return the proxy for URLs of *scheme*, as written; None: none is set."""
        asked = "http" if scheme == "http" else "https"
        return self.proxies.get(asked) or self.proxies.get("*") or None


class System(Protocol):
    """Where an operating system keeps such settings, in the order in which they count."""

    def settings(self) -> tuple[Settings, ...]: ...

    def exempts(self, entry: str, host: str, port: int) -> bool:
        """Say whether the bypass *entry* means *host*:*port*, by the system's own rules."""

    def suffixes(self) -> tuple[str, ...]:
        """Return the DNS suffixes under which the name ``wpad`` may be looked for."""


class Environment:
    """Linux and its kin: environment variables."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = os.environ if variables is None else variables

    def settings(self) -> tuple[Settings, ...]:
        found = {
            scheme: value
            for scheme, name in (("http", "http_proxy"), ("https", "https_proxy"))
            if (value := self._value(name))
        }
        if every := self._value("all_proxy"):
            found["*"] = every
        if not found:
            return ()
        entries = (self._value("no_proxy") or "").replace(",", " ").split()
        return (Settings(source="environment", proxies=found, bypass=tuple(entries)),)

    def _value(self, name: str) -> str | None:
        """Return a variable; an empty one in lower case hides the other, as curl has it.

        A web server's CGI programs get a client's header ``Proxy:`` as HTTP_PROXY: no setting.
        """
        if name in self._variables:
            return self._variables[name].strip() or None
        if name == "http_proxy" and "REQUEST_METHOD" in self._variables:
            return None
        return self._variables.get(name.upper(), "").strip() or None

    def exempts(self, entry: str, host: str, port: int) -> bool:
        if entry == "*":
            return True
        entry, number = split_port(entry)
        if number is not None and number != port:
            return False
        entry, host = entry.strip("[]").lower().rstrip("."), host.lower().rstrip(".")
        address = _address(host)
        if address is not None:
            return _holds(entry, address)
        entry = entry.removeprefix("*").removeprefix(".")
        return bool(entry) and (host == entry or host.endswith("." + entry))

    def suffixes(self) -> tuple[str, ...]:
        return dns_suffixes()


def split_port(entry: str) -> tuple[str, int | None]:
    """Return a bypass entry without its port, and the port; None: the entry names none."""
    matched = WITH_PORT.fullmatch(entry)
    return (matched[1], int(matched[2])) if matched else (entry, None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _holds(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False


def dns_suffixes() -> tuple[str, ...]:
    """Return this workstation's own DNS suffixes; none where none is set."""
    from dns import exception, resolver

    try:
        own = resolver.Resolver()
    except (exception.DNSException, OSError):
        return ()
    names = [*own.search, *([own.domain] if own.domain else [])]
    texts = (name.to_text(omit_final_dot=True).lower() for name in names)
    return tuple(dict.fromkeys(text for text in texts if "." in text))


def this_system() -> System:
    """Return where this machine keeps its settings."""
    if sys.platform == "win32":
        from ccpor_checks.proxy.windows import WindowsSettings

        return WindowsSettings()
    return Environment()
