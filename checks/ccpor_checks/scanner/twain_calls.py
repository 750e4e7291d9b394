"""TWAIN itself: one data source manager loaded into this process, called by ctypes.

Only ever used in a process of its own (`twain_child`). The module loads everywhere; `Manager`
works on Windows only.

Source: TWAIN specification 2.4, chapter 8; all structures are packed to two bytes.
"""

from __future__ import annotations

import ctypes
import struct
import sys
import time
from collections.abc import Callable

from ccpor_checks.base import CannotObserve
from ccpor_checks.scanner import twain_words as tw

LONGEST, MOST_SOURCES, MOST_VALUES = 34, 50, 512
ENGLISH_USA, USA = 13, 1
MOVEABLE_ZEROED = 0x0042  # GHND
MESSAGE_ONLY = -3  # HWND_MESSAGE
REMOVE = 1
SIZES = {tw.INT16: "h", tw.INT32: "i", tw.UINT16: "H", tw.UINT32: "I", tw.BOOL: "H", tw.FIX32: "hH"}


class Version(ctypes.Structure):
    _pack_ = 2
    _fields_ = (
        ("major", ctypes.c_uint16),
        ("minor", ctypes.c_uint16),
        ("language", ctypes.c_uint16),
        ("country", ctypes.c_uint16),
        ("info", ctypes.c_char * LONGEST),
    )


class Identity(ctypes.Structure):
    _pack_ = 2
    _fields_ = (
        ("id", ctypes.c_uint32),
        ("version", Version),
        ("protocol_major", ctypes.c_uint16),
        ("protocol_minor", ctypes.c_uint16),
        ("groups", ctypes.c_uint32),
        ("maker", ctypes.c_char * LONGEST),
        ("family", ctypes.c_char * LONGEST),
        ("name", ctypes.c_char * LONGEST),
    )


class Capability(ctypes.Structure):
    _pack_ = 2
    _fields_ = (
        ("cap", ctypes.c_uint16),
        ("form", ctypes.c_uint16),
        ("container", ctypes.c_void_p),
    )


class Interface(ctypes.Structure):
    _pack_ = 2
    _fields_ = (
        ("show", ctypes.c_uint16),
        ("modal", ctypes.c_uint16),
        ("parent", ctypes.c_void_p),
    )


class Event(ctypes.Structure):
    _pack_ = 2
    _fields_ = (("event", ctypes.c_void_p), ("message", ctypes.c_uint16))


class Pending(ctypes.Structure):
    _pack_ = 2
    _fields_ = (("count", ctypes.c_uint16), ("rest", ctypes.c_uint32))


class Status(ctypes.Structure):
    _pack_ = 2
    _fields_ = (("condition", ctypes.c_uint16), ("extra", ctypes.c_uint16))


class Message(ctypes.Structure):
    """MSG of winuser.h."""

    _fields_ = (
        ("window", ctypes.c_void_p),
        ("message", ctypes.c_uint32),
        ("wparam", ctypes.c_size_t),
        ("lparam", ctypes.c_ssize_t),
        ("time", ctypes.c_uint32),
        ("x", ctypes.c_int32),
        ("y", ctypes.c_int32),
    )


class Refused(Exception):
    """TWAIN said no. condition: its number; 0: it gave none."""

    def __init__(self, condition: int) -> None:
        super().__init__(tw.condition_words(condition) or "no reason given")
        self.condition = condition


class Broken(Exception):
    """The source or the manager crashed in a call; Windows let us go on."""


def library(path: str) -> ctypes.CDLL:
    """Load a library of Windows.

    Raises:
        CannotObserve: This is not Windows.
        OSError: It does not load.
    """
    if sys.platform != "win32":
        raise CannotObserve("there is no TWAIN on this system")
    return ctypes.WinDLL(path)


class Memory:
    """Handles of Windows' global memory, in which TWAIN passes values and pictures."""

    def __init__(self) -> None:
        kernel = library("kernel32")
        for name in ("GlobalAlloc", "GlobalLock", "GlobalSize", "GlobalFree"):
            getattr(kernel, name).restype = ctypes.c_void_p
        self._kernel = kernel

    def made(self, content: bytes) -> int:
        handle: int = self._kernel.GlobalAlloc(MOVEABLE_ZEROED, ctypes.c_size_t(len(content)))
        place = self._kernel.GlobalLock(ctypes.c_void_p(handle))
        ctypes.memmove(place, content, len(content))
        self._kernel.GlobalUnlock(ctypes.c_void_p(handle))
        return handle

    def taken(self, handle: int | None, most: int) -> bytes:
        """Return what *handle* holds, *most* bytes of it, and free it."""
        if not handle:
            return b""
        size = self._kernel.GlobalSize(ctypes.c_void_p(handle)) or 0
        place = self._kernel.GlobalLock(ctypes.c_void_p(handle))
        held = ctypes.string_at(place, min(size, most)) if place else b""
        self._kernel.GlobalUnlock(ctypes.c_void_p(handle))
        self.freed(handle)
        return held

    def freed(self, handle: int) -> None:
        self._kernel.GlobalFree(ctypes.c_void_p(handle))


