"""Calls into advapi32, kernel32, netapi32 and version by ctypes; none needs a right of its own.

Elsewhere the module loads and every call says that it is not Windows.

Source: Microsoft, Windows API reference, under the names of the calls.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from ctypes import wintypes
from typing import Any

from ccpor_checks.base import CannotObserve
from ccpor_checks.workstation.system import JoinFact
from ccpor_checks.workstation.windows_doors import Lockout, ServiceState

SC_MANAGER_CONNECT, SERVICE_QUERY_STATUS = 0x1, 0x4
NO_SUCH_SERVICE = 1060  # ERROR_SERVICE_DOES_NOT_EXIST
SERVICE_RUNNING = 4
DRIVE_FIXED = 3
TOKEN_QUERY, TOKEN_USER = 0x8, 1
SERVICE_SIDS = (22, 23, 24)  # WinLocalSystemSid, WinLocalServiceSid, WinNetworkServiceSid
DOMAIN_JOINED = 3  # NetSetupDomainName
NERR_SUCCESS, MODALS_LOCKOUT = 0, 3


class _ServiceStatus(ctypes.Structure):
    """SERVICE_STATUS of winsvc.h."""

    _fields_ = (("type", wintypes.DWORD), ("state", wintypes.DWORD), ("rest", wintypes.DWORD * 5))


class _FixedFileInfo(ctypes.Structure):
    """The head of VS_FIXEDFILEINFO of verrsrc.h."""

    _fields_ = (
        ("signature", wintypes.DWORD),
        ("structure", wintypes.DWORD),
        ("file_high", wintypes.DWORD),
        ("file_low", wintypes.DWORD),
    )


class _Modals3(ctypes.Structure):
    """USER_MODALS_INFO_3 of lmaccess.h."""

    _fields_ = (
        ("duration", wintypes.DWORD),
        ("window", wintypes.DWORD),
        ("threshold", wintypes.DWORD),
    )


def library(name: str) -> Any:
    """Return a library of Windows that keeps the last error.

    Raises:
        CannotObserve: This is not Windows; OSError: this Windows has no such library.
    """
    if sys.platform != "win32":
        raise CannotObserve(f"there is no {name} on this system")
    return ctypes.WinDLL(name, use_last_error=True)


def failed(code: int | None = None) -> OSError:
    """Return Windows' error *code*, or the last one of this thread."""
    if sys.platform != "win32":
        return OSError(code or 0, "not Windows")
    return ctypes.WinError(ctypes.get_last_error() if code is None else code)


def _typed(function: Any, answer: Any, *arguments: Any) -> Callable[..., Any]:
    function.restype, function.argtypes = answer, arguments
    typed: Callable[..., Any] = function
    return typed


def service_state(name: str) -> ServiceState:
    """Return whether the service *name* runs. Raises OSError: Windows does not say."""
    advapi = library("advapi32")
    handle, text = ctypes.c_void_p, ctypes.c_wchar_p
    close = _typed(advapi.CloseServiceHandle, wintypes.BOOL, handle)
    connect = _typed(advapi.OpenSCManagerW, handle, text, text, wintypes.DWORD)
    opened = _typed(advapi.OpenServiceW, handle, handle, text, wintypes.DWORD)
    ask = _typed(advapi.QueryServiceStatus, wintypes.BOOL, handle, ctypes.c_void_p)
    manager = connect(None, None, SC_MANAGER_CONNECT)
    if not manager:
        raise failed()
    try:
        service = opened(manager, name, SERVICE_QUERY_STATUS)
        if not service:
            error = failed()
            if getattr(error, "winerror", None) == NO_SUCH_SERVICE:
                return "missing"
            raise error
        try:
            status = _ServiceStatus()
            if not ask(service, ctypes.byref(status)):
                raise failed()
            return "running" if status.state == SERVICE_RUNNING else "stopped"
        finally:
            close(service)
    finally:
        close(manager)


