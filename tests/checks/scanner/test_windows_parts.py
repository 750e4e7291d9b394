"""The parts of the Windows scanners that need no Windows: files, containers, pictures, numbers."""

from __future__ import annotations

import io
import os
import struct
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import twain_calls as tc
from ccpor_checks.scanner import twain_child, wia_child, windows_child
from ccpor_checks.scanner import twain_words as tw
from ccpor_checks.scanner import wia_words as ww
from ccpor_checks.scanner.capture import SERVICES, folder_paths
from ccpor_checks.scanner.dib import BadPicture, bmp_of, row_bytes
from ccpor_checks.scanner.evidence import Device, ScannerOptions
from ccpor_checks.scanner.folder_child import Folders, Written, may_write
from ccpor_checks.scanner.isis import IsisEntrance
from ccpor_checks.scanner.look import entrance_for
from ccpor_checks.scanner.twain_child import dpis_of
from ccpor_checks.scanner.twain_driver import There, driver_fact
from ccpor_checks.scanner.twain_files import SourceFile, files_of, managers, source_files
from ccpor_checks.scanner.windows_drivers import (
    IMAGE_CLASS,
    chosen,
    driver_for,
    image_drivers,
    same_model,
)
from ccpor_checks.scanner.windows_files import Places, bitness_of, fixed_version

I386, AMD64, ARM64 = 0x014C, 0x8664, 0xAA64
TARGET = Target(id="scan", url="twain:fi-8170", scheme="twain", path="fi-8170")
on_linux = pytest.mark.skipif(sys.platform == "win32", reason="says that it is not Windows")


def context(seconds: float = 20) -> Context:
    return Context(deadline=time.monotonic() + seconds)


def program(machine: int) -> bytes:
    """Return the beginning of a program file for *machine*."""
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + bytes(0x40) + struct.pack(
        "<4sH", b"PE\0\0", machine
    )  # fmt: skip


class Registry:
    """Values by key and name, as the registry has them; `refused` may not be read."""

    def __init__(self, values: dict[str, dict[str, str | int]], refused: str = "") -> None:
        self._values, self._refused = values, refused

    def value(self, key: str, name: str) -> str | int:
        if key == self._refused:
            raise PermissionError(5, "denied")
        try:
            return self._values[key][name]
        except KeyError:
            raise FileNotFoundError(2, "not there") from None


@on_linux
@pytest.mark.parametrize("kind", ["twain", "wia", "isis"])
def test_elsewhere_it_is_said_that_this_is_not_windows(kind: str) -> None:
    """An error that names what could not be looked at, never "no scanner"."""
    with pytest.raises(CannotObserve, match=f"{kind.upper()} scanners .* on Windows only"):
        entrance_for(kind).look(TARGET, ScannerOptions(), context())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("head", "bits"),
    [
        (program(I386), 32),
        (program(AMD64), 64),
        (program(ARM64), 64),
        (program(0x1234), None),
        (b"", None),
        (b"MZ", None),
        (b"MZ".ljust(0x3C, b"\0") + b"\xff\xff\xff\x7f", None),
        (b"#!" + program(AMD64)[2:], None),
    ],
)
def test_the_header_tells_for_which_programs_a_driver_is(head: bytes, bits: int | None) -> None:
    """A file that is no program, or broken off, is of no bitness: it is never guessed."""
    assert bitness_of(head) == bits


def test_a_version_is_read_out_of_the_resource() -> None:
    good = struct.pack("<4I", 0xFEEF04BD, 0x10000, 3 << 16 | 7, 1 << 16 | 42)

    assert fixed_version(good.ljust(52, b"\0")) == "3.7.1.42"
    assert fixed_version(good[:10]) is None
    assert fixed_version(bytes(52)) is None
    assert fixed_version(good[:8].ljust(52, b"\0")) is None, "no version is not version 0.0.0.0"


@pytest.fixture
def here(tmp_path: Path) -> Places:
    """Give a Windows folder with both system folders and nothing of TWAIN in them."""
    for name in ("System32", "SysWOW64", "twain_32/fj", "twain_64"):
        (tmp_path / name).mkdir(parents=True)
    return Places(tmp_path, {64: tmp_path / "System32", 32: tmp_path / "SysWOW64"})


