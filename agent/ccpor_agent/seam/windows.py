"""Windows: MoveFileEx write-through, locked bytes, DPAPI, access lists.

Needs: kernel32, advapi32 and crypt32, called through ctypes at the moment of use.
Source: MoveFileExW, CryptProtectData, SetFileSecurityW, the security descriptor string format
(Microsoft, Windows API reference).
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import secrets
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from ccpor_agent.seam.running import AlreadyRunning

TEMPORARY = ".tmp"
MOVEFILE_REPLACE_EXISTING, MOVEFILE_WRITE_THROUGH = 0x1, 0x8
CRYPTPROTECT_UI_FORBIDDEN, CRYPTPROTECT_LOCAL_MACHINE = 0x1, 0x4
DACL_SECURITY_INFORMATION = 0x4
SDDL_REVISION_1 = 1
TOKEN_QUERY, TOKEN_USER = 0x8, 1
# A virus scanner opens each new file for a moment: access denied, sharing violation.
PASSING_ERRORS = {5, 32}
MOVE_TRIES, MOVE_PAUSE_S = 20, 0.05
# Everyone, Authenticated Users, Users, Guests, each as an alias and as a SID.
STRANGERS = ("WD", "AU", "BU", "BG", "S-1-1-0", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546")


class _Blob(ctypes.Structure):
    _fields_ = (("size", ctypes.c_uint32), ("bytes", ctypes.c_void_p))


def _library(name: str) -> Any:
    """Return a system library that keeps the last error; only Windows has them."""
    return vars(ctypes)["WinDLL"](name, use_last_error=True)


def _failed(path: Path | None = None) -> OSError:
    """Return the last Windows error as OSError, errno and winerror set."""
    number = vars(ctypes)["get_last_error"]()
    name = str(path) if path else None
    return OSError(0, vars(ctypes)["FormatError"](number).strip(), name, number)


def write_durably(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put *data* at *path*, whole or not at all; once this returns, a power cut keeps it.

    Raises:
        OSError: Not saved; whatever was at *path* before is still there.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}{TEMPORARY}")
    binary = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | binary, mode)
    try:
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            os.fsync(handle)  # FlushFileBuffers
        finally:
            os.close(handle)
        _move(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _move(old: Path, new: Path) -> None:
    """Rename *old* over *new* and return once the disk has it."""
    move = _library("kernel32").MoveFileExW
    move.argtypes = (ctypes.c_wchar_p, ctypes.c_wchar_p, ctypes.c_uint32)
    flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH
    for again in reversed(range(MOVE_TRIES)):
        if move(str(old), str(new), flags):
            return
        error = _failed(new)
        if not again or getattr(error, "winerror", None) not in PASSING_ERRORS:
            raise error
        time.sleep(MOVE_PAUSE_S)


def sync_folder(path: Path) -> None:
    """Return at once: NTFS journals names itself, and a folder cannot be flushed by a user."""
    del path


def make_folder(path: Path) -> None:
    """Make folder *path* and its missing parents; a new one is private."""
    if not path.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        make_private(path)


def make_private(path: Path) -> None:
    """Leave *path* to SYSTEM, Administrators and the present user; nothing is inherited.

    Raises:
        OSError: The access list could not be set.
    """
    inherit = "OICI" if path.is_dir() else ""
    holders = ("SY", "BA", _present_user())
    text = "D:P" + "".join(f"(A;{inherit};FA;;;{holder})" for holder in holders)
    advapi = _library("advapi32")
    descriptor = ctypes.c_void_p()
    convert = advapi.ConvertStringSecurityDescriptorToSecurityDescriptorW
    convert.argtypes = (ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_void_p)
    if not convert(text, SDDL_REVISION_1, ctypes.byref(descriptor), None):
        raise _failed(path)
    try:
        put = advapi.SetFileSecurityW
        put.argtypes = (ctypes.c_wchar_p, ctypes.c_uint32, ctypes.c_void_p)
        if not put(str(path), DACL_SECURITY_INFORMATION, descriptor):
            raise _failed(path)
    finally:
        _free(descriptor)


def is_private(path: Path) -> bool:
    """Return whether the access list of *path* names none of Everyone, Users or Guests.

    Raises:
        OSError: The access list could not be read.
    """
    advapi = _library("advapi32")
    read = advapi.GetFileSecurityW
    read.argtypes = (
        ctypes.c_wchar_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_void_p,
    )
    needed = ctypes.c_uint32()
    read(str(path), DACL_SECURITY_INFORMATION, None, 0, ctypes.byref(needed))
    buffer = ctypes.create_string_buffer(max(needed.value, 1))
    if not read(str(path), DACL_SECURITY_INFORMATION, buffer, len(buffer), ctypes.byref(needed)):
        raise _failed(path)
    text = ctypes.c_wchar_p()
    write = advapi.ConvertSecurityDescriptorToStringSecurityDescriptorW
    write.argtypes = (
        ctypes.c_void_p,
        ctypes.c_uint32,
        ctypes.c_uint32,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    if not write(buffer, SDDL_REVISION_1, DACL_SECURITY_INFORMATION, ctypes.byref(text), None):
        raise _failed(path)
    try:
        allowed = (text.value or "").split("(A;")[1:]
    finally:
        _free(ctypes.cast(text, ctypes.c_void_p))
    return bool(allowed) and not any(
        entry.split(")")[0].rpartition(";")[2] in STRANGERS for entry in allowed
    )


def _present_user() -> str:
    """Return the SID of whoever runs this process, as text."""
    kernel, advapi = _library("kernel32"), _library("advapi32")
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    open_token = advapi.OpenProcessToken
    open_token.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
    token = ctypes.c_void_p()
    if not open_token(kernel.GetCurrentProcess(), TOKEN_QUERY, ctypes.byref(token)):
        raise _failed()
    try:
        ask = advapi.GetTokenInformation
        ask.argtypes = (
            ctypes.c_void_p,
            ctypes.c_int,
            ctypes.c_void_p,
            ctypes.c_uint32,
            ctypes.c_void_p,
        )
        size = ctypes.c_uint32()
        ask(token, TOKEN_USER, None, 0, ctypes.byref(size))
        buffer = ctypes.create_string_buffer(max(size.value, 1))
        if not ask(token, TOKEN_USER, buffer, len(buffer), ctypes.byref(size)):
            raise _failed()
        sid = ctypes.c_void_p.from_buffer(buffer)  # TOKEN_USER begins with a pointer to the SID
        text = ctypes.c_wchar_p()
        convert = advapi.ConvertSidToStringSidW
        convert.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
        if not convert(sid, ctypes.byref(text)):
            raise _failed()
        try:
            return text.value or ""
        finally:
            _free(ctypes.cast(text, ctypes.c_void_p))
    finally:
        close = kernel.CloseHandle
        close.argtypes = (ctypes.c_void_p,)
        close(token)


def _free(pointer: ctypes.c_void_p) -> None:
    free = _library("kernel32").LocalFree
    free.argtypes = (ctypes.c_void_p,)
    free.restype = ctypes.c_void_p
    free(pointer)


class RunLock:
    """Holds *path* for one process at a time; the system frees it when the process dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def __enter__(self) -> RunLock:
        locking: Any = importlib.import_module("msvcrt")
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOINHERIT", 0)
        handle = os.open(self._path, flags, 0o600)
        try:
            locking.locking(handle, locking.LK_NBLCK, 1)
        except OSError as exc:
            os.close(handle)
            raise AlreadyRunning(f"another process holds {self._path}") from exc
        self._handle = handle
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._handle is not None:
            locking: Any = importlib.import_module("msvcrt")
            with contextlib.suppress(OSError):
                os.lseek(self._handle, 0, os.SEEK_SET)
                locking.locking(self._handle, locking.LK_UNLCK, 1)
            os.close(self._handle)
            self._handle = None


