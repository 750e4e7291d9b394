"""TWAIN's numbers that are used here, what they mean for us, and what is said to the child.

Source: TWAIN specification 2.4, chapter 8 (structures) and 10 (capabilities), twain.h.
"""

from __future__ import annotations

import msgspec

from ccpor_checks.scanner.evidence import Ended, Mode, Source, State

CONTROL, IMAGE = 1, 2
CAPABILITY, EVENT, IDENTITY, PARENT, PENDING, STATUS, INTERFACE = 1, 2, 3, 4, 5, 8, 9
NATIVE = 0x104
GET, GET_CURRENT, GET_DEFAULT, GET_FIRST, GET_NEXT, SET, RESET = range(1, 8)
XFER_READY, CLOSE_REQUEST = 0x101, 0x102
OPEN_DSM, CLOSE_DSM, OPEN_DS, CLOSE_DS = 0x301, 0x302, 0x401, 0x402
DISABLE, ENABLE, PROCESS_EVENT, END_XFER = 0x501, 0x502, 0x601, 0x701

SUCCESS, FAILURE, CHECK_STATUS, CANCEL, DS_EVENT, NOT_DS_EVENT, XFER_DONE, END_OF_LIST = range(8)

CAP_XFERCOUNT, ICAP_PIXELTYPE, ICAP_UNITS, ICAP_XFERMECH = 0x0001, 0x0101, 0x0102, 0x0103
CAP_FEEDERENABLED, CAP_FEEDERLOADED, CAP_AUTOFEED = 0x1002, 0x1003, 0x1007
CAP_INDICATORS, CAP_PAPERDETECTABLE, CAP_DEVICEONLINE = 0x100B, 0x100D, 0x100F
CAP_DUPLEXENABLED = 0x1013
ICAP_XRESOLUTION, ICAP_YRESOLUTION, ICAP_SUPPORTEDSIZES = 0x1118, 0x1119, 0x1122
ICAP_AUTODISCARDBLANKPAGES = 0x1134
ARRAY, ENUMERATION, ONE_VALUE, RANGE = 3, 4, 5, 6
INT16, INT32, UINT16, UINT32, BOOL, FIX32 = 1, 2, 4, 5, 6, 7
LETTER, KEEP_BLANK_PAGES = 3, -2
PIXEL_TYPES: dict[Mode, int] = {"bilevel": 0, "gray": 1, "color": 2}
NO_SOURCE = 3  # TWCC_NODS
USUAL_DPI = (75, 100, 150, 200, 240, 300, 400, 600, 1200)

CONDITIONS = {
    1: "a failure of its own",
    2: "out of memory",
    3: "no such source",
    4: "in use by another program",
    5: "an error that it has shown itself",
    16: "denied",
    20: "paper jam",
    21: "double feed",
    22: "a file could not be written",
    23: "the device is not online",
    24: "cover open",
    25: "damaged corner",
    28: "document too dark",
    29: "no media",
}
OPENING: dict[int, State] = {
    3: "offline",
    4: "busy",
    5: "offline",
    16: "no-permission",
    20: "jammed",
    21: "jammed",
    23: "offline",
    24: "cover-open",
    29: "no-paper",
}
ENDING: dict[int, Ended] = {
    4: "busy",
    16: "no-permission",
    20: "jammed",
    21: "jammed",
    23: "offline",
    24: "cover-open",
    29: "no-paper",
}


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the child is to do with the data source manager at the path *manager*.

    list: name the sources. open: open the one called *name* and ask what it can. scan: with it,
    into the current folder; *pages* None: as many as the feeder holds, at most *most*.
    """

    do: str
    manager: str
    name: str = ""
    dpi: int = 0
    mode: Mode = "bilevel"
    source: Source = "feeder"
    pages: int | None = None
    most: int = 1


class ListedSource(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    maker: str
    version: str
    protocol: str
    is_default: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The child's answer. condition: TWAIN's number of what went wrong. problem: else, in words.

    has_paper, is_online: the sensors' word; None: the source has none.
    """

    sources: tuple[ListedSource, ...] = ()
    is_open: bool = False
    condition: int | None = None
    problem: str | None = None
    is_online: bool | None = None
    has_paper: bool | None = None
    modes: tuple[Mode, ...] = ()
    dpis: tuple[int, ...] = ()
    papers: tuple[Source, ...] = ()  # where paper may lie
    pages: int = 0


def condition_words(condition: int | None) -> str | None:
    """Return e.g. ``TWAIN condition 20, paper jam``."""
    if not condition:
        return None
    word = CONDITIONS.get(condition)
    return f"TWAIN condition {condition}{f', {word}' if word else ''}"