def test_managers_and_sources_are_told_by_their_own_headers(here: Places) -> None:
    """Where a file lies says little: a 64-bit source below twain_32 is still a 64-bit one."""
    (here.windows / "twain_32.dll").write_bytes(program(I386))
    (here.windows / "System32/twaindsm.dll").write_bytes(program(AMD64))
    (here.windows / "twain_32/fj/FI8170.DS").write_bytes(program(I386))
    (here.windows / "twain_32/wrong.ds").write_bytes(program(AMD64))
    (here.windows / "twain_64/readme.txt").write_bytes(program(AMD64))
    (here.windows / "twain_64/text.ds").write_bytes(b"a note")

    found = source_files(here)

    assert {bits: [path.name for path in paths] for bits, paths in managers(here).items()} == {
        32: ["twain_32.dll"],
        64: ["twaindsm.dll"],
    }
    assert {(file.path.name, file.bitness) for file in found} == {
        ("FI8170.DS", 32),
        ("wrong.ds", 64),
        ("text.ds", None),
    }


def test_the_same_file_in_both_folders_serves_both_kinds_of_program() -> None:
    """Vendors ship one name twice; only one of the two may name its product."""
    files = tuple(
        SourceFile(Path(f"C:/Windows/twain_{bits}/{stem}.ds"), bits, None, name, None)
        for bits, stem, name in (
            (32, "fjscan", "PaperStream IP fi-8170"),
            (64, "fjscan", "fjscan"),
            (32, "other", "ScanSnap iX1600"),
        )
    )

    own = files_of(Device(name="PaperStream IP fi-8170", kind="twain"), files)

    assert [file.bitness for file in own] == [32, 64]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("PaperStream IP fi-8170", "FUJITSU fi-8170", True),
        ("fi-8170", "fi-8190", False),
        ("Canon DR-C225 TWAIN", "Canon DR-C225 W USB", True),
        ("HP", "HP ScanJet Pro 3000 s4", False),
        ("EPSON DS-530 II", "EPSON DS-530", True),
        ("", "fi-8170", False),
        ("WIA scanner", "Scanner", True),
    ],
)
def test_a_model_is_recognised_by_its_number(one: str, other: str, same: bool) -> None:
    """The driver's entry in the registry and the source rarely have the same name."""
    assert same_model(one, other) is same
    assert same_model(other, one) is same


def test_the_drivers_version_comes_from_its_entry_in_the_registry() -> None:
    """Gaps in the numbers are usual, an entry that is not ours to read is passed over."""
    keys = {
        f"{IMAGE_CLASS}\\0000": {"DriverDesc": "USB camera", "DriverVersion": "10.0.1.1"},
        f"{IMAGE_CLASS}\\0003": {"DriverDesc": "secret"},
        f"{IMAGE_CLASS}\\0004": {
            "DriverDesc": "fi-8170",
            "DriverVersion": "1.20.0.3",
            "ProviderName": "Ricoh",
            "DriverDate": "3-4-2021",
        },
    }
    drivers = image_drivers(Registry(keys, refused=f"{IMAGE_CLASS}\\0003"))

    found = driver_for((None, "PaperStream fi-8170"), drivers)

    assert [driver.name for driver in drivers] == ["USB camera", "fi-8170"]
    assert found is not None
    assert (found.version, found.maker, found.date) == ("1.20.0.3", "Ricoh", "3-4-2021")
    assert driver_for(("ScanSnap iX1600",), drivers) is None


def test_a_device_is_chosen_by_name_by_part_or_as_windows_default() -> None:
    devices = (
        Device(name="A", kind="twain", maker="Canon", model="DR-C225"),
        Device(name="B", kind="twain", maker="Ricoh", model="fi-8170", is_default=True),
    )

    asked = ("A", "FI 8170", "ricoh fi-8170", "", "default", "fi-9999")
    found = [chosen(each, devices) for each in asked]

    assert [each and each.name for each in found] == ["A", "B", "B", "B", "B", None]


def there(managers_of: tuple[int, ...], files: str, *, is_listed: bool) -> There:
    """Return a Windows with managers of some bitness; files: "32 64" of fi-8170's source."""
    return There(
        {bits: (Path(f"C:/Windows/dsm{bits}.dll"),) for bits in managers_of},
        tuple(
            SourceFile(Path(f"C:/Windows/twain_{bits}/fi.ds"), int(bits), "3.1", "fi-8170", None)
            for bits in files.split()
        ),
        (tw.ListedSource(name="fi-8170", maker="Ricoh", version="3.0", protocol="2.4"),)
        if is_listed
        else None,
    )


