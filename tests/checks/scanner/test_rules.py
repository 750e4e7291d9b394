"""What makes a scanner good enough; no scanner, no file: evidence and rules alone."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ccpor_checks.scanner import CHECK
from ccpor_checks.scanner.evidence import Device, DriverFact, Folder, ScannerOptions, TestPageFact
from ccpor_checks.scanner.look import ask_for
from ccpor_checks.scanner.rules_driver import numbers
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Severity, Status
from tests.checks.scanner.seen import evidence, faults, judged, page, sample, stopped_by

BLOCKER, WARNING = Severity.BLOCKER, Severity.WARNING
OF_PAGES = {"resolution", "mode", "size", "skew", "format"}


def test_a_healthy_scanner_has_no_findings() -> None:
    """Each code passes, and says what was seen."""
    found = judged(evidence(), model="fi 7160", pages=2, driver_min_version="1.1", bitness=64)

    assert {each.status for each in found.values()} == {Status.PASS}
    assert set(found) == set(CHECK.codes)
    assert found["scanner.sample"].summary == (
        "2 pages in 4.0 s, 30 a minute; the test page was recognised"
    )
    assert found["scanner.size"].observed == 41.0


def test_a_slow_feeder_is_told_beside_the_pass() -> None:
    """Twelve pages in two minutes are twelve pages; whoever waits should know why."""
    found = judged(evidence(sample=sample(2, seconds=24.0, pages_per_minute=5.0)))

    assert faults(found) == {}
    assert "5 a minute, which is slow" in found["scanner.sample"].summary


def test_the_reasons_are_the_catalogues() -> None:
    """Closed lists: what `explain` knows is what a finding may say."""
    for rule in CHECK.rules:
        assert set(rule.reasons) == set(catalogue()[rule.code].reasons)
    assert set(CHECK.codes) == {code for code in catalogue() if code.startswith("scanner.")}


STATES = [
    ("busy", "busy", "in use"),
    ("offline", "offline", "does not answer"),
    ("jammed", "jammed", "paper is stuck"),
    ("cover-open", "jammed", "its cover is open"),
    ("no-paper", "no-paper", "no paper in its feeder"),
    ("no-permission", "no-permission", "this user may not use it"),
]


@pytest.mark.parametrize(
    ("when", "state", "reason", "words"),
    [
        *(("during", *each) for each in STATES),
        *(("before", *each) for each in STATES),
        ("before", "faulty", "offline", "a fault of its own"),
    ],
)
def test_each_state_is_one_fault_and_stops_what_follows(
    when: str, state: str, reason: str, words: str
) -> None:
    """One cause, one finding: the rest names it."""
    if when == "before":
        seen = evidence(state=state, sample=None, pages=(), state_detail="E17")
    else:
        seen = evidence(sample=sample(3, pages=0, ended=state, detail="E17"), pages=())
    found = judged(seen)

    assert faults(found) == {f"scanner.ready/{reason}": BLOCKER}
    assert words in found["scanner.ready"].summary
    assert "(E17)" in found["scanner.ready"].summary
    assert stopped_by(found) == dict.fromkeys({"sample", *OF_PAGES}, "ready")


def test_a_jam_after_some_pages_says_after_how_many() -> None:
    """Paper that sticks at the fifth sheet is another fault than at the first."""
    found = judged(evidence(sample=sample(12, pages=4, ended="jammed")))

    assert found["scanner.ready"].summary == "paper is stuck in it after 4 pages"


def test_an_empty_feeder_is_no_fault_where_no_paper_is_asked_for() -> None:
    """A run at night scans nothing; the flatbed needs no feeder."""
    rests: dict[str, Any] = {"state": "no-paper", "sample": None, "pages": ()}

    assert faults(judged(evidence(**rests), sample=False)) == {}
    at_night = judged(evidence(**rests), sample=False)["scanner.ready"]
    assert (at_night.status, "feeder is empty" in at_night.summary) == (Status.PASS, True)
    flat = evidence(page(), state="no-paper", sample=sample(1, source="flatbed"))
    assert faults(judged(flat, source="flatbed")) == {}


def test_an_unknown_state_is_never_a_pass() -> None:
    """Most drivers tell their state only while they scan."""
    found = judged(evidence(state=None, sample=None, pages=()), sample=False)

    assert found["scanner.ready"].status is Status.ERROR
    assert "set sample = true" in found["scanner.ready"].summary
    assert not any(code.endswith((".sample", ".size")) for code in found)


def test_a_scanner_that_is_absent_stops_all_but_its_driver() -> None:
    """Found instead is the next thing to look at."""
    other = Device(name="epson2:net:1", kind="sane", maker="Epson", model="DS-530")
    seen = evidence(device=None, devices=(other,), sample=None, pages=(), state=None)
    found = judged(seen, model="fi-7160")

    assert faults(found) == {"scanner.present/not-found": BLOCKER}
    assert "seen instead: Epson DS-530 (epson2:net:1)" in found["scanner.present"].summary
    assert stopped_by(found) == dict.fromkeys({"model", "ready", "sample", *OF_PAGES}, "present")


def test_a_list_that_could_not_be_made_is_not_an_empty_one() -> None:
    """Unknown is an error."""
    seen = evidence(device=None, devices=None, sample=None, pages=(), state=None)

    assert judged(seen)["scanner.present"].status is Status.ERROR


@pytest.mark.parametrize(
    ("driver", "reason"),
    [
        ({"is_installed": False, "lacking": "twaindsm.dll"}, "missing"),
        ({"service": "stisvc", "is_running": False}, "service-stopped"),
        ({"bitness": (32,), "wanted_bitness": 64}, "wrong-bitness"),
    ],
)
def test_a_driver_that_hides_the_scanner_is_the_one_finding(
    driver: dict[str, Any], reason: str
) -> None:
    """Whoever installs the driver sees the scanner afterwards."""
    fact = DriverFact(name="TWAIN", **driver)
    seen = evidence(
        kind="twain", device=None, devices=(), driver=fact, sample=None, pages=(), state=None
    )
    found = judged(seen)

    assert faults(found) == {f"scanner.driver/{reason}": BLOCKER}
    assert stopped_by(found)["present"] == "driver"
    assert set(stopped_by(found).values()) == {"driver"}


def test_a_driver_of_the_wrong_bitness_explains_that_nothing_was_scanned() -> None:
    """The source is seen as a file, and cannot be opened: one cause."""
    fact = DriverFact(name="TWAIN", bitness=(32,), wanted_bitness=64)
    found = judged(evidence(driver=fact, state=None, sample=None, pages=()))

    assert faults(found) == {"scanner.driver/wrong-bitness": BLOCKER}
    assert stopped_by(found)["ready"] == "driver"
    assert stopped_by(found)["sample"] == "driver"
    assert {each.status for each in found.values()} <= {Status.PASS, Status.FAIL, Status.SKIP}


@pytest.mark.parametrize(
    ("version", "least", "is_enough"),
    [
        ("3.10", "3.9", True),
        ("3.9.2", "3.10", False),
        ("v2.0.1b7", "2.0", True),
        ("3", "3.0", True),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, least: str, is_enough: bool) -> None:
    """3.10 came after 3.9."""
    seen = evidence(driver=DriverFact(name="D", version=version))

    failed = faults(judged(seen, driver_min_version=least))
    assert failed == ({} if is_enough else {"scanner.driver/outdated": BLOCKER})
    assert numbers("1.2.0.0") == (1, 2)


def test_what_a_driver_does_not_tell_is_an_error_where_it_is_asked() -> None:
    """Neither old nor new enough."""
    seen = evidence(driver=DriverFact(name="D"))

    assert judged(seen)["scanner.driver"].status is Status.PASS
    assert judged(seen, driver_min_version="1")["scanner.driver"].status is Status.ERROR
    assert judged(seen, bitness=64)["scanner.driver"].status is Status.ERROR
    assert judged(evidence(driver=None))["scanner.driver"].status is Status.ERROR


def test_the_environment_list_can_make_a_driver_outdated() -> None:
    """Past its last day of corrections, or below the list's least version."""
    late = DriverFact(name="D", version="2.0", supported_until=date(2025, 1, 1))
    low = DriverFact(name="D", version="2.0", supported_from="2.1")

    for fact in (late, low):
        assert faults(judged(evidence(driver=fact))) == {"scanner.driver/outdated": BLOCKER}


