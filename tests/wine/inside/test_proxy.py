"""The proxy settings of Windows, read from a real registry, and a PAC file run in a process."""

from __future__ import annotations

import contextlib
import struct
import time
import winreg
from collections.abc import Iterator

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.proxy import pac
from ccpor_checks.proxy.choice import Decision, decide
from ccpor_checks.proxy.evidence import ProxyOptions
from ccpor_checks.proxy.settings import this_system
from ccpor_checks.proxy.windows import CONNECTIONS, INTERNET

HIVES = {"user": winreg.HKEY_CURRENT_USER, "machine": winreg.HKEY_LOCAL_MACHINE}
TARGET = Target(
    id="t", url="https://ccpor.example.org", scheme="https", host="ccpor.example.org", port=443
)
KINDS = {int: winreg.REG_DWORD, str: winreg.REG_SZ, bytes: winreg.REG_BINARY}


@contextlib.contextmanager
def registry(hive: str, key: str, **values: str | int | bytes) -> Iterator[None]:
    """Set values, and put back what was there."""
    before: dict[str, tuple[object, int] | None] = {}
    with winreg.CreateKeyEx(HIVES[hive], key, access=winreg.KEY_ALL_ACCESS) as opened:
        for name, value in values.items():
            try:
                before[name] = winreg.QueryValueEx(opened, name)
            except FileNotFoundError:
                before[name] = None
            winreg.SetValueEx(opened, name, 0, KINDS[type(value)], value)
        try:
            yield
        finally:
            for name, old in before.items():
                if old is None:
                    winreg.DeleteValue(opened, name)
                else:
                    winreg.SetValueEx(opened, name, 0, old[1], old[0])


def decided() -> Decision:
    context = Context(deadline=time.monotonic() + 20)
    return decide(TARGET, ProxyOptions(), context, this_system())


def test_a_fresh_windows_has_no_proxy() -> None:
    """Without values, and with the blob that Windows itself writes for "direct"."""
    assert decided().proxies == (None,)
    direct = struct.pack("<III", 0x46, 1, 1) + bytes(44)
    with registry("user", CONNECTIONS, DefaultConnectionSettings=direct):
        assert decided().proxies == (None,)


def test_the_users_proxy_and_its_exemptions_are_read() -> None:
    with registry("user", INTERNET, ProxyEnable=1, ProxyServer="proxy.court.test:8080"):
        found = decided()
        assert found.source == "user-settings"
        assert [proxy.url for proxy in found.proxies if proxy] == ["http://proxy.court.test:8080"]
        with registry("user", INTERNET, ProxyOverride="*.example.org;<local>"):
            assert decided().bypassed_by == "*.example.org"
        with registry("user", INTERNET, ProxyEnable=0):
            assert decided().proxies == (None,)


def test_winhttps_own_proxy_counts_where_the_user_has_none() -> None:
    """The value as ``netsh winhttp set proxy`` writes it."""
    texts = (b"service.court.test:3128", b"*.doj.test")
    blob = struct.pack("<III", 0x28, 0, 3)
    blob += b"".join(struct.pack("<I", len(text)) + text for text in texts)
    with registry("machine", CONNECTIONS, WinHttpSettings=blob):
        found = decided()

    assert found.source == "winhttp"
    assert [proxy.url for proxy in found.proxies if proxy] == ["http://service.court.test:3128"]


def test_a_script_that_is_set_and_not_there_is_told() -> None:
    with registry("user", INTERNET, AutoConfigURL="http://127.0.0.1:9/proxy.pac"):
        found = decided()

    assert found.pac is not None
    assert (found.pac.failure, found.proxies) == ("unavailable", (None,))


def test_the_environment_is_not_windows_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere:1")

    assert decided().proxies == (None,)


def test_a_script_runs_in_a_process_that_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("dukpy", reason="this Windows Python has no PAC interpreter")
    context = Context(deadline=time.monotonic() + 60)
    sound = b'function FindProxyForURL(url, host) { return "PROXY " + host + ":1"; }'

    assert pac.run(sound, TARGET, context) == "PROXY ccpor.example.org:1"
    monkeypatch.setattr(pac, "RUN_S", 3.0)
    with pytest.raises(pac.PacFault, match="end"):
        pac.run(b"while (true) {}", TARGET, context)
