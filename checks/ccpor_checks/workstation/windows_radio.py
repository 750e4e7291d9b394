"""What wlanapi tells of a radio's connection: authentication and cipher, never the network's name.

Source: Microsoft, "WlanQueryInterface", "WLAN_CONNECTION_ATTRIBUTES", "DOT11_AUTH_ALGORITHM",
"DOT11_CIPHER_ALGORITHM". Windows 11 24H2 tells it only where location services are on.
"""

from __future__ import annotations

import ctypes
import uuid
from ctypes import wintypes
from typing import Any

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.posture import RadioFact
from ccpor_checks.workstation.windows_doors import Calls, Radio
from ccpor_checks.workstation.windows_machine import failed, library

IF_TYPE_WIRELESS, OPERATIONAL = 71, 1  # IANA ifType ieee80211; IfOperStatusUp
CURRENT_CONNECTION = 7  # wlan_intf_opcode_current_connection
ACCESS_DENIED, INVALID_STATE, NOT_ACTIVE = 5, 5023, 1062
MOST_RADIOS = 64
AUTHENTICATION = {
    1: "Open",
    2: "Shared-Key",
    3: "WPA-Enterprise",
    4: "WPA-PSK",
    5: "WPA-None",
    6: "WPA2-Enterprise",
    7: "WPA2-PSK",
    8: "WPA3-Enterprise-192",
    9: "WPA3-SAE",
    10: "OWE",
    11: "WPA3-Enterprise",
}
CIPHER = {
    0x00: "None",
    0x01: "WEP-40",
    0x02: "TKIP",
    0x04: "CCMP",
    0x05: "WEP-104",
    0x08: "GCMP",
    0x09: "GCMP-256",
    0x0A: "CCMP-256",
    0x101: "WEP",
}


class _Interface(ctypes.Structure):
    """WLAN_INTERFACE_INFO of wlanapi.h."""

    _fields_ = (
        ("guid", ctypes.c_ubyte * 16),
        ("description", wintypes.WCHAR * 256),
        ("state", ctypes.c_int),
    )


class _Connection(ctypes.Structure):
    """WLAN_CONNECTION_ATTRIBUTES of wlanapi.h; the names in it are never read."""

    _fields_ = (
        ("state", ctypes.c_int),
        ("mode", ctypes.c_int),
        ("profile", wintypes.WCHAR * 256),
        ("ssid", ctypes.c_ubyte * 36),
        ("bss_type", ctypes.c_int),
        ("bssid", ctypes.c_ubyte * 6),
        ("phy_type", ctypes.c_int),
        ("numbers", wintypes.ULONG * 4),  # phy index, quality, receive and transmit rate
        ("secured", wintypes.BOOL),
        ("one_x", wintypes.BOOL),
        ("authentication", ctypes.c_int),
        ("cipher", ctypes.c_int),
    )


def radios() -> tuple[Radio, ...]:
    """Return the radios that the WLAN service knows.

    Raises:
        OSError: It does not run (1062), or this Windows has no wireless part.
    """
    wlanapi = library("wlanapi")
    version, handle = wintypes.DWORD(), wintypes.HANDLE()
    if code := wlanapi.WlanOpenHandle(2, None, ctypes.byref(version), ctypes.byref(handle)):
        raise failed(code)
    listed = ctypes.c_void_p()
    try:
        if code := wlanapi.WlanEnumInterfaces(handle, None, ctypes.byref(listed)):
            raise failed(code)
        if not listed.value:
            return ()
        count = min(wintypes.DWORD.from_address(listed.value).value, MOST_RADIOS)
        found = (_Interface * count).from_address(listed.value + 8)  # after count and index
        return tuple(_radio(wlanapi, handle, each) for each in found)
    finally:
        if listed.value:
            wlanapi.WlanFreeMemory(listed)
        wlanapi.WlanCloseHandle(handle, None)


def _radio(wlanapi: Any, handle: wintypes.HANDLE, told: _Interface) -> Radio:
    size, place = wintypes.DWORD(), ctypes.c_void_p()
    guid = f"{{{uuid.UUID(bytes_le=bytes(told.guid))}}}"
    end = (None, ctypes.byref(size), ctypes.byref(place), None)
    code = wlanapi.WlanQueryInterface(handle, ctypes.byref(told), CURRENT_CONNECTION, *end)
    if code or not place.value:
        return Radio(guid, code or INVALID_STATE)
    try:
        if size.value < ctypes.sizeof(_Connection):
            return Radio(guid, INVALID_STATE)
        connection = _Connection.from_address(place.value)
        return Radio(guid, 0, connection.authentication, connection.cipher)
    finally:
        wlanapi.WlanFreeMemory(place)


def radio_facts(calls: Calls) -> tuple[RadioFact, ...]:
    """Return each wireless adapter, with cipher and authentication where it is connected."""
    adapters = [each for each in calls.adapters() if each.kind == IF_TYPE_WIRELESS]
    told: dict[str, Radio] = {}
    code = 0
    if any(each.status == OPERATIONAL for each in adapters):
        try:
            told = {radio.guid.lower(): radio for radio in calls.radios()}
        except CannotObserve:
            code = -1
        except OSError as exc:
            code = getattr(exc, "winerror", None) or -1
    return tuple(
        fact(each.name, told.get(each.guid.lower(), Radio("", code or INVALID_STATE)))
        if each.status == OPERATIONAL
        else RadioFact(name=each.name, up=False)
        for each in adapters
    )


def fact(name: str, radio: Radio) -> RadioFact:
    """Return what *radio*, which is up, tells; why not, where it keeps cipher or way to itself."""
    cipher = CIPHER.get(radio.cipher) if radio.cipher is not None else None
    way = AUTHENTICATION.get(radio.authentication) if radio.authentication is not None else None
    if radio.code:
        why: str | None = why_not(radio.code)
    elif cipher is None or way is None:
        why = f"Windows tells cipher {radio.cipher} with {radio.authentication}, unknown here"
    else:
        why = None
    return RadioFact(name=name, up=True, cipher=cipher, authentication=way, why_not=why)


def why_not(code: int) -> str:
    """Return, in words, why Windows does not tell a connection."""
    if code == ACCESS_DENIED:
        return (
            "Windows tells it only to those who may know the place: switch on location services "
            "for desktop apps (Settings, Privacy, Location), or run as administrator"
        )
    if code == NOT_ACTIVE:
        return "the service WlanSvc (WLAN AutoConfig) does not run"
    if code == INVALID_STATE:
        return "the WLAN service tells no connection of this adapter"
    return f"the WLAN service cannot be asked (error {code})" if code > 0 else "there is no wlanapi"
