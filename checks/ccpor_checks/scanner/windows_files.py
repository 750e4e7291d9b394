"""Files of Windows drivers: where they lie, 32- or 64-bit by their header, version by resource.

Source: PE format specification (COFF header, Machine); verrsrc.h, VS_FIXEDFILEINFO.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ccpor_checks.base import CannotObserve

OWN_BITNESS = struct.calcsize("P") * 8
MACHINES = {0x014C: 32, 0x8664: 64, 0xAA64: 64}
HEAD, MOST_FILES, DEEPEST = 4096, 400, 4
SIGNATURE = 0xFEEF04BD
ENGLISH = (0x0409, 0x04B0)  # US English in Unicode, where a resource names no language


class Places(NamedTuple):
    """This Windows' folder, and its system folder for programs of each bitness, as seen by us."""

    windows: Path
    system: Mapping[int, Path]


class Resource(NamedTuple):
    """What a file's version resource tells."""

    version: str | None = None
    product: str | None = None
    company: str | None = None
    description: str | None = None


def places(kind: str) -> Places:
    """Return the folders of this Windows.

    Raises:
        CannotObserve: It is none; *kind* says what was to be looked at.
    """
    if sys.platform != "win32":
        raise CannotObserve(f"{kind} scanners are looked at on Windows only: cannot look here")
    windows = Path(os.environ.get("SYSTEMROOT") or os.environ.get("WINDIR") or r"C:\Windows")
    if OWN_BITNESS == 64:
        return Places(windows, {64: windows / "System32", 32: windows / "SysWOW64"})
    if "PROCESSOR_ARCHITEW6432" in os.environ:  # System32 would show us SysWOW64
        return Places(windows, {64: windows / "Sysnative", 32: windows / "SysWOW64"})
    return Places(windows, {32: windows / "System32"})


def bitness(path: Path) -> int | None:
    """Return 32 or 64; None: not a program file, or not ours to read."""
    try:
        with path.open("rb") as file:
            return bitness_of(file.read(HEAD))
    except OSError:
        return None


def bitness_of(head: bytes) -> int | None:
    """Return 32 or 64 by the first bytes of a file; None: they are no PE header."""
    try:
        (at,) = struct.unpack_from("<I", head, 0x3C)
        signature, machine = struct.unpack_from("<4sH", head, at)
    except struct.error:
        return None
    return MACHINES.get(machine) if head[:2] == b"MZ" and signature == b"PE\0\0" else None


def below(folder: Path, suffix: str) -> Iterator[Path]:
    """Yield the files that end in *suffix*, in order; a few folders deep, a few hundred at most."""
    left, found = [(folder, 0)], 0
    while left:
        here, depth = left.pop()
        try:
            entries = sorted(here.iterdir())
        except OSError:  # no such folder, or not ours to read
            continue
        for entry in entries:
            if entry.suffix.lower() == suffix and entry.is_file():
                found += 1
                if found > MOST_FILES:
                    return
                yield entry
            elif depth < DEEPEST and entry.is_dir() and not entry.is_symlink():
                left.append((entry, depth + 1))


def resource(path: Path) -> Resource:
    """Return what the version resource of *path* tells; nothing where it has none."""
    if sys.platform != "win32":
        return Resource()
    version = ctypes.WinDLL("version")
    size = version.GetFileVersionInfoSizeW(str(path), None)
    if not size:
        return Resource()
    block = ctypes.create_string_buffer(size)
    if not version.GetFileVersionInfoW(str(path), 0, size, block):
        return Resource()

    def value(name: str) -> bytes:
        place, length = ctypes.c_void_p(), ctypes.c_uint()
        if not version.VerQueryValueW(block, name, ctypes.byref(place), ctypes.byref(length)):
            return b""
        is_text = name.startswith("\\StringFileInfo")
        start, room = place.value or 0, length.value * (2 if is_text else 1)
        first = ctypes.addressof(block)
        if not first <= start or start + room > first + size:
            return b""
        return ctypes.string_at(start, room)

    told = value("\\VarFileInfo\\Translation")
    language, page = struct.unpack_from("<HH", told) if len(told) >= 4 else ENGLISH

    def text(name: str) -> str | None:
        found = value(f"\\StringFileInfo\\{language:04x}{page:04x}\\{name}")
        return printable(found.decode("utf-16-le", "replace").partition("\0")[0])

    return Resource(
        version=fixed_version(value("\\")),
        product=text("ProductName"),
        company=text("CompanyName"),
        description=text("FileDescription"),
    )


def fixed_version(info: bytes) -> str | None:
    """Return e.g. ``3.7.1.42`` out of a VS_FIXEDFILEINFO; None: it is none, or says 0.0.0.0."""
    try:
        signature, _, high, low = struct.unpack_from("<4I", info)
    except struct.error:
        return None
    parts = (high >> 16, high & 0xFFFF, low >> 16, low & 0xFFFF)
    return ".".join(map(str, parts)) if signature == SIGNATURE and any(parts) else None


def printable(text: str) -> str | None:
    """Return *text* as it may be shown: one short line; None where nothing is left."""
    return "".join(filter(str.isprintable, text)).strip()[:200] or None
