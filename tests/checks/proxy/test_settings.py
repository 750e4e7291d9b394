"""What this workstation is set to: environment variables, and the registry's values."""

from __future__ import annotations

import struct
import time
from typing import Any

import pytest

from ccpor_checks.base import CannotObserve, Context, OptionsRefused, Target
from ccpor_checks.proxy.choice import Decision, decide
from ccpor_checks.proxy.evidence import ProxyOptions
from ccpor_checks.proxy.settings import Environment
from ccpor_checks.proxy.windows import (
    CONNECTIONS,
    INTERNET,
    POLICY,
    WindowsSettings,
    static_proxies,
    winhttp_proxy,
)


def target(host: str = "ccpor.example.org", *, scheme: str = "https", port: int = 443) -> Target:
    return Target(id="t", url=f"{scheme}://{host}", scheme=scheme, host=host, port=port)


def decided(system: Any, aimed: Target | None = None) -> Decision:
    ctx = Context(deadline=time.monotonic() + 5)
    return decide(aimed or target(), ProxyOptions(), ctx, system)


def chosen(variables: dict[str, str], aimed: Target | None = None) -> str | None:
    (proxy,) = decided(Environment(variables), aimed).proxies
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("variables", "scheme", "wanted"),
    [
        ({}, "https", None),
        ({"HTTPS_PROXY": "http://p:3128"}, "https", "http://p:3128"),
        ({"https_proxy": "http://p:3128"}, "https", "http://p:3128"),
        ({"https_proxy": "p:3128"}, "https", "http://p:3128"),
        ({"https_proxy": "http://p"}, "https", "http://p:80"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://big:2"}, "https", "http://small:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://big:2"}, "https", None),
        ({"HTTP_PROXY": "http://p:3128"}, "https", None),
        ({"HTTP_PROXY": "http://p:3128"}, "http", "http://p:3128"),
        ({"HTTP_PROXY": "http://evil:1", "REQUEST_METHOD": "GET"}, "http", None),
        ({"ALL_PROXY": "http://p:3128"}, "https", "http://p:3128"),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://p:2"}, "https", "http://p:2"),
        ({"https_proxy": "http://[2001:db8::5]:3128"}, "https", "http://[2001:db8::5]:3128"),
    ],
)  # fmt: skip
def test_the_environments_proxy_is_the_one_that_curl_takes(
    variables: dict[str, str], scheme: str, wanted: str | None
) -> None:
    assert chosen(variables, target(scheme=scheme)) == wanted


@pytest.mark.parametrize(
    ("entries", "host", "exempt"),
    [
        ("*", "ccpor.example.org", True),
        ("example.org", "ccpor.example.org", True),
        (".example.org", "ccpor.example.org", True),
        ("*.example.org", "ccpor.example.org", True),
        ("EXAMPLE.org.", "ccpor.example.org", True),
        ("ample.org", "ccpor.example.org", False),
        ("other.org, ccpor.example.org", "ccpor.example.org", True),
        ("ccpor.example.org:443", "ccpor.example.org", True),
        ("ccpor.example.org:8443", "ccpor.example.org", False),
        ("10.0.0.0/8", "10.20.0.5", True),
        ("10.0.0.0/8", "11.20.0.5", False),
        ("10.20.0.5", "10.20.0.5", True),
        ("0.5", "10.20.0.5", False),
        ("10.0.0.0/8", "ten.example.org", False),
        ("2001:db8::/32", "2001:db8::5", True),
        ("[2001:db8::5]:443", "2001:db8::5", True),
        ("2001:db8::5", "2001:db8::5", True),
        ("", "ccpor.example.org", False),
        (",,  ,", "ccpor.example.org", False),
    ],
)
def test_no_proxy_exempts_what_it_names_and_nothing_else(
    entries: str, host: str, exempt: bool
) -> None:
    """An exemption too wide hides the proxy's faults; one too narrow invents them."""
    found = decided(
        Environment({"https_proxy": "http://p:3128", "no_proxy": entries}), target(host)
    )

    assert (found.proxies == (None,)) is exempt
    assert (found.bypassed_by is not None) is exempt


