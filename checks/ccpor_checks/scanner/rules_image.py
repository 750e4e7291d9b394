"""What makes a scanned page good enough: sharp, black and white, small, straight, readable.

Limits: courts that take scanned filings ask for 200 to 300 dpi in black and white, about 35 to 52
kB a page, and see files 20 to 40 times larger in gray or colour.
"""

from __future__ import annotations

from collections.abc import Callable

from ccpor_checks.scanner.evidence import PageFact, ScannerEvidence, ScannerOptions
from ccpor_checks.scanner.states import because_absent, hindrance
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import (
    Judgement,
    Rule,
    Setting,
    limit_words,
    met,
    over_limit,
    skipped_by,
    unassessed,
    unmet,
)

TOLERANCE = 0.01  # of dots per inch: files round them, drivers count in whole dots a metre
BEARABLE_DPI = (150, 400)  # a warning up to here, a blocker beyond
# A printer that fits the page to its paper shrinks the test page by up to 6 %.
PRINTED_TOLERANCE = 0.1
NYQUIST_SHARE = 0.5  # of the line pairs that the dots could carry, so many should be told apart
LEGIBLE_LP_MM = 1.5  # two line pairs to the height of a small letter of 8 points: fewer is a blur
MM_PER_INCH = 25.4

Judge = Callable[[ScannerEvidence, ScannerOptions, Setting], Judgement]


def judge_resolution(
    seen: ScannerEvidence, options: ScannerOptions, _setting: Setting
) -> Judgement:
    """Judge the dots per inch that files state, and whether the test page bears them out."""
    low, high = options.dpi_range
    expected = f"{low} dpi" if low == high else f"{low} to {high} dpi"
    told = [page for page in seen.pages if _dpi(page)]
    if not told:
        return unassessed("the files do not tell their dots per inch; scan the test page")
    page = max(told, key=lambda page: _off(page, low, high))
    stated = max(_dpi(page), key=lambda dpi: max(low - dpi, dpi - high))
    severity = _cost(stated, low, high)
    if severity is not None:
        words = f"page {page.number} has {stated:.0f} dpi"
        return unmet(
            "wrong-dpi", words, severity=severity, observed=stated, expected=expected, unit="dpi"
        )
    if fault := _not_borne_out(seen, low, expected):
        return fault
    return met(f"{stated:.0f} dpi", observed=stated, expected=expected, unit="dpi")


def _dpi(page: PageFact) -> tuple[float, ...]:
    """Return the page's dots per inch, both ways; measured ones where the file states none."""
    stated = (page.dpi_x, page.dpi_y)
    if page.test_page and None in stated:
        stated = (page.test_page.dpi_x, page.test_page.dpi_y)
    return tuple(dpi for dpi in stated if dpi)


def _off(page: PageFact, low: int, high: int) -> float:
    return max(max(low - dpi, dpi - high) for dpi in _dpi(page))


def _cost(dpi: float, low: int, high: int) -> Severity | None:
    if low * (1 - TOLERANCE) <= dpi <= high * (1 + TOLERANCE):
        return None
    least, most = BEARABLE_DPI
    within = least * (1 - TOLERANCE) <= dpi <= most * (1 + TOLERANCE)
    return Severity.WARNING if within else Severity.BLOCKER


def _not_borne_out(seen: ScannerEvidence, low: int, expected: str) -> Judgement | None:
    """Return the fault where the test page shows less than the file states.

    A scan that was made larger by arithmetic, or is out of focus, has the dots and not what they
    should show: its true resolution is the wrong one.
    """
    for page in seen.pages:
        test = page.test_page
        if test is None:
            continue
        for stated, measured in ((page.dpi_x, test.dpi_x), (page.dpi_y, test.dpi_y)):
            if stated and measured and abs(measured / stated - 1) > PRINTED_TOLERANCE:
                return unmet(
                    "wrong-dpi",
                    f"page {page.number} says {stated:.0f} dpi, and its marks are "
                    f"{measured:.0f} dpi apart: scaled by the driver, or not printed at 100 %",
                    observed=measured,
                    expected=expected,
                    unit="dpi",
                )
        least = NYQUIST_SHARE * low / MM_PER_INCH / 2
        if test.finest_lp_mm is not None and test.finest_lp_mm < least:
            return unmet(
                "wrong-dpi",
                f"page {page.number} is not sharp: {test.finest_lp_mm:.1f} line pairs a "
                f"millimetre are told apart, {least:.1f} are needed",
                severity=None if test.finest_lp_mm < LEGIBLE_LP_MM else Severity.WARNING,
                observed=test.finest_lp_mm,
                expected=f"at least {least:.1f} line pairs a millimetre",
                unit="lp/mm",
                fix="Clean the glass, switch off smoothing and enlarging in the driver, and print "
                "the test page on a laser printer.",
            )
    return None