@pytest.mark.parametrize(
    ("seen", "wanted", "bitness", "lacking"),
    [
        # the usual 64-bit Windows with a vendor's driver for 32-bit programs
        (there((32,), "32", is_listed=False), 32, (32,), None),
        (there((32,), "32", is_listed=False), None, (32,), None),
        (there((32,), "32", is_listed=False), 64, (32,), "wrong"),
        # both sources, and no manager for 64-bit programs
        (there((32,), "32 64", is_listed=False), 64, (32, 64), "64-bit data source manager"),
        (there((32, 64), "32 64", is_listed=True), 32, (32, 64), None),
        (there((64,), "64", is_listed=True), 32, (64,), "wrong"),
        (there((), "64", is_listed=False), None, (64,), "64-bit data source manager"),
        (there((64,), "32", is_listed=False), None, (32,), "32-bit data source manager"),
    ],
)
def test_a_wrong_bitness_is_told_before_a_missing_manager(
    seen: There, wanted: Literal[32, 64] | None, bitness: tuple[int, ...], lacking: str | None
) -> None:
    """A source of the right bitness brings its manager along: it is the thing to install."""
    device = Device(name="fi-8170", kind="twain")
    looked: list[str] = []

    fact = driver_fact("fi-8170", device, seen, ScannerOptions(bitness=wanted), looked)

    assert (fact.bitness, fact.wanted_bitness) == (bitness, wanted)
    assert fact.is_installed is (lacking in (None, "wrong"))
    assert bool(fact.lacking) is bool(lacking)
    if lacking not in (None, "wrong"):
        assert lacking in (fact.lacking or "")
    assert (fact.version, looked) == ("3.1", ["the driver's version in fi.ds"])


def test_without_a_source_it_is_said_which_part_to_install() -> None:
    nothing = driver_fact("fi", None, there((32,), "", is_listed=False), ScannerOptions(), [])
    another = driver_fact("x", None, there((32,), "32", is_listed=False), ScannerOptions(), [])
    bare = driver_fact("fi", None, there((), "", is_listed=False), ScannerOptions(bitness=32), [])

    assert "vendor's driver" in (nothing.lacking or "")
    assert another.is_installed is True, "a source of another scanner: this one is not found"
    assert "32-bit data source manager" in (bare.lacking or "")


@on_linux
def test_the_children_say_so_where_there_is_no_windows() -> None:
    """They are never started here; were they, they would answer and not break."""
    listed = twain_child.answer(tw.Question(do="list", manager="twaindsm.dll"))

    assert not listed.is_open
    assert "cannot be used" in (listed.problem or "")
    assert wia_child.answer(ww.Question(do="list")).problem == "there is no COM on this system"


def test_twains_structures_have_the_sizes_of_its_header() -> None:
    """Packed to two bytes; a source writes into them, so that a wrong size is a crash."""
    import ctypes

    pointer = ctypes.sizeof(ctypes.c_void_p)
    sizes = {
        tc.Version: 42,
        tc.Identity: 156,
        tc.Capability: 4 + pointer,
        tc.Interface: 4 + pointer,
        tc.Event: pointer + 2,
        tc.Pending: 6,
        tc.Status: 4,
    }

    assert {kind: ctypes.sizeof(kind) for kind in sizes} == sizes


def test_containers_are_read_and_bounded() -> None:
    """What a source says of its own lists is not believed beyond what it handed over."""
    one = tc.one_value(tw.FIX32, 300)
    choice = struct.pack("<HIII3H", tw.UINT16, 3, 0, 0, 0, 1, 2)
    liar = struct.pack("<HIII1H", tw.UINT16, 4_000_000_000, 0, 0, 7)
    limits = struct.pack("<H10H", tw.FIX32, 75, 0, 600, 0, 25, 0, 200, 0, 200, 0)

    assert tc.read_values(tw.ONE_VALUE, one) == (300.0,)
    assert tc.read_values(tw.ONE_VALUE, tc.one_value(tw.INT16, -1)) == (-1,)
    assert tc.read_values(tw.ENUMERATION, choice) == (0, 1, 2)
    assert tc.read_values(tw.ENUMERATION, liar) == (7,)
    assert tc.read_values(tw.RANGE, limits) == (75, 600, 25)
    assert tc.read_values(tw.ENUMERATION, choice[:5]) == ()
    assert tc.read_values(tw.ONE_VALUE, struct.pack("<HI", 99, 1)) == ()


