"""What a report says of a sample scan, in words and rows, read from evidence of any sender.

Reports come from other versions and from outside: what does not have the shape that it should have
is left out, the rest is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from ccpor_reporting.model import Json

MOST_PAGES = 100
HEADS = ("Page", "Dots per inch", "Mode", "kB", "Slant", "What it shows")
MODES = {"bilevel": "black and white", "gray": "gray", "color": "colour"}
KINDS = {"sane": "SANE", "escl": "eSCL", "twain": "TWAIN", "wia": "WIA", "isis": "ISIS"}
TURNS = {90: "turned to the right", 180: "upside down", 270: "turned to the left"}
ENDS = {
    "busy": "it was in use",
    "offline": "it did not answer",
    "jammed": "paper is stuck",
    "cover-open": "its cover is open",
    "no-paper": "no paper was in it",
    "no-permission": "this user may not use it",
    "empty-answer": "it delivered nothing",
    "failed": "the scan failed",
    "timeout": "the scan took too long",
}

Said = Annotated[str, Meta(max_length=300)]
Size = Annotated[float, Meta(ge=0, le=1e7)]
Count = Annotated[int, Meta(ge=0, le=10**6)]
Angle = Annotated[float, Meta(ge=-360, le=360)]

S = TypeVar("S", bound=msgspec.Struct)


class Device(msgspec.Struct, frozen=True, kw_only=True):
    name: Said
    maker: Said | None = None
    model: Said | None = None


class Driver(msgspec.Struct, frozen=True, kw_only=True):
    name: Said
    version: Said | None = None


class TestPage(msgspec.Struct, frozen=True, kw_only=True):
    __test__ = False
    turned_deg: Count = 0
    is_mirrored: bool = False
    contrast: Size | None = None
    finest_lp_mm: Size | None = None
    cut_edges: tuple[Said, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    number: Count
    mode: Said
    kb: Size
    dpi_x: Size | None = None
    dpi_y: Size | None = None
    is_estimated: bool = False
    is_blank: bool | None = None
    has_faint_marks: bool | None = None
    skew_deg: Angle | None = None
    test_page: TestPage | None = None


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    pages: Count
    source: Said
    asked_dpi: Count
    asked_mode: Said
    ended: Said
    seconds: Size
    pages_per_minute: Size | None = None
    unreadable: Said | None = None
    is_saved: bool = False


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a scanner; None is what it does not say, or not in a shape that we know."""

    kind: str
    device: Device | None = None
    driver: Driver | None = None
    sample: Sample | None = None
    pages: tuple[Page, ...] = ()
    not_sampled: str | None = None


def read(evidence: Mapping[str, Json]) -> Scan:
    """Return what *evidence* of the `scanner` check says; never fails."""
    pages = evidence.get("pages")
    listed = pages[:MOST_PAGES] if isinstance(pages, list | tuple) else ()
    return Scan(
        kind=KINDS.get(str(evidence.get("kind")), "an unknown way"),
        device=_made(Device, evidence.get("device")),
        driver=_made(Driver, evidence.get("driver")),
        sample=_made(Sample, evidence.get("sample")),
        pages=tuple(page for each in listed if (page := _made(Page, each))),
        not_sampled=_text(evidence.get("not_sampled")),
    )


def _made(kind: type[S], value: Json) -> S | None:
    try:
        return msgspec.convert(value, kind) if value is not None else None
    except (msgspec.ValidationError, OverflowError):
        return None


def _text(value: Json) -> str | None:
    return value[:300] if isinstance(value, str) else None


def spoken(scan: Scan) -> str:
    """Return what was done and what came of it, in a few sentences."""
    if scan.device is None:
        return f"No scanner was found by {scan.kind}; nothing was scanned."
    words = [scan.device.maker or "", scan.device.model or ""]
    name = " ".join(filter(None, words)) or scan.device.name
    driver = ""
    if scan.driver:
        driver = f", driver {versioned(scan.driver.name, scan.driver.version)}"
    return f"{name}, asked by {scan.kind}{driver}. {' '.join(_sampled(scan))}"


def versioned(name: str, version: str | None) -> str:
    """Return *name* with its version, which some names hold already."""
    return name if version is None or version in name else f"{name} {version}"


def _sampled(scan: Scan) -> Iterator[str]:
    sample = scan.sample
    if sample is None:
        yield f"No page was scanned: {scan.not_sampled or 'nobody asked for one'}."
        return
    count = f"{sample.pages} page{'' if sample.pages == 1 else 's'}"
    mode = MODES.get(sample.asked_mode, sample.asked_mode)
    rate = f", {sample.pages_per_minute:.0f} a minute" if sample.pages_per_minute else ""
    yield (
        f"It was asked for {mode} at {sample.asked_dpi} dpi from the {sample.source}; "
        f"{count} came in {sample.seconds:.1f} s{rate}."
    )
    if sample.ended != "done":
        yield f"Then {ENDS.get(sample.ended, sample.ended)}."
    if sample.unreadable:
        yield "A file does not open."
    if any(page.is_estimated for page in scan.pages):
        yield "The driver delivers them uncompressed; their sizes are those of compressed ones."
    if sample.pages:
        yield "The pages were measured here and removed" + (
            "; the person who asked for it kept a copy." if sample.is_saved else "."
        )


def rows(scan: Scan) -> tuple[tuple[str, ...], ...]:
    """Return a row for each page, below `HEADS`; pages that follow each other and are alike share.

    A feeder with twelve good sheets is one line.
    """
    told: list[tuple[int, int, tuple[str, ...]]] = []
    for page in scan.pages:
        row = (
            _dots(page),
            MODES.get(page.mode, page.mode),
            f"{page.kb:.0f}",
            _slant(page.skew_deg),
            shows(page),
        )
        if told and told[-1][2] == row and told[-1][1] + 1 == page.number:
            told[-1] = (told[-1][0], page.number, row)
        else:
            told.append((page.number, page.number, row))
    return tuple(
        (str(first) if first == last else f"{first} to {last}", *row) for first, last, row in told
    )


def _dots(page: Page) -> str:
    known = [f"{dpi:.0f}" for dpi in (page.dpi_x, page.dpi_y) if dpi]
    return " x ".join(dict.fromkeys(known)) or "not told"


def _slant(degrees: float | None) -> str:
    if degrees is None:
        return "not told"
    return f"{abs(degrees):.1f} deg" + (
        "" if abs(degrees) < 0.05 else " right" if degrees > 0 else " left"
    )


def shows(page: Page) -> str:
    """Return the page's own verdict: what is wrong with it, or what was recognised."""
    if page.is_blank:
        return "blank"
    if page.is_blank is None:
        return "blank or not: cannot be told"
    test = page.test_page
    if test is None:
        return "not blank, faint marks" if page.has_faint_marks else "not blank"
    wrong = [
        "mirrored" if test.is_mirrored else "",
        TURNS.get(test.turned_deg, "turned") if test.turned_deg else "",
        f"cut at the {' and '.join(test.cut_edges)}" if test.cut_edges else "",
    ]
    if said := ", ".join(filter(None, wrong)):
        return f"test page, {said}"
    measured = [
        f"contrast {test.contrast:.2f}" if test.contrast is not None else "",
        f"{test.finest_lp_mm:.1f} line pairs a mm" if test.finest_lp_mm is not None else "",
    ]
    return ", ".join(filter(None, ["test page, whole", *measured]))