class Manager:
    """A data source manager, opened; then at most one of its sources."""

    def __init__(self, path: str) -> None:
        """Load and open it.

        Raises:
            OSError: It does not load.
            Refused: It does not open.
        """
        self._memory = Memory()
        self._entry = library(path).DSM_Entry
        self._entry.restype = ctypes.c_uint16
        self._user = library("user32")
        self._user.CreateWindowExW.restype = ctypes.c_void_p
        self._window = self._made_window()
        self._source: Identity | None = None
        # Version 1.9 in what we are: a manager of version 2 then serves us as it serves those
        # before it, with events by messages and memory of Windows' own.
        self._us = Identity(
            version=Version(1, 0, ENGLISH_USA, USA, b"1"),
            protocol_major=1,
            protocol_minor=9,
            groups=tw.CONTROL | tw.IMAGE,
            maker=b"ccpor-check",
            family=b"ccpor-check",
            name=b"ccpor-check",
        )
        parent = ctypes.c_void_p(self._window)
        if self._call(None, tw.CONTROL, tw.PARENT, tw.OPEN_DSM, parent) != tw.SUCCESS:
            raise Refused(self.condition(None))

    def sources(self) -> list[Identity]:
        """Return the sources in the manager's order."""
        found: list[Identity] = []
        source = Identity()
        code = self._call(None, tw.CONTROL, tw.IDENTITY, tw.GET_FIRST, source)
        while code == tw.SUCCESS and len(found) < MOST_SOURCES:
            found.append(source)
            source = Identity()
            code = self._call(None, tw.CONTROL, tw.IDENTITY, tw.GET_NEXT, source)
        return found

    def default(self) -> bytes:
        """Return the name of the source that programs take by themselves; empty: none."""
        source = Identity()
        code = self._call(None, tw.CONTROL, tw.IDENTITY, tw.GET_DEFAULT, source)
        return bytes(source.name) if code == tw.SUCCESS else b""

    def open(self, source: Identity) -> None:
        """Open *source*.

        Raises:
            Refused: It does not open.
        """
        if self._call(None, tw.CONTROL, tw.IDENTITY, tw.OPEN_DS, source) != tw.SUCCESS:
            raise Refused(self.condition(None))
        self._source = source

    def close(self) -> None:
        if self._source is not None:
            self._call(None, tw.CONTROL, tw.IDENTITY, tw.CLOSE_DS, self._source)
            self._source = None
        parent = ctypes.c_void_p(self._window)
        self._call(None, tw.CONTROL, tw.PARENT, tw.CLOSE_DSM, parent)

    def values(self, cap: int) -> tuple[float, ...]:
        """Return what *cap* may be: its one value, its list, or (lowest, highest, step) thrice.

        Empty: the source does not know it.
        """
        asked = Capability(cap=cap)
        if self._to_source(tw.CONTROL, tw.CAPABILITY, tw.GET, asked) != tw.SUCCESS:
            return ()
        return read_values(asked.form, self._memory.taken(asked.container, 65_536))

    def set(self, cap: int, kind: int, value: int) -> bool:
        """Set *cap* to *value*, whole dots or numbers; say whether the source took it."""
        held = self._memory.made(one_value(kind, value))
        asked = Capability(cap=cap, form=tw.ONE_VALUE, container=held)
        code = self._to_source(tw.CONTROL, tw.CAPABILITY, tw.SET, asked)
        self._memory.freed(held)
        return code in (tw.SUCCESS, tw.CHECK_STATUS)

    def start(self) -> None:
        """Enable the source without a window of its own.

        Raises:
            Refused: It does not start.
        """
        interface = Interface(parent=self._window)
        code = self._to_source(tw.CONTROL, tw.INTERFACE, tw.ENABLE, interface)
        if code not in (tw.SUCCESS, tw.CHECK_STATUS):
            raise Refused(self.condition(self._source))

    def stop(self) -> None:
        self._to_source(tw.CONTROL, tw.PENDING, tw.RESET, Pending())
        self._to_source(tw.CONTROL, tw.INTERFACE, tw.DISABLE, Interface(parent=self._window))

    def wait(self) -> bool:
        """Wait until a page is ready; say whether one is, or the source wants to be closed.

        Without an end of its own: the process has one.
        """
        message = Message()
        while True:
            if not self._user.PeekMessageW(ctypes.byref(message), None, 0, 0, REMOVE):
                time.sleep(0.01)
                continue
            event = Event(event=ctypes.addressof(message))
            code = self._to_source(tw.CONTROL, tw.EVENT, tw.PROCESS_EVENT, event)
            if event.message == tw.XFER_READY:
                return True
            if event.message == tw.CLOSE_REQUEST:
                return False
            if code == tw.NOT_DS_EVENT:
                self._user.TranslateMessage(ctypes.byref(message))
                self._user.DispatchMessageW(ctypes.byref(message))

    def page(self, most: int) -> bytes:
        """Return the next page as a DIB.

        Raises:
            Refused: None came.
        """
        handle = ctypes.c_void_p()
        code = self._to_source(tw.IMAGE, tw.NATIVE, tw.GET, handle)
        if code != tw.XFER_DONE:
            raise Refused(self.condition(self._source) if code == tw.FAILURE else 0)
        return self._memory.taken(handle.value, most)

    def after_page(self) -> int:
        """End the transfer of a page; return how many more there are, 65535 for "unknown"."""
        pending = Pending()
        code = self._to_source(tw.CONTROL, tw.PENDING, tw.END_XFER, pending)
        return int(pending.count) if code == tw.SUCCESS else 0

    def condition(self, whose: Identity | None) -> int:
        status = Status()
        self._call(whose, tw.CONTROL, tw.STATUS, tw.GET, status)
        return int(status.condition)

    def _to_source(
        self, group: int, what: int, message: int, place: ctypes.Structure | ctypes.c_void_p
    ) -> int:
        return self._call(self._source, group, what, message, place)

    def _call(
        self,
        whom: Identity | None,
        group: int,
        what: int,
        message: int,
        place: ctypes.Structure | ctypes.c_void_p,
    ) -> int:
        entry: Callable[..., int] = self._entry
        try:
            return entry(
                ctypes.byref(self._us),
                None if whom is None else ctypes.byref(whom),
                ctypes.c_uint32(group),
                ctypes.c_uint16(what),
                ctypes.c_uint16(message),
                ctypes.byref(place),
            )
        except OSError as exc:  # how ctypes tells of an access violation
            raise Broken from exc

    def _made_window(self) -> int | None:
        """Return a window that is never shown, the parent of what a driver may show."""
        for parent in (None, MESSAGE_ONLY):
            window: int | None = self._user.CreateWindowExW(
                0, "STATIC", "ccpor-check", 0, 0, 0, 1, 1, ctypes.c_void_p(parent), None, None, None
            )
            if window:
                return window
        return None