def file_version(path: str) -> str:
    """Return the version that the resource of the program *path* carries, "126.0.2592.87".

    Raises:
        OSError: No such file, or it carries none.
    """
    version = library("version")
    size = _typed(
        version.GetFileVersionInfoSizeW, wintypes.DWORD, ctypes.c_wchar_p, ctypes.c_void_p
    )(path, None)
    if not size:
        raise failed()
    room = ctypes.create_string_buffer(size)
    if not version.GetFileVersionInfoW(ctypes.c_wchar_p(path), 0, size, room):
        raise failed()
    place, length = ctypes.c_void_p(), wintypes.UINT()
    query = _typed(
        version.VerQueryValueW,
        wintypes.BOOL,
        ctypes.c_void_p,
        ctypes.c_wchar_p,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    found = query(room, "\\", ctypes.byref(place), ctypes.byref(length))
    if not found or not place.value or length.value < ctypes.sizeof(_FixedFileInfo):
        raise failed(1813)  # ERROR_RESOURCE_TYPE_NOT_FOUND
    told = _FixedFileInfo.from_address(place.value)
    high, low = told.file_high, told.file_low
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"


def fixed_drives() -> tuple[str, ...]:
    r"""Return the roots of this machine's own disks, e.g. ``C:\``."""
    kernel = library("kernel32")
    mask = kernel.GetLogicalDrives()
    if not mask:
        raise failed()
    roots = [f"{chr(65 + place)}:\\" for place in range(26) if mask >> place & 1]
    kind = _typed(kernel.GetDriveTypeW, wintypes.UINT, ctypes.c_wchar_p)
    return tuple(root for root in roots if kind(root) == DRIVE_FIXED)


def is_service_account() -> bool:
    """Say whether SYSTEM or another account of services runs us: it has no person's settings."""
    advapi, kernel = library("advapi32"), library("kernel32")
    process = _typed(kernel.GetCurrentProcess, ctypes.c_void_p)()
    token, size = ctypes.c_void_p(), wintypes.DWORD()
    opened = _typed(
        advapi.OpenProcessToken, wintypes.BOOL, ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p
    )
    if not opened(process, TOKEN_QUERY, ctypes.byref(token)):
        raise failed()
    try:
        room = ctypes.create_string_buffer(256)  # a SID has at most 68 bytes
        if not advapi.GetTokenInformation(token, TOKEN_USER, room, 256, ctypes.byref(size)):
            raise failed()
        sid = ctypes.c_void_p.from_buffer(room)  # TOKEN_USER begins with a pointer to the SID
        return any(advapi.IsWellKnownSid(sid, kind) for kind in SERVICE_SIDS)
    finally:
        kernel.CloseHandle(token)


def lockout() -> Lockout:
    """Return the account policy of this machine, as any user may see it."""
    netapi = library("netapi32")
    place = ctypes.c_void_p()
    code = netapi.NetUserModalsGet(None, MODALS_LOCKOUT, ctypes.byref(place))
    if code != NERR_SUCCESS or not place.value:
        raise failed(code)
    try:
        told = _Modals3.from_address(place.value)
        return Lockout(told.duration, told.window, told.threshold)
    finally:
        netapi.NetApiBufferFree(place)


def joined() -> JoinFact:
    """Return the Windows domain that this machine belongs to, if one."""
    netapi = library("netapi32")
    name, status = ctypes.c_void_p(), ctypes.c_int()
    code = netapi.NetGetJoinInformation(None, ctypes.byref(name), ctypes.byref(status))
    if code != NERR_SUCCESS:
        raise failed(code)
    try:
        if status.value != DOMAIN_JOINED or not name.value:
            return JoinFact(kind="none")
        return JoinFact(kind="domain", name=ctypes.wstring_at(name.value))
    finally:
        if name.value:
            netapi.NetApiBufferFree(name)
