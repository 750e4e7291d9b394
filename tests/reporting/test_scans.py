"""What a report tells of a sample scan: plain words, a row a page, whoever wrote the evidence."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from ccpor_reporting.model import Observation, Report
from ccpor_reporting.render import render
from ccpor_reporting.scans import read, rows, spoken
from tests.reporting.reports import finding, report_of

EVIDENCE: dict[str, Any] = {
    "kind": "sane",
    "asked": "fujitsu:1",
    "device": {"name": "fujitsu:1", "kind": "sane", "maker": "FUJITSU", "model": "fi-7160"},
    "driver": {"name": "SANE backend fujitsu", "version": "1.1.1"},
    "sample": {
        "asked_pages": 2,
        "asked_dpi": 300,
        "asked_mode": "bilevel",
        "source": "feeder",
        "pages": 2,
        "seconds": 4.0,
        "pages_per_minute": 30.0,
        "ended": "done",
    },
    "pages": [
        {
            "number": 1,
            "mode": "bilevel",
            "kb": 41.2,
            "is_estimated": True,
            "dpi_x": 300.0,
            "dpi_y": 300.0,
            "is_blank": False,
            "skew_deg": 0.4,
            "test_page": {"version": 1, "contrast": 0.93, "finest_lp_mm": 4.0},
        },
        {
            "number": 2,
            "mode": "gray",
            "kb": 900.0,
            "dpi_x": 300.0,
            "dpi_y": 200.0,
            "is_blank": True,
        },
    ],
}


def test_the_paragraph_says_what_was_done() -> None:
    """Device, driver, pages, dots per inch, mode, time, rate; and what became of the pages."""
    assert spoken(read(EVIDENCE)) == (
        "FUJITSU fi-7160, asked by SANE, driver SANE backend fujitsu 1.1.1. It was asked for black "
        "and white at 300 dpi from the feeder; 2 pages came in 4.0 s, 30 a minute. The driver "
        "delivers them uncompressed; their sizes are those of compressed ones. The pages were "
        "measured here and removed."
    )
    kept = EVIDENCE | {"sample": EVIDENCE["sample"] | {"is_saved": True, "ended": "jammed"}}
    assert "Then paper is stuck." in spoken(read(kept))
    assert "the person who asked for it kept a copy" in spoken(read(kept))


def test_without_a_sample_it_says_why() -> None:
    """A look alone, a scanner that is absent."""
    only = {**EVIDENCE, "sample": None, "not_sampled": "the scanner is not ready"}

    assert spoken(read(only)).endswith("No page was scanned: the scanner is not ready.")
    assert spoken(read({"kind": "escl"})) == "No scanner was found by eSCL; nothing was scanned."


def test_each_page_has_its_row() -> None:
    """The picture's measurements, and its own verdict."""
    assert rows(read(EVIDENCE)) == (
        ("1", "300", "black and white", "41", "0.4 deg right",
         "test page, whole, contrast 0.93, 4.0 line pairs a mm"),
        ("2", "300 x 200", "gray", "900", "not told", "blank"),
    )  # fmt: skip


def test_pages_that_are_alike_share_a_row() -> None:
    """Twelve good sheets are one line; the odd one among them stands out."""
    good, bad = EVIDENCE["pages"]
    pages = [{**good, "number": n} for n in range(1, 13)]
    pages[6] = {**bad, "number": 7}

    assert [row[0] for row in rows(read({**EVIDENCE, "pages": pages}))] == [
        "1 to 6",
        "7",
        "8 to 12",
    ]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"turned_deg": 180}, "test page, upside down"),
        ({"is_mirrored": True, "cut_edges": ["left"]}, "test page, mirrored, cut at the left"),
    ],
)
def test_a_test_page_that_is_the_wrong_way_round_is_told(other: Any, said: str) -> None:
    """In words that send the clerk to the sheet."""
    page = EVIDENCE["pages"][0]
    page = {**page, "test_page": page["test_page"] | other}

    assert rows(read({**EVIDENCE, "pages": [page]}))[0][-1] == said


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"pages": "many", "sample": 7, "device": []},
        {"pages": [1, None, {"number": "x"}, {"number": 10**12, "mode": "m", "kb": -1}]},
        {"device": {"name": "x" * 9000}, "not_sampled": ["no"]},
    ],
)
def test_strange_evidence_is_read_without_a_fault(strange: dict[str, Any]) -> None:
    """It may come from any version, and from anybody."""
    scan = read(strange)

    assert (scan.pages, rows(scan)) == ((), ())
    assert spoken(scan)


def scanned(pages: int = 2) -> Report:
    evidence = {**EVIDENCE, "pages": (EVIDENCE["pages"] * pages)[:pages]}
    report = report_of((finding("desk", "scanner.sample"),))
    seen = Observation(
        target="desk", check="scanner", version=1, started_at=report.started_at, duration_ms=1.0, attempts=1,
        evidence=evidence, ending=None,
    )  # fmt: skip
    return msgspec.structs.replace(report, observations=(seen,))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_text_shows_the_pages_within_its_width(width: int) -> None:
    """A terminal's line is never broken by us."""
    said = render(scanned(), "text", width=width, unicode=False)

    assert "Sample scans" in said
    assert "FUJITSU fi-7160" in said
    assert "test page" in said
    assert max(map(len, said.splitlines())) <= width


def test_many_pages_are_counted_and_not_all_shown() -> None:
    """Fifty lines would hide what to do."""
    assert "... and 38 more pages" in render(scanned(50), "text")
    assert "38 more" not in render(scanned(12), "text")


def test_the_page_has_a_table_of_the_pages() -> None:
    """The same rows for a reader of the HTML page; a report without scans has no section."""
    said = render(scanned(), "html")

    assert "Sample scans" in said
    assert '<td data-head="kB">41</td>' in said
    assert "Sample scans" not in render(report_of((finding("a", "tcp.reach"),)), "html")
