"""How long a letter page at 300 dots an inch takes to judge, beside a bare decoder."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageFilter

from ccpor_checks.scanner.image import measure, test_page

TURNS = 5


def judged_and_decoded(folder: Path) -> tuple[float, float]:
    """Return the middle seconds of our judgement of a gray page, and of Pillow's decoding of it."""
    path = folder / "page.jpg"
    page = test_page.rendered(300, "gray").rotate(1.5, Image.Resampling.BICUBIC, fillcolor=255)
    page.filter(ImageFilter.GaussianBlur(0.6)).save(path, "JPEG", dpi=(300, 300))

    def decoded() -> None:
        with Image.open(path) as opened:
            opened.load()

    return _middle(lambda: measure(path)), _middle(decoded)


def _middle(act: Callable[[], object]) -> float:
    act()  # imports, and the page in the file system's cache
    times = []
    for _turn in range(TURNS):
        begun = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)
