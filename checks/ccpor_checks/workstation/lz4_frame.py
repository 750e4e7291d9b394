"""Unpack an LZ4 frame: apt keeps its lists so, and Python has no reader of its own.

Source: LZ4 Frame Format 1.6.4, LZ4 Block Format (lz4.org). Checksums are not compared.
"""

from __future__ import annotations

MAGIC = 0x184D2204
STORED = 0x8000_0000


def unpacked(packed: bytes, most_bytes: int) -> bytes:
    """Return the content of the first frame.

    Raises:
        ValueError: It is no LZ4 frame, is cut off, or holds more than *most_bytes*.
    """
    if len(packed) < 7 or int.from_bytes(packed[:4], "little") != MAGIC:
        raise ValueError("no LZ4 frame")
    flags = packed[4]
    if flags >> 6 != 1 or flags & 1:  # another version, or a dictionary that we do not have
        raise ValueError("an LZ4 frame of another kind")
    at = 7 + (8 if flags & 0x08 else 0)
    after_block = 4 if flags & 0x10 else 0
    content = bytearray()
    while True:
        size = int.from_bytes(packed[at : at + 4], "little")
        if at + 4 > len(packed):
            raise ValueError("an LZ4 frame without its end")
        at += 4
        if size == 0:
            return bytes(content)
        length = size & ~STORED
        block = packed[at : at + length]
        if len(block) < length:
            raise ValueError("an LZ4 block without its end")
        if size & STORED:
            content += block
        else:
            _unpack(block, content, most_bytes)
        if len(content) > most_bytes:
            raise ValueError("too large")
        at += length + after_block


def _unpack(block: bytes, content: bytearray, most_bytes: int) -> None:
    """Append what *block* holds: literals, and copies of what stands before."""
    at, end = 0, len(block)
    try:
        while True:
            token = block[at]
            at += 1
            length = token >> 4
            if length == 15:
                length, at = _longer(block, at)
            content += block[at : at + length]
            at += length
            if at >= end:
                if at > end:
                    raise ValueError("literals beyond the end of their block")
                return
            distance = block[at] | block[at + 1] << 8
            at += 2
            length = token & 15
            if length == 15:
                length, at = _longer(block, at)
            length += 4
            start = len(content) - distance
            if distance == 0 or start < 0 or len(content) + length > most_bytes:
                raise ValueError("a copy from nowhere, or too large")
            if distance >= length:
                content += content[start : start + length]
            else:  # the copy overlaps itself: it repeats
                piece = bytes(content[start:])
                content += (piece * (length // distance + 1))[:length]
    except IndexError as exc:
        raise ValueError("an LZ4 block that ends too soon") from exc


def _longer(block: bytes, at: int) -> tuple[int, int]:
    """Return a length of 15 and more, and where it ends."""
    length = 15
    while True:
        more = block[at]
        length += more
        at += 1
        if more < 255:
            return length, at