def one_value(kind: int, value: int) -> bytes:
    """Return TW_ONEVALUE: the value in the lower end of its 32 bits."""
    form = SIZES[kind]
    item = struct.pack(f"<{form}", *((value, 0) if kind == tw.FIX32 else (value,)))
    return struct.pack("<H", kind) + item.ljust(4, b"\0")


def read_values(form: int, held: bytes) -> tuple[float, ...]:
    """Return the values of a container; of TW_RANGE the lowest, the highest and the step."""
    try:
        (kind,) = struct.unpack_from("<H", held)
        size = struct.calcsize(f"<{SIZES[kind]}")
        if form == tw.ONE_VALUE:
            return (_item(kind, held, 2),)
        if form == tw.RANGE:
            return tuple(_item(kind, held, 2 + 4 * number) for number in range(3))
        if form in (tw.ENUMERATION, tw.ARRAY):
            (count,) = struct.unpack_from("<I", held, 2)
            begin = 14 if form == tw.ENUMERATION else 6
            count = min(count, MOST_VALUES, (len(held) - begin) // size)
            return tuple(_item(kind, held, begin + size * number) for number in range(count))
    except (struct.error, KeyError):
        return ()
    return ()


def _item(kind: int, held: bytes, at: int) -> float:
    found = struct.unpack_from(f"<{SIZES[kind]}", held, at)
    return float(found[0] + found[1] / 65_536 if kind == tw.FIX32 else found[0])
