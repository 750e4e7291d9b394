"""TWAIN, WIA, ISIS and capture software: Wine's own manager, registry, services and COM.

The source behind the manager (tests/wine/fakes/twain_source.c) and the WIA class (fakes/wia.py) are
ours; what passes here has been seen under Wine and not on Windows.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import sys
import time
import winreg
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import CHECK, twain, windows_child
from ccpor_checks.scanner.capture import KEYS
from ccpor_checks.scanner.entrance import Ask, Found
from ccpor_checks.scanner.evidence import Device, ScannerOptions
from ccpor_checks.scanner.folder_child import Written
from ccpor_checks.scanner.twain import TwainEntrance
from ccpor_checks.scanner.windows_drivers import IMAGE_CLASS
from ccpor_checks.scanner.windows_files import Resource, resource
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.checks.scanner.odd_child import Deed
from tests.wine.fakes import wia

WINDOWS = Path(os.environ.get("SYSTEMROOT", r"C:\windows"))
SOURCE = WINDOWS / "twain_64/sane.ds"  # the one name that Wine's manager loads
BUILT = Path(sys.executable).with_name("fake_twain.ds")
MANAGER = WINDOWS / "system32/twain_32.dll"
NAME = "PaperStream fi-8170 (fake)"
MACHINE_AT = 4  # bytes after "PE": the machine; 0x14c is the 32-bit one
KOFAX = KEYS[0]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a page of typed lines as a scanner delivers it: 300 dpi, black and white."""
    from PIL import Image, ImageDraw

    sheet = Image.new("1", (2550, 3300), 1)
    draw = ImageDraw.Draw(sheet)
    for line in range(40):
        for word in range(9):
            left = 300 + 220 * word
            draw.rectangle((left, 300 + 66 * line, left + 90 + 37 * (word % 3), 328 + 66 * line), 0)
    path = tmp_path_factory.mktemp("sheet") / "page.bmp"
    sheet.save(path, dpi=(300, 300))
    return path


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch, page: Path) -> Iterator[Path]:
    """Install the source; two sheets lie in its feeder."""
    monkeypatch.setenv("FAKE_TWAIN_PAGE", str(page))
    shutil.copyfile(BUILT, SOURCE)
    yield SOURCE
    SOURCE.unlink()


@contextlib.contextmanager
def source_of_32_bits(place: Path) -> Iterator[None]:
    """Put the source at *place* with the header of a 32-bit one."""
    image = bytearray(BUILT.read_bytes())
    (at,) = struct.unpack_from("<I", image, 0x3C)
    struct.pack_into("<H", image, at + MACHINE_AT, 0x14C)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(image)
    try:
        yield
    finally:
        place.unlink()


@contextlib.contextmanager
def moved_away(path: Path) -> Iterator[None]:
    aside = path.with_suffix(".aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextlib.contextmanager
def registry(key: str, **values: str) -> Iterator[None]:
    """Make a key with values under HKEY_LOCAL_MACHINE for a while."""
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
        for name, value in values.items():
            winreg.SetValueEx(opened, name, 0, winreg.REG_SZ, value)
    try:
        yield
    finally:
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, key)


def look(name: str = "twain:fi-8170", seconds: float = 90, **options: Any) -> Looked:
    kind, _, path = name.partition(":")
    target = Target(id="scan", url=name, scheme=kind, path=path)
    return looked(CHECK, target, options, seconds=seconds)


def found(kind_and_name: str = "twain:fi-8170", **options: Any) -> Found:
    _, _, path = kind_and_name.partition(":")
    target = Target(id="scan", url=kind_and_name, scheme="twain", path=path)
    ctx = Context(deadline=time.monotonic() + 60)
    return TwainEntrance().look(target, ScannerOptions(**options), ctx)