def test_a_driverless_scanner_needs_none() -> None:
    """eSCL."""
    seen = evidence(
        kind="escl",
        driver=DriverFact(name="eSCL", is_installed=None),
        device=Device(name="x", kind="escl", version="2.63"),
    )
    finding = judged(seen)["scanner.driver"]

    assert (finding.status, finding.summary) == (
        Status.PASS,
        "needs no driver: it speaks eSCL 2.63",
    )


def test_folders_that_this_user_may_not_write_are_no_permission() -> None:
    """Capture software that was installed for the administrator alone."""

    def seen(may: bool | None) -> Any:
        folders = (Folder(path=r"C:\Images", may_write=may),)
        return judged(evidence(driver=DriverFact(name="D", folders=folders)))

    assert faults(seen(may=False)) == {"scanner.ready/no-permission": BLOCKER}
    assert seen(may=None)["scanner.ready"].status is Status.ERROR
    assert faults(seen(may=True)) == {}


@pytest.mark.parametrize("ended", ["failed", "timeout", "empty-answer"])
def test_a_scan_that_fails_stops_what_looks_at_pages(ended: str) -> None:
    """200 with nothing behind it is no page."""
    found = judged(evidence(sample=sample(2, pages=0, ended=ended), pages=(), state=None))

    assert faults(found) == {"scanner.sample/failed": BLOCKER}
    assert stopped_by(found) == {**dict.fromkeys(OF_PAGES, "sample"), "ready": "sample"}


