"""What an eSCL scanner says of itself, and what is asked of it; XML, pure.

Source: Mopria Alliance, eSCL Technical Specification 2.97 (ScannerCapabilities, ScannerStatus,
ScanSettings). A document with a DOCTYPE is refused: no scanner needs one, and entities are bombs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.sax.saxutils import escape

from ccpor_checks.scanner.entrance import Ask
from ccpor_checks.scanner.evidence import Mode, Source, State

SCAN = "http://schemas.hp.com/imaging/escl/2011/05/03"
PWG = "http://www.pwg.org/schemas/2010/12/sm"
MODES: dict[str, Mode] = {"BlackAndWhite1": "bilevel", "Grayscale8": "gray", "RGB24": "color"}
NAMES: dict[Mode, str] = {mode: name for name, mode in MODES.items()}
SOURCES: dict[str, Source] = {"Platen": "flatbed", "Adf": "feeder"}
INPUTS: dict[Source, str] = {"flatbed": "Platen", "feeder": "Feeder"}
STATES: dict[str, State] = {
    "Idle": "ready",
    "Processing": "busy",
    "Testing": "busy",
    "Stopped": "faulty",
    "Down": "offline",
}
FEEDER: dict[str, State] = {
    "ScannerAdfLoaded": "ready",
    "ScannerAdfEmpty": "no-paper",
    "ScannerAdfProcessing": "busy",
    "ScannerAdfJam": "jammed",
    "ScannerAdfMispick": "jammed",
    "ScannerAdfMultipickDetected": "jammed",
    "ScannerAdfDuplexPageTooShort": "jammed",
    "ScannerAdfDuplexPageTooLong": "jammed",
    "ScannerAdfHatchOpen": "cover-open",
    "ScannerAdfInputTrayFailed": "faulty",
    "ScannerAdfInputTrayOverloaded": "faulty",
}
RESTING = ("ready", "no-paper")
# What is wished first: small files that every viewer opens.
FORMATS: dict[Mode, tuple[str, ...]] = {
    "bilevel": ("application/pdf", "image/tiff", "image/jpeg"),
    "gray": ("image/jpeg", "application/pdf", "image/tiff"),
    "color": ("image/jpeg", "application/pdf", "image/tiff"),
}
COMMON_DPI = (75, 100, 150, 200, 240, 300, 400, 600, 1200)
MOST_ELEMENTS, MOST_VALUES, LONGEST = 5000, 100, 200
WIDTH, HEIGHT = 2550, 3300  # three hundredths of an inch: letter


class NotEscl(Exception):
    """What came is no answer of an eSCL scanner."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What the scanner says that it can; () where it does not say."""

    version: str
    maker: str | None
    model: str | None
    sources: tuple[Source, ...]
    modes: tuple[Mode, ...]
    dpis: tuple[int, ...]
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """State of the scanner, and of its feeder where it tells one; words as they came."""

    state: State | None
    feeder: State | None
    words: str

    def of(self, source: Source) -> State | None:
        """Return the state that counts for a scan from *source*.

        A scanner that is stopped says more by its feeder; a flatbed does not mind the feeder.
        """
        if source == "flatbed" or self.feeder is None or self.state not in (*RESTING, "faulty"):
            return self.state
        return self.state if self.state == "faulty" and self.feeder in RESTING else self.feeder


