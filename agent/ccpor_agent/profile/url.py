"""The URL of a target: taken apart, refused when it is not one target, and its chain of checks."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

SECRET = re.compile(r"(access_?)?(pass(word)?|token|secret|api_?key)\Z", re.I)
LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\Z")
LONGEST_URL = 2000
LONGEST_NAME = 253  # RFC 1035, section 2.3.4, without the length octets
DEVICE_NAME = re.compile(r"[^\x00-\x1f\x7f]{1,200}\Z")


@dataclass(frozen=True, slots=True)
class Scheme:
    """chain: checks in order; branches: checks that only their own table adds.

    port: the default one, 0 where the URL must name it, None where there is none.
    """

    chain: tuple[str, ...]
    branches: tuple[str, ...] = ()
    port: int | None = None
    path: bool = False
    device: bool = False  # the rest of the URL names a device, not a host


SCHEMES: dict[str, Scheme] = {
    "tcp": Scheme(("dns", "tcp"), ("path",), 0),
    "tls": Scheme(("dns", "tcp", "tls"), ("proxy",), 0),
    "http": Scheme(("dns", "tcp", "http"), ("proxy", "gateway", "order"), 80, path=True),
    "https": Scheme(("dns", "tcp", "tls", "http"), ("proxy", "gateway", "order"), 443, path=True),
    "ssh": Scheme(("dns", "tcp", "ssh"), (), 22),
    "sftp": Scheme(("dns", "tcp", "ssh", "sftp"), (), 22, path=True),
    "ntp": Scheme(("dns", "clock"), (), 123),
    "snmp": Scheme(("dns", "snmp"), (), 161),
    "stamp": Scheme(("dns", "path"), (), 862),
    "icmp": Scheme(("dns", "path")),
    "capacity": Scheme(("dns", "tcp", "capacity"), ("proxy",), 0),
    "iperf3": Scheme(("dns", "tcp", "capacity"), (), 5201),
    "sane": Scheme(("scanner",), device=True),
    "twain": Scheme(("scanner",), device=True),
    "wia": Scheme(("scanner",), device=True),
    "isis": Scheme(("scanner",), device=True),
    "escl": Scheme(("scanner",), (), 80, path=True),
    "workstation": Scheme(("workstation",), device=True),
}


class UrlInvalid(ValueError):
    """Not a URL of one target; `shown` is what may be quoted, the message says what to write."""

    def __init__(self, shown: str, wanted: str) -> None:
        super().__init__(wanted)
        self.shown, self.wanted = shown, wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A target's URL, taken apart. host: without brackets; path: with its query."""

    text: str
    scheme: str
    host: str = ""
    port: int | None = None
    path: str = ""
    username: str | None = None

    @property
    def is_address(self) -> bool:
        """True where the host is an address: nothing to resolve."""
        return is_address(self.host)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def read_url(text: str) -> Url:
    """Return *text* taken apart.

    Raises:
        UrlInvalid: Unknown scheme, no host or port, a password, a network instead of one host.
    """
    if len(text) > LONGEST_URL or not text.isprintable():
        raise UrlInvalid(_hidden(text), f"write a URL of at most {LONGEST_URL} printable letters")
    name, colon, rest = text.partition(":")
    scheme = SCHEMES.get(name)
    if scheme is None or not colon:
        raise UrlInvalid(_hidden(text), f"write a URL that starts with one of {_all_schemes()}")
    if scheme.device:
        return _device(text, name, rest)
    if " " in text:
        raise UrlInvalid(_hidden(text), "write the URL without blanks, %20 stands for one")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise UrlInvalid(
            _hidden(text), f"write {name}://HOST:PORT with a port from 1 to 65535"
        ) from None
    if parts.password is not None:
        raise UrlInvalid(
            _hidden(text),
            "secrets never stand in a profile, write the password in a file of its own",
        )
    if any(SECRET.match(key) for key, _value in parse_qsl(parts.query)):
        wanted = "secrets never stand in a profile, leave it out of the query"
        raise UrlInvalid(text.partition("?")[0] + "?(not shown)", wanted)
    _one_host(text, name, parts, scheme)
    if port is None and scheme.port == 0:
        raise UrlInvalid(text, f"write the port too, e.g. {name}://{_bracketed(host)}:443")
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    return Url(
        text=text,
        scheme=name,
        host=host,
        port=port if port is not None else scheme.port,
        path=path,
        username=parts.username,
    )


def _one_host(text: str, name: str, parts: SplitResult, scheme: Scheme) -> None:
    host = parts.hostname or ""
    if not host:
        raise UrlInvalid(text, f"write the host too, e.g. {name}://ccpor.example.org")
    if "*" in host or (not scheme.path and re.match(r"/\d", parts.path)):
        raise UrlInvalid(text, "write one host, networks are not swept")
    if not scheme.path and (parts.path not in ("", "/") or parts.query):
        raise UrlInvalid(text, f"write {name}://HOST:PORT without a path")
    if parts.fragment or (parts.port == 0):
        wanted = "a port from 1 to 65535" if parts.port == 0 else "the URL without its # part"
        raise UrlInvalid(text, f"write {wanted}")
    if is_address(host):
        return
    labels = host.rstrip(".").split(".")
    if re.fullmatch(r"[\d.\-]+", host) or ":" in host:
        raise UrlInvalid(text, "write one whole address, e.g. 10.20.0.5 or [2001:db8::5]")
    if len(host) > LONGEST_NAME or not all(LABEL.match(label) for label in labels):
        raise UrlInvalid(text, "write a host name of letters, digits, dots and hyphens")


def _device(text: str, name: str, rest: str) -> Url:
    if name == "workstation":
        if rest:
            raise UrlInvalid(text, "write workstation: alone, it is always this machine")
    elif not DEVICE_NAME.match(rest):
        raise UrlInvalid(text, f"write {name}: and the name of the device, e.g. {name}:fi-7160")
    return Url(text=text, scheme=name, path=rest)


def _hidden(text: str) -> str:
    """Return *text* without what could be a password."""
    return re.sub(r"^([^:/@]*(?:://[^/@:]*)?):.*@", r"\1:(not shown)@", text, flags=re.S)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _all_schemes() -> str:
    return ", ".join(f"{name}:" for name in SCHEMES)
