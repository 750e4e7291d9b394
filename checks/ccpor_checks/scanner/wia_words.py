"""WIA's numbers that are used here, what they mean for us, and what is said to the child.

Source: wiadef.h and wia.h of the Windows SDK; Microsoft, "WIA Error Codes". The codes above 15
stand there in two ways, as the header counts (decimal) and as the page writes: both are known.
"""

from __future__ import annotations

import msgspec

from ccpor_checks.scanner.evidence import Ended, Mode, Source, State

PROG_ID = "WIA.DeviceManager"
SCANNER = 1  # WiaDeviceType ScannerDeviceType
BMP = "{B96B3CAB-0728-11D3-9D7B-0000F81EF32E}"  # wiaFormatBMP

# of a device
MAKER, DESCRIPTION, NAME, DRIVER_VERSION = 3, 4, 7, 15
HANDLING_CAPABILITIES, HANDLING_STATUS, HANDLING_SELECT, PAGES = 3086, 3087, 3088, 3096
# of what it scans
DATA_TYPE, INTENT, DPI_X, DPI_Y = 4103, 6146, 6147, 6148
START_X, START_Y, EXTENT_X, EXTENT_Y = 6149, 6150, 6151, 6152
NAMES = {"Name": NAME, "Manufacturer": MAKER, "Description": DESCRIPTION}

HAS_FEEDER, HAS_FLATBED, DETECTS_PAPER = 0x01, 0x02, 0x20
FEED_READY, FLAT_READY, PATH_COVER_UP, PAPER_JAM = 0x01, 0x02, 0x10, 0x20
MULTIPLE_FEED, ATTENTION, LAMP_ERROR = 0x200, 0x400, 0x800
SELECT: dict[Source, int] = {"feeder": 1, "flatbed": 2}
INTENTS: dict[Mode, int] = {"color": 1, "gray": 2, "bilevel": 4}
DATA_TYPES: dict[Mode, int] = {"bilevel": 0, "gray": 2, "color": 3}
RANGE, LIST = 1, 2  # WiaSubType
USUAL_DPI = (75, 100, 150, 200, 240, 300, 400, 600, 1200)
LETTER_INCHES = (8.5, 11.0)

# CO_E_CLASSSTRING, REGDB_E_CLASSNOTREG: there is no WIA here
NOT_REGISTERED = frozenset({0x800401F3, 0x80040154})
# the server is unavailable, disabled, does not start, did not answer (winerror.h)
NO_SERVICE = frozenset({0x800706BA, 0x80070422, 0x80070426, 0x8007041D, 0x80080005})
NO_DEVICE = 0x80210015
PAPER_EMPTY = 0x80210003
WORDS = {
    0x80210001: "general error",
    0x80210002: "paper jam",
    0x80210003: "no paper in the feeder",
    0x80210004: "paper problem",
    0x80210005: "offline",
    0x80210006: "busy",
    0x80210007: "warming up",
    0x80210008: "needs a person",
    0x80210009: "it was taken away",
    0x8021000A: "error in talking to the device",
    0x8021000D: "locked by another program",
    0x8021000E: "the driver crashed",
    0x8021000F: "the driver answers wrongly",
    0x80210010: "cover open",
    0x80210016: "cover open",
    0x80210011: "lamp off",
    0x80210017: "lamp off",
    0x80210013: "reserved by another workstation",
    0x80210014: "double feed",
    0x80210020: "double feed",
    0x80210015: "no device available",
    0x80070005: "access denied",
}
STATES: dict[int, State] = {
    0x80210002: "jammed",
    0x80210003: "no-paper",
    0x80210004: "jammed",
    0x80210005: "offline",
    0x80210006: "busy",
    0x80210007: "busy",
    0x80210008: "faulty",
    0x80210009: "offline",
    0x8021000A: "offline",
    0x8021000D: "busy",
    0x80210010: "cover-open",
    0x80210016: "cover-open",
    0x80210013: "busy",
    0x80210014: "jammed",
    0x80210020: "jammed",
    0x80210015: "offline",
    0x80070005: "no-permission",
}


ENDINGS: dict[str, Ended] = {
    "busy": "busy",
    "offline": "offline",
    "jammed": "jammed",
    "cover-open": "cover-open",
    "no-paper": "no-paper",
    "no-permission": "no-permission",
}


class Question(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the child is to do: list, or open or scan the device with the identifier *device*."""

    do: str
    device: str = ""
    dpi: int = 0
    mode: Mode = "bilevel"
    source: Source = "feeder"
    pages: int | None = None
    most: int = 1


class ListedDevice(msgspec.Struct, frozen=True, kw_only=True):
    device: str
    name: str
    maker: str | None = None
    version: str | None = None  # of the driver


class Told(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The child's answer. hresult: Windows' number of what went wrong. problem: else, in words."""

    devices: tuple[ListedDevice, ...] = ()
    is_open: bool = False
    hresult: int | None = None
    problem: str | None = None
    status: int | None = None
    capabilities: int | None = None
    modes: tuple[Mode, ...] = ()
    dpis: tuple[int, ...] = ()
    pages: int = 0


def hresult_words(hresult: int | None) -> str | None:
    """Return e.g. ``WIA error 0x80210002, paper jam``."""
    if not hresult:
        return None
    word = WORDS.get(hresult)
    kind = "WIA error" if hresult >> 16 == 0x8021 else "Windows error"
    return f"{kind} 0x{hresult:08X}{f', {word}' if word else ''}"


def ending(hresult: int) -> Ended:
    """Return how a scan ended that WIA broke off with *hresult*."""
    return ENDINGS.get(STATES.get(hresult) or "", "failed")


def state_of(status: int | None, capabilities: int | None, source: Source) -> State | None:
    """Return what the sensors say by WIA_DPS_DOCUMENT_HANDLING_STATUS; None: nothing for sure."""
    if status is None:
        return None
    if status & (PAPER_JAM | MULTIPLE_FEED):
        return "jammed"
    if status & PATH_COVER_UP:
        return "cover-open"
    if status & (ATTENTION | LAMP_ERROR):
        return "faulty"
    if source == "flatbed":
        return "ready" if status & FLAT_READY else None
    if status & FEED_READY:
        return "ready"
    return "no-paper" if (capabilities or 0) & DETECTS_PAPER else None


def sources_of(capabilities: int | None) -> tuple[Source, ...]:
    """Return where paper may lie; nothing where the device does not tell."""
    has: tuple[tuple[Source, int], ...] = (("feeder", HAS_FEEDER), ("flatbed", HAS_FLATBED))
    return tuple(source for source, flag in has if (capabilities or 0) & flag)
