"""Pages that the person asked to keep: all of them, in one file, never in place of another."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ccpor_checks.scanner.keeping import CannotKeep, keep

MODES = {"1": "bilevel", "L": "gray", "RGB": "colour"}


def picture(path: Path, mode: str = "1", shade: int = 255) -> Path:
    from PIL import Image

    drawn = Image.new("L", (400, 500), shade)
    drawn.paste(0, (50, 50, 350, 80))
    drawn.convert(mode).save(path, dpi=(300, 300))
    return path


def shape(path: Path) -> list[tuple[tuple[int, int], str, float]]:
    """Return size, mode and dots per inch of each page of a picture file."""
    from PIL import Image, ImageSequence

    with Image.open(path) as opened:
        return [
            (each.size, each.mode, round(float(each.info["dpi"][0])))
            for each in ImageSequence.Iterator(opened)
        ]


def test_one_page_is_kept_byte_for_byte(tmp_path: Path) -> None:
    """What the scanner delivered, for whoever must judge it."""
    page, kept = picture(tmp_path / "page001.tif"), tmp_path / "kept.tif"

    keep((page,), kept)

    assert kept.read_bytes() == page.read_bytes()
    if os.name == "posix":
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.tif", "page001.tif"]


@pytest.mark.parametrize("mode", list(MODES), ids=list(MODES.values()))
def test_several_pages_become_one_tiff(tmp_path: Path, mode: str) -> None:
    """In their order, none lost, nothing of them changed."""
    pages = tuple(picture(tmp_path / f"p{n}.tif", mode, 255 - n) for n in range(3))

    keep(pages, tmp_path / "kept.tif")

    assert shape(tmp_path / "kept.tif") == [((400, 500), mode, 300)] * 3


def test_a_name_that_ends_in_pdf_makes_a_pdf(tmp_path: Path) -> None:
    """From pictures, and from PDFs of one page each."""
    from pypdf import PdfReader

    pages = tuple(picture(tmp_path / f"p{n}.tif") for n in range(3))
    keep(pages, tmp_path / "three.pdf")
    keep(pages[:1], tmp_path / "one.pdf")
    keep((tmp_path / "one.pdf", tmp_path / "three.pdf"), tmp_path / "four.PDF")
    keep((tmp_path / "one.pdf", pages[0]), tmp_path / "both.pdf")

    counts = {
        path.name: len(PdfReader(path).pages)
        for path in tmp_path.iterdir()
        if "pdf" in path.name.lower()
    }
    assert counts == {"three.pdf": 3, "one.pdf": 1, "four.PDF": 4, "both.pdf": 2}


def test_pdfs_are_not_put_into_a_file_called_tiff(tmp_path: Path) -> None:
    """A file whose name lies is opened by nothing."""
    keep((picture(tmp_path / "p.tif"),), tmp_path / "one.pdf")

    with pytest.raises(CannotKeep, match=r"end in \.pdf"):
        keep((tmp_path / "one.pdf",) * 2, tmp_path / "kept.tif")
    assert not (tmp_path / "kept.tif").exists()


def test_a_file_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    """Even where it came while the scan ran."""
    kept = tmp_path / "kept.tif"
    kept.write_bytes(b"somebody's order")

    with pytest.raises(FileExistsError):
        keep((picture(tmp_path / "p.tif"),), kept)

    assert kept.read_bytes() == b"somebody's order"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept.tif", "p.tif"]


@pytest.mark.parametrize("content", [b"", b"garbage", b"\xff\xd8\xff"])
def test_pages_that_do_not_open_leave_nothing_behind(tmp_path: Path, content: bytes) -> None:
    """Half a file would be taken for a page."""
    bad = tmp_path / "p2.tif"
    bad.write_bytes(content)

    with pytest.raises(CannotKeep):
        keep((picture(tmp_path / "p1.tif"), bad), tmp_path / "kept.tif")
    with pytest.raises(CannotKeep, match="no page came"):
        keep((), tmp_path / "kept.tif")
    assert not (tmp_path / "kept.tif").exists()
