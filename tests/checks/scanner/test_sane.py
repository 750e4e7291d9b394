"""The scanner check through scanimage, against SANE's own test backend and a saned."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import CHECK
from ccpor_checks.scanner.entrance import Ask
from ccpor_checks.scanner.evidence import Device, ScannerOptions
from ccpor_checks.scanner.look import FOLDER, private_folder
from ccpor_checks.scanner.sane import (
    ACCESS_DENIED,
    BUSY,
    INVALID,
    UNOPENED,
    SaneEntrance,
    opened,
)
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.peers import sane

NAME = "test:0"


def target(name: str = NAME) -> Target:
    return Target(id="scanner", url=f"sane:{name}", scheme="sane", path=name)


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what looks at the test backend, set up as asked."""

    def run(name: str = NAME, *, seconds: float = 60.0, faults: Any = (), **options: Any) -> Looked:
        folder = sane.config(tmp_path / "sane", **dict(faults))
        monkeypatch.setenv("SANE_CONFIG_DIR", str(folder))
        return looked(CHECK, target(name), options, seconds=seconds)

    return run


@pytest.mark.parametrize("dpi", [200, 300])
@pytest.mark.parametrize("mode", ["bilevel", "gray"])
def test_a_page_from_the_flatbed_has_the_dots_and_the_depth_that_were_asked(
    look: Any, dpi: int, mode: str
) -> None:
    """What a court asks for, in both modes that scanners offer."""
    seen = look(source="flatbed", dpi=dpi, mode=mode, max_kb_per_page=5000)

    assert seen.failed == set()
    assert {code for code, each in seen.findings.items() if each.status is Status.PASS} >= {
        f"scanner.{name}"
        for name in ("present", "driver", "ready", "sample", "resolution", "mode", "format", "size")
    }
    (page,) = seen.evidence.pages
    assert (page.mode, round(page.dpi_x), round(page.dpi_y)) == (mode, dpi, dpi)
    assert (page.width_px, page.height_px) == pytest.approx((8.5 * dpi, 11 * dpi), rel=0.01)
    assert seen.findings["scanner.resolution"].observed == pytest.approx(dpi)


def test_a_feeder_of_ten_gives_ten_pages(look: Any) -> None:
    """The whole feeder, and its end is no fault."""
    seen = look(dpi=200, max_kb_per_page=5000)

    assert seen.failed == set()
    assert (seen.evidence.sample.pages, len(seen.evidence.pages)) == (10, 10)
    assert [page.number for page in seen.evidence.pages] == list(range(1, 11))
    assert seen.evidence.sample.pages_per_minute > 60
    finding = seen.findings["scanner.sample"]
    assert (finding.observed, finding.unit) == (10, "pages")
    assert finding.summary.startswith("10 pages in ")


def test_a_feeder_that_gives_fewer_pages_than_sheets_is_told(look: Any) -> None:
    """Two sheets that go through as one are a page of an order that nobody sees."""
    seen = look(dpi=200, pages=12, max_kb_per_page=5000)

    assert seen.failed == {"scanner.sample/wrong-page-count"}
    assert "10 of 12 pages came" in seen.findings["scanner.sample"].summary
    assert seen.findings["scanner.ready"].status is Status.PASS


@pytest.mark.parametrize(
    ("status", "fault", "words"),
    [
        ("JAMMED", "jammed", "paper is stuck in it (SANE status 6, feeder jammed)"),
        ("COVER_OPEN", "jammed", "its cover is open (SANE status 8, cover open)"),
        ("NO_DOCS", "no-paper", "there is no paper in its feeder"),
        ("DEVICE_BUSY", "busy", "it is in use by another program or workstation"),
        ("ACCESS_DENIED", "no-permission", "this user may not use it"),
    ],
)
def test_each_state_is_named_by_scanimages_exit_code(
    look: Any, status: str, fault: str, words: str
) -> None:
    """Texts are translated; codes are SANE's own."""
    seen = look(faults={"status": f"SANE_STATUS_{status}"})

    assert seen.failed == {f"scanner.ready/{fault}"}
    assert seen.findings["scanner.ready"].summary.startswith(words)
    assert seen.findings["scanner.present"].status is Status.PASS
    because = {each.because for each in seen.findings.values() if each.status is Status.SKIP}
    assert because == {"scanner/scanner.ready"}
    assert seen.seconds < 20  # ACCESS_DENIED makes scanimage ask for a password