def test_a_range_of_resolutions_becomes_the_usual_ones_in_it() -> None:
    assert dpis_of((75.0, 600.0, 25.0)) == (75, 100, 150, 200, 300, 400, 600)
    assert dpis_of((200.0, 300.0, 600.0)) == (200, 300, 600)
    assert dpis_of(()) == ()


@pytest.mark.parametrize("mode", ["1", "L", "RGB"])
def test_a_picture_in_memory_becomes_a_file_that_opens(mode: str) -> None:
    from PIL import Image

    picture = Image.linear_gradient("L").resize((33, 17)).convert(mode)
    file = io.BytesIO()
    picture.save(file, "BMP", dpi=(300, 300))

    made = bmp_of(file.getvalue()[14:] + b"what the heap had left behind it")

    with Image.open(io.BytesIO(made)) as opened:
        assert opened.size == (33, 17)
        assert opened.convert(mode).tobytes() == picture.tobytes()
        assert round(opened.info["dpi"][0]) == 300


@pytest.mark.parametrize(
    "header",
    [
        (40, 2_000_000, 2_000_000, 1, 24, 0),
        (40, 100, 100, 1, 24, 0),
        (40, 0, 10, 1, 24, 0),
        (40, 10, 10, 1, 7, 0),
        (40, 10, 10, 1, 24, 4),
        (12, 10, 10, 1, 24, 0),
    ],
)
def test_what_is_no_picture_is_refused(header: tuple[int, ...]) -> None:
    """A driver that says more than it hands over must not make us read past the end."""
    size, width, height, planes, depth, compression = header
    dib = struct.pack("<IiiHHI20x", size, width, height, planes, depth, compression)

    with pytest.raises(BadPicture):
        bmp_of(dib + bytes(500))
    with pytest.raises(BadPicture):
        bmp_of(dib[:20])


def test_rows_are_filled_up_to_four_bytes() -> None:
    assert [row_bytes(1, 1), row_bytes(33, 1), row_bytes(5, 8), row_bytes(3, 24)] == [4, 8, 8, 12]


@pytest.mark.parametrize(
    ("hresult", "ended"),
    [
        (0x80210002, "jammed"),
        (0x80210003, "no-paper"),
        (0x80210005, "offline"),
        (0x80210006, "busy"),
        (0x80210010, "cover-open"),
        (0x80210016, "cover-open"),
        (0x80070005, "no-permission"),
        (0x8021000E, "failed"),
        (0x80004005, "failed"),
    ],
)
def test_wias_numbers_say_how_a_scan_ended(hresult: int, ended: str) -> None:
    """By number alone: the words of a com_error are in the language of Windows."""
    raised = (-2147352567, "Ausnahmefehler", (0, "WIA", "Papierstau", None, 0, hresult - (1 << 32)))

    assert wia_child.number(raised) == hresult
    assert ww.ending(hresult) == ended
    assert f"0x{hresult:08X}" in (ww.hresult_words(hresult) or "")


@pytest.mark.parametrize(
    ("status", "capabilities", "source", "state"),
    [
        (ww.FEED_READY, 0x21, "feeder", "ready"),
        (0, 0x21, "feeder", "no-paper"),
        (0, 0x01, "feeder", None),
        (ww.PAPER_JAM | ww.FEED_READY, 0x21, "feeder", "jammed"),
        (ww.PATH_COVER_UP, 0x21, "feeder", "cover-open"),
        (ww.FLAT_READY, 0x23, "flatbed", "ready"),
        (0, 0x23, "flatbed", None),
        (ww.LAMP_ERROR, 0x23, "flatbed", "faulty"),
        (None, None, "feeder", None),
    ],
)
def test_wias_sensors_are_read_bit_by_bit(
    status: int | None, capabilities: int | None, source: str, state: str | None
) -> None:
    """A feeder that has no paper sensor is not said to be empty."""
    assert ww.state_of(status, capabilities, source) == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("Kofax Capture Service", True),
        ("Ascent Capture Service", True),
        ("ACIS Remote Synchronization Agent", True),
        ("Tungsten Capture Recognition Server", True),
        ("Kofax VRS Administration Service", True),
        ("Kofax Power PDF Update", False),
        ("Windows Capture Frame Server", False),
    ],
)
def test_services_of_capture_programs_are_known_by_their_names(name: str, counts: bool) -> None:
    assert bool(SERVICES.search(name)) is counts