def parsed(content: bytes) -> Element:
    """Return the document.

    Raises:
        NotEscl: No XML, with a DOCTYPE, or with too many elements.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise NotEscl("a document type, which no scanner needs")
    parser = XMLParser()  # noqa: S314 - without a DOCTYPE there are no entities to expand
    try:
        parser.feed(content)
        root = parser.close()
    except (ParseError, ValueError, LookupError) as exc:
        raise NotEscl("no XML") from exc
    if not isinstance(root, Element) or sum(1 for _each in root.iter()) > MOST_ELEMENTS:
        raise NotEscl("too many elements")
    return root


def _texts(root: Element, name: str) -> Iterator[str]:
    """Yield the texts of elements *name* in either namespace, cleaned and bounded."""
    count = 0
    for element in root.iter():
        if element.tag in (f"{{{SCAN}}}{name}", f"{{{PWG}}}{name}") and count < MOST_VALUES:
            count += 1
            text = "".join(filter(str.isprintable, element.text or "")).strip()
            if text:
                yield text[:LONGEST]


def _first(root: Element, name: str) -> str | None:
    return next(_texts(root, name), None)


def capabilities(content: bytes) -> Capabilities:
    """Return what a ScannerCapabilities document says.

    Raises:
        NotEscl: It is none.
    """
    root = parsed(content)
    if root.tag != f"{{{SCAN}}}ScannerCapabilities":
        raise NotEscl("no ScannerCapabilities")
    name = _first(root, "MakeAndModel")
    maker = _first(root, "Manufacturer")
    sources = tuple(
        source for word, source in SOURCES.items() if root.find(f"{{{SCAN}}}{word}") is not None
    )
    offered = set(_texts(root, "ColorMode"))
    formats = dict.fromkeys((*_texts(root, "DocumentFormatExt"), *_texts(root, "DocumentFormat")))
    return Capabilities(
        version=_first(root, "Version") or "?",
        maker=maker,
        model=name,
        sources=sources,
        modes=tuple(mode for word, mode in MODES.items() if word in offered),
        dpis=_dpis(root),
        formats=tuple(formats),
    )


def _dpis(root: Element) -> tuple[int, ...]:
    """Return the resolutions offered for both ways; of a range, those that people use."""
    discrete = {
        int(text)
        for each in root.iter(f"{{{SCAN}}}DiscreteResolution")
        for text in list(_texts(each, "XResolution"))[:1]
        if text.isdecimal() and len(text) < 6
    }
    for each in root.iter(f"{{{SCAN}}}XResolutionRange"):
        least, most = _first(each, "Min"), _first(each, "Max")
        if least and most and re.fullmatch(r"\d{1,5}", least) and re.fullmatch(r"\d{1,5}", most):
            discrete |= {dpi for dpi in COMMON_DPI if int(least) <= dpi <= int(most)}
    return tuple(sorted(discrete))


def status(content: bytes) -> Status:
    """Return what a ScannerStatus document says.

    Raises:
        NotEscl: It is none.
    """
    root = parsed(content)
    if root.tag != f"{{{SCAN}}}ScannerStatus":
        raise NotEscl("no ScannerStatus")
    state, feeder = root.find(f"{{{PWG}}}State"), _first(root, "AdfState")
    word = (state.text or "").strip()[:LONGEST] if state is not None else ""
    told = [each for each in (word, feeder) if each]
    return Status(
        STATES.get(word),
        None if feeder is None else FEEDER.get(feeder, "faulty"),
        ", ".join(told),
    )


def settings(ask: Ask, offered: Capabilities) -> bytes:
    """Return the ScanSettings for *ask*, of the version that the scanner speaks."""
    wished = FORMATS[ask.mode]
    kind = next((each for each in wished if each in offered.formats), wished[0])
    version = offered.version if re.fullmatch(r"\d+\.\d+", offered.version) else "2.0"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<scan:ScanSettings xmlns:scan="{SCAN}" xmlns:pwg="{PWG}">'
        f"<pwg:Version>{escape(version)}</pwg:Version><scan:Intent>Document</scan:Intent>"
        "<pwg:ScanRegions><pwg:ScanRegion>"
        f"<pwg:Height>{HEIGHT}</pwg:Height>"
        "<pwg:ContentRegionUnits>escl:ThreeHundredthsOfInches</pwg:ContentRegionUnits>"
        f"<pwg:Width>{WIDTH}</pwg:Width><pwg:XOffset>0</pwg:XOffset><pwg:YOffset>0</pwg:YOffset>"
        "</pwg:ScanRegion></pwg:ScanRegions>"
        f"<pwg:InputSource>{INPUTS[ask.source]}</pwg:InputSource>"
        f"<scan:ColorMode>{NAMES[ask.mode]}</scan:ColorMode>"
        f"<scan:XResolution>{ask.dpi}</scan:XResolution>"
        f"<scan:YResolution>{ask.dpi}</scan:YResolution>"
        f"<pwg:DocumentFormat>{escape(kind)}</pwg:DocumentFormat>"
        f"<scan:DocumentFormatExt>{escape(kind)}</scan:DocumentFormatExt>"
        "<scan:Duplex>false</scan:Duplex></scan:ScanSettings>"
    ).encode()
