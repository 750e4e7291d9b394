"""One look at one scanner: entrance, look, sample, measure; the rules judge."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import get_args

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner.entrance import Ask, Entrance, Scanned
from ccpor_checks.scanner.evidence import (
    Device,
    FileFormat,
    Kind,
    Mode,
    PageFact,
    SampleFact,
    ScannerEvidence,
    ScannerOptions,
)
from ccpor_checks.scanner.listed import with_support
from ccpor_checks.scanner.pacing import kept_back, measure_s, pages_of
from ccpor_checks.scanner.states import hindrance

FOLDER = "scan-"  # begins the name of the private folder of pages
PREFERRED_DPI = (300, 200)
FALLBACK: dict[Mode, tuple[Mode, ...]] = {
    "bilevel": ("bilevel", "gray", "color"),
    "gray": ("gray", "bilevel", "color"),
    "color": ("color", "gray", "bilevel"),
}
KINDS: tuple[Kind, ...] = get_args(Kind)


def entrance_for(kind: Kind) -> Entrance:
    """Return the way to scanners of *kind*; its module is imported only now."""
    module = import_module(f"ccpor_checks.scanner.{kind}")
    entrance: Entrance = getattr(module, f"{kind.capitalize()}Entrance")()
    return entrance


def run(target: Target, options: ScannerOptions, ctx: Context) -> ScannerEvidence:
    """Return what is seen of the scanner that *target* names, and of a sample scan.

    Raises:
        CannotObserve: Not on this workstation: a program, a right or the system is lacking.
        TimeoutError: The check's deadline has passed.
    """
    kind = next((kind for kind in KINDS if kind == target.scheme), None)
    if kind is None:
        raise CannotObserve(
            f"{target.url} names no scanner; write {', '.join(f'{kind}:' for kind in KINDS)} "
            "and the name of the device"
        )
    return look_through(entrance_for(kind), kind, target, options, ctx)


def look_through(
    entrance: Entrance, kind: Kind, target: Target, options: ScannerOptions, ctx: Context
) -> ScannerEvidence:
    """Return what *entrance* shows; see `run`."""
    asked = target.url if kind == "escl" else target.path
    ctx.tell("looks for the scanner")
    found = entrance.look(target, options, ctx)
    seen = ScannerEvidence(
        kind=kind,
        asked=asked,
        looked=found.looked,
        devices=found.devices,
        device=found.device,
        driver=with_support(found.driver, options, ctx),
        state=found.state,
        state_detail=found.state_detail,
    )
    if not options.sample:
        return msgspec.structs.replace(seen, not_sampled="the profile asks for no sample")
    if seen.device is None:
        return msgspec.structs.replace(seen, not_sampled="the scanner was not found")
    if hindrance(seen, options):
        return msgspec.structs.replace(seen, not_sampled="the scanner is not ready")
    return _sampled(entrance, seen, seen.device, options, ctx)


def ask_for(device: Device, options: ScannerOptions) -> Ask:
    """Return the scan that comes nearest to *options* among what *device* says it offers."""
    modes = FALLBACK[options.mode]
    return Ask(
        dpi=_dpi(device.dpis, *options.dpi_range),
        mode=next((mode for mode in modes if mode in device.modes), options.mode),
        source=options.source,
        pages=pages_of(options),
    )


def _dpi(offered: tuple[int, ...], low: int, high: int) -> int:
    """Return the resolution to ask for: in the range if there is one, else the nearest to it."""
    if not offered:
        return next((dpi for dpi in PREFERRED_DPI if low <= dpi <= high), high)
    within = [dpi for dpi in offered if low <= dpi <= high]
    if not within:
        return min(offered, key=lambda dpi: max(low - dpi, dpi - high))
    return next((dpi for dpi in PREFERRED_DPI if dpi in within), max(within))


def _sampled(
    entrance: Entrance,
    seen: ScannerEvidence,
    device: Device,
    options: ScannerOptions,
    ctx: Context,
) -> ScannerEvidence:
    ask = ask_for(device, options)
    if device.sources and ask.source not in device.sources:
        has = " and ".join(device.sources)
        why = f"this scanner has a {has} and no {ask.source}; write what it has as source"
        return msgspec.structs.replace(seen, sample=_fact(ask, Scanned(
            files=(), seconds=0.0, ended="failed", detail=why
        )))  # fmt: skip
    with private_folder(ctx) as folder:
        count = "all sheets" if ask.pages is None else f"{ask.pages} of {ask.source}"
        ctx.tell(f"scans {count} at {ask.dpi} dpi")
        try:
            with kept_back(ctx, measure_s(ask.pages)):
                scanned = _scanned(entrance, device, ask, folder, ctx)
        except CannotObserve as exc:
            return msgspec.structs.replace(seen, not_sampled=str(exc))
        pages, unreadable = _measured(scanned, ask, ctx)
        is_saved = ctx.keep is not None and _kept(scanned, ctx.keep, ctx)
    sample = _fact(ask, scanned, pages, unreadable=unreadable, is_saved=is_saved)
    return msgspec.structs.replace(seen, sample=sample, pages=pages)


def _scanned(entrance: Entrance, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
    """Return what the scan gave; where it knows no end of its own, that it took too long.

    Raises:
        TimeoutError: The check was given up.
    """
    begun = ctx.monotonic()
    try:
        return entrance.scan(device, ask, folder, ctx)
    except TimeoutError:
        if ctx.abandoned:
            raise
        return Scanned(files=(), seconds=ctx.monotonic() - begun, ended="timeout")


def _measured(scanned: Scanned, ask: Ask, ctx: Context) -> tuple[tuple[PageFact, ...], str | None]:
    """Return the pages that open, numbered as they came, and why one does not."""
    if not scanned.files:
        return (), None
    from ccpor_checks.scanner.image import Unreadable, measure

    pages: list[PageFact] = []
    unreadable = None
    for path in scanned.files:
        ctx.remaining()
        ctx.tell(f"measures page {len(pages) + 1}")
        try:
            pages += measure(path, first_number=len(pages) + 1, asked_dpi=ask.dpi)
        except Unreadable as exc:
            unreadable = unreadable or str(exc)
    return tuple(pages), unreadable


def _fact(
    ask: Ask,
    scanned: Scanned,
    pages: tuple[PageFact, ...] = (),
    *,
    unreadable: str | None = None,
    is_saved: bool = False,
) -> SampleFact:
    """Return the sample as a fact; a file that does not open still counts as one page."""
    number = max(len(pages), len(scanned.files))
    formats: tuple[FileFormat, ...] = tuple(dict.fromkeys(page.format for page in pages))
    has_rate = number > 1 and scanned.seconds > 0
    return SampleFact(
        asked_pages=ask.pages,
        asked_dpi=ask.dpi,
        asked_mode=ask.mode,
        source=ask.source,
        pages=number,
        seconds=round(scanned.seconds, 3),
        pages_per_minute=round(60 * number / scanned.seconds, 1) if has_rate else None,
        ended="done" if scanned.ended == "no-paper" and number else scanned.ended,
        detail=scanned.detail,
        formats=formats,
        unreadable=unreadable,
        is_saved=is_saved,
    )


def _kept(scanned: Scanned, path: Path, ctx: Context) -> bool:
    """Say whether the pages stand at *path* now, as the person asked."""
    from ccpor_checks.scanner.keeping import CannotKeep, keep

    try:
        keep(scanned.files, path)
    except (CannotKeep, OSError) as exc:
        ctx.log.warning("scan.not_kept", extra={"error": type(exc).__name__})
        return False
    return True


@contextlib.contextmanager
def private_folder(ctx: Context) -> Iterator[Path]:
    """Give a folder of this user alone; it is removed with all in it, whatever happens.

    A check that is given up has it removed at once; one that was killed before it could, by the
    next look, since only one runs at a time on a machine.
    """
    if ctx.state_dir is not None and ctx.state_dir.is_dir():
        for left in ctx.state_dir.glob(f"{FOLDER}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=FOLDER, dir=ctx.state_dir))
    else:
        folder = Path(tempfile.mkdtemp(prefix=f"ccpor-{FOLDER}"))
    ctx.on_abandon(lambda: shutil.rmtree(folder, ignore_errors=True))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
