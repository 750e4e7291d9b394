"""Files as scanners deliver them, and as nobody should: opened, or refused in words; never hanging."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from ccpor_checks.scanner.image import Unreadable, measure, test_page

SIZE = (850, 1100)


@pytest.fixture(scope="module")
def page() -> Image.Image:
    return test_page.rendered(100)


def encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    into = io.BytesIO()
    image.save(into, kind, **how)
    return into.getvalue()


def put(folder: Path, content: bytes, name: str = "scan") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("depth", "kind", "how", "format_", "estimated"),
    [
        ("1", "TIFF", {"compression": "group4"}, "tiff", False),
        ("1", "TIFF", {"compression": "group3"}, "tiff", False),
        ("1", "TIFF", {}, "tiff", True),
        ("L", "TIFF", {"compression": "packbits"}, "tiff", True),
        ("L", "TIFF", {"compression": "tiff_lzw"}, "tiff", False),
        ("L", "TIFF", {"compression": "jpeg"}, "tiff", False),
        ("RGB", "JPEG", {}, "jpeg", False),
        ("L", "JPEG", {}, "jpeg", False),
        ("1", "PNG", {}, "png", False),
        ("RGB", "PNG", {}, "png", False),
        ("1", "PPM", {}, "pnm", True),
        ("RGB", "PPM", {}, "pnm", True),
        ("1", "BMP", {}, "bmp", True),
        ("1", "PDF", {}, "pdf", False),
        ("L", "PDF", {}, "pdf", False),
    ],
)
def test_every_kind_opens_as_what_it_is(
    page: Image.Image,
    depth: str,
    kind: str,
    how: dict[str, object],
    format_: str,
    estimated: bool,
    tmp_path: Path,
) -> None:
    """The name says nothing; depth is that of the file, size what is sent or would be."""
    content = encoded(page.convert(depth), kind, **how)
    (found,) = measure(put(tmp_path, content, "order.txt"))

    assert found.mode == {"1": "bilevel", "L": "gray", "RGB": "color"}[depth]
    assert (found.format, found.is_estimated) == (format_, estimated)
    assert (found.width_px, found.height_px) == SIZE
    assert found.kb == pytest.approx(len(content) / 1000, abs=0.01) or estimated
    assert found.kb < 300
    assert found.test_page is not None


def test_all_pages_of_a_file_are_told(page: Image.Image, tmp_path: Path) -> None:
    blank = Image.new("1", SIZE, 1)
    many = encoded(page, "TIFF", compression="group4", save_all=True, append_images=[blank, page])
    found = measure(put(tmp_path, many), first_number=4)

    assert [each.number for each in found] == [4, 5, 6]
    assert [each.is_blank for each in found] == [False, True, False]
    assert sum(each.kb for each in found) == pytest.approx(len(many) / 1000, abs=0.1)


@pytest.mark.parametrize(
    ("kind", "how"), [("TIFF", {"dpi": (200, 204)}), ("PNG", {"dpi": (200, 204)})]
)
def test_dots_per_inch_are_the_files_own(
    page: Image.Image, kind: str, how: dict[str, object], tmp_path: Path
) -> None:
    (found,) = measure(put(tmp_path, encoded(page, kind, **how)))

    assert found.dpi_x == pytest.approx(200, abs=0.1)
    assert found.dpi_y == pytest.approx(204, abs=0.1)


def test_a_file_that_states_no_dots_has_none(page: Image.Image, tmp_path: Path) -> None:
    """JFIF may give a ratio only, PNM nothing at all: unknown, never 72."""
    for kind in ("PPM", "PNG", "JPEG"):
        (found,) = measure(put(tmp_path, encoded(page.convert("L"), kind)))
        assert (found.dpi_x, found.dpi_y) == (None, None)


def loop() -> bytes:
    """Return a TIFF whose one directory names itself as the next."""
    tags = [
        (256, 4, 1, 32),
        (257, 4, 1, 32),
        (258, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 200),
        (279, 4, 1, 1024),
    ]
    body = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return (b"II*\0" + struct.pack("<I", 8) + body + struct.pack("<I", 8)).ljust(
        200, b"\0"
    ) + b"\xff" * 1024


def test_directories_in_a_circle_are_read_once(tmp_path: Path) -> None:
    assert len(measure(put(tmp_path, loop()))) == 1


def bomb() -> bytes:
    """Return the head of a PNG of 100,000 x 100,000 dots."""
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 100_000, 100_000, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(each) - 4) + each + struct.pack(">I", zlib.crc32(each))
        for each in (head, data, b"IEND")
    )


def pdf(change: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(encoded(test_page.rendered(50), "PDF"))))
    if change == "encrypted":
        writer.encrypt("secret", algorithm="AES-256")
    else:
        script = DictionaryObject()
        script[NameObject("/S")] = NameObject("/JavaScript")
        script[NameObject("/JS")] = TextStringObject("app.alert('never run');")
        writer.root_object[NameObject("/OpenAction")] = script
    into = io.BytesIO()
    writer.write(into)
    return into.getvalue()


def bare_pdf() -> bytes:
    writer = PdfWriter()
    writer.add_blank_page(612, 792)
    into = io.BytesIO()
    writer.write(into)
    return into.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<html>Service unavailable</html>", "neither TIFF, PDF"),
        (b"\xff\xd8\xff\xe0nothing of a picture", "damaged"),
        (b"%PDF-1.7\nnothing else", "damaged"),
        (encoded(test_page.rendered(50), "PNG")[:900], "damaged"),
        (encoded(test_page.rendered(50), "TIFF", compression="group4")[:-600], "damaged"),
        (bomb(), "more than any page|damaged"),
        (pdf("encrypted"), "encrypted"),
        (bare_pdf(), "holds no picture"),
        (encoded(Image.new("1", (8, 8)), "PNG"), "too few"),
    ],
)
def test_what_is_no_page_is_refused_in_words(content: bytes, words: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=words):
        measure(put(tmp_path, content))


def test_a_missing_file_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="cannot be read"):
        measure(tmp_path / "gone")


def test_script_within_a_pdf_is_nothing_to_us(tmp_path: Path) -> None:
    (found,) = measure(put(tmp_path, pdf("script")))

    assert found.test_page is None or found.test_page.version == 1
    assert found.format == "pdf"