@pytest.mark.parametrize("pages", [1, 3])
def test_too_few_and_too_many_pages_are_told(pages: int) -> None:
    """Double feeds lose pages, duplex doubles them."""
    some = tuple(page(number + 1) for number in range(pages))
    found = judged(evidence(*some, sample=sample(pages, asked_pages=2)), pages=2)

    assert faults(found) == {"scanner.sample/wrong-page-count": BLOCKER}
    assert found["scanner.sample"].summary == f"{pages} of 2 pages came"


TEST = {"version": 1, "contrast": 0.9, "finest_lp_mm": 4.0}


@pytest.mark.parametrize(
    ("other", "fault", "severity", "words"),
    [
        ({"is_blank": True, "test_page": None}, "sample/blank", BLOCKER, "page 2 is blank"),
        ({"is_blank": True, "ink_pct": 100.0, "test_page": None}, "sample/blank", BLOCKER,
         "page 2 is black all over"),
        ({"test_page": TestPageFact(**TEST, is_mirrored=True)}, "sample/failed", BLOCKER,
         "page 2 is mirrored: left and right are exchanged"),
        ({"test_page": TestPageFact(**TEST, turned_deg=180)}, "sample/failed", WARNING,
         "page 2 is upside down"),
        ({"test_page": TestPageFact(**TEST, cut_edges=("left", "top"))}, "sample/failed", BLOCKER,
         "page 2 is cut off at the left and top"),
        ({"test_page": TestPageFact(**TEST | {"contrast": 0.2})}, "sample/failed", BLOCKER,
         "page 2 is too pale to read: contrast 0.20"),
        ({"test_page": TestPageFact(**TEST | {"finest_lp_mm": 0.8})}, "resolution/wrong-dpi",
         BLOCKER, "page 2 is not sharp: 0.8 line pairs a millimetre"),
        ({"test_page": TestPageFact(**TEST | {"finest_lp_mm": 1.8})}, "resolution/wrong-dpi",
         WARNING, "page 2 is not sharp: 1.8 line pairs a millimetre"),
        ({"test_page": TestPageFact(**TEST, dpi_x=150.0, dpi_y=150.0)}, "resolution/wrong-dpi",
         BLOCKER, "page 2 says 300 dpi, and its marks are 150 dpi apart"),
        ({"mode": "gray"}, "mode/not-bilevel", WARNING, "page 2 is gray"),
        ({"mode": "color"}, "mode/not-bilevel", BLOCKER, "page 2 is in colour"),
        ({"kb": 121.0}, "size/too-large", WARNING, "81 kB a page, mean of 2"),
        ({"kb": 1200.0}, "size/too-large", BLOCKER, "kB a page, mean of 2"),
        ({"skew_deg": -3.0}, "skew/skewed", BLOCKER, "page 2 leans 3.0 degrees to the left"),
        ({"dpi_x": 150.0, "dpi_y": 150.0, "test_page": None}, "resolution/wrong-dpi", WARNING,
         "page 2 has 150 dpi"),
        ({"dpi_y": 600.0, "test_page": None}, "resolution/wrong-dpi", BLOCKER,
         "page 2 has 600 dpi"),
        ({"dpi_x": 72.0, "dpi_y": 72.0, "test_page": None}, "resolution/wrong-dpi", BLOCKER,
         "page 2 has 72 dpi"),
    ],
)  # fmt: skip
def test_one_bad_page_among_good_ones_is_the_one_fault(
    other: dict[str, Any], fault: str, severity: Severity, words: str
) -> None:
    """The page is named: a clerk looks at that sheet."""
    found = judged(evidence(page(1), page(2, **other)))

    assert faults(found) == {f"scanner.{fault}": severity}
    assert words in found[f"scanner.{fault.partition('/')[0]}"].summary


def test_a_blank_page_does_not_tell_its_slant() -> None:
    """Nothing to measure is no error of its own."""
    blank = page(is_blank=True, skew_deg=None, test_page=None)
    found = judged(evidence(blank))

    assert faults(found) == {"scanner.sample/blank": BLOCKER}
    assert stopped_by(found) == {"skew": "sample"}


