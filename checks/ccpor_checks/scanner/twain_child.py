"""Asks one TWAIN manager, or one of its sources, in a process of its own, and answers in JSON.

In: a `twain_words.Question` in the last argument. Out: a `Told`; scanned pages as page001.bmp …
in the current folder.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ccpor_checks.base import CannotObserve
from ccpor_checks.scanner import twain_words as tw
from ccpor_checks.scanner.child_side import answer_one
from ccpor_checks.scanner.dib import MOST_BYTES, BadPicture, bmp_of
from ccpor_checks.scanner.evidence import Mode, Source
from ccpor_checks.scanner.twain_calls import Broken, Manager, Refused
from ccpor_checks.scanner.windows_files import printable

PAGE = "page{:03d}.bmp"


CODE_PAGE = "mbcs" if sys.platform == "win32" else "cp1252"
BROKEN = "the driver crashed"


def answer(question: tw.Question) -> tw.Told:
    """Return what came of *question*."""
    try:
        return _answered(question)
    except Broken:
        return tw.Told(problem=BROKEN)


def _answered(question: tw.Question) -> tw.Told:
    try:
        manager = Manager(question.manager)
    except (OSError, AttributeError, CannotObserve) as exc:
        return tw.Told(problem=f"{question.manager} cannot be used ({type(exc).__name__})")
    except Refused as exc:
        return tw.Told(condition=exc.condition, problem="the data source manager does not open")
    if question.do == "list":
        return tw.Told(sources=_listed(manager), is_open=True)
    source = next((one for one in manager.sources() if _text(one.name) == question.name), None)
    if source is None:
        return tw.Told(condition=tw.NO_SOURCE, problem="the source is not listed any more")
    try:
        manager.open(source)
    except Refused as exc:
        return tw.Told(condition=exc.condition, problem="it does not open")
    told = _scanned(manager, question) if question.do == "scan" else _described(manager, question)
    manager.close()
    return told


def _listed(manager: Manager) -> tuple[tw.ListedSource, ...]:
    default = _text(manager.default())
    return tuple(
        tw.ListedSource(
            name=_text(one.name),
            maker=_text(one.maker),
            version=f"{one.version.major}.{one.version.minor}",
            protocol=f"{one.protocol_major}.{one.protocol_minor}",
            is_default=_text(one.name) == default,
        )
        for one in manager.sources()
        if _text(one.name)
    )


def _text(raw: bytes) -> str:
    """Return a name of TWAIN, which is in the code page of this Windows."""
    return printable(raw.partition(b"\0")[0].decode(CODE_PAGE, "replace")) or ""


def _described(manager: Manager, question: tw.Question) -> tw.Told:
    types = {int(value) for value in manager.values(tw.ICAP_PIXELTYPE)}
    modes: tuple[Mode, ...] = tuple(mode for mode, each in tw.PIXEL_TYPES.items() if each in types)
    manager.set(tw.ICAP_UNITS, tw.UINT16, 0)
    return tw.Told(
        is_open=True,
        is_online=_flag(manager, tw.CAP_DEVICEONLINE),
        has_paper=_paper(manager) if question.source == "feeder" else None,
        modes=modes,
        dpis=dpis_of(manager.values(tw.ICAP_XRESOLUTION)),
        papers=_papers(manager),
    )


def _flag(manager: Manager, cap: int) -> bool | None:
    values = manager.values(cap)
    return bool(values[0]) if len(values) == 1 else None


def _paper(manager: Manager) -> bool | None:
    """Say whether sheets lie in the feeder; None: it has no sensor."""
    if not _chosen(manager, "feeder") or _flag(manager, tw.CAP_PAPERDETECTABLE) is False:
        return None
    return _flag(manager, tw.CAP_FEEDERLOADED)


def _papers(manager: Manager) -> tuple[Source, ...]:
    """Return where paper may lie; nothing where the source does not know of a feeder."""
    if not manager.values(tw.CAP_FEEDERENABLED):
        return ()
    both: tuple[Source, ...] = ("feeder", "flatbed")
    return tuple(each for each in both if _chosen(manager, each))


def _chosen(manager: Manager, source: Source) -> bool:
    wanted = source == "feeder"
    manager.set(tw.CAP_FEEDERENABLED, tw.BOOL, int(wanted))
    return _flag(manager, tw.CAP_FEEDERENABLED) is wanted


def dpis_of(values: tuple[float, ...]) -> tuple[int, ...]:
    """Return the resolutions; of a range (lowest, highest, step) the usual ones in it."""
    is_range = len(values) == 3 and 0 < values[2] < values[0] < values[1]
    if not is_range:
        return tuple(sorted({round(value) for value in values if value >= 1}))
    low, high, step = values
    return tuple(dpi for dpi in tw.USUAL_DPI if low <= dpi <= high and not (dpi - low) % step)


def _scanned(manager: Manager, question: tw.Question) -> tw.Told:
    pages = 0
    try:
        _set_up(manager, question)
        manager.start()
        more = manager.wait()
        while more and pages < question.most:
            sheet = manager.page(MOST_BYTES)
            Path(PAGE.format(pages + 1)).write_bytes(bmp_of(sheet))
            pages += 1
            more = manager.after_page() > 0 and pages < (question.pages or question.most)
    except Refused as exc:
        is_end = not exc.condition and pages  # "cancelled" after a page: the feeder ran empty
        condition = 0 if is_end else exc.condition
        problem = None if is_end or condition else "it was cancelled at the scanner"
        return tw.Told(is_open=True, condition=condition, problem=problem, pages=pages)
    except BadPicture as exc:
        return tw.Told(is_open=True, problem=f"what it handed over is no page: {exc}", pages=pages)
    except Broken:
        return tw.Told(is_open=True, problem=BROKEN, pages=pages)
    except OSError as exc:
        why = f"the page cannot be written ({type(exc).__name__})"
        return tw.Told(is_open=True, problem=why, pages=pages)
    manager.stop()
    return tw.Told(is_open=True, pages=pages)


def _set_up(manager: Manager, question: tw.Question) -> None:
    """Say how to scan; what a source does not take shows in the pages."""
    is_feeder = question.source == "feeder"
    manager.set(tw.ICAP_XFERMECH, tw.UINT16, 0)  # native: the one that every source must have
    manager.set(tw.CAP_FEEDERENABLED, tw.BOOL, int(is_feeder))
    if is_feeder:
        manager.set(tw.CAP_AUTOFEED, tw.BOOL, 1)
        manager.set(tw.CAP_DUPLEXENABLED, tw.BOOL, 0)
    manager.set(tw.ICAP_PIXELTYPE, tw.UINT16, tw.PIXEL_TYPES[question.mode])
    manager.set(tw.ICAP_UNITS, tw.UINT16, 0)  # inches
    manager.set(tw.ICAP_XRESOLUTION, tw.FIX32, question.dpi)
    manager.set(tw.ICAP_YRESOLUTION, tw.FIX32, question.dpi)
    manager.set(tw.ICAP_SUPPORTEDSIZES, tw.UINT16, tw.LETTER)
    manager.set(tw.ICAP_AUTODISCARDBLANKPAGES, tw.INT32, tw.KEEP_BLANK_PAGES)
    manager.set(tw.CAP_INDICATORS, tw.BOOL, 0)
    manager.set(tw.CAP_XFERCOUNT, tw.INT16, question.pages or -1)


if __name__ == "__main__":
    answer_one(tw.Question, answer)