@pytest.mark.parametrize("url", ["socks5://p:1080", "https://p:443", "http://", "http://p:99999"])
def test_a_kind_of_proxy_that_is_not_spoken_is_our_inability(url: str) -> None:
    with pytest.raises(CannotObserve, match="SOCKS"):
        chosen({"https_proxy": url})


# --- Windows ---------------------------------------------------------------------------------


class Registry:
    """A registry with the values given, by hive, key and name."""

    def __init__(self, *values: tuple[str, str, str, str | int | bytes]) -> None:
        self.values = {(hive, key, name): value for hive, key, name, value in values}

    def value(self, hive: str, key: str, name: str) -> str | int | bytes:
        try:
            return self.values[hive, key, name]
        except KeyError:
            raise FileNotFoundError from None


def windows(*values: tuple[str, str, str, str | int | bytes]) -> WindowsSettings:
    return WindowsSettings(Registry(*values))


def connection(flags: int) -> bytes:
    """DefaultConnectionSettings as far as its flags."""
    return struct.pack("<III", 0x46, 7, flags) + bytes(20)


def winhttp(server: str, bypass: str, flags: int = 3) -> bytes:
    parts = (struct.pack("<I", len(text)) + text.encode() for text in (server, bypass))
    return struct.pack("<III", 0x28, 0, flags) + b"".join(parts)


STATIC = (
    ("user", INTERNET, "ProxyEnable", 1),
    ("user", INTERNET, "ProxyServer", "proxy.court.test:8080"),
)


def test_windows_without_a_setting_has_no_proxy() -> None:
    assert decided(windows()).source == "none"
    assert decided(windows(("user", INTERNET, "ProxyServer", "left:1"))).proxies == (None,)


def test_windows_user_settings_name_the_proxy() -> None:
    found = decided(windows(*STATIC))
    (proxy,) = found.proxies

    assert (found.source, proxy.url if proxy else None) == (
        "user-settings",
        "http://proxy.court.test:8080",
    )


@pytest.mark.parametrize(
    ("entry", "host", "exempt"),
    [
        ("<local>", "intranet", True),
        ("<local>", "ccpor.example.org", False),
        ("*.example.org", "ccpor.example.org", True),
        ("ccpor.*", "CCPOR.example.org", True),
        ("10.*", "10.20.0.5", True),
        ("other;*.example.org;<local>", "ccpor.example.org", True),
        ("ccpor.example.org:443", "ccpor.example.org", True),
        ("ccpor.example.org:80", "ccpor.example.org", False),
        ("https://*.example.org", "ccpor.example.org", True),
        ("example.org", "ccpor.example.org", False),
        ("", "127.0.0.1", True),
        ("", "localhost", True),
        ("[2001:db8::5]", "2001:db8::5", True),
    ],
)
def test_windows_override_exempts_by_its_own_rules(entry: str, host: str, exempt: bool) -> None:
    """Wildcards instead of suffixes, and the loopback always."""
    found = decided(windows(*STATIC, ("user", INTERNET, "ProxyOverride", entry)), target(host))

    assert (found.proxies == (None,)) is exempt


def test_windows_automatic_detection_is_told_by_its_flag() -> None:
    (on,) = windows(("user", CONNECTIONS, "DefaultConnectionSettings", connection(9))).settings()

    assert on.detect
    assert not windows(("user", CONNECTIONS, "DefaultConnectionSettings", connection(1))).settings()
    assert not windows(("user", CONNECTIONS, "DefaultConnectionSettings", b"\x46")).settings()


def test_windows_script_address_is_read_from_the_policy_first() -> None:
    (found,) = windows(
        ("user", INTERNET, "AutoConfigURL", "http://user/x.pac"),
        ("user", POLICY, "AutoConfigURL", "http://policy/x.pac"),
    ).settings()

    assert found.pac_url == "http://policy/x.pac"