@pytest.mark.usefixtures("source")
class TestTwain:
    def test_a_good_scanner_is_found_and_scans_without_a_finding(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """From the manager's list to the measured page; the source is told how to scan."""
        log = tmp_path / "set.txt"
        monkeypatch.setenv("FAKE_TWAIN_LOG", str(log))

        seen = look(pages=2, bitness=64, model="fi-8170", driver_min_version="3.7")

        assert seen.failed == set()
        assert seen.statuses == {Status.PASS}
        device, driver = seen.evidence.device, seen.evidence.driver
        assert (device.name, device.maker, device.version) == (NAME, "Ricoh", "TWAIN 2.4")
        assert (driver.version, driver.bitness) == ("3.7.1.42", (64,))
        assert [(page.mode, round(page.dpi_x)) for page in seen.evidence.pages] == [
            ("bilevel", 300),
            ("bilevel", 300),
        ]
        # mode bilevel, 300 dpi each way, from the feeder, two pages, no window
        told = set(log.read_text().split())
        assert {"0101=0", "1118=300", "1119=300", "1002=1", "0001=2", "100b=0"} <= told

    @pytest.mark.parametrize(
        ("fault", "said"),
        [
            ("OFFLINE", "scanner.ready/offline"),
            ("EMPTY", "scanner.ready/no-paper"),
            ("COVER", "scanner.ready/jammed"),
            ("JAM", "scanner.ready/jammed"),
            ("CRASHSCAN", "scanner.sample/failed"),
        ],
    )
    def test_each_fault_is_named(
        self, monkeypatch: pytest.MonkeyPatch, fault: str, said: str
    ) -> None:
        monkeypatch.setenv("FAKE_TWAIN_FAULT", fault)

        assert look(pages=2).failed == {said}

    def test_a_driver_that_hangs_or_crashes_takes_nothing_with_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is ended with its time, and the list of scanners is still told."""
        seen = {}
        for fault, seconds in (("CRASH", twain.OPEN_S), ("HANG", 2.0)):
            monkeypatch.setenv("FAKE_TWAIN_FAULT", fault)
            monkeypatch.setattr(twain, "OPEN_S", seconds)
            told = found()
            seen[fault] = (told.state, len(told.devices or ()))

        assert seen == {"HANG": ("offline", 1), "CRASH": ("faulty", 1)}

    def test_a_scan_without_an_end_is_stopped_in_time(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        """The source takes the order and never has a page ready."""
        monkeypatch.setenv("FAKE_TWAIN_FAULT", "NEVER")
        monkeypatch.setattr(windows_child, "PARTING_S", 0.5)
        ctx = Context(deadline=time.monotonic() + 4)
        ask = Ask(dpi=300, mode="bilevel", source="feeder", pages=None)

        got = TwainEntrance().scan(Device(name=NAME, kind="twain"), ask, tmp_path, ctx)

        assert (got.ended, got.files) == ("timeout", ())
        assert time.monotonic() < ctx.deadline + 5

    def test_the_source_of_the_other_bitness_is_the_wrong_one(self) -> None:
        """The capture program has 32 bits, the source 64; and the other way round."""
        wrong = look(bitness=32, sample=False)
        with moved_away(SOURCE), source_of_32_bits(WINDOWS / "twain_32/fi.ds"):
            other = look(f"twain:{NAME}", bitness=64, sample=False)
            unasked = look(f"twain:{NAME}", pages=1)

        assert wrong.failed == {"scanner.driver/wrong-bitness"}
        assert other.failed == {"scanner.driver/wrong-bitness"}
        assert wrong.evidence.driver.bitness == (64,)
        assert other.evidence.driver.bitness == (32,)
        # with no bitness asked for: its manager is missing here, and no page can be had
        assert unasked.failed == {"scanner.driver/missing"}
        assert unasked.findings["scanner.sample"].status is Status.SKIP

    def test_a_missing_manager_is_named(self) -> None:
        """64-bit Windows ships none for 64-bit programs."""
        with moved_away(MANAGER):
            none = look(bitness=64, sample=False)
            with pytest.raises(CannotObserve, match="64-bit agent"):
                TwainEntrance().scan(
                    Device(name=NAME, kind="twain"),
                    Ask(dpi=300, mode="bilevel", source="feeder", pages=1),
                    WINDOWS,
                    Context(deadline=time.monotonic() + 9),
                )
        with source_of_32_bits(WINDOWS / "twain_32/sane.ds"):
            other = look(bitness=32, sample=False)

        assert none.failed == other.failed == {"scanner.driver/missing"}
        assert "64-bit data source manager" in none.evidence.driver.lacking
        assert "32-bit data source manager" in other.evidence.driver.lacking

    def test_another_scanner_is_told_where_the_named_one_is_not(self) -> None:
        seen = look("twain:ScanSnap iX1600", sample=False)

        assert seen.failed == {"scanner.present/not-found"}
        assert NAME in seen.findings["scanner.present"].summary

    def test_the_default_source_and_names_of_other_languages(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A name goes to the child and back in the code page of this Windows."""
        monkeypatch.setenv("FAKE_TWAIN_NAME", "Büro fi-8170")

        seen = look("twain:default", sample=False)

        assert seen.failed == set()
        assert seen.evidence.device.name == "Büro fi-8170"
        assert seen.evidence.device.modes == ("bilevel", "gray", "color"), "it was opened"

    def test_without_any_source_the_driver_is_missing(self) -> None:
        with moved_away(SOURCE):
            seen = look(sample=False)

        assert seen.failed == {"scanner.driver/missing"}
        assert seen.findings["scanner.present"].status is Status.SKIP

    def test_an_outdated_driver_is_told_by_the_registry(self) -> None:
        """The device manager's own entry, compared number by number: 1.9 is before 1.10."""
        entry = {"DriverDesc": "FUJITSU fi-8170", "DriverVersion": "1.9.0.4"}
        with registry(f"{IMAGE_CLASS}\\0002", **entry):
            seen = look(driver_min_version="1.10", sample=False)

        assert seen.failed == {"scanner.driver/outdated"}
        assert seen.evidence.driver.version == "1.9.0.4"

    def test_folders_of_the_capture_program_are_tried_as_this_user(self, tmp_path: Path) -> None:
        """One that may be written to, one that may not, one whose server is not there."""
        good, refused, lost = str(tmp_path), "Z:\\sys\\kernel", "Z:\\no such share"
        with registry(KOFAX, ServerPath=good, LocalPath=refused):
            seen = look(sample=False)
        with registry(KOFAX, ServerPath=lost, LocalPath=good):
            untold = look(sample=False)

        folders = {folder.path: folder.may_write for folder in seen.evidence.driver.folders}
        assert (folders.pop(good), folders.pop(refused)) == (True, False)
        assert set(folders.values()) == {True}, "the temporary folder"
        assert seen.failed == {"scanner.ready/no-permission"}
        assert untold.failed == set()
        assert untold.findings["scanner.ready"].status is Status.ERROR

    def test_a_capture_service_that_should_run_and_does_not_is_named(self) -> None:
        """The service control manager's own word; a service started by hand may rest."""
        import win32service

        control = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_ALL_ACCESS)
        made = win32service.CreateService(
            control,
            "KCTest",
            "Kofax Capture Service",
            win32service.SERVICE_ALL_ACCESS,
            win32service.SERVICE_WIN32_OWN_PROCESS,
            win32service.SERVICE_AUTO_START,
            win32service.SERVICE_ERROR_IGNORE,
            r"C:\windows\system32\none.exe",
            *(None, 0, None, None, None),
        )
        try:
            seen = look(sample=False)
        finally:
            win32service.DeleteService(made)
            win32service.CloseServiceHandle(made)
            win32service.CloseServiceHandle(control)

        assert seen.failed == {"scanner.driver/service-stopped"}
        assert seen.evidence.driver.service == "Kofax Capture Service (KCTest)"


