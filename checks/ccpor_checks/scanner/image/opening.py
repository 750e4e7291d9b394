"""Files of a scanner as pictures, whatever their names say: TIFF, PDF, JPEG, PNG, PNM, BMP.

A file comes from a device and is bounded before it is decoded: bytes, pages, and dots a page.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ccpor_checks.scanner.evidence import FileFormat, Mode
from ccpor_checks.scanner.image import Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.Image import Image as Picture
    from pypdf import PageObject

MOST_BYTES = 100_000_000
MOST_PIXELS = 60_000_000  # letter at 800 dpi
LEAST_SIDE = 16
MOST_PAGES = 50
JPEG_QUALITY = 75
KINDS: tuple[tuple[bytes, FileFormat], ...] = (
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"BM", "bmp"),
    *((b"P%d" % number, "pnm") for number in range(1, 7)),
)
NAMES = {"tiff": "TIFF", "jpeg": "JPEG", "png": "PNG", "bmp": "BMP", "pnm": "PPM"}
UNCOMPRESSED = ("raw", None, "packbits")  # names of compressions in a TIFF


@dataclass(frozen=True, slots=True)
class Frame:
    """One page. kb: 1000 bytes; is_estimated: as it would be compressed. dpi None: not told."""

    image: Image
    mode: Mode
    format: FileFormat
    kb: float
    is_estimated: bool
    dpi: tuple[float | None, float | None]


def frames(path: Path) -> Iterator[Frame]:
    """Yield the pages of *path*, one decoded at a time.

    Raises:
        Unreadable: No picture, damaged, encrypted, or too large.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(1024)
    except OSError as exc:
        raise Unreadable(f"the file cannot be read ({type(exc).__name__})") from exc
    if not size:
        raise Unreadable("the file is empty")
    if size > MOST_BYTES:
        raise Unreadable(f"the file has {size / 1e6:.0f} MB; a page never needs so much")
    kind = _kind(head)
    if kind is None:
        raise Unreadable("the file is neither TIFF, PDF, JPEG, PNG, PNM nor BMP")
    found = _pdf_frames(path, size) if kind == "pdf" else _picture_frames(path, kind, size)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # libraries warn of odd metadata; what counts is measured
        try:
            yield from found
        except Unreadable:
            raise
        except MemoryError as exc:
            raise Unreadable("the picture is too large to decode") from exc
        except Exception as exc:  # decoders raise anything on a damaged file
            raise Unreadable(f"the {kind.upper()} file is damaged ({type(exc).__name__})") from exc


def _kind(head: bytes) -> FileFormat | None:
    for magic, kind in KINDS:
        if head.startswith(magic):
            return kind
    return "pdf" if b"%PDF-" in head else None  # ISO 32000 allows bytes before it


def _bounded(width: int, height: int) -> None:
    """Raise `Unreadable` for a picture larger or smaller than any page."""
    if width * height > MOST_PIXELS:
        raise Unreadable(f"the picture has {width} x {height} dots, more than any page")
    if min(width, height) < LEAST_SIDE:
        raise Unreadable(f"the picture has {width} x {height} dots, too few for a page")


def _picture_frames(path: Path, kind: FileFormat, size: int) -> Iterator[Frame]:
    from PIL import Image

    with Image.open(path, formats=[NAMES[kind]]) as opened:
        count = _count(opened)
        for number in range(count):
            opened.seek(number)
            _bounded(*opened.size)
            compression = opened.info.get("compression")
            dpi = _dpi(opened)
            opened.load()
            image, mode = _plain(opened)
            is_raw = kind in ("pnm", "bmp") or (kind == "tiff" and compression in UNCOMPRESSED)
            kb = _compressed_kb(image, mode) if is_raw else size / 1000 / count
            yield Frame(image, mode, kind, kb, is_raw, dpi)


def _count(opened: Image) -> int:
    """Return how many pages a file has; a chain of directories that turns back ends there."""
    count = 0
    try:
        while count < MOST_PAGES:
            opened.seek(count)
            count += 1
    except EOFError:
        pass
    return count


def _dpi(opened: Image) -> tuple[float | None, float | None]:
    """Return the dots per inch that the file states; a bare aspect ratio states none."""
    told = opened.info.get("dpi")
    if not isinstance(told, tuple) or len(told) != 2:
        return None, None
    across, down = (float(each) for each in told)
    if not (10 <= across <= 10_000 and 10 <= down <= 10_000):
        return None, None
    return across, down


