"""Filler for test uploads: says what it is, holds nobody's order, and no device can shrink it."""

from __future__ import annotations

import random
from collections.abc import Iterator

NOTICE = b"ccpor-check synthetic data; no order and no person in it\n"
PART = 32_768  # bytes; the most that one SFTP write of every server takes


def synthetic(size: int, *, seed: int = 0) -> Iterator[bytes]:
    """Yield *size* bytes in parts of at most `PART`: the notice, then noise that *seed* repeats."""
    dice = random.Random(seed)  # noqa: S311 - filler that repeats, no secret
    left = size
    part = NOTICE
    while left > 0:
        part = part[:left]
        left -= len(part)
        yield part
        part = dice.randbytes(min(PART, left))
