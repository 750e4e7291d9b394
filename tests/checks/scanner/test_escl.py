"""A network scanner that speaks eSCL: a whole scan, each fault by name, and the traps of real ones."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.scanner import CHECK, ScannerEvidence
from ccpor_checks.scanner.escl import EsclEntrance
from ccpor_checks.scanner.escl_words import NotEscl, capabilities, status
from ccpor_checks.scanner.evidence import ScannerOptions
from tests.checks.looking import Looked, looked
from tests.peers import free_port
from tests.peers.escl_server import BOMB, Scanner, started

DENIED = "scanner.ready/no-permission"


@pytest.fixture
def scanner() -> Iterator[Scanner]:
    with started() as running:
        yield running


def target(scanner: Scanner, path: str = "/eSCL", port: int | None = None) -> Target:
    port = port or scanner.port
    url = f"escl://127.0.0.1:{port}{path}"
    return Target(id="s", url=url, scheme="escl", host="127.0.0.1", port=port, path=path)


def seen(scanner: Scanner, seconds: float = 30, **options: object) -> Looked:
    return looked(CHECK, target(scanner), {"pages": 3, **options}, seconds=seconds)


def test_twelve_sheets_are_scanned_and_found_good(scanner: Scanner) -> None:
    """The healthy case has no finding, and the numbers are those of the sheet."""
    found = seen(scanner, pages=12, model="page feeder")
    evidence: ScannerEvidence = found.evidence

    assert found.failed == set()
    assert {str(each) for each in found.statuses} == {"pass"}
    assert len(evidence.pages) == 12
    assert evidence.driver is not None
    assert (evidence.driver.name, evidence.driver.is_installed) == ("eSCL 2.63", None)
    first = evidence.pages[0]
    assert (first.mode, first.format, first.dpi_x, first.is_blank) == ("bilevel", "pdf", 300, False)
    assert first.test_page is not None
    assert first.kb < 60
    assert scanner.jobs == {}, "the job was not deleted"
    assert scanner.feeder == 0


def test_without_a_number_the_feeder_is_emptied(scanner: Scanner) -> None:
    scanner.feeder = 5
    found = looked(CHECK, target(scanner), {}, seconds=30)

    assert found.failed == set()
    assert found.evidence.sample.pages == 5


def test_the_flatbed_gives_one_page_whatever_the_feeder_says(scanner: Scanner) -> None:
    scanner.feeder = 0
    found = seen(scanner, source="flatbed", pages=1)

    assert found.failed == set()
    assert found.evidence.sample.pages == 1


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("jam", "scanner.ready/jammed"),
        ("jam-at-3", "scanner.ready/jammed"),
        ("cover-open", "scanner.ready/jammed"),
        ("busy", "scanner.ready/busy"),
        ("busy-503", "scanner.ready/busy"),
        ("stopped", "scanner.ready/offline"),
        ("down", "scanner.ready/offline"),
        ("denied", DENIED),
        ("denied-job", DENIED),
        ("empty-answer", "scanner.sample/failed"),
        ("no-location", "scanner.sample/failed"),
        ("cut", "scanner.sample/failed"),
        ("reset", "scanner.sample/failed"),
        ("error-500", "scanner.sample/failed"),
        ("html", "scanner.format/unreadable"),
        ("wrong-dpi", "scanner.resolution/wrong-dpi"),
        ("not-xml", "scanner.present/not-found"),
        ("bomb", "scanner.present/not-found"),
        ("huge", "scanner.present/not-found"),
        ("moved", "scanner.present/not-found"),
    ],
)
def test_each_fault_is_the_one_failure(scanner: Scanner, fault: str, expected: str) -> None:
    """What it hides is skipped because of it; nothing is called good."""
    scanner.faults = {fault}
    found = seen(scanner)

    assert found.failed == {expected}
    assert scanner.jobs == {} or fault == "no-location"


def test_gray_pages_are_too_large_as_well(scanner: Scanner) -> None:
    scanner.faults = {"gray"}
    found = seen(scanner)

    assert found.failed == {"scanner.mode/not-bilevel", "scanner.size/too-large"}


def test_an_empty_feeder_is_no_paper(scanner: Scanner) -> None:
    scanner.feeder = 0

    assert seen(scanner).failed == {"scanner.ready/no-paper"}


def test_too_few_sheets_are_counted(scanner: Scanner) -> None:
    scanner.feeder = 2

    assert seen(scanner).failed == {"scanner.sample/wrong-page-count"}


@pytest.mark.parametrize("end", ["ends-with-409", "absolute-location"])
def test_habits_of_real_devices_are_no_faults(scanner: Scanner, end: str) -> None:
    """An empty feeder ends with 409, not 404; Location is relative, or a whole URL."""
    scanner.faults, scanner.feeder = {end}, 3

    assert looked(CHECK, target(scanner), {}, seconds=30).failed == set()


def test_a_location_on_another_host_is_asked_on_this_one(scanner: Scanner) -> None:
    """The name it gives does not resolve, or is somebody else's."""
    scanner.faults = {"other-host-location"}

    assert seen(scanner).failed == set()


