"""What a profile may ask of a scanner, and what the check brings back."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options
from ccpor_reporting.rules import Limit

Kind = Literal["sane", "escl", "twain", "wia", "isis"]
State = Literal[
    "ready", "busy", "offline", "jammed", "cover-open", "no-paper", "no-permission", "faulty"
]
Mode = Literal["bilevel", "gray", "color"]
Source = Literal["feeder", "flatbed"]
Ended = Literal[
    "done",
    "busy",
    "offline",
    "jammed",
    "cover-open",
    "no-paper",
    "no-permission",
    "empty-answer",
    "failed",
    "timeout",
]
FileFormat = Literal["tiff", "jpeg", "png", "pdf", "bmp", "pnm", "other"]

Text = Annotated[str, Meta(min_length=1, max_length=200)]
Dpi = Annotated[int, Meta(ge=50, le=2400)]
# A pair beside a bounded number is a list of exactly two: a fixed tuple there makes msgspec 0.22
# read its length from the wrong place.
DpiRange = (
    Dpi
    | Annotated[
        tuple[Dpi, ...], Meta(min_length=2, max_length=2, extra={"pair": ("lowest", "highest")})
    ]
)


class ScannerOptions(Options, frozen=True, kw_only=True):
    """``[target.scanner]``"""

    model: Annotated[Text | None, Meta(description='e.g. "fi-7160"')] = None
    source: Source = "feeder"
    pages: Annotated[
        Annotated[int, Meta(ge=1, le=1000)] | None,
        Meta(description="sheets that the sample must give, e.g. 2"),
    ] = None
    dpi: Annotated[
        DpiRange,
        Meta(description="dots per inch to accept: one number or a range, e.g. [200, 300]"),
    ] = (200, 300)
    mode: Mode = "bilevel"
    max_kb_per_page: Annotated[Limit, Meta(description="e.g. [60, 200]")] = (60.0, 200.0)
    max_skew_deg: Annotated[Limit, Meta(description="degrees a page may be turned, e.g. 2")] = 2.0
    driver_min_version: Annotated[Text | None, Meta(description='in quotes, e.g. "3.10"')] = None
    bitness: Annotated[
        Literal[32, 64] | None, Meta(description="of the driver, the scanning program's own")
    ] = None
    sample: Annotated[bool, Meta(description="whether to scan a page")] = True
    environment_file: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4096)] | None,
        Meta(description="TOML file of supported drivers, instead of the agent's own"),
    ] = None

    @property
    def dpi_range(self) -> tuple[int, int]:
        """Lowest and highest dots per inch to accept."""
        if isinstance(self.dpi, tuple):
            return self.dpi[0], self.dpi[-1]
        return self.dpi, self.dpi


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A scanner as its driver names it. name: what opens it. address: host or URL, network only."""

    name: str
    kind: Kind
    maker: str | None = None
    model: str | None = None
    address: str | None = None
    version: str | None = None  # of its protocol: eSCL "2.63"; of its firmware elsewhere
    modes: tuple[Mode, ...] = ()  # (): not told
    dpis: tuple[int, ...] = ()
    sources: tuple[Source, ...] = ()
    is_default: bool = False


class DriverFact(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between the program and the scanner.

    is_installed: None where this kind needs none (eSCL). bitness: of the driver itself.
    service: the one it needs; is_running None: not told. supported_*: the environment list's.
    """

    name: str
    is_installed: bool | None = True
    version: str | None = None
    bitness: tuple[int, ...] = ()  # (32,), (64,), (32, 64); (): not told
    wanted_bitness: int | None = None
    service: str | None = None
    is_running: bool | None = None
    lacking: str | None = None  # in words: "the 64-bit data source manager twaindsm.dll"
    supported_from: str | None = None  # least version, by the environment list
    supported_until: date | None = None
    folders: tuple[Folder, ...] = ()


class Folder(msgspec.Struct, frozen=True, kw_only=True):
    """A folder the capture program must write to, as this user. may_write None: not told."""

    path: str
    may_write: bool | None = None


class PageFact(msgspec.Struct, frozen=True, kw_only=True):
    """One page, measured; nothing of its text. ink_pct: dark share of the page without margins.

    kb: 1000 bytes, as delivered; is_estimated: re-encoded (TIFF G4 or JPEG) because the delivered
    file was not compressed. skew_deg: clockwise positive, None where nothing on the page tells it.
    """

    number: int
    width_px: int
    height_px: int
    dpi_x: float | None
    dpi_y: float | None
    mode: Mode
    format: FileFormat
    kb: float
    is_estimated: bool = False
    ink_pct: float | None = None
    is_blank: bool | None = None
    has_faint_marks: bool | None = None
    skew_deg: float | None = None
    test_page: TestPageFact | None = None  # None: it is not our test page


class TestPageFact(msgspec.Struct, frozen=True, kw_only=True):
    """What our printed test page shows of the scan.

    turned_deg: 0, 90, 180, 270 clockwise. contrast: 0 to 1, of the gray patches' ends.
    finest_lp_mm: line pairs a millimetre still told apart. dpi_*: measured from the marks' known
    distance. cut_edges: of "left", "right", "top", "bottom".
    """

    __test__ = False
    version: int
    turned_deg: int = 0
    is_mirrored: bool = False
    contrast: float | None = None
    finest_lp_mm: float | None = None
    dpi_x: float | None = None
    dpi_y: float | None = None
    cut_edges: tuple[str, ...] = ()


class SampleFact(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the sample scan. unreadable: why a delivered file does not open."""

    asked_pages: int | None  # None: as many as the feeder holds, or one from the flatbed
    asked_dpi: int
    asked_mode: Mode
    source: Source
    pages: int
    seconds: float
    pages_per_minute: float | None
    ended: Ended
    detail: str | None = None  # the driver's own words or number
    formats: tuple[FileFormat, ...] = ()
    unreadable: str | None = None
    is_saved: bool = False  # a page was kept because the user asked


class ScannerEvidence(Evidence, frozen=True, kw_only=True):
    """looked: where scanners were looked for, in words. device: the one the target names.

    state None: it cannot be told without a scan. sample None: not asked, or what came before it
    stood in the way.
    """

    kind: Kind
    asked: str  # the target's device name
    looked: tuple[str, ...] = ()
    devices: tuple[Device, ...] | None = None  # None: could not be listed
    device: Device | None = None
    driver: DriverFact | None = None
    state: State | None = None
    state_detail: str | None = None
    sample: SampleFact | None = None
    pages: tuple[PageFact, ...] = ()
    not_sampled: str | None = None  # why no sample was tried, in words