def judge_mode(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge the depth of the pages: gray costs 20 times the bytes, colour 40 times."""
    modes = [page.mode for page in seen.pages]
    words = {"bilevel": "black and white", "gray": "gray", "color": "in colour"}
    rank = ("bilevel", "gray", "color")
    worst = max(modes, key=rank.index)
    expected = f"{words[options.mode]}" + ("" if options.mode == "bilevel" else " or less")
    if rank.index(worst) <= rank.index(options.mode):
        return met(f"the scan is {words[worst]}", observed=worst, expected=expected)
    number = next(page.number for page in seen.pages if page.mode == worst)
    severity = (
        Severity.BLOCKER if worst == "color" and options.mode == "bilevel" else Severity.WARNING
    )
    lacks = seen.sample is not None and seen.sample.asked_mode != options.mode
    why = f": the driver offers no {words[options.mode]}" if lacks else ""
    return unmet(
        "not-bilevel",
        f"page {number} is {words[worst]}{why}",
        severity=severity,
        observed=worst,
        expected=expected,
    )


def judge_size(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge the mean size of a page; 1 kB = 1000 bytes."""
    mean = sum(page.kb for page in seen.pages) / len(seen.pages)
    limit, expected = options.max_kb_per_page, limit_words(options.max_kb_per_page, "kB")
    summary = f"{mean:.0f} kB a page" if mean >= 10 else f"{mean:.1f} kB a page"
    if len(seen.pages) > 1:
        summary += f", mean of {len(seen.pages)}"
    if any(page.is_estimated for page in seen.pages):
        summary += " once compressed, as the driver delivers it uncompressed"
    severity = over_limit(mean, limit)
    value = round(mean, 1)
    if severity is None:
        return met(summary, observed=value, expected=expected, unit="kB")
    return unmet(
        "too-large", summary, severity=severity, observed=value, expected=expected, unit="kB"
    )


def judge_skew(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge the page that is turned most; a page without lines tells nothing."""
    told = [(abs(page.skew_deg), page) for page in seen.pages if page.skew_deg is not None]
    if not told:
        if all(page.is_blank for page in seen.pages):
            return skipped_by("scanner.sample", "a blank page does not tell its slant")
        return unassessed("no page has lines that tell its slant; scan the test page")
    worst, page = max(told, key=lambda each: each[0])
    limit, expected = options.max_skew_deg, limit_words(options.max_skew_deg, "degrees")
    severity = over_limit(worst, limit)
    side = "right" if (page.skew_deg or 0) > 0 else "left"
    summary = f"page {page.number} leans {worst:.1f} degrees to the {side}"
    if worst < 0.05:
        summary = "the pages are straight" if len(told) > 1 else "the page is straight"
    if len(told) < len(seen.pages):
        summary += f"; told by {len(told)} of {len(seen.pages)} pages"
    value = round(worst, 2)
    if severity is None:
        return met(summary, observed=value, expected=expected, unit="degrees")
    return unmet(
        "skewed", summary, severity=severity, observed=value, expected=expected, unit="degrees"
    )


def judge_format(seen: ScannerEvidence, options: ScannerOptions, _setting: Setting) -> Judgement:
    """Judge that every file opens and is of a kind that programs know."""
    sample = seen.sample
    if (stopped := _stopped(seen, options)) is not None:
        return stopped
    expected = "a TIFF, PDF or other picture that opens"
    if sample is not None and sample.unreadable:
        return unmet("unreadable", f"a file does not open: {sample.unreadable}", expected=expected)
    formats = list(dict.fromkeys(page.format for page in seen.pages))
    said = " and ".join(each.upper() for each in formats)
    if "other" in formats:
        return unmet(
            "unreadable", "a file is of no known kind", observed=formats, expected=expected
        )
    return met(f"the pages open as {said}", observed=formats, expected=expected)


def _stopped(seen: ScannerEvidence, options: ScannerOptions) -> Judgement | None:
    """Return the skip where no page can have come; None where something came."""
    sample = seen.sample
    if seen.device is None:
        return because_absent(seen, options, "no page was scanned")
    if hindrance(seen, options):
        return skipped_by("scanner.ready", "no whole sample was scanned")
    if sample is None or sample.ended != "done" or not sample.pages:
        return skipped_by("scanner.sample", "no page was scanned")
    return None


def _of_pages(judge: Judge) -> Judge:
    """Return *judge* for looks with pages; without any, what stands in the way is told."""

    def judged(seen: ScannerEvidence, options: ScannerOptions, setting: Setting) -> Judgement:
        if (stopped := _stopped(seen, options)) is not None:
            return stopped
        if not seen.pages:
            return skipped_by("scanner.format", "the pages cannot be looked at: no file opens")
        return judge(seen, options, setting)

    return judged


def _rule(name: str, reason: str, judge: Judge) -> Rule[ScannerEvidence, ScannerOptions]:
    return Rule(
        code=f"scanner.{name}",
        reasons=(reason,),
        judge=judge,
        planned=lambda options: options.sample,
    )


RULES = (
    _rule("resolution", "wrong-dpi", _of_pages(judge_resolution)),
    _rule("mode", "not-bilevel", _of_pages(judge_mode)),
    _rule("size", "too-large", _of_pages(judge_size)),
    _rule("skew", "skewed", _of_pages(judge_skew)),
    _rule("format", "unreadable", judge_format),
)
