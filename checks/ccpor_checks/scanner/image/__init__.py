"""What a picture of a page shows: dots, depth, size, ink, skew, and our test page if it is one.

`measure` opens any file that a scanner delivers, bounded; what is written on it is never told.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ccpor_checks.scanner.evidence import PageFact


class Unreadable(Exception):
    """The file cannot be opened as pages; the message says why, in words for people."""


def measure(
    path: Path, *, first_number: int = 1, asked_dpi: int | None = None
) -> tuple[PageFact, ...]:
    """Return what each page of the file *path* shows, numbered from *first_number*.

    asked_dpi: what the scan was asked for; only a hint for where to look for fine detail.

    Raises:
        Unreadable: It is no picture, is damaged, or is larger than any page.
    """
    from ccpor_checks.scanner.image.measuring import measured
    from ccpor_checks.scanner.image.opening import frames

    return tuple(
        measured(frame, number, asked_dpi)
        for number, frame in enumerate(frames(path), first_number)
    )
