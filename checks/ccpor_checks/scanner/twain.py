"""TWAIN scanners (Windows): found as files and by the data source manager, scanned by the source.

Only a source of this agent's own bitness can be opened; what exists in the other is seen as files.
All that loads a driver happens in a process of its own, with a deadline.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import twain_words as tw
from ccpor_checks.scanner import windows_child
from ccpor_checks.scanner.capture import capture, with_capture
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.evidence import Device, Ended, ScannerOptions, State
from ccpor_checks.scanner.pacing import LEAST_SCAN_S, MOST_PAGES
from ccpor_checks.scanner.twain_driver import There, driver_fact
from ccpor_checks.scanner.twain_files import SourceFile, as_device, managers, source_files
from ccpor_checks.scanner.windows_drivers import chosen, same_model
from ccpor_checks.scanner.windows_files import OWN_BITNESS, Places, places

CHILD = "ccpor_checks.scanner.twain_child"
LIST_S, OPEN_S = 9.0, 11.0
PAGES = "page*.bmp"
OTHER_BITNESS = (
    f"this {OWN_BITNESS}-bit agent can only scan through a {OWN_BITNESS}-bit TWAIN source: scan "
    "the test page with the capture program and look at it, or name the scanner as wia:"
)


class TwainEntrance:
    """The way through TWAIN; *here* replaces this Windows' folders."""

    def __init__(self, here: Places | None = None) -> None:
        self._here = here

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Look without moving paper.

        Raises:
            CannotObserve: Not Windows.
            TimeoutError: The check's deadline has passed.
        """
        here = self._here or places("TWAIN")
        present, files = managers(here), source_files(here)
        looked = [_managers_words(present), _files_words(files, here)]
        listed = _listed(present, looked, ctx)
        there = There(present, files, listed)
        devices = _all_devices(listed, files)
        device = chosen(target.path, devices)
        state: State | None = None
        detail = None
        driver = driver_fact(target.path, device, there, options, looked)
        if device is not None and there.version_of(device) is not None:
            device, state, detail = _opened(device, present, options, ctx)
        return Found(
            looked=tuple(looked),
            devices=devices if listed is not None or files or OWN_BITNESS not in present else None,
            device=device,
            driver=with_capture(driver, capture(ctx)),
            state=state,
            state_detail=detail,
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        """Scan into *folder*, one BMP a page, without a window of the source.

        Raises:
            CannotObserve: Not Windows, or the source is of the other bitness.
            TimeoutError: The check's deadline has passed.
        """
        manager = _own_manager(managers(self._here or places("TWAIN")))
        if manager is None:
            raise CannotObserve(OTHER_BITNESS)
        question = tw.Question(
            do="scan",
            manager=str(manager),
            name=device.name,
            dpi=ask.dpi,
            mode=ask.mode,
            source=ask.source,
            pages=ask.pages,
            most=MOST_PAGES,
        )

        def tell() -> None:
            ctx.tell(f"scans page {len(list(folder.glob(PAGES))) + 1}")

        begun = ctx.monotonic()
        seconds = max(LEAST_SCAN_S, ctx.remaining() - windows_child.PARTING_S)
        got = windows_child.ask(CHILD, question, tw.Told, ctx, seconds, folder=folder, beat=tell)
        files = tuple(sorted(folder.glob(PAGES)))
        told = got.said
        if told is None:
            ended: Ended = "timeout" if got.code is None else "failed"
            # the last file may be half a page: the process ended while it wrote
            return Scanned(
                files=files[: -1 if got.code is None else None],
                seconds=ctx.monotonic() - begun,
                ended=ended,
                detail=got.why_not,
            )
        if told.condition == tw.NO_SOURCE and not told.is_open:
            raise CannotObserve(f"{device.name} is not listed; {OTHER_BITNESS}")
        return Scanned(
            files=files,
            seconds=ctx.monotonic() - begun,
            ended=_ending(told),
            detail=tw.condition_words(told.condition) or told.problem,
        )


def _listed(
    present: dict[int, tuple[Path, ...]], looked: list[str], ctx: Context
) -> tuple[tw.ListedSource, ...] | None:
    """Return what the manager of our bitness lists; None: there is none, or it did not tell."""
    manager = _own_manager(present)
    if manager is None:
        return None
    question = tw.Question(do="list", manager=str(manager))
    got = windows_child.ask(CHILD, question, tw.Told, ctx, LIST_S)
    told = got.said
    if told is None or not told.is_open:
        why = got.why_not or (told and (tw.condition_words(told.condition) or told.problem))
        looked.append(f"the list of {manager.name}, which failed: {why}")
        return None
    looked.append(f"the sources that {manager.name} lists: {len(told.sources)}")
    return told.sources


def _own_manager(present: dict[int, tuple[Path, ...]]) -> Path | None:
    return next(iter(present.get(OWN_BITNESS, ())), None)


def _managers_words(present: dict[int, tuple[Path, ...]]) -> str:
    return ", ".join(
        f"{bits}-bit data source manager: {present[bits][0].name if bits in present else 'none'}"
        for bits in (32, 64)
    )


def _files_words(files: tuple[SourceFile, ...], here: Places) -> str:
    return f"source files in {here.windows} below twain_32 and twain_64: {len(files)}"


def _all_devices(
    listed: tuple[tw.ListedSource, ...] | None, files: tuple[SourceFile, ...]
) -> tuple[Device, ...]:
    """Return what is listed, then what is seen as a file only.

    A file of our own bitness that the manager does not list is no source that works.
    """
    found = [
        Device(
            name=one.name,
            kind="twain",
            maker=one.maker or None,
            model=one.name,
            version=f"TWAIN {one.protocol}",
            is_default=one.is_default,
        )
        for one in listed or ()
    ]
    for file in files:
        if listed is not None and file.bitness == OWN_BITNESS:
            continue
        if file.bitness and not any(same_model(each.name, file.name) for each in found):
            found.append(as_device(file))
    return tuple(found)


def _opened(
    device: Device,
    present: dict[int, tuple[Path, ...]],
    options: ScannerOptions,
    ctx: Context,
) -> tuple[Device, State | None, str | None]:
    """Return *device* with what its source can, its state, and the driver's own word on it."""
    question = tw.Question(
        do="open",
        manager=str(_own_manager(present)),
        name=device.name,
        source=options.source,
    )
    got = windows_child.ask(CHILD, question, tw.Told, ctx, OPEN_S)
    told = got.said
    if told is None:
        return device, "offline" if got.code is None else "faulty", got.why_not
    if not told.is_open:
        words = tw.condition_words(told.condition) or told.problem
        return device, tw.OPENING.get(told.condition or 0, "faulty"), words
    able = msgspec.structs.replace(device, modes=told.modes, dpis=told.dpis, sources=told.papers)
    return able, _state(told, options), None


def _state(told: tw.Told, options: ScannerOptions) -> State | None:
    """Return what the sensors say; None: there are none."""
    if told.is_online is False:
        return "offline"
    if options.source == "feeder" and told.has_paper is not None:
        return "ready" if told.has_paper else "no-paper"
    return "ready" if told.is_online else None


def _ending(told: tw.Told) -> Ended:
    if told.condition:
        return tw.ENDING.get(told.condition, "failed")
    if told.problem:
        return "failed"
    return "done" if told.pages else "empty-answer"