def test_what_a_driver_started_ends_with_it(tmp_path: Path) -> None:
    """A helper that stayed behind would hold the scanner; the job object takes it along."""
    import psutil

    got = windows_child.ask(
        "tests.checks.scanner.odd_child",
        Deed(do="starts"),
        Written,
        Context(deadline=time.monotonic() + 30),
        20,
        folder=tmp_path,
    )
    helper = int((tmp_path / "helper.pid").read_text())
    end = time.monotonic() + 10
    while psutil.pid_exists(helper) and time.monotonic() < end:
        time.sleep(0.1)

    assert got.said is not None
    assert not psutil.pid_exists(helper)


def test_a_version_resource_is_read_as_windows_shows_it() -> None:
    assert resource(BUILT) == Resource("3.7.1.42", NAME, "Ricoh", None)
    assert resource(Path(sys.executable)).version is not None
    assert resource(Path(__file__)) == Resource()


@pytest.fixture(scope="module")
def running_service() -> Iterator[None]:
    """Let the service of WIA run, as it does on every Windows where a program asks for scanners."""
    import win32serviceutil

    win32serviceutil.StartService("stisvc")
    win32serviceutil.WaitForServiceStatus("stisvc", 4, 20)
    yield
    win32serviceutil.StopService("stisvc")
    win32serviceutil.WaitForServiceStatus("stisvc", 1, 20)


