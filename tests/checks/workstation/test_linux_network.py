"""Radios, directory and proxy on Linux, from files as the system lays them out."""

from __future__ import annotations

from pathlib import Path

import pytest

from ccpor_checks.workstation.linux import LinuxSystem
from ccpor_checks.workstation.posture import (
    RadioFact,
)
from ccpor_checks.workstation.system import JoinFact
from tests.checks.workstation.test_linux import lay

WLAN = {
    "sys/class/net/wlan0/operstate": "up\n",
    "sys/class/net/wlan0/ifindex": "3\n",
    "sys/class/net/wlan0/phy80211/name": "phy0\n",
    "run/NetworkManager/devices/3": "[device]\nmanaged=true\nconnection-uuid=u-1\n",
}
CONNECTION = "[connection]\nid=court\nuuid=u-1\n[wifi]\nssid=court\n"


@pytest.mark.parametrize(
    ("security", "expected"),
    [
        ("", ("open", "none")),
        ("[wifi-security]\nkey-mgmt=none\nwep-key0=x\n", ("WEP", "WEP")),
        ("[wifi-security]\nkey-mgmt=sae\npsk=x\n", ("WPA3-SAE", "CCMP")),
        ("[wifi-security]\nkey-mgmt=wpa-psk\npsk=x\n", (None, None)),
        ("[wifi-security]\nkey-mgmt=wpa-psk\nproto=rsn;\npairwise=ccmp;\n", ("WPA2-PSK", "CCMP")),
        (
            "[wifi-security]\nkey-mgmt=wpa-eap\nproto=wpa;\npairwise=tkip;\n",
            ("WPA-Enterprise", "TKIP"),
        ),
        (
            "[wifi-security]\nkey-mgmt=wpa-eap\nproto=rsn;\npairwise=ccmp;tkip;\n",
            ("WPA2-Enterprise", None),
        ),
    ],
)
def test_a_connection_tells_its_security_as_far_as_it_fixes_it(
    tmp_path: Path, security: str, expected: tuple[str | None, str | None]
) -> None:
    files = WLAN | {
        "etc/NetworkManager/system-connections/a.nmconnection": "[connection]\nuuid=u-2\n",
        "etc/NetworkManager/system-connections/court.nmconnection": CONNECTION + security,
    }
    (fact,) = lay(tmp_path, files).wireless()

    assert isinstance(fact, RadioFact)
    assert (fact.authentication, fact.cipher) == expected
    assert (fact.why_not is None) is (fact.cipher is not None)


# Directory and proxy


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, JoinFact(kind="none")),
        ({"etc/krb5.keytab": ""}, None),
        ({"etc/krb5.conf": "[libdefaults]\ndefault_realm = A.B\n"}, JoinFact(kind="none")),
        (
            {"etc/krb5.keytab": "", "etc/krb5.conf": "[libdefaults]\n default_realm = A.B\n"},
            JoinFact(kind="domain", name="A.B"),
        ),
        (
            {"etc/samba/smb.conf": "[global]\n security = ADS\n realm = A.B\n"},
            JoinFact(kind="domain", name="A.B"),
        ),
        ({"etc/ipa/default.conf": "[global]\ndomain = a.b\n"}, JoinFact(kind="domain", name="a.b")),
        (
            {"etc/himmelblau/himmelblau.conf": "[global]\ndomains = a.b,c.d\n"},
            JoinFact(kind="entra", name="a.b"),
        ),
    ],
)
def test_the_directory_is_told_by_whoever_keeps_it(
    tmp_path: Path, files: dict[str, str], expected: JoinFact | None
) -> None:
    assert lay(tmp_path, files).join() == expected


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"https_proxy": "http://ann:secret@proxy.example.org:8080/"}, "proxy.example.org:8080"),
        ({"HTTPS_PROXY": "ann:secret@proxy.example.org:8080"}, "proxy.example.org:8080"),
        ({"http_proxy": "http://proxy.example.org"}, None),
    ],
)
def test_the_proxy_is_told_without_its_account(
    environ: dict[str, str], expected: str | None
) -> None:
    """The inventory goes to the AOC; a password in it would be ours to answer for."""
    assert LinuxSystem(environ=environ).proxy() == expected
