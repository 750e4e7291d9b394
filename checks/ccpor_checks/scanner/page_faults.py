"""What is wrong with pages that came: blank, the wrong way round, cut, too pale; pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from ccpor_checks.scanner.evidence import PageFact, TestPageFact
from ccpor_reporting.model import Owner, Severity

LEAST_CONTRAST = 0.5  # below half, an officer's photocopy of the order is no longer read
TURNED_FIX = (
    "Put the sheets in as the feeder's picture shows, and switch off turning in the scanner's "
    "driver."
)
BLACK_PCT = 97.0
BLACK_FIX = (
    "Close the cover, clean the glass, and look whether the scanner's lamp is lit; set brightness "
    "and threshold of the driver back to their defaults."
)
BLANK_EXPECTED = "something stands on every page"


class PageFault(NamedTuple):
    """A fault of the sample. fix, owner, severity None: as catalogue and rule say."""

    reason: Literal["failed", "blank"]
    words: str
    expected: str
    severity: Severity | None = None
    fix: str | None = None
    owner: Owner | None = None


def page_fault(pages: tuple[PageFact, ...]) -> PageFault | None:
    """Return the gravest fault of *pages*; None where they are good.

    The closed list has no word of its own for a test page that is mirrored, cut, turned or pale.
    All of them mean that the scan as a whole went wrong although a page came, so they are
    ``failed``, each with its own words and its own way out.
    """
    if blank := [page for page in pages if page.is_blank]:
        return _blank(blank, len(pages))
    tests = [(page.number, page.test_page) for page in pages if page.test_page is not None]
    for judge in (_mirrored, _cut, _pale, _turned):
        if found := judge(tests):
            return found
    return None


def _blank(blank: list[PageFact], of: int) -> PageFault:
    """Return the fault of pages with nothing to read, white ones or black ones."""
    numbers = [page.number for page in blank]
    who = "every page is" if len(blank) == of and of > 1 else _pages(numbers)
    if all((page.ink_pct or 0.0) > BLACK_PCT for page in blank):
        return PageFault("blank", f"{who} black all over", BLANK_EXPECTED, fix=BLACK_FIX)
    return PageFault("blank", f"{who} blank", BLANK_EXPECTED)


Tests = list[tuple[int, TestPageFact]]


def _mirrored(tests: Tests) -> PageFault | None:
    found = [number for number, page in tests if page.is_mirrored]
    if not found:
        return None
    return PageFault(
        "failed",
        f"{_pages(found)} mirrored: left and right are exchanged",
        "the test page as printed",
        fix="Switch off mirroring in the scanner's driver, or install its newest driver.",
    )


def _cut(tests: Tests) -> PageFault | None:
    found = {number: page.cut_edges for number, page in tests if page.cut_edges}
    if not found:
        return None
    edges = sorted({edge for cut in found.values() for edge in cut})
    return PageFault(
        "failed",
        f"{_pages(list(found))} cut off at the {' and '.join(edges)}",
        "the whole test page",
        fix="Set the paper size to Letter in the scanner's driver, set the paper guides, and "
        "print the test page at 100 %, not fitted to the page.",
        owner=Owner.COURT_IT,
    )


def _pale(tests: Tests) -> PageFault | None:
    found = {
        number: page.contrast
        for number, page in tests
        if page.contrast is not None and page.contrast < LEAST_CONTRAST
    }
    if not found:
        return None
    return PageFault(
        "failed",
        f"{_pages(list(found))} too pale to read: contrast {min(found.values()):.2f}",
        f"contrast of at least {LEAST_CONTRAST:g}",
        fix="Clean the glass and the white strip, print the test page afresh, and set brightness "
        "and threshold of the driver back to their defaults.",
        owner=Owner.COURT_IT,
    )


def _turned(tests: Tests) -> PageFault | None:
    found = {number: page.turned_deg for number, page in tests if page.turned_deg}
    if not found:
        return None
    how = {90: "turned to the right", 180: "upside down", 270: "turned to the left"}
    turns = " and ".join(how.get(each, "turned") for each in sorted(set(found.values())))
    return PageFault(
        "failed",
        f"{_pages(list(found))} {turns}",
        "the test page upright",
        severity=Severity.WARNING,  # a reader can turn it; the other three lose what was written
        fix=TURNED_FIX,
        owner=Owner.COURT_IT,
    )


def _pages(numbers: list[int]) -> str:
    """Return e.g. ``page 3 is``, ``pages 1 and 2 are``."""
    if len(numbers) == 1:
        return f"page {numbers[0]} is"
    first = ", ".join(map(str, numbers[:-1]))
    return f"pages {first} and {numbers[-1]} are"