@pytest.fixture(scope="module")
def registered() -> Iterator[None]:
    wia.present(yes=True)
    yield
    wia.present(yes=False)


def set_wia(monkeypatch: pytest.MonkeyPatch, page: Path, **told: Any) -> None:
    monkeypatch.setenv("FAKE_WIA", json.dumps({"page": str(page), **told}))


def test_wia_that_is_not_there_is_told_from_a_service_that_rests() -> None:
    """The class is not registered (0x800401F3): nothing that starting a service would mend."""
    seen = look("wia:fi-8170", sample=False)

    assert seen.failed == {"scanner.driver/missing"}
    assert "Windows Image Acquisition" in seen.findings["scanner.driver"].summary


@pytest.mark.usefixtures("registered")
class TestWia:
    def test_a_stopped_service_is_named(self) -> None:
        seen = look("wia:fi-8170", sample=False)

        assert seen.failed == {"scanner.driver/service-stopped"}
        assert "stisvc" in seen.findings["scanner.driver"].summary

    @pytest.mark.usefixtures("running_service")
    def test_a_good_scanner_is_found_and_scans_without_a_finding(
        self, monkeypatch: pytest.MonkeyPatch, page: Path
    ) -> None:
        set_wia(monkeypatch, page, sheets=2)

        seen = look("wia:fi-8170", pages=2, bitness=32)

        assert seen.failed == set()
        assert seen.statuses == {Status.PASS}
        assert seen.evidence.device.sources == ("feeder", "flatbed")
        assert len(seen.evidence.pages) == 2

    @pytest.mark.usefixtures("running_service")
    @pytest.mark.parametrize(
        ("told", "said"),
        [
            ({"fails": [2, 0x80210002]}, "scanner.ready/jammed"),
            ({"fails": [1, 0x80210016]}, "scanner.ready/jammed"),
            ({"connect": 0x80210005}, "scanner.ready/offline"),
            ({"status": 0x10}, "scanner.ready/jammed"),
            ({"silent": True}, "scanner.sample/failed"),
            ({"devices": []}, "scanner.present/not-found"),
        ],
    )
    def test_each_fault_is_named(
        self, monkeypatch: pytest.MonkeyPatch, page: Path, told: dict[str, Any], said: str
    ) -> None:
        """By HRESULT and by the bits of the sensors; the words beside them are never read."""
        set_wia(monkeypatch, page, **told)

        assert look("wia:fi-8170", pages=2).failed == {said}


def test_isis_is_seen_by_its_drivers_and_says_that_it_cannot_scan() -> None:
    """A driver for 32-bit programs, found by the version resource in it."""
    absent = look("isis:fi-8170", sample=False)
    with source_of_32_bits(WINDOWS / "Pixtran/fj8170.pxn"):
        present = look("isis:fi-8170", bitness=32)
        wrong = look("isis:fi-8170", bitness=64, sample=False)

    assert absent.failed == {"scanner.driver/missing"}
    assert present.failed == set()
    assert present.findings["scanner.present"].status is Status.PASS
    assert present.findings["scanner.driver"].status is Status.PASS
    assert present.findings["scanner.sample"].status is Status.ERROR
    assert "capture program" in present.findings["scanner.sample"].summary
    assert wrong.failed == {"scanner.driver/wrong-bitness"}
