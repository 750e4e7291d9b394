"""Option lists as other backends print them: names differ, words tell them apart."""

from __future__ import annotations

import pytest

from ccpor_checks.scanner.evidence import Device
from ccpor_checks.scanner.sane import chosen, sensed
from ccpor_checks.scanner.sane_driver import backend_of, saned_of
from ccpor_checks.scanner.sane_options import read_options

# Shortened to the options that are read; the forms are scanimage's own.
FUJITSU = """
All options specific to device `fujitsu:fi-7160:1':
  Standard:
    --source ADF Front|ADF Back|ADF Duplex [ADF Front]
        Selects the scan source (such as a document-feeder).
    --mode Lineart|Halftone|Gray|Color [Lineart]
    --resolution 50..600dpi (in steps of 1) [600]
  Geometry:
    --page-width 0..221.121mm (in steps of 0.0211639) [215.872]
    --page-height 0..863.489mm (in steps of 0.0211639) [279.364]
    -l 0..215.872mm (in steps of 0.0211639) [0]
    -x 0..215.872mm (in steps of 0.0211639) [215.872]
  Sensors:
    --page-loaded[=(yes|no)] [no] [hardware]
    --cover-open[=(yes|no)] [no] [hardware]
"""
EPSON = """
    --mode Binary|Gray|Color [Color]
    --depth 8 [inactive]
    --resolution 50|60|72|75|100|150|200|240|300|600|1200dpi [75]
    --source Flatbed|Automatic Document Feeder [Flatbed]
    --adf-mode Simplex|Duplex [inactive]
"""
GENESYS = """
    --mode Color|Gray|Lineart [Gray]
    --depth 8|16 [8]
    --resolution 75|150|300dpi [300] [advanced]
    --threshold 0..100% (in steps of 1) [inactive]
"""
AIRSCAN = """
    --resolution 100|200|300|600dpi [300]
    --mode Gray|Color [Color]
    --source Flatbed|ADF|ADF Duplex [Flatbed]
"""


@pytest.mark.parametrize(
    ("said", "modes", "sources"),
    [
        (FUJITSU, {"bilevel": "Lineart", "gray": "Gray", "color": "Color"}, {"feeder": "ADF Front"}),
        (EPSON, {"bilevel": "Binary", "gray": "Gray", "color": "Color"},
         {"feeder": "Automatic Document Feeder", "flatbed": "Flatbed"}),
        (GENESYS, {"bilevel": "Lineart", "gray": "Gray", "color": "Color"}, {}),
        (AIRSCAN, {"gray": "Gray", "color": "Color"}, {"feeder": "ADF", "flatbed": "Flatbed"}),
    ],
    ids=["fujitsu", "epsonds", "genesys", "airscan"],
)  # fmt: skip
def test_modes_and_sources_are_known_by_their_words(
    said: str, modes: dict[str, str], sources: dict[str, str]
) -> None:
    """ "Lineart", "Binary": one bit. Of a feeder's sides, the front."""
    offered = read_options(said)

    assert {mode: words[0] for mode, words in offered.modes.items()} == {
        mode: f"--mode={value}" for mode, value in modes.items()
    }
    assert {source: words[0] for source, words in offered.sources.items()} == {
        source: f"--source={value}" for source, value in sources.items()
    }


def test_a_list_and_a_range_of_resolutions_are_read() -> None:
    """The unit stands after the last number only."""
    assert read_options(GENESYS).dpis == (75, 150, 300)
    assert read_options(EPSON).dpis[-2:] == (600, 1200)
    assert {50, 200, 300, 600} <= set(read_options(FUJITSU).dpis)
    assert read_options(GENESYS).resolution(300) == ("--resolution=300",)


def test_a_letter_page_is_asked_for_as_far_as_the_scanner_reaches() -> None:
    """Of what is larger than the glass, the glass."""
    asked = read_options(FUJITSU).letter()

    assert asked[:2] == ("--page-width=215.9", "--page-height=279.4")
    assert asked[2:] == ("-l", "0", "-x", "215.872")


def test_gray_of_one_bit_is_black_and_white() -> None:
    """Some backends call line art a depth."""
    offered = read_options("    --mode Gray|Color [Gray]\n    --depth 1|8|16 [8]\n")

    assert offered.modes["bilevel"] == ("--mode=Gray", "--depth=1")
    assert offered.modes["gray"] == ("--mode=Gray", "--depth=8")


@pytest.mark.parametrize(
    ("loaded", "cover", "state"),
    [("no", "no", "no-paper"), ("yes", "no", "ready"), ("yes", "yes", "cover-open")],
)
def test_sensors_tell_the_state_before_paper_moves(loaded: str, cover: str, state: str) -> None:
    """Where the backend shows them."""
    from ccpor_checks.scanner.evidence import ScannerOptions

    said = (
        f"    --page-loaded[=(yes|no)] [{loaded}] [hardware]\n"
        f"    --cover-open[=(yes|no)] [{cover}] [hardware]\n"
    )

    assert sensed(read_options(said), ScannerOptions()) == state
    assert sensed(read_options(EPSON), ScannerOptions()) is None


def test_any_text_is_read_without_a_fault() -> None:
    """It comes from a driver, and drivers write what they like."""
    for said in ("", "\0\x1b[31m", "    --" + "x" * 9000, "    --mode [", "    -x ..mm [1]"):
        offered = read_options(said)
        assert (offered.modes, offered.sources, offered.dpis) == ({}, {}, ())


def test_the_name_tells_backend_and_host() -> None:
    """`net:` goes through a saned; a model's name has neither."""
    assert backend_of("fujitsu:fi-7160:1") == "fujitsu"
    assert backend_of("fujitsu fi-7160") is None
    assert saned_of("net:10.0.0.5:fujitsu:1") == "10.0.0.5"
    assert saned_of("net:[2001:db8::1]:test:0") == "2001:db8::1"
    assert saned_of("test:0") is None


def test_a_scanner_is_chosen_by_name_before_model() -> None:
    """Two of one model: the exact name wins, else the first."""
    one = Device(name="a:1", kind="sane", maker="FUJITSU", model="fi-7160")
    two = Device(name="a:2", kind="sane", maker="FUJITSU", model="fi-7160")

    assert chosen("a:2", (one, two)) is two
    assert chosen("Fujitsu FI 7160", (one, two)) is one
    assert chosen("fi-7180", (one, two)) is None