@pytest.mark.parametrize("status", ["IO_ERROR", "CANCELLED", "NO_MEM", "UNSUPPORTED"])
def test_any_other_end_is_a_failed_scan(look: Any, status: str) -> None:
    """The vendor's support wants the number."""
    seen = look(faults={"status": f"SANE_STATUS_{status}"})

    assert seen.failed == {"scanner.sample/failed"}
    assert "SANE status" in seen.findings["scanner.sample"].summary
    assert seen.findings["scanner.ready"].because == "scanner/scanner.sample"


def test_a_page_cut_short_by_the_driver_is_an_unreadable_file(look: Any) -> None:
    """scanimage ends with 0 and writes a file of a head alone: a status is never trusted."""
    seen = look(faults={"status": "SANE_STATUS_EOF"}, source="flatbed")

    assert seen.failed == {"scanner.format/unreadable"}
    assert seen.findings["scanner.sample"].because == "scanner/scanner.format"


def test_a_slow_scanner_is_stopped_in_time_and_named(look: Any) -> None:
    """A page that takes minutes is found when the scan is tried, not by whoever waits for it."""
    begun = time.monotonic()
    seen = look(faults={"delay_us": 200_000}, dpi=300, mode="gray", seconds=6.0)

    assert seen.failed == {"scanner.sample/failed"}
    assert "the scan took too long and was stopped after" in seen.findings["scanner.sample"].summary
    assert time.monotonic() - begun < 15


def test_a_blank_page_is_never_called_good(look: Any) -> None:
    """A sheet put in with its back to the light looks like success to every program."""
    seen = look(faults={"picture": "Solid white"}, source="flatbed")

    assert "scanner.sample/blank" in seen.failed
    assert seen.findings["scanner.sample"].summary == "page 1 is blank"


def test_a_scanner_is_found_by_its_model_as_people_write_it(look: Any) -> None:
    """A profile names the model; device names change with the socket it is plugged into."""
    seen = look("NoName Frontend Tester", sample=False, model="frontendtester")

    assert (seen.evidence.device.name, seen.failed) == (NAME, set())
    assert seen.findings["scanner.model"].summary == "it is a Noname frontend-tester"
    other = look("test:1", sample=False, model="fi-7160")
    assert other.failed == {"scanner.model/other-model"}


def test_a_scanner_that_is_not_there_is_told_with_what_is(look: Any) -> None:
    """The next thing to look at is the list of what was found."""
    seen = look("fi-7160")

    assert seen.failed == {"scanner.present/not-found"}
    said = seen.findings["scanner.present"].summary
    assert "fi-7160 is not seen; seen instead: Noname frontend-tester (test:0)" in said
    because = {each.because for each in seen.findings.values() if each.status is Status.SKIP}
    assert because == {"scanner/scanner.present"}
    none = look("fi-7160", faults={"devices": 0, "backends": ("net",)})
    assert "no scanner is seen at all" in none.findings["scanner.present"].summary


def test_a_backend_that_is_not_installed_is_a_missing_driver(look: Any) -> None:
    """The cable is right, and the name in the profile; the package is not there."""
    seen = look("nosuchmaker:fi-7160")

    assert seen.failed == {"scanner.driver/missing"}
    assert "libsane-nosuchmaker.so" in seen.findings["scanner.driver"].summary
    assert seen.findings["scanner.present"].because == "scanner/scanner.driver"


def test_why_a_device_does_not_open_is_asked_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """scanimage ends with 1 whatever it was; the library says which of its states."""
    monkeypatch.setenv("SANE_CONFIG_DIR", str(sane.config(tmp_path / "sane")))
    ctx = Context(deadline=time.monotonic() + 30)

    options, good = opened(NAME, ctx)
    assert options is not None
    assert (set(options.modes), good) == ({"bilevel", "gray", "color"}, 0)
    assert opened("test:9", ctx) == (None, INVALID)
    assert UNOPENED[ACCESS_DENIED] == "no-permission"
    assert UNOPENED[BUSY] == "busy"


def test_the_driver_tells_version_and_bitness(look: Any) -> None:
    """What the profile may ask of it; 1.10 is more than 1.9."""
    good = look(sample=False, driver_min_version="1.0.9", bitness=64)
    old = look(sample=False, driver_min_version="99.10")

    assert good.failed == set()
    assert good.evidence.driver.version.startswith("1.")
    assert old.failed == {"scanner.driver/outdated"}
    assert "scanner.sample" not in good.findings
    assert good.findings["scanner.ready"].status is Status.ERROR  # unknown is never a pass