def test_windows_settings_per_machine_take_the_users_place() -> None:
    found = decided(
        windows(
            *STATIC,
            ("machine", POLICY, "ProxySettingsPerUser", 0),
            ("machine", INTERNET, "ProxyEnable", 1),
            ("machine", INTERNET, "ProxyServer", "machine.court.test:8080"),
        )
    )

    assert found.source == "machine-policy"
    assert found.proxies[0] is not None
    assert found.proxies[0].host == "machine.court.test"


def test_winhttp_counts_where_the_user_has_none() -> None:
    """A service has no user: ``netsh winhttp set proxy`` is what it goes by."""
    machine = ("machine", CONNECTIONS, "WinHttpSettings", winhttp("service:3128", "*.doj.test"))
    alone = decided(windows(machine))

    assert (alone.source, alone.proxies[0]) == ("winhttp", alone.proxies[0])
    assert alone.proxies[0] is not None
    assert alone.proxies[0].url == "http://service:3128"
    assert decided(windows(machine), target("a.doj.test")).proxies == (None,)
    assert decided(windows(*STATIC, machine)).source == "user-settings"


@pytest.mark.parametrize(
    "blob",
    [
        b"",
        b"\x28",
        winhttp("p:1", "")[:20],
        winhttp("", "", 1),
        winhttp("p:1", "", 1),
        b"\xff" * 16,
    ],
)
def test_a_winhttp_value_that_says_direct_or_nothing_sets_no_proxy(blob: bytes) -> None:
    assert winhttp_proxy(blob) == ("", "")


@pytest.mark.parametrize(
    ("server", "wanted"),
    [
        ("p:1", {"*": "p:1"}),
        ("http=a:1;https=b:2", {"http": "a:1", "https": "b:2"}),
        ("http=a:1 https=b:2", {"http": "a:1", "https": "b:2"}),
        ("https=https://b:2/", {"https": "b:2"}),
        ("socks=s:1", {"*": "socks://s:1"}),
        ("https=b:2;socks=s:1", {"https": "b:2"}),
        ("", {}),
    ],
)
def test_windows_proxy_server_names_one_or_one_for_each_scheme(
    server: str, wanted: dict[str, str]
) -> None:
    assert static_proxies(server) == wanted


def test_an_unreadable_registry_is_not_an_empty_one() -> None:
    class Locked(Registry):
        def value(self, hive: str, key: str, name: str) -> str | int | bytes:
            raise PermissionError

    with pytest.raises(CannotObserve, match="cannot be read"):
        decided(WindowsSettings(Locked()))


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"url": "http://p:1"}, "url"),
        ({"mode": "pac", "url": "http://p:1"}, "url"),
        ({"mode": "url", "url": "http://p:1", "pac_url": "http://p/x"}, "pac_url"),
        ({"mode": "url"}, "mode"),
        ({"mode": "url", "url": "socks5://p:1"}, "url"),
        ({"mode": "url", "url": "http://u:p@h:1"}, "url"),
        ({"mode": "url", "url": "http://h:0"}, "url"),
        ({"username": "clerk"}, "username"),
        ({"password_file": "p.txt"}, "password_file"),
    ],
)
def test_options_that_mean_nothing_are_refused(options: dict[str, str], key: str) -> None:
    """A proxy that is written down and not used would be believed to be looked at."""
    with pytest.raises(OptionsRefused) as caught:
        ProxyOptions(**options)  # type: ignore[arg-type]

    assert key in {str(each.key[0]) for each in caught.value.refusals}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "direct"},
        {"mode": "pac"},
        {"mode": "pac", "pac_url": "http://wpad.example.org/wpad.dat"},
        {"mode": "url", "url": "http://p:1", "username": "clerk", "password_file": "p.txt"},
    ],
)
def test_every_option_is_sound_alone_and_with_its_half(options: dict[str, str]) -> None:
    asked = ProxyOptions(**options)  # type: ignore[arg-type]

    assert not list(asked.refusals())
