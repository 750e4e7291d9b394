"""One page, measured."""

from __future__ import annotations

from ccpor_checks.scanner.evidence import PageFact
from ccpor_checks.scanner.image.ink import ink_of
from ccpor_checks.scanner.image.mark import found_on
from ccpor_checks.scanner.image.opening import Frame
from ccpor_checks.scanner.image.skew import skew_deg


def measured(frame: Frame, number: int, _asked_dpi: int | None = None) -> PageFact:
    """Return what *frame* shows."""
    image = frame.image.convert("L") if frame.mode == "color" else frame.image
    ink = ink_of(image)
    test = None if ink.is_blank else found_on(image)
    skew = None
    if test is not None:
        skew = test.skew_deg
    elif not ink.is_blank:
        skew = skew_deg(ink.mask)
    dpi_x, dpi_y = frame.dpi
    return PageFact(
        number=number,
        width_px=frame.image.width,
        height_px=frame.image.height,
        dpi_x=None if dpi_x is None else round(dpi_x, 1),
        dpi_y=None if dpi_y is None else round(dpi_y, 1),
        mode=frame.mode,
        format=frame.format,
        kb=round(frame.kb, 2),
        is_estimated=frame.is_estimated,
        ink_pct=ink.ink_pct,
        is_blank=ink.is_blank,
        has_faint_marks=ink.has_faint_marks,
        skew_deg=None if skew is None else round(skew, 2),
        test_page=None if test is None else test.fact,
    )
