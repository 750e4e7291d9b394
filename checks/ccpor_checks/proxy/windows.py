"""Windows: the user's Internet settings, the machine's policy, and WinHTTP's own.

Read from the registry, nothing is called and no text of a program is parsed. The module loads
everywhere; `Registry` is its one door to Windows.

Source: the values that the Internet Options and ``netsh winhttp`` write. Flags of a connection:
``wininet.h``, PROXY_TYPE_*.
"""

from __future__ import annotations

import re
import struct
import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Literal, Protocol
from urllib.parse import urlsplit

from ccpor_checks.proxy.evidence import Source
from ccpor_checks.proxy.settings import Settings, dns_suffixes, split_port

Hive = Literal["user", "machine"]
INTERNET = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings"
POLICY = r"Software\Policies\Microsoft\Windows\CurrentVersion\Internet Settings"
CONNECTIONS = INTERNET + r"\Connections"
PROXY_TYPE_PROXY, PROXY_TYPE_AUTO_DETECT = 0x02, 0x08
FLAGS_AT = 8  # after the structure's version and a counter, four bytes each
LOOPBACK = ("localhost", "127.0.0.1", "::1")
STATIC = re.compile(r"(?:([a-z]+)=)?(.+)", re.I)


class Registry(Protocol):
    """Values of HKEY_CURRENT_USER and HKEY_LOCAL_MACHINE."""

    def value(self, hive: Hive, key: str, name: str) -> str | int | bytes:
        """Return one value.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """


class WindowsRegistry:
    """The registry itself, its 64-bit view also from a 32-bit Python."""

    def value(self, hive: Hive, key: str, name: str) -> str | int | bytes:
        if sys.platform != "win32":
            raise FileNotFoundError("there is no registry on this system")
        import winreg

        root = winreg.HKEY_CURRENT_USER if hive == "user" else winreg.HKEY_LOCAL_MACHINE
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(root, key, access=access) as opened:
            found: str | int | bytes = winreg.QueryValueEx(opened, name)[0]
            return found


class WindowsSettings:
    """This user's and this machine's settings, by the registry given; Windows' own by default."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry: Registry = registry or WindowsRegistry()

    def settings(self) -> tuple[Settings, ...]:
        """Return the user's settings, then WinHTTP's; those that set nothing are left out.

        The machine's policy takes the user's place where it says that settings are per machine.
        """
        hive: Hive = "user"
        if self._number("machine", POLICY, "ProxySettingsPerUser") == 0:
            hive = "machine"
        found = (self._internet(hive), self._winhttp())
        return tuple(one for one in found if one is not None)

    def exempts(self, entry: str, host: str, port: int) -> bool:
        """Say whether *entry* of ProxyOverride means *host*; the loopback is never sent away."""
        host = host.lower()
        if host in LOOPBACK or host.endswith(".localhost"):
            return True
        entry = entry.strip().lower()
        if entry == "<local>":
            return "." not in host and ":" not in host
        entry, number = split_port(entry.rpartition("://")[2])
        if number is not None and number != port:
            return False
        return bool(entry) and fnmatchcase(host, entry.strip("[]").replace("[", "[[]"))

    def suffixes(self) -> tuple[str, ...]:
        return dns_suffixes()

    def _internet(self, hive: Hive) -> Settings | None:
        source: Source = "user-settings" if hive == "user" else "machine-policy"
        server = self._text(hive, "ProxyServer") if self._is_on(hive) else None
        override = self._text(hive, "ProxyOverride") or ""
        settings = Settings(
            source=source,
            proxies=static_proxies(server or ""),
            bypass=_entries(override) if server else (),
            pac_url=self._text(hive, "AutoConfigURL"),
            detect=bool(self._flags(hive) & PROXY_TYPE_AUTO_DETECT),
        )
        return settings if settings.proxies or settings.pac_url or settings.detect else None

    def _is_on(self, hive: Hive) -> bool:
        for key in (POLICY, INTERNET):
            if (number := self._number(hive, key, "ProxyEnable")) is not None:
                return number != 0
        return False

    def _flags(self, hive: Hive) -> int:
        blob = self._value(hive, CONNECTIONS, "DefaultConnectionSettings")
        if not isinstance(blob, bytes) or len(blob) < FLAGS_AT + 4:
            return 0
        return int(struct.unpack_from("<I", blob, FLAGS_AT)[0])

    def _winhttp(self) -> Settings | None:
        blob = self._value("machine", CONNECTIONS, "WinHttpSettings")
        if not isinstance(blob, bytes):
            return None
        server, bypass = winhttp_proxy(blob)
        proxies = static_proxies(server)
        if not proxies:
            return None
        return Settings(source="winhttp", proxies=proxies, bypass=_entries(bypass))

    def _text(self, hive: Hive, name: str) -> str | None:
        for key in (POLICY, INTERNET):
            value = self._value(hive, key, name)
            if isinstance(value, str) and value.strip():
                return value.strip()
        return None

    def _number(self, hive: Hive, key: str, name: str) -> int | None:
        value = self._value(hive, key, name)
        return value if isinstance(value, int) else None

    def _value(self, hive: Hive, key: str, name: str) -> str | int | bytes | None:
        """Return one value, None where it is not set.

        Raises:
            OSError: It is there and not ours to read: that is not "not set".
        """
        try:
            return self._registry.value(hive, key, name)
        except FileNotFoundError:
            return None


def static_proxies(server: str) -> Mapping[str, str]:
    """Return the proxies that ProxyServer names: one for all, or ``http=…;https=…``.

    Windows sends ``https`` to a proxy spoken to in plain HTTP, however it is written.
    """
    found: dict[str, str] = {}
    for part in filter(None, server.replace(" ", ";").split(";")):
        matched = STATIC.fullmatch(part)
        if matched is None:
            continue
        scheme = (matched[1] or "*").lower()
        found[scheme if scheme != "socks" else "socks"] = _plain(matched[2])
    if "socks" in found and not found.keys() & {"*", "https", "http"}:
        found["*"] = f"socks://{urlsplit('//' + found['socks']).netloc}"
    found.pop("socks", None)
    return found


def _plain(text: str) -> str:
    return text.rpartition("://")[2].rstrip("/")


def winhttp_proxy(blob: bytes) -> tuple[str, str]:
    """Return server and bypass list out of WinHttpSettings; empty where it says "direct".

    Twelve bytes (version, counter, flags), then both texts, each after its length.
    """
    try:
        _version, _counter, flags, length = struct.unpack_from("<IIII", blob)
        server = blob[16 : 16 + length]
        (rest,) = struct.unpack_from("<I", blob, 16 + length)
        bypass = blob[20 + length : 20 + length + rest]
    except struct.error:
        return "", ""
    if not flags & PROXY_TYPE_PROXY or len(server) != length:
        return "", ""
    return server.decode("latin-1"), bypass.decode("latin-1")


def _entries(text: str) -> tuple[str, ...]:
    return tuple(filter(None, re.split(r"[;\s]+", text.strip())))
