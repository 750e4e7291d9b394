"""Read a database of dconf: the keys of GNOME's settings, as a user or the system has set them.

Source: GVDB's file format (gvdb-format.h of GLib) and the serialisation of GVariant (its
specification, "basic types"). A damaged file gives no values: it is not ours to mend.
"""

from __future__ import annotations

import struct
from typing import Any

NOTHING = 0xFFFFFFFF
MOST_BYTES = 10_000_000
MOST_KEYS = 100_000
DEEPEST = 64
Value = bool | int | str


def settings(content: bytes) -> dict[str, Value]:
    """Return the settings by path (``/org/gnome/…``), numbers, texts and truths alone.

    Raises:
        ValueError: It is no such database, or a damaged one.
    """
    if content[:8] == b"GVariant":
        order = "<"
    elif content[:8] == b"raVGtnai":
        order = ">"
    else:
        raise ValueError("no database of dconf")
    if len(content) > MOST_BYTES:
        raise ValueError("too large")
    try:
        return _table(content, order)
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise ValueError("a damaged database of dconf") from exc


def _table(content: bytes, order: str) -> dict[str, Value]:
    start, end = struct.unpack_from(order + "II", content, 16)
    bloom, buckets = struct.unpack_from(order + "II", content, start)
    first = start + 8 + 4 * (bloom & 0x07FF_FFFF) + 4 * buckets
    count = (end - first) // 24
    if end > len(content) or not 0 <= count <= MOST_KEYS:
        raise ValueError("a damaged database of dconf")
    items = [struct.unpack_from(order + "IIIHcxII", content, first + 24 * n) for n in range(count)]
    found: dict[str, Value] = {}
    for number, (*_, kind, begins, ends) in enumerate(items):
        if max(begins, ends) > len(content):
            raise ValueError("a damaged database of dconf")
        value = _value(content[begins:ends], order) if kind == b"v" else None
        if value is not None:
            found[_path(content, items, number)] = value
    return found


def _path(content: bytes, items: list[tuple[Any, ...]], number: int) -> str:
    """Return a key with its parents' in front; a chain without end is cut."""
    parts: list[str] = []
    while number != NOTHING and len(parts) < DEEPEST:
        _, parent, at, size, *_ = items[number]
        parts.insert(0, content[at : at + size].decode())
        number = parent
    return "".join(parts)


def _value(boxed: bytes, order: str) -> Value | None:
    """Return what a GVariant holds: its bytes, a zero, the letter of its type."""
    plain, _, kind = boxed.rpartition(b"\0")
    if kind == b"s":
        return plain.removesuffix(b"\0").decode()
    if kind == b"b" and len(plain) == 1:
        return plain != b"\0"
    form = {b"y": "B", b"n": "h", b"q": "H", b"i": "i", b"u": "I", b"x": "q", b"t": "Q"}.get(kind)
    if form is None or len(plain) != struct.calcsize(form):
        return None
    number: int = struct.unpack(order + form, plain)[0]
    return number
