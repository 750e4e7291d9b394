"""What was measured of a page of the corpus, beside what is true of it."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ccpor_checks.scanner.evidence import PageFact
from ccpor_checks.scanner.image import measure
from tests.checks.scanner.image.corpus import Page, page

MOST_OFF_DEG = 0.3
DPI_OFF = 0.01


@dataclass
class Judged:
    """wrong: each thing that was told otherwise than it is. off_deg: of the skew."""

    name: str
    kind: str
    wrong: list[str]
    off_deg: float | None
    seconds: float


def judged(number: int, seed: int, most_dpi: int = 600) -> Judged:
    """Make page *number* of corpus *seed*, measure it, and compare."""
    made = page(number, seed, most_dpi=most_dpi)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "page"
        path.write_bytes(made.content)
        begun = time.perf_counter()
        (seen,) = measure(path)
        seconds = time.perf_counter() - begun
    off = None
    if made.skew is not None and seen.skew_deg is not None:
        off = abs(seen.skew_deg - made.skew)
    return Judged(f"{made.name} {made.format}", made.kind, wrong(made, seen), off, seconds)


def wrong(made: Page, seen: PageFact) -> list[str]:
    """Return what *seen* says that is not true of *made*."""
    told: list[tuple[str, object, object]] = [
        ("blank", seen.is_blank, made.is_blank),
        ("mode", seen.mode, made.mode),
        ("format", seen.format, made.format),
        ("test page", seen.test_page is not None, made.is_test_page),
        ("dpi", near(seen.dpi_x, made.dpi) and near(seen.dpi_y, made.dpi), True),
    ]
    if made.skew is not None:
        close = seen.skew_deg is not None and abs(seen.skew_deg - made.skew) <= MOST_OFF_DEG
        told.append((f"skew {seen.skew_deg} of {made.skew}", close, True))
    if made.is_blank:
        told.append(("skew of nothing", seen.skew_deg, None))
    if made.kind in ("faint note", "faint stamp"):
        told.append(("faint", seen.has_faint_marks, True))
    if (test := seen.test_page) is not None and made.is_test_page:
        told += [
            ("turned", test.turned_deg, made.turned),
            ("mirrored", test.is_mirrored, made.mirrored),
            ("cut", test.cut_edges, made.cut),
            ("marks", near(test.dpi_x, made.dpi) and near(test.dpi_y, made.dpi), True),
            ("pale", test.contrast is not None and test.contrast < 0.5, made.kind == "pale"),
        ]
    return [f"{name}: {said}" for name, said, true in told if said != true]


def near(said: float | None, true: float) -> bool:
    return said is not None and abs(said / true - 1) <= DPI_OFF
