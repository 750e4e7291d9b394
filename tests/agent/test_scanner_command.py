"""``ccpor-check scanner test-page`` and ``run --save-scan``, by the real program."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ccpor_agent.cli import outcome
from tests.agent.program import ccpor, command, environment, write_profile
from tests.peers import sane

SCANNER = """id = "desk"
title = "The scanner at the counter"
url = "sane:test:0"
[target.scanner]
pages = 2
dpi = 200
mode = "gray"
max_kb_per_page = 5000
"""


def test_the_test_page_is_one_letter_page_and_its_next_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person prints and puts into the feeder."""
    from pypdf import PdfReader

    monkeypatch.chdir(tmp_path)
    ran = ccpor("scanner", "test-page")

    assert (ran.returncode, ran.stdout) == (0, "")
    assert "print it at 100 %" in ran.stderr
    (page,) = PdfReader(tmp_path / "ccpor-test-page.pdf").pages
    assert (float(page.mediabox.width), float(page.mediabox.height)) == (612, 792)


def test_the_test_page_goes_to_standard_output_or_a_file(tmp_path: Path) -> None:
    """For a printer's queue; the same page every time."""
    ran = subprocess.run(
        command("scanner", "test-page", "-o", "-"),
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    named = ccpor("scanner", "test-page", "-o", tmp_path / "sheet.pdf")

    assert (ran.returncode, ran.stderr, ran.stdout[:5]) == (0, b"", b"%PDF-")
    assert (named.returncode, (tmp_path / "sheet.pdf").read_bytes()) == (0, ran.stdout)


def test_a_folder_that_is_not_there_is_2(tmp_path: Path) -> None:
    """Told with the name, nothing half-written."""
    ran = ccpor("scanner", "test-page", "-o", tmp_path / "gone" / "sheet.pdf")

    assert ran.returncode == 2
    assert "there is no folder" in ran.stderr


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A profile with one scanner, the test backend."""
    monkeypatch.setenv("SANE_CONFIG_DIR", str(sane.config(tmp_path / "sane")))
    return write_profile(tmp_path / "desk.toml", [SCANNER])


def run(profile: Path, *more: str | Path) -> subprocess.CompletedProcess[str]:
    return ccpor("run", "--profile", profile, "--no-upload", "--only", "scanner", *more)


def test_a_run_tells_the_scan_in_plain_words_and_leaves_no_page(desk: Path, tmp_path: Path) -> None:
    """Device, driver, pages, dots, mode, size and slant of each page."""
    ran = run(desk)
    said = " ".join(ran.stdout.split())

    assert "Sample scans" in said, ran.stderr
    assert "Noname frontend-tester, asked by SANE, driver SANE backend test" in said
    assert "It was asked for gray at 200 dpi from the feeder; 2 pages came in" in said
    assert "Page Dots per inch Mode kB Slant What it shows 1 to 2 200 gray" in said
    assert "measured here and removed" in said
    assert list(tmp_path.rglob("*.tif")) == []


def test_the_pages_are_kept_where_the_clerk_asks(desk: Path, tmp_path: Path) -> None:
    """Both pages, in one file; the report says no more than that they were kept."""
    from PIL import Image

    kept = tmp_path / "order.tif"
    ran = run(desk, "--save-scan", kept, "--json")

    with Image.open(kept) as pages:
        assert (pages.n_frames, pages.mode) == (2, "L")  # type: ignore[attr-defined]
    assert f"scanned pages kept as {kept}" in ran.stderr
    assert '"is_saved": true' in ran.stdout
    assert "order.tif" not in ran.stdout
    assert list(tmp_path.rglob("page*.tif")) == []


def test_a_scan_that_gives_no_page_says_that_nothing_was_kept(desk: Path, tmp_path: Path) -> None:
    """No empty file that looks like a scan."""
    sane.config(tmp_path / "sane", status="SANE_STATUS_JAMMED")
    ran = run(desk, "--save-scan", tmp_path / "order.tif")

    assert ran.returncode == 1, ran.stdout
    assert "nothing was kept as" in ran.stderr
    assert not (tmp_path / "order.tif").exists()


def refused(profile: Path, place: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what is said of a place that is refused; nothing is looked at, so it runs in here."""
    words = ["run", "--profile", str(profile), "--no-upload", "--save-scan", str(place)]
    assert outcome(words) == 2
    return capsys.readouterr().err


def test_a_file_that_is_there_is_refused_before_paper_moves(
    desk: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Somebody's order may be in it."""
    there = tmp_path / "order.tif"
    there.write_bytes(b"an order")
    said = refused(desk, there, capsys)

    assert "is there already and is left alone; write another name" in said
    assert there.read_bytes() == b"an order"
    assert not (tmp_path / "state" / "reports").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a folder, write the name of a file"),
        ("gone/x.tif", "there is no folder"),
        ("/proc/self/x.tif", "/proc/self cannot be written by this user"),
    ],
)
def test_a_place_that_takes_no_file_is_2(
    desk: Path, tmp_path: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a minute of feeding paper."""
    assert words in refused(desk, tmp_path / name, capsys)


def test_one_scanner_at_a_time_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two scanners would write one file; none would write nothing."""
    second = SCANNER.replace('"desk"', '"back"', 1).replace("test:0", "test:1")
    two = write_profile(tmp_path / "two.toml", [SCANNER, second])
    quiet = write_profile(tmp_path / "quiet.toml", [SCANNER + "sample = false\n"])

    several = refused(two, tmp_path / "x.tif", capsys)
    none = refused(quiet, tmp_path / "x.tif", capsys)

    assert "here are back, desk; choose one, e.g. --only back" in several
    assert "no scanner with sample = true is looked at" in none
