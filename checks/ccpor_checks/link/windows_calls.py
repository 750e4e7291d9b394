"""The doors to Windows' network: iphlpapi and wlanapi by ctypes; no right needed.

Elsewhere the module loads and every call says that it is not Windows.
"""

from __future__ import annotations

import ctypes
import ipaddress
import sys
from ctypes import wintypes
from typing import Any

import msgspec

from ccpor_checks.base import CannotObserve

OVERFLOW, NO_DATA = 111, 232
SKIP = 0x2 | 0x4 | 0x8  # anycast, multicast, name servers
WITH_GATEWAYS = 0x80
AF_INET, AF_INET6 = 2, 23
CURRENT_CONNECTION = 7  # wlan_intf_opcode_current_connection
SPEED_UNKNOWN = 2**64 - 1


class AdapterFact(msgspec.Struct, frozen=True, kw_only=True):
    """One adapter as GetAdaptersAddresses tells it. guid: "{…}"; kind: IANA ifType."""

    guid: str
    index: int
    index6: int
    name: str
    description: str
    kind: int
    status: int  # IF_OPER_STATUS; 1 is up
    mtu: int
    speed_bit: int
    addresses: tuple[str, ...]  # with prefix
    gateways: tuple[str, ...]


class RouteFact(msgspec.Struct, frozen=True, kw_only=True):
    """One row of GetIpForwardTable2; gateway "" where the next hop is the interface itself."""

    destination: str
    gateway: str
    index: int


class RadioFact(msgspec.Struct, frozen=True, kw_only=True):
    """A wireless adapter. cipher: DOT11_CIPHER_ALGORITHM, None where Windows keeps it to itself."""

    guid: str
    joined: bool
    cipher: int | None


