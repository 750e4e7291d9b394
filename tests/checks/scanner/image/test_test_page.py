"""The sheet that people print, and what is read of it once it was scanned in every wrong way."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from ccpor_checks.scanner.evidence import PageFact, TestPageFact
from ccpor_checks.scanner.image import measure, test_page


def seen(image: Image.Image, folder: Path, dpi: float = 150) -> PageFact:
    path = folder / "page"
    image.save(path, "PNG", dpi=(dpi, dpi))
    (found,) = measure(path)
    return found


def sheet(image: Image.Image, folder: Path, dpi: float = 150) -> TestPageFact:
    found = seen(image, folder, dpi).test_page
    assert found is not None
    return found


@pytest.fixture(scope="module")
def gray() -> Image.Image:
    return test_page.rendered(150, "gray")


def test_the_printed_sheet_is_one_letter_page_and_small(tmp_path: Path) -> None:
    """It is printed and scanned as it is: 300 dots, black and white, below the limit of an order."""
    pdf = test_page.pdf()
    reader = PdfReader(io.BytesIO(pdf))
    box = reader.pages[0].mediabox
    (tmp_path / "sheet").write_bytes(pdf)
    (found,) = measure(tmp_path / "sheet")

    assert (len(reader.pages), float(box.width), float(box.height)) == (1, 612, 792)
    assert (found.mode, found.format, found.dpi_x, found.dpi_y) == ("bilevel", "pdf", 300, 300)
    assert found.kb < 60
    assert found.skew_deg == pytest.approx(0, abs=0.1)
    assert found.test_page is not None
    assert found.test_page.finest_lp_mm == 5.0
    assert test_page.pdf() == pdf


@pytest.mark.parametrize("mode", ["bilevel", "gray", "color"])
def test_a_perfect_scan_is_perfect(mode: str, tmp_path: Path) -> None:
    found = seen(test_page.rendered(200, mode), tmp_path, 200)  # type: ignore[arg-type]

    assert found.mode == mode
    assert found.test_page is not None
    assert found.test_page.dpi_x == pytest.approx(200, rel=0.005)
    assert found.test_page.dpi_y == pytest.approx(200, rel=0.005)
    assert (found.test_page.cut_edges, found.test_page.turned_deg) == ((), 0)
    assert not found.test_page.is_mirrored


@pytest.mark.parametrize("dpi", [49, 1201])
def test_a_resolution_nobody_scans_at_is_refused(dpi: int) -> None:
    with pytest.raises(ValueError, match="write 50 to 1200"):
        test_page.rendered(dpi)


@pytest.mark.parametrize(
    ("turn", "turned", "mirrored"),
    [
        (Image.Transpose.ROTATE_180, 180, False),
        (Image.Transpose.ROTATE_270, 90, False),
        (Image.Transpose.ROTATE_90, 270, False),
        (Image.Transpose.FLIP_LEFT_RIGHT, 0, True),
        (Image.Transpose.FLIP_TOP_BOTTOM, 180, True),
    ],
)
def test_the_wrong_way_round_is_told(
    gray: Image.Image, turn: Image.Transpose, turned: int, mirrored: bool, tmp_path: Path
) -> None:
    found = sheet(gray.transpose(turn), tmp_path)

    assert (found.turned_deg, found.is_mirrored) == (turned, mirrored)
    assert found.cut_edges == ()


@pytest.mark.parametrize("lean", [-8.0, -2.5, 0.4, 8.0])
def test_its_lean_is_told_even_where_two_codes_fell_off(
    gray: Image.Image, lean: float, tmp_path: Path
) -> None:
    leaning = gray.rotate(-lean, Image.Resampling.BICUBIC, fillcolor=255)
    found = seen(leaning, tmp_path)

    assert found.test_page is not None
    assert found.skew_deg == pytest.approx(lean, abs=0.3)


@pytest.mark.parametrize(
    ("edge", "box"),
    [
        ("left", (75, 0, 1275, 1650)),
        ("right", (0, 0, 1200, 1650)),
        ("top", (0, 75, 1275, 1650)),
        ("bottom", (0, 0, 1275, 1575)),
    ],
)
def test_half_an_inch_that_is_cut_off_is_told(
    gray: Image.Image, edge: str, box: tuple[int, int, int, int], tmp_path: Path
) -> None:
    assert sheet(gray.crop(box), tmp_path).cut_edges == (edge,)


def test_a_scan_made_larger_shows_no_more(tmp_path: Path) -> None:
    """75 dots an inch, blown up to 300: the file says 300, the bars say what it is."""
    coarse = test_page.rendered(300, "gray").resize((638, 825), Image.Resampling.BOX)
    blown = coarse.resize((2550, 3300), Image.Resampling.BICUBIC)
    found = sheet(blown, tmp_path, 300)

    assert found.finest_lp_mm is not None
    assert found.finest_lp_mm <= 1.4
    assert found.dpi_x == pytest.approx(300, rel=0.01)


def test_a_pale_scan_has_little_contrast(gray: Image.Image, tmp_path: Path) -> None:
    pale = gray.point(lambda level: 170 + level * 60 // 255)

    assert sheet(pale, tmp_path).contrast == pytest.approx(60 / 255, abs=0.02)


def test_stretched_by_the_driver_is_told_both_ways(gray: Image.Image, tmp_path: Path) -> None:
    found = sheet(gray.resize((1275, 1320)), tmp_path)

    assert found.dpi_x == pytest.approx(150, rel=0.01)
    assert found.dpi_y == pytest.approx(120, rel=0.01)


def test_another_page_is_not_ours(tmp_path: Path) -> None:
    """Nor is a page with somebody else's code on it."""
    page = Image.new("L", (1275, 1650), 255)
    import zxingcpp

    code = zxingcpp.create_barcode("CCPOR1XX", zxingcpp.BarcodeFormat.QRCode)
    page.paste(Image.fromarray(code.to_image(scale=6)), (100, 100))
    found = seen(page, tmp_path)

    assert found.test_page is None
    assert found.is_blank is False