def test_a_mode_it_lacks_is_accepted_and_gives_nothing(scanner: Scanner) -> None:
    """201, then 200 without a byte: trusting the status would call a dead scan healthy."""
    scanner.modes, scanner.faults = ("Grayscale8",), {"no-modes"}
    offered = seen(scanner)
    scanner.faults, scanner.modes = {"no-modes", "empty-answer"}, ("BlackAndWhite1",)
    nothing = seen(scanner)

    assert offered.failed == {"scanner.mode/not-bilevel", "scanner.size/too-large"}
    assert nothing.failed == {"scanner.sample/failed"}


def test_nobody_there_is_not_found(scanner: Scanner) -> None:
    gone = looked(CHECK, target(scanner, port=free_port()), {}, seconds=30)

    assert gone.failed == {"scanner.present/not-found"}
    assert "nothing listens there" in gone.findings["scanner.present"].summary


def test_one_that_says_nothing_is_offline_within_its_time(scanner: Scanner) -> None:
    scanner.faults = {"mute"}
    found = seen(scanner, sample=False)

    assert found.failed == {"scanner.ready/offline"}
    assert found.seconds < 20


@pytest.mark.parametrize("fault", ["endless", "slow"])
def test_a_job_without_an_end_ends_with_our_time(scanner: Scanner, fault: str) -> None:
    """The scanner asks to wait for ever; the job is deleted all the same."""
    scanner.faults = {fault}
    found = seen(scanner, seconds=8)

    assert found.failed <= {"scanner.sample/failed"}
    assert not {"scanner.sample", "scanner.format"} & {
        code for code, each in found.findings.items() if str(each.status) == "pass"
    }
    assert scanner.jobs == {}


def test_a_look_that_is_given_up_ends_at_once(scanner: Scanner) -> None:
    scanner.faults = {"mute"}
    ctx = Context(deadline=time.monotonic() + 60)
    ended = threading.Event()

    def look() -> None:
        with contextlib.suppress(TimeoutError, OSError):
            EsclEntrance().look(target(scanner), ScannerOptions(), ctx)
        ended.set()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    time.sleep(0.3)
    ctx.abandon()

    assert ended.wait(10)
    thread.join(5)


@pytest.mark.slow
def test_what_announces_itself_is_named_with_its_path() -> None:
    """Two scanners on one host: a fixed /eSCL misses the second."""
    paths = ("/eSCL", "/2f1c")
    with started(paths=paths, publish=True) as two:
        wrong = looked(CHECK, target(two, "/wrong"), {}, seconds=30)
        second = looked(CHECK, target(two, "/2f1c"), {"pages": 2}, seconds=30)
        off = Target(
            id="s",
            url=f"escl://127.0.0.1:{free_port()}/eSCL",
            scheme="escl",
            host="127.0.0.1",
            port=free_port(),
            path="/eSCL",
        )
        elsewhere = looked(CHECK, off, {}, seconds=30)

    assert wrong.failed == {"scanner.present/not-found"}
    for path in paths:
        assert f"escl://127.0.0.1:{two.port}{path}" in wrong.findings["scanner.present"].summary
    assert second.failed == set()
    assert f":{two.port}/eSCL" in elsewhere.findings["scanner.present"].summary


def test_one_that_announces_itself_and_does_not_answer_is_offline() -> None:
    with started(publish=True) as known:
        known.faults = {"moved"}
        found = seen(known, sample=False)

    assert found.failed == {"scanner.ready/offline"}


@pytest.mark.parametrize(
    "content",
    [b"", b"<a>", b"\xff\xfe<", BOMB, b"<ScannerCapabilities/>", b"<a>" + b"<b/>" * 6000 + b"</a>"],
)
def test_what_is_no_scanners_document_is_refused(content: bytes) -> None:
    for reader in (capabilities, status):
        with pytest.raises(NotEscl):
            reader(content)


def test_a_range_of_resolutions_is_offered_as_people_use_it() -> None:
    """Some devices name no resolutions but a least and a most."""
    said = (
        '<s:ScannerCapabilities xmlns:s="http://schemas.hp.com/imaging/escl/2011/05/03">'
        "<s:XResolutionRange><s:Min>75</s:Min><s:Max>300</s:Max></s:XResolutionRange>"
        "</s:ScannerCapabilities>"
    )

    assert capabilities(said.encode()).dpis == (75, 100, 150, 200, 240, 300)


def test_no_page_stays_behind(scanner: Scanner, tmp_path: Path) -> None:
    """A scan is order data: its folder goes, and the evidence holds numbers alone."""
    ctx = Context(deadline=time.monotonic() + 30, state_dir=tmp_path)
    evidence = CHECK.run(target(scanner), ScannerOptions(pages=2), ctx)

    assert len(evidence.pages) == 2
    assert list(tmp_path.iterdir()) == []