def _plain(image: Picture) -> tuple[Picture, Mode]:
    """Return *image* as ``1``, ``L`` or ``RGB``, and how deep it is stored."""
    from PIL import Image

    if image.mode == "1":
        return image.copy(), "bilevel"
    if image.mode in ("L", "LA", "La"):
        return image.convert("L"), "gray"
    if image.mode in ("I", "I;16", "I;16B", "I;16L", "F"):
        return _narrowed(image), "gray"
    if image.mode == "P":
        colors = image.convert("RGB").getcolors(256) or []
        if len(colors) <= 2:
            return image.convert("L").convert("1", dither=Image.Dither.NONE), "bilevel"
        if all(red == green == blue for _count, (red, green, blue) in colors):  # type: ignore[misc]
            return image.convert("L"), "gray"
    return image.convert("RGB"), "color"


def _narrowed(image: Image) -> Image:
    """Return 16 bits as 8: Pillow itself cuts them off."""
    import numpy
    from PIL import Image

    level = numpy.asarray(image).astype(numpy.float32)
    return Image.fromarray(numpy.clip(level / 257, 0, 255).astype(numpy.uint8))


def _compressed_kb(image: Image, mode: Mode) -> float:
    """Return the size once compressed as a capture program does: TIFF G4, or JPEG."""
    into = io.BytesIO()
    if mode == "bilevel":
        image.save(into, "TIFF", compression="group4")
    else:
        image.save(into, "JPEG", quality=JPEG_QUALITY)
    return into.tell() / 1000


def _pdf_frames(path: Path, size: int) -> Iterator[Frame]:
    from pypdf import PdfReader

    with path.open("rb") as file:
        reader = PdfReader(file, strict=False)
        if reader.is_encrypted:
            raise Unreadable("the PDF is encrypted")
        count = min(len(reader.pages), MOST_PAGES)
        if not count:
            raise Unreadable("the PDF has no page")
        for number in range(count):
            yield _pdf_frame(reader.pages[number], size / 1000 / count)


def _pdf_frame(page: PageObject, kb: float) -> Frame:
    found = _largest(page)
    if found is None:
        raise Unreadable("a page of the PDF holds no picture of a scan")
    name, width, height, filters = found
    _bounded(width, height)
    if "/JBIG2Decode" in filters:
        raise Unreadable("the PDF is compressed by JBIG2, which this program does not open")
    image, mode = _plain(_picture(page, name, filters))
    turned = (page.rotation or 0) % 360
    if turned:
        image = image.rotate(-turned, expand=True)
    inches = (float(page.mediabox.width) / 72, float(page.mediabox.height) / 72)
    dpi: tuple[float | None, float | None] = (None, None)
    if min(inches) > 0:
        dpi = (width / inches[0], height / inches[1])
    if turned in (90, 270):
        dpi = (dpi[1], dpi[0])
    if not filters:
        return Frame(image, mode, "pdf", _compressed_kb(image, mode), True, dpi)
    return Frame(image, mode, "pdf", kb, False, dpi)


def _picture(page: PageObject, name: str, filters: tuple[str, ...]) -> Image:
    """Return the picture *name*. A lone JPEG is opened as it lies there, at any size we allow."""
    from PIL import Image

    if filters == ("/DCTDecode",):
        resources = cast("Any", page["/Resources"])
        return Image.open(io.BytesIO(resources["/XObject"][name].get_data()), formats=["JPEG"])
    picture = page.images[name].image
    if picture is None:
        raise Unreadable("the picture within the PDF does not open")
    return picture


def _largest(page: PageObject) -> tuple[str, int, int, tuple[str, ...]] | None:
    """Return name, size and filters of the largest picture that *page* names itself."""
    from pypdf.generic import DictionaryObject

    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources else None
    named = objects.get_object() if objects else None
    if not isinstance(named, DictionaryObject):
        return None
    found = []
    for name in list(named)[:MOST_PAGES]:
        each = named[name].get_object()
        if isinstance(each, DictionaryObject) and each.get("/Subtype") == "/Image":
            width, height = int(each.get("/Width", 0)), int(each.get("/Height", 0))
            told = each.get("/Filter", ())
            filters = (str(told),) if isinstance(told, str) else tuple(map(str, told or ()))
            found.append((name, width, height, filters))
    return max(found, key=lambda one: one[1] * one[2], default=None)