def test_a_resolution_that_the_scanner_lacks_is_asked_as_near_as_it_goes(look: Any) -> None:
    """The finding says what the scanner does, not that our command was refused."""
    seen = look(faults={"dpi": (50.0, 100.0)}, source="flatbed", max_kb_per_page=5000)

    assert seen.failed == {"scanner.resolution/wrong-dpi"}
    assert "page 1 has 100 dpi" in seen.findings["scanner.resolution"].summary


def test_a_scanner_behind_a_saned_is_looked_at_over_the_network(look: Any, tmp_path: Path) -> None:
    """One scanner serves several workstations; its states come through the wire."""
    address = sane.own_address()
    name = f"net:{address}:test:0"
    far = sane.config(tmp_path / "far")
    with sane.saned(far, address):
        good = look(name, faults={"backends": ("net",)}, source="flatbed", max_kb_per_page=5000)
        sane.config(far, status="SANE_STATUS_JAMMED")
        jammed = look(name, faults={"backends": ("net",)})
        absent = look(f"net:{address}:test:7", faults={"backends": ("net",)})
    dead = look(name, faults={"backends": ("net",)})

    assert good.failed == set()
    assert (good.evidence.sample.pages, good.evidence.driver.is_running) == (1, True)
    assert jammed.failed == {"scanner.ready/jammed"}
    assert absent.failed == {"scanner.present/not-found"}
    assert "it answers" in absent.findings["scanner.present"].summary
    assert dead.failed == {"scanner.driver/service-stopped"}
    assert f"saned on {address} does not run" in dead.findings["scanner.driver"].summary
    assert dead.findings["scanner.present"].because == "scanner/scanner.driver"


def test_where_scanimage_is_lacking_the_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not looked at, never "not found"."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotObserve, match="install the package sane-utils"):
        looked(CHECK, target())


def test_another_system_says_that_it_cannot_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest error on macOS and Windows."""
    monkeypatch.setattr(sys, "platform", "darwin")

    with pytest.raises(CannotObserve, match="cannot look here"):
        looked(CHECK, target())


def test_a_check_that_is_given_up_leaves_no_process_and_no_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scanned order must not lie on a disk because somebody pressed Ctrl-C."""
    import threading

    folder = sane.config(tmp_path / "sane", delay_us=200_000)
    monkeypatch.setenv("SANE_CONFIG_DIR", str(folder))
    ctx = Context(deadline=time.monotonic() + 60, state_dir=tmp_path)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            CHECK.run(target(), ScannerOptions(mode="gray", dpi=300), ctx)
        except TimeoutError as exc:
            ended.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    end = time.monotonic() + 30
    while time.monotonic() < end and not _scanning(tmp_path):
        time.sleep(0.02)
    sane_started = _scanning(tmp_path)
    ctx.abandon()
    thread.join(20)

    assert sane_started
    assert not thread.is_alive()
    assert len(ended) == 1
    assert list(tmp_path.glob(f"{FOLDER}*")) == []
    assert _scanning(tmp_path) == []


def _scanning(folder: Path) -> list[Path]:
    """Return the processes whose current folder is a folder of pages below *folder*."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").readlink()
        except OSError:
            continue
        if where.parent == folder and where.name.startswith(FOLDER):
            found.append(process)
    return found


def test_the_folder_of_pages_is_this_users_alone_and_leftovers_go(tmp_path: Path) -> None:
    """Also those of a run that was killed before it could tidy up."""
    left = tmp_path / f"{FOLDER}left"
    left.mkdir()
    (left / "page001.tif").write_bytes(b"an order")

    with private_folder(Context(deadline=time.monotonic() + 5, state_dir=tmp_path)) as folder:
        mode = folder.stat().st_mode & 0o777
        there = list(tmp_path.glob(f"{FOLDER}*"))

    assert (mode, there) == (0o700, [folder])
    assert list(tmp_path.glob(f"{FOLDER}*")) == []


def test_the_feeder_is_never_asked_for_more_than_a_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A feeder that never runs empty must not fill the disk."""
    monkeypatch.setenv("SANE_CONFIG_DIR", str(sane.config(tmp_path / "sane")))
    folder = tmp_path / "pages"
    folder.mkdir()
    ctx = Context(deadline=time.monotonic() + 30)
    ask = Ask(dpi=75, mode="bilevel", source="feeder", pages=3)

    scanned = SaneEntrance().scan(Device(name=NAME, kind="sane"), ask, folder, ctx)

    assert (scanned.ended, len(scanned.files)) == ("done", 3)
    assert [path.name for path in scanned.files] == sorted(path.name for path in folder.iterdir())
