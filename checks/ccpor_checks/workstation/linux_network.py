"""Linux: radios and their encryption, the directory of the machine, the proxy.

Needs: root for the cipher: NetworkManager's connections are root's alone; without it the radio is
told and its cipher is not.
Source: NetworkManager's ``/run/NetworkManager/devices`` and nm-settings-keyfile(5); krb5.conf(5),
smb.conf(5), default.conf(5) of FreeIPA; curl(1) for the variables of proxies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from ccpor_checks.proxy.settings import Environment as ProxyVariables
from ccpor_checks.workstation.linux_files import Sections, sections, text_of
from ccpor_checks.workstation.posture import RadioFact
from ccpor_checks.workstation.system import JoinFact

CONNECTIONS = (
    "etc/NetworkManager/system-connections",
    "run/NetworkManager/system-connections",
)
ROOT_ALONE = (
    "NetworkManager keeps it for root alone; run the agent as an administrator, or look with "
    "`nmcli -f IN-USE,SSID,SECURITY device wifi`"
)
NOT_MANAGED = "NetworkManager does not tell which network it is; look with `iw dev`"
KEY_MANAGEMENT = {  # key-mgmt to authentication; wpa-psk and wpa-eap alone may still be WPA
    "sae": "WPA3-SAE",
    "wpa-eap-suite-b-192": "WPA3-Enterprise-192",
    "owe": "OWE",
    "ieee8021x": "WEP",
    "none": "WEP",
}


def radios(root: Path) -> tuple[RadioFact, ...]:
    """Return the wireless interfaces with what is told of their encryption.

    Raises:
        OSError: The system shows no interfaces.
    """
    return tuple(
        _radio(root, path)
        for path in sorted((root / "sys/class/net").iterdir())
        if (path / "wireless").exists() or (path / "phy80211").exists()
    )


def _radio(root: Path, path: Path) -> RadioFact:
    up = (text_of(path / "operstate") or "").strip() == "up"
    if not up:
        return RadioFact(name=path.name, up=False)
    index = (text_of(path / "ifindex") or "").strip()
    try:
        device = sections(
            text_of(root / "run/NetworkManager/devices" / index) or "" if index else ""
        )
        wanted = device.get("device", {}).get("connection-uuid")
        connection = _connection(root, wanted) if wanted else None
    except PermissionError:
        return RadioFact(name=path.name, up=True, why_not=ROOT_ALONE)
    if connection is None:
        return RadioFact(name=path.name, up=True, why_not=NOT_MANAGED)
    authentication, cipher = _security(connection)
    return RadioFact(
        name=path.name,
        up=True,
        authentication=authentication,
        cipher=cipher,
        why_not=None if cipher else "its connection allows several ciphers: set pairwise to ccmp",
    )


def _connection(root: Path, wanted: str) -> Sections | None:
    for folder in CONNECTIONS:
        if (root / folder).is_dir():
            for path in sorted((root / folder).iterdir()):
                told = sections(text_of(path) or "")
                if told.get("connection", {}).get("uuid") == wanted:
                    return told
    return None


def _security(connection: Sections) -> tuple[str | None, str | None]:
    """Return authentication and cipher of a connection; None: it does not fix them."""
    told = connection.get("wifi-security") or connection.get("802-11-wireless-security")
    if told is None:
        return "open", "none"
    way = told.get("key-mgmt", "").lower()
    if way in KEY_MANAGEMENT:
        name = KEY_MANAGEMENT[way]
        return name, "WEP" if name == "WEP" else "CCMP"
    pairwise = {each.upper() for each in told.get("pairwise", "").lower().split(";") if each}
    protocols = {each for each in told.get("proto", "").lower().split(";") if each}
    kind = {"wpa-psk": "PSK", "wpa-eap": "Enterprise"}.get(way)
    if kind is None:
        return None, None
    if protocols == {"wpa"}:
        return f"WPA-{kind}", "TKIP" if pairwise == {"TKIP"} else None
    cipher = pairwise.pop() if len(pairwise) == 1 else None
    return (f"WPA2-{kind}" if protocols == {"rsn"} else None), cipher


def join(root: Path) -> JoinFact | None:
    """Return the directory of this machine; None: its settings are not ours to read."""
    for told in _directories(root):
        return told
    try:
        is_there = any((root / path).exists() for path in ("etc/krb5.keytab", "etc/sssd/sssd.conf"))
    except PermissionError:
        return None
    return None if is_there else JoinFact(kind="none")


def _directories(root: Path) -> Iterator[JoinFact]:
    if name := _setting(root / "etc/ipa/default.conf", "global", "domain"):
        yield JoinFact(kind="domain", name=name)
    samba = root / "etc/samba/smb.conf"
    if (_setting(samba, "global", "security") or "").lower() == "ads":
        yield JoinFact(kind="domain", name=_setting(samba, "global", "realm"))
    if name := _setting(root / "etc/himmelblau/himmelblau.conf", "global", "domains"):
        yield JoinFact(kind="entra", name=name.partition(",")[0].strip())
    realm = _setting(root / "etc/krb5.conf", "libdefaults", "default_realm")
    if realm and (root / "etc/krb5.keytab").exists():
        yield JoinFact(kind="domain", name=realm)


def _setting(path: Path, section: str, key: str) -> str | None:
    try:
        return sections(text_of(path) or "").get(section, {}).get(key) or None
    except PermissionError:
        return None


def proxy(environ: Mapping[str, str]) -> str | None:
    """Return host and port of the proxy for web addresses, never its account."""
    for settings in ProxyVariables(environ).settings():
        told = settings.proxy_for("https")
        if told:
            return urlsplit(told if "//" in told else f"//{told}").netloc.rpartition("@")[2]
    return None
