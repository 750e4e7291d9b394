"""The two doors to Windows itself: its registry, and calls into user32 and iphlpapi by ctypes.

Elsewhere the module loads and every call says that it is not Windows.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.system import ScreenFact

ATTACHED_TO_DESKTOP = 1
CURRENT_SETTINGS = 0xFFFFFFFF
BUFFER_OVERFLOW = 111
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
    """HKEY_LOCAL_MACHINE, its 64-bit view also from a 32-bit Python."""

    def value(self, key: str, name: str) -> str | int:
        """Return one value.

        Raises:
            FileNotFoundError: No such key or value; OSError: not ours to read.
        """
        if sys.platform != "win32":
            raise CannotObserve("there is no registry on this system")
        import winreg

        access = winreg.KEY_READ | winreg.KEY_WOW64_64KEY
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key, access=access) as opened:
            found: str | int = winreg.QueryValueEx(opened, name)[0]
            return found


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

    def adapters(self) -> tuple[tuple[str, int, int], ...]:
        """Return name, interface type and operational status of each network adapter.

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
            found.append((adapter.friendly_name or "", adapter.kind, adapter.status))
            place = adapter.next
        return tuple(found)