def test_folders_of_a_capture_program_come_from_its_key() -> None:
    key = r"SOFTWARE\WOW6432Node\Kofax Image Products\Ascent Capture\3.0"

    with_it = folder_paths(
        Registry({key: {"ServerPath": r"\\srv\CaptureSV", "LocalPath": "C:\\L"}})
    )

    assert with_it[:2] == (r"\\srv\CaptureSV", "C:\\L")
    assert len(with_it) == 3, "the temporary folder, too"
    assert folder_paths(Registry({})) == ()


def test_a_folder_is_tried_by_a_file_that_leaves_no_trace(tmp_path: Path) -> None:
    assert may_write(tmp_path) is True
    assert list(tmp_path.iterdir()) == []
    assert may_write(tmp_path / "not there") is None


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="needs a folder that refuses this user"
)
def test_a_folder_that_refuses_is_told_from_one_that_is_not_there() -> None:
    """The kernel's own folder lets nobody make a file in it."""
    assert may_write(Path("/sys/kernel")) is False


def test_isis_is_present_by_its_drivers(here: Places) -> None:
    """No driver, another's driver, the right one; and that no scan can be had of it."""
    entrance = IsisEntrance(here, Registry({}))
    options = ScannerOptions(bitness=64)

    nothing = entrance.look(TARGET, options, context())
    (here.windows / "Pixtran").mkdir()
    (here.windows / "Pixtran/DR_C225.pxn").write_bytes(program(I386))
    other = entrance.look(TARGET, options, context())
    (here.windows / "Pixtran/FI-8170.pxn").write_bytes(program(I386))
    right = entrance.look(TARGET, options, context())

    assert [found.driver and found.driver.is_installed for found in (nothing, other, right)] == [
        False,
        False,
        True,
    ]
    assert other.driver is not None
    assert "fi-8170" in (other.driver.lacking or "")
    assert right.device is not None
    assert right.driver is not None
    assert (right.device.name, right.driver.bitness) == ("FI-8170", (32,))
    with pytest.raises(CannotObserve, match="capture program"):
        entrance.scan(right.device, None, here.windows, context())  # type: ignore[arg-type]


CHILD = "tests.checks.scanner.odd_child"


class Deed(msgspec.Struct):
    do: str


@pytest.mark.parametrize(("deed", "said"), [("prints", True), ("breaks", False), ("lies", False)])
def test_a_child_that_prints_breaks_or_lies_does_no_harm(deed: str, said: bool) -> None:
    """Drivers print to stdout; only what we say ourselves is the answer."""
    got = windows_child.ask(CHILD, Deed(do=deed), Written, context(), 15)

    assert (got.said is not None) is said
    assert (got.why_not is None) is said


def test_a_child_that_hangs_ends_with_its_time() -> None:
    beats: list[int] = []
    begun = time.monotonic()

    got = windows_child.ask(
        CHILD, Deed(do="hangs"), Written, context(), 1.2, beat=lambda: beats.append(1)
    )

    assert (got.said, got.code) == (None, None)
    assert "in time" in (got.why_not or "")
    assert beats
    assert time.monotonic() - begun < 10


def test_a_child_of_a_check_that_is_given_up_ends_at_once() -> None:
    import threading

    ctx = context(60)
    giving_up = threading.Timer(0.7, ctx.abandon)
    giving_up.start()
    begun = time.monotonic()

    with pytest.raises(TimeoutError):
        windows_child.ask(CHILD, Deed(do="hangs"), Written, ctx, 50)

    assert time.monotonic() - begun < 20
    giving_up.join()


def test_folders_are_tried_in_a_process_of_their_own(tmp_path: Path) -> None:
    question = Folders(paths=(str(tmp_path), str(tmp_path / "not there")))

    got = windows_child.ask("ccpor_checks.scanner.folder_child", question, Written, context(), 15)

    assert got.said is not None
    assert got.said.may_write == (True, None)
