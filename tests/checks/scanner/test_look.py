"""One look from entrance to judgement, with the test page as it comes from many scanners."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import CHECK
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.evidence import Device, DriverFact, ScannerEvidence, ScannerOptions
from ccpor_checks.scanner.look import look_through, run
from ccpor_reporting.model import Finding, Status
from tests.checks.scanner.seen import faults, judged

if TYPE_CHECKING:
    from PIL.Image import Image

TARGET = Target(id="s", url="sane:desk", scheme="sane", path="desk")
Feed = Callable[[Ask, Path, Context], Scanned]


class Desk:
    """An entrance whose feeder does what the test says."""

    def __init__(self, feed: Feed, **device: Any) -> None:
        self._feed, self._device = feed, Device(name="desk", kind="sane", model="fi-7160", **device)
        self.asked: Ask | None = None

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        return Found(
            looked=("the desk",),
            devices=(self._device,),
            device=self._device,
            driver=DriverFact(name="desk driver", version="1"),
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        self.asked = ask
        return self._feed(ask, folder, ctx)


def sheets(count: int, change: Callable[[Image], Image] = lambda page: page) -> Feed:
    """Return a feeder with *count* of our test pages, changed on their way."""

    def feed(ask: Ask, folder: Path, _ctx: Context) -> Scanned:
        from ccpor_checks.scanner.image.test_page import rendered

        page = change(rendered(ask.dpi, ask.mode))
        files = tuple(folder / f"{number}.tif" for number in range(count))
        for path in files:
            page.save(
                path, dpi=(ask.dpi, ask.dpi), compression="group4" if page.mode == "1" else None
            )
        return Scanned(files=files, seconds=2.0 * count, ended="done")

    return feed


def looked(
    feed: Feed, *, seconds: float = 60.0, device: Mapping[str, Any] | None = None, **options: Any
) -> tuple[ScannerEvidence, Mapping[str, Finding]]:
    wanted = msgspec.convert(options, ScannerOptions)
    ctx = Context(deadline=time.monotonic() + seconds)
    seen = look_through(Desk(feed, **dict(device or {})), "sane", TARGET, wanted, ctx)
    return seen, judged(seen, **options)


@pytest.mark.parametrize("dpi", [200, 300])
def test_our_test_page_from_a_healthy_scanner_has_no_findings(dpi: int) -> None:
    """The whole way, with every limit as it stands in a profile that says nothing."""
    seen, found = looked(sheets(2), dpi=dpi, pages=2)

    assert {
        code: each.summary for code, each in found.items() if each.status is not Status.PASS
    } == {}
    assert set(found) == set(CHECK.codes) - {"scanner.model"}
    assert all(page.test_page for page in seen.pages)
    assert "the test page was recognised" in found["scanner.sample"].summary


@pytest.mark.parametrize(
    ("turn", "words"),
    [("ROTATE_180", "upside down"), ("FLIP_LEFT_RIGHT", "mirrored")],
)
def test_a_test_page_the_wrong_way_round_is_told_and_nothing_else(turn: str, words: str) -> None:
    """One fault, with its own words."""
    from PIL.Image import Transpose

    _seen, found = looked(sheets(1, lambda page: page.transpose(Transpose[turn])))

    assert set(faults(found)) == {"scanner.sample/failed"}
    assert words in found["scanner.sample"].summary


def test_a_test_page_that_is_cut_is_told() -> None:
    """What stands at the edge of an order is lost."""

    def cut(page: Image) -> Image:
        white = page.copy()
        white.paste(1, (0, 0, round(page.width * 0.07), page.height))
        return white

    _seen, found = looked(sheets(1, cut))

    assert "scanner.sample/failed" in faults(found)
    assert "cut off at the left" in found["scanner.sample"].summary


def test_a_scan_that_knows_no_end_is_stopped_and_named() -> None:
    """The check ends with its own words, not with the engine's "no answer"."""

    def never(_ask: Ask, _folder: Path, ctx: Context) -> Scanned:
        while True:
            time.sleep(0.02)
            ctx.remaining()

    seen, found = looked(never, seconds=1.0)

    assert faults(found).keys() == {"scanner.sample/failed"}
    assert seen.sample is not None
    assert seen.sample.ended == "timeout"


def test_a_way_in_that_can_look_and_not_scan_is_an_error() -> None:
    """Not the scanner's failure."""

    def cannot(_ask: Ask, _folder: Path, _ctx: Context) -> Scanned:
        raise CannotObserve("scanning needs the 32-bit part")

    _seen, found = looked(cannot)

    assert faults(found) == {}
    assert found["scanner.sample"].status is Status.ERROR
    assert found["scanner.sample"].summary == "scanning needs the 32-bit part"
    assert found["scanner.present"].status is Status.PASS


def test_a_scanner_without_the_asked_source_is_not_sent_a_scan() -> None:
    """A flatbed that is asked for its feeder takes the sheet on the glass as a pass."""

    def must_not(_ask: Ask, _folder: Path, _ctx: Context) -> Scanned:
        raise AssertionError

    _seen, found = looked(must_not, device={"sources": ("flatbed",)})

    assert set(faults(found)) == {"scanner.sample/failed"}
    assert "has a flatbed and no feeder" in found["scanner.sample"].summary


def test_files_that_are_no_pictures_are_the_formats_fault() -> None:
    """Whatever the status said."""

    def junk(_ask: Ask, folder: Path, _ctx: Context) -> Scanned:
        path = folder / "page.tif"
        path.write_bytes(b"<html>not found</html>")
        return Scanned(files=(path,), seconds=1.0, ended="done")

    _seen, found = looked(junk)

    assert set(faults(found)) == {"scanner.format/unreadable"}


def test_a_url_of_no_scanner_is_said(tmp_path: Path) -> None:
    """`checks = ["scanner"]` may stand on any target."""
    target = Target(id="t", url="tcp://h:1", scheme="tcp", host="h", port=1)

    with pytest.raises(CannotObserve, match="names no scanner"):
        run(target, ScannerOptions(), Context(deadline=time.monotonic() + 5, state_dir=tmp_path))
