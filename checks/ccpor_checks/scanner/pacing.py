"""How many pages a sample has at most, and how long each part of the look may take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ccpor_checks.base import Context
from ccpor_checks.scanner.evidence import ScannerOptions

MOST_PAGES = 50
USUAL_PAGES = 12  # a long order: what a feeder holds where the profile does not say
LOOK_S = 31.0  # listing asks the network, too
WARM_UP_S, PAGE_S = 30.0, 3.5  # a slow desktop feeder: 17 pages a minute
MEASURE_S, MEASURE_PAGE_S = 3.0, 1.0
LEAST_SCAN_S = 1.0


def pages_of(options: ScannerOptions) -> int | None:
    """Return how many pages to ask for; None: as many as the feeder holds."""
    if options.source == "flatbed":
        return 1
    return None if options.pages is None else min(options.pages, MOST_PAGES)


def budget_s(options: ScannerOptions) -> float:
    """Return the seconds of the whole look at worst: 118 for twelve pages."""
    if not options.sample:
        return LOOK_S
    pages = pages_of(options) or USUAL_PAGES
    return LOOK_S + WARM_UP_S + PAGE_S * pages + measure_s(pages)


def measure_s(pages: int | None) -> float:
    """Return the seconds to keep for measuring so many pages."""
    return MEASURE_S + MEASURE_PAGE_S * (pages or USUAL_PAGES)


@contextlib.contextmanager
def kept_back(ctx: Context, seconds: float) -> Iterator[None]:
    """Let the block see a deadline that is *seconds* earlier, at most half of what is left.

    What a scan delivered late must still be measured, or its pages were fed for nothing.

    Raises:
        TimeoutError: The deadline has passed already.
    """
    held = min(seconds, ctx.remaining() / 2)
    ctx.deadline -= held
    try:
        yield
    finally:
        ctx.deadline += held