def test_what_a_page_does_not_tell_is_an_error() -> None:
    """No guess: neither blank nor not, neither straight nor aslant."""
    vague = page(is_blank=None, skew_deg=None, dpi_x=None, dpi_y=None, test_page=None)
    found = judged(evidence(vague))

    errors = {code for code, each in found.items() if each.status is Status.ERROR}
    assert errors == {"scanner.sample", "scanner.skew", "scanner.resolution"}


def test_a_test_page_tells_the_dots_that_its_file_does_not() -> None:
    """PNM files hold none; the marks' distance is known."""
    found = judged(evidence(page(dpi_x=None, dpi_y=None)))

    assert found["scanner.resolution"].status is Status.PASS
    assert found["scanner.resolution"].observed == pytest.approx(299.5)


@pytest.mark.parametrize(
    ("dpi", "wanted", "severity"),
    [
        (300.0, 300, None),
        (297.5, 300, None),
        (290.0, 300, WARNING),
        (200.0, 300, WARNING),
        (149.0, [200, 300], WARNING),
        (140.0, [200, 300], BLOCKER),
        (404.0, [200, 300], WARNING),
        (410.0, [200, 300], BLOCKER),
    ],
)
def test_dots_per_inch_near_the_range_warn_and_far_ones_block(
    dpi: float, wanted: Any, severity: Severity | None
) -> None:
    """150 to 400 is legible and slow or coarse; beyond, it is of no use."""
    found = judged(evidence(page(dpi_x=dpi, dpi_y=dpi, test_page=None)), dpi=wanted)

    expected = {} if severity is None else {"scanner.resolution/wrong-dpi": severity}
    assert faults(found) == expected


def test_a_mode_of_more_bytes_than_asked_is_a_fault_and_one_of_fewer_is_not() -> None:
    """Gray asked: black and white is fine, colour is not."""
    assert faults(judged(evidence(), mode="gray")) == {}
    assert faults(judged(evidence(page(mode="color")), mode="gray")) == {
        "scanner.mode/not-bilevel": WARNING
    }
    assert faults(judged(evidence(page(mode="color")), mode="color")) == {}


def test_a_file_that_does_not_open_is_the_one_fault() -> None:
    """What it shows cannot be judged, and is not called good."""
    bad = sample(1, unreadable="it ends in the middle")
    found = judged(evidence(sample=bad, pages=()))

    assert faults(found) == {"scanner.format/unreadable": BLOCKER}
    assert stopped_by(found) == dict.fromkeys({"sample", *OF_PAGES} - {"format"}, "format")
    some = judged(evidence(page(), sample=sample(2, unreadable="it is cut")))
    assert faults(some) == {"scanner.format/unreadable": BLOCKER}


def test_more_pages_than_a_sample_takes_are_not_asked_for() -> None:
    """1000 sheets are a day's work, not a test."""
    device = Device(name="x", kind="sane")

    assert ask_for(device, ScannerOptions(pages=1000)).pages == 50
    assert ask_for(device, ScannerOptions(pages=7, source="flatbed")).pages == 1
    assert ask_for(device, ScannerOptions()).pages is None


@pytest.mark.parametrize(
    ("offered", "wanted", "asked"),
    [
        ((), (200, 300), 300),
        ((), (200, 250), 200),
        ((), (400, 400), 400),
        ((75, 150, 300, 600), (200, 300), 300),
        ((75, 100, 200), (200, 300), 200),
        ((75, 240, 600), (200, 300), 240),
        ((75, 150, 600), (200, 300), 150),
    ],
)
def test_the_scan_asks_for_what_the_range_and_the_scanner_share(
    offered: tuple[int, ...], wanted: tuple[int, int], asked: int
) -> None:
    """300 before 200; where nothing is shared, the nearest, so that the finding can say it."""
    device = Device(name="x", kind="sane", dpis=offered)

    assert ask_for(device, ScannerOptions(dpi=wanted)).dpi == asked


def test_a_mode_that_the_scanner_lacks_is_asked_as_near_as_it_goes() -> None:
    """Then the mode rule says why the scan is gray."""
    device = Device(name="x", kind="sane", modes=("color", "gray"))
    seen = evidence(page(mode="gray"), sample=sample(1, asked_mode="gray"))

    assert ask_for(device, ScannerOptions()).mode == "gray"
    finding = judged(seen)["scanner.mode"]
    assert finding.summary == "page 1 is gray: the driver offers no black and white"


def test_the_check_ends_within_a_run() -> None:
    """Twelve pages in two minutes; no sample in half a one."""
    assert CHECK.budget_s(ScannerOptions(pages=12)) <= 120
    assert CHECK.budget_s(ScannerOptions(sample=False)) <= 35
    assert CHECK.budget_s(ScannerOptions(pages=1000)) < 300