class CounterFact(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    rx_errors: int
    tx_errors: int
    rx_dropped: int
    tx_dropped: int


class _SocketAddress(ctypes.Structure):
    """SOCKET_ADDRESS of ws2def.h."""

    _fields_ = (("place", ctypes.c_void_p), ("length", ctypes.c_int))


class _Unicast(ctypes.Structure):
    """IP_ADAPTER_UNICAST_ADDRESS_LH of iptypes.h."""


_Unicast._fields_ = (
    ("length", wintypes.ULONG),
    ("flags", wintypes.DWORD),
    ("next", ctypes.POINTER(_Unicast)),
    ("address", _SocketAddress),
    ("prefix_origin", ctypes.c_int),
    ("suffix_origin", ctypes.c_int),
    ("dad_state", ctypes.c_int),
    ("lifetimes", wintypes.ULONG * 3),
    ("prefix_length", ctypes.c_ubyte),
)
DUPLICATE = 2  # IpDadStateDuplicate


class _Gateway(ctypes.Structure):
    """IP_ADAPTER_GATEWAY_ADDRESS_LH of iptypes.h."""


_Gateway._fields_ = (
    ("length", wintypes.ULONG),
    ("reserved", wintypes.DWORD),
    ("next", ctypes.POINTER(_Gateway)),
    ("address", _SocketAddress),
)


class _Adapter(ctypes.Structure):
    """The head of IP_ADAPTER_ADDRESSES_LH of iptypes.h, as far as the gateways."""


_Adapter._fields_ = (
    ("length", wintypes.ULONG),
    ("index", wintypes.DWORD),
    ("next", ctypes.POINTER(_Adapter)),
    ("name", ctypes.c_char_p),
    ("unicast", ctypes.POINTER(_Unicast)),
    ("others", ctypes.c_void_p * 3),
    ("dns_suffix", ctypes.c_wchar_p),
    ("description", ctypes.c_wchar_p),
    ("friendly_name", ctypes.c_wchar_p),
    ("physical", ctypes.c_byte * 8),
    ("physical_length", wintypes.DWORD),
    ("flags", wintypes.DWORD),
    ("mtu", wintypes.DWORD),
    ("kind", wintypes.DWORD),
    ("status", ctypes.c_int),
    ("index6", wintypes.DWORD),
    ("zones", wintypes.ULONG * 16),
    ("prefix", ctypes.c_void_p),
    ("transmit_speed", ctypes.c_uint64),
    ("receive_speed", ctypes.c_uint64),
    ("wins", ctypes.c_void_p),
    ("gateway", ctypes.POINTER(_Gateway)),
)


class _ForwardRow(ctypes.Structure):
    """MIB_IPFORWARD_ROW2 of netioapi.h."""

    _fields_ = (
        ("luid", ctypes.c_uint64),
        ("index", wintypes.ULONG),
        ("prefix", ctypes.c_ubyte * 28),  # SOCKADDR_INET
        ("prefix_length", ctypes.c_ubyte),
        ("_pad", ctypes.c_ubyte * 3),
        ("next_hop", ctypes.c_ubyte * 28),
        ("site", ctypes.c_ubyte),
        ("numbers", wintypes.ULONG * 4),  # lifetimes, metric, protocol
        ("flags", ctypes.c_ubyte * 4),
        ("age", wintypes.ULONG),
        ("origin", ctypes.c_int),
    )


class _WlanInterface(ctypes.Structure):
    """WLAN_INTERFACE_INFO of wlanapi.h."""

    _fields_ = (
        ("guid", ctypes.c_ubyte * 16),
        ("description", wintypes.WCHAR * 256),
        ("state", ctypes.c_int),
    )


class _Connection(ctypes.Structure):
    """WLAN_CONNECTION_ATTRIBUTES of wlanapi.h."""

    _fields_ = (
        ("state", ctypes.c_int),
        ("mode", ctypes.c_int),
        ("profile", wintypes.WCHAR * 256),
        ("ssid_length", wintypes.ULONG),
        ("ssid", ctypes.c_ubyte * 32),
        ("bss_type", ctypes.c_int),
        ("bssid", ctypes.c_ubyte * 6),
        ("phy_type", ctypes.c_int),
        ("numbers", wintypes.ULONG * 4),  # phy index, quality, receive and transmit rate
        ("secured", wintypes.BOOL),
        ("one_x", wintypes.BOOL),
        ("authentication", ctypes.c_int),
        ("cipher", ctypes.c_int),
    )


WLAN_CONNECTED = 1


class WindowsCalls:
    """What Windows says of this machine's network."""

    def adapters(self) -> tuple[AdapterFact, ...]:
        """Return every adapter with its addresses and gateways.

        Raises:
            OSError: Windows gives no list.
        """
        if sys.platform != "win32":
            raise CannotObserve("there is no iphlpapi on this system")
        iphlpapi = ctypes.WinDLL("iphlpapi")
        size = wintypes.ULONG(16_384)
        for _ in range(3):  # the list may grow between two calls
            room = ctypes.create_string_buffer(size.value)
            code = iphlpapi.GetAdaptersAddresses(
                0, SKIP | WITH_GATEWAYS, None, room, ctypes.byref(size)
            )
            if code != OVERFLOW:
                break
        if code == NO_DATA:
            return ()
        if code:
            raise ctypes.WinError(code)
        place = ctypes.cast(room, ctypes.POINTER(_Adapter))
        found = []
        while place:
            found.append(_adapter(place.contents))
            place = place.contents.next
        return tuple(found)

    def routes(self) -> tuple[RouteFact, ...] | None:
        """Return the routes of both families; None where this Windows does not tell them."""
        if sys.platform != "win32":
            raise CannotObserve("there is no iphlpapi on this system")
        iphlpapi = ctypes.WinDLL("iphlpapi")
        if not hasattr(iphlpapi, "GetIpForwardTable2"):
            return None
        table = ctypes.c_void_p()
        if iphlpapi.GetIpForwardTable2(0, ctypes.byref(table)) or not table.value:
            return None
        try:
            count = wintypes.ULONG.from_address(table.value).value
            rows = (_ForwardRow * count).from_address(table.value + 8)  # aligned like a LUID
            return tuple(filter(None, map(_forward, rows)))
        finally:
            iphlpapi.FreeMibTable(table)

    def radios(self) -> tuple[RadioFact, ...]:
        """Return the wireless adapters; () where the WLAN service does not run."""
        if sys.platform != "win32":
            raise CannotObserve("there is no wlanapi on this system")
        try:
            wlanapi = ctypes.WinDLL("wlanapi")
        except OSError:  # a Windows Server without the wireless feature
            return ()
        version, handle = wintypes.DWORD(), wintypes.HANDLE()
        if wlanapi.WlanOpenHandle(2, None, ctypes.byref(version), ctypes.byref(handle)):
            return ()
        try:
            return _radios(wlanapi, handle)
        finally:
            wlanapi.WlanCloseHandle(handle, None)

    def counters(self) -> tuple[CounterFact, ...]:
        """Return each adapter's counters by its name."""
        import psutil

        return tuple(
            CounterFact(
                name=name,
                rx_errors=each.errin,
                tx_errors=each.errout,
                rx_dropped=each.dropin,
                tx_dropped=each.dropout,
            )
            for name, each in psutil.net_io_counters(pernic=True).items()
        )


def _adapter(told: _Adapter) -> AdapterFact:
    addresses, gateways = [], []
    place = told.unicast
    while place:
        own = _address_at(place.contents.address)
        if own and place.contents.dad_state != DUPLICATE:
            addresses.append(f"{own}/{place.contents.prefix_length}")
        place = place.contents.next
    hop = told.gateway
    while hop:
        if there := _address_at(hop.contents.address):
            gateways.append(there)
        hop = hop.contents.next
    speed = told.transmit_speed
    return AdapterFact(
        guid=(told.name or b"").decode("ascii", "replace").lower(),
        index=told.index,
        index6=told.index6,
        name=told.friendly_name or "",
        description=told.description or "",
        kind=told.kind,
        status=told.status,
        mtu=told.mtu,
        speed_bit=0 if speed == SPEED_UNKNOWN else speed,
        addresses=tuple(addresses),
        gateways=tuple(gateways),
    )


def _address_at(found: _SocketAddress) -> str:
    if not found.place or found.length < 16:
        return ""
    return socket_address(ctypes.string_at(found.place, found.length))


def socket_address(blob: bytes) -> str:
    """Return the address in a SOCKADDR_IN or SOCKADDR_IN6; "" for another family."""
    family = int.from_bytes(blob[:2], "little")
    if family == AF_INET:
        return str(ipaddress.IPv4Address(blob[4:8]))
    if family == AF_INET6 and len(blob) >= 24:
        return str(ipaddress.IPv6Address(blob[8:24]))
    return ""


def _forward(row: _ForwardRow) -> RouteFact | None:
    destination, hop = socket_address(bytes(row.prefix)), socket_address(bytes(row.next_hop))
    if not destination:
        return None
    direct = not hop or ipaddress.ip_address(hop).is_unspecified
    return RouteFact(
        destination=f"{destination}/{row.prefix_length}",
        gateway="" if direct else hop,
        index=row.index,
    )


def _radios(wlanapi: Any, handle: wintypes.HANDLE) -> tuple[RadioFact, ...]:
    listed = ctypes.c_void_p()
    if wlanapi.WlanEnumInterfaces(handle, None, ctypes.byref(listed)) or not listed.value:
        return ()
    try:
        count = wintypes.DWORD.from_address(listed.value).value
        found = (_WlanInterface * count).from_address(listed.value + 8)
        return tuple(_radio(wlanapi, handle, each) for each in found)
    finally:
        wlanapi.WlanFreeMemory(listed)


def _radio(wlanapi: Any, handle: wintypes.HANDLE, told: _WlanInterface) -> RadioFact:
    size, place = wintypes.DWORD(), ctypes.c_void_p()
    guid = _guid(bytes(told.guid))
    code = wlanapi.WlanQueryInterface(
        handle,
        ctypes.byref(told),
        CURRENT_CONNECTION,
        None,
        ctypes.byref(size),
        ctypes.byref(place),
        None,
    )
    joined = told.state == WLAN_CONNECTED
    # Windows 11 24H2 tells only those whom the person lets know the place.
    if code or not place.value or size.value < ctypes.sizeof(_Connection):
        return RadioFact(guid=guid, joined=joined, cipher=None)
    try:
        connection = _Connection.from_address(place.value)
        return RadioFact(guid=guid, joined=joined, cipher=connection.cipher)
    finally:
        wlanapi.WlanFreeMemory(place)


def _guid(blob: bytes) -> str:
    import uuid

    return f"{{{uuid.UUID(bytes_le=blob)}}}"
