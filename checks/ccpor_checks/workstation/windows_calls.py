"""Two doors to Windows itself: its registry, and calls into its libraries by ctypes.

Elsewhere the module loads and every call says that it is not Windows.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation import windows_machine, windows_radio
from ccpor_checks.workstation.system import JoinFact, ScreenFact
from ccpor_checks.workstation.windows_doors import (
    Adapter,
    Hive,
    Lockout,
    Radio,
    ServiceState,
    Value,
)

ATTACHED_TO_DESKTOP = 1
CURRENT_SETTINGS = 0xFFFFFFFF
BUFFER_OVERFLOW = 111
MOST_SUBKEYS = 5000
SKIP_ADDRESSES = 0x1 | 0x2 | 0x4 | 0x8  # unicast, anycast, multicast, DNS servers


class _DisplayDevice(ctypes.Structure):
    """DISPLAY_DEVICEW of wingdi.h."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("name", wintypes.WCHAR * 32),
        ("text", wintypes.WCHAR * 128),
        ("flags", wintypes.DWORD),
        ("id", wintypes.WCHAR * 128),
        ("key", wintypes.WCHAR * 128),
    )


class _DisplayMode(ctypes.Structure):
    """DEVMODEW of wingdi.h, in its form for displays."""

    _fields_ = (
        ("device", wintypes.WCHAR * 32),
        ("versions", wintypes.WORD * 2),
        ("size", wintypes.WORD),
        ("extra", wintypes.WORD),
        ("fields", wintypes.DWORD),
        ("place", ctypes.c_byte * 16),
        ("printing", ctypes.c_short * 5),
        ("form", wintypes.WCHAR * 32),
        ("log_pixels", wintypes.WORD),
        ("bits_per_pixel", wintypes.DWORD),
        ("width", wintypes.DWORD),
        ("height", wintypes.DWORD),
        ("display_flags", wintypes.DWORD),
        ("frequency", wintypes.DWORD),
        ("reserved", wintypes.DWORD * 8),
    )


class _Adapter(ctypes.Structure):
    """The head of IP_ADAPTER_ADDRESSES_LH of iptypes.h, as far as the operational status."""


_Adapter._fields_ = (
    ("length", wintypes.ULONG),
    ("index", wintypes.DWORD),
    ("next", ctypes.POINTER(_Adapter)),
    ("name", ctypes.c_char_p),
    ("addresses", ctypes.c_void_p * 4),
    ("dns_suffix", ctypes.c_wchar_p),
    ("description", ctypes.c_wchar_p),
    ("friendly_name", ctypes.c_wchar_p),
    ("physical", ctypes.c_byte * 8),
    ("physical_length", wintypes.DWORD),
    ("flags", wintypes.DWORD),
    ("mtu", wintypes.DWORD),
    ("kind", wintypes.DWORD),
    ("status", ctypes.c_int),
)


class MachineRegistry:
    """HKEY_LOCAL_MACHINE and HKEY_CURRENT_USER, their 64-bit view also from a 32-bit Python."""

    def value(self, key: str, name: str, hive: Hive = "machine") -> Value:
        """Return one value; several texts as lines.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """
        if sys.platform != "win32":
            raise CannotObserve("there is no registry on this system")
        import winreg

        root = winreg.HKEY_CURRENT_USER if hive == "user" else winreg.HKEY_LOCAL_MACHINE
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(root, key, access=access) as opened:
            found: Value | list[str] | None = winreg.QueryValueEx(opened, name)[0]
        if found is None:  # a binary value of no bytes
            return b""
        return "\n".join(found) if isinstance(found, list) else found

    def subkeys(self, key: str, hive: Hive = "machine") -> tuple[str, ...]:
        """Return the names of the keys below *key*.

        Raises:
            FileNotFoundError: No such key; OSError: not ours to read.
        """
        if sys.platform != "win32":
            raise CannotObserve("there is no registry on this system")
        import winreg

        root = winreg.HKEY_CURRENT_USER if hive == "user" else winreg.HKEY_LOCAL_MACHINE
        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(root, key, access=access) as opened:
            count = min(winreg.QueryInfoKey(opened)[0], MOST_SUBKEYS)
            return tuple(winreg.EnumKey(opened, number) for number in range(count))


class WindowsCalls:
    """Calls that need no right."""

    def screens(self) -> tuple[ScreenFact, ...]:
        """Return the screens of this session's desktop in their current mode, in real pixels."""
        if sys.platform != "win32":
            raise CannotObserve("there is no user32 on this system")
        user32 = ctypes.WinDLL("user32")
        found: list[ScreenFact] = []
        device, number = _DisplayDevice(size=ctypes.sizeof(_DisplayDevice)), 0
        while user32.EnumDisplayDevicesW(None, number, ctypes.byref(device), 0):
            number += 1
            mode = _DisplayMode(size=ctypes.sizeof(_DisplayMode))
            if device.flags & ATTACHED_TO_DESKTOP and user32.EnumDisplaySettingsW(
                device.name, CURRENT_SETTINGS, ctypes.byref(mode)
            ):
                found.append(
                    ScreenFact(name=device.text, width_px=mode.width, height_px=mode.height)
                )
        return tuple(found)

    def adapters(self) -> tuple[Adapter, ...]:
        """Return the network adapters.

        Raises:
            OSError: Windows gives no list.
        """
        if sys.platform != "win32":
            raise CannotObserve("there is no iphlpapi on this system")
        iphlpapi = ctypes.WinDLL("iphlpapi")
        size = wintypes.ULONG(16_384)
        for _ in range(3):  # the list may grow between two calls
            room = ctypes.create_string_buffer(size.value)
            code = iphlpapi.GetAdaptersAddresses(0, SKIP_ADDRESSES, None, room, ctypes.byref(size))
            if code != BUFFER_OVERFLOW:
                break
        if code:
            raise ctypes.WinError(code)
        found = []
        place = ctypes.cast(room, ctypes.POINTER(_Adapter))
        while place:
            adapter = place.contents
            guid = (adapter.name or b"").decode("ascii", "replace")
            found.append(Adapter(adapter.friendly_name or "", adapter.kind, adapter.status, guid))
            place = adapter.next
        return tuple(found)

    def radios(self) -> tuple[Radio, ...]:
        return windows_radio.radios()

    def service(self, name: str) -> ServiceState:
        return windows_machine.service_state(name)

    def lockout(self) -> Lockout:
        return windows_machine.lockout()

    def join(self) -> JoinFact:
        return windows_machine.joined()

    def file_version(self, path: str) -> str:
        return windows_machine.file_version(path)

    def fixed_drives(self) -> tuple[str, ...]:
        return windows_machine.fixed_drives()

    def is_service_account(self) -> bool:
        return windows_machine.is_service_account()
