"""A picture as Windows hands it over in memory (a DIB), made a BMP file.

Source: wingdi.h, BITMAPFILEHEADER, BITMAPINFOHEADER. What a driver says of sizes is not believed
beyond the memory that it gave.
"""

from __future__ import annotations

import struct

MOST_BYTES = 400 * 10**6  # a letter page in colour at 1200 dpi; measuring has its own bounds
INFO_SIZE, FILE_HEAD = 40, 14
UNCOMPRESSED, BITFIELDS = 0, 3


class BadPicture(Exception):
    """What the driver handed over is no picture, or less of it than it says."""


def bmp_of(dib: bytes) -> bytes:
    """Return the BMP file of *dib*, which may be followed by bytes that do not belong to it.

    Raises:
        BadPicture: With what is wrong.
    """
    if len(dib) < INFO_SIZE:
        raise BadPicture(f"{len(dib)} bytes are no picture")
    size, width, height, _planes, depth, compression, said, _x, _y, used, _important = (
        struct.unpack_from("<IiiHHIIiiII", dib)
    )
    if size < INFO_SIZE or width <= 0 or not height or depth not in (1, 4, 8, 16, 24, 32):
        raise BadPicture(f"it says {width} × {height} pixels of {depth} bits")
    if compression not in (UNCOMPRESSED, BITFIELDS):
        raise BadPicture(f"compression {compression} is not known")
    colours = (used or 1 << depth) if depth <= 8 else used
    masks = 12 if compression == BITFIELDS and size == INFO_SIZE else 0
    begins = size + masks + 4 * colours
    needed = begins + row_bytes(width, depth) * abs(height)
    if needed > MOST_BYTES:
        raise BadPicture(f"{width} × {height} pixels of {depth} bits are too large for a page")
    if len(dib) < needed:
        raise BadPicture(f"{len(dib)} of the {needed} bytes that it says came")
    whole = dib[:needed] if said == 0 else dib[: min(len(dib), max(needed, begins + said))]
    head = struct.pack("<2sIHHI", b"BM", FILE_HEAD + len(whole), 0, 0, FILE_HEAD + begins)
    return head + whole


def row_bytes(width: int, depth: int) -> int:
    """Return the bytes of a row: filled up to a multiple of four."""
    return (width * depth + 31) // 32 * 4