def protect(secret: bytes) -> bytes:
    """Return *secret* sealed by DPAPI for this machine; useless on another (CryptProtectData).

    Raises:
        OSError: The system refused.
    """
    return _crypt("CryptProtectData", secret)


def unprotect(protected: bytes) -> bytes:
    """Return what `protect` was given on this machine.

    Raises:
        OSError: Sealed on another machine, or damaged.
    """
    return _crypt("CryptUnprotectData", protected)


def _crypt(function: str, given: bytes) -> bytes:
    call = getattr(_library("crypt32"), function)
    buffer = ctypes.create_string_buffer(given, len(given))
    before = _Blob(len(given), ctypes.cast(buffer, ctypes.c_void_p))
    after = _Blob()
    flags = CRYPTPROTECT_UI_FORBIDDEN | CRYPTPROTECT_LOCAL_MACHINE
    # No description, no extra entropy: a second secret would lie beside the first.
    if not call(ctypes.byref(before), None, None, None, None, flags, ctypes.byref(after)):
        raise _failed()
    try:
        return ctypes.string_at(after.bytes, after.size)
    finally:
        _free(ctypes.c_void_p(after.bytes))


def state_home() -> Path:
    """Return the machine's state folder under %ProgramData%."""
    return Path(os.environ.get("ProgramData", r"C:\ProgramData")) / "ccpor-check"  # noqa: SIM112
