"""WIA scanners (Windows): listed and scanned through Windows' own automation layer and service."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import wia_words as ww
from ccpor_checks.scanner import windows_child
from ccpor_checks.scanner.capture import Service, capture, service, with_capture
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.evidence import Device, DriverFact, Ended, ScannerOptions, State
from ccpor_checks.scanner.pacing import LEAST_SCAN_S, MOST_PAGES
from ccpor_checks.scanner.windows_drivers import chosen, driver_for, image_drivers
from ccpor_checks.scanner.windows_files import places

CHILD = "ccpor_checks.scanner.wia_child"
LIST_S, OPEN_S = 10.0, 10.0
SERVICE = "stisvc"  # Windows Image Acquisition (WIA)
PAGES = "page*.bmp"
LACKING = "WIA (Windows Image Acquisition); on Windows Server it comes with the Desktop Experience"


class WiaEntrance:
    """The way through WIA."""

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Look without moving paper.

        Raises:
            CannotObserve: Not Windows, or pywin32 is broken.
            TimeoutError: The check's deadline has passed.
        """
        places("WIA")
        got = windows_child.ask(CHILD, ww.Question(do="list"), ww.Told, ctx, LIST_S)
        told = got.said or ww.Told()
        if told.problem:
            raise CannotObserve(f"WIA cannot be asked: {told.problem}; install the agent anew")
        devices = _devices(told) if told.is_open else None
        device = chosen(target.path, devices) if devices else None
        state: State | None = None
        detail = None if device else ww.hresult_words(told.hresult) or got.why_not
        if device is not None:
            device, state, detail = _opened(device, options, ctx)
        driver = _driver(target.path, device, told, options)
        words = "" if devices is not None else f", which failed: {detail}"
        return Found(
            looked=(
                f"the scanners of Windows Image Acquisition{words}",
                _service_words(driver),
            ),
            devices=devices,
            device=device,
            driver=with_capture(driver, capture(ctx)),
            state=state,
            state_detail=detail,
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        """Scan into *folder*, one BMP a page.

        Raises:
            CannotObserve: Not Windows.
            TimeoutError: The check's deadline has passed.
        """
        places("WIA")
        question = ww.Question(
            do="scan",
            device=device.name,
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
        got = windows_child.ask(CHILD, question, ww.Told, ctx, seconds, folder=folder, beat=tell)
        files = tuple(sorted(folder.glob(PAGES)))
        ended: Ended = "timeout" if got.code is None else "failed"
        detail = got.why_not
        if (told := got.said) is not None:
            files = files[: told.pages]
            ended, detail = _ending(told), ww.hresult_words(told.hresult) or told.problem
        elif got.code is None:
            files = files[:-1]  # the process was stopped, maybe while it wrote
        whole = tuple(path for path in files if path.stat().st_size)
        if len(whole) < len(files) and ended == "done":
            ended, detail = "empty-answer", "WIA delivered a page without a byte"
        files = whole
        return Scanned(files=files, seconds=ctx.monotonic() - begun, ended=ended, detail=detail)


def _devices(told: ww.Told) -> tuple[Device, ...]:
    """Return the scanners; the first is what a program takes by itself where it is the only one."""
    return tuple(
        Device(
            name=one.device,
            kind="wia",
            maker=one.maker,
            model=one.name,
            is_default=len(told.devices) == 1,
        )
        for one in told.devices
    )


def _opened(
    device: Device, options: ScannerOptions, ctx: Context
) -> tuple[Device, State | None, str | None]:
    """Return *device* with what it can, its state, and Windows' own word on it."""
    question = ww.Question(do="open", device=device.name, source=options.source)
    got = windows_child.ask(CHILD, question, ww.Told, ctx, OPEN_S)
    told = got.said
    if told is None:
        return device, "offline" if got.code is None else "faulty", got.why_not
    if told.hresult:
        return device, ww.STATES.get(told.hresult, "faulty"), ww.hresult_words(told.hresult)
    if told.problem:
        return device, None, told.problem
    able = msgspec.structs.replace(
        device,
        modes=told.modes,
        dpis=told.dpis,
        sources=ww.sources_of(told.capabilities),
    )
    return able, ww.state_of(told.status, told.capabilities, options.source), None


def _driver(
    asked: str, device: Device | None, told: ww.Told, options: ScannerOptions
) -> DriverFact:
    """Return what is known of the driver, and whether the service behind it runs.

    The service is asked after the list: Windows starts it when a program asks for scanners.
    """
    found = service(SERVICE)
    is_there = told.hresult not in ww.NOT_REGISTERED
    if device is None:
        is_running = _is_running(found, told)
        return DriverFact(
            name="WIA",
            is_installed=is_there,
            service=found.name if found else SERVICE,
            is_running=is_running,
            lacking=None if is_there else LACKING,
        )
    names = (device.model, options.model, asked)
    known = driver_for(names, image_drivers())
    listed = next((one.version for one in told.devices if one.device == device.name), None)
    return DriverFact(
        name=f"WIA driver of {device.model or device.name}",
        version=(known.version if known else None) or listed,
        bitness=(32, 64),  # it runs in the service; programs of both may ask
        service=found.name if found else SERVICE,
        is_running=_is_running(found, told),
    )


def _is_running(found: Service | None, told: ww.Told) -> bool | None:
    if found is not None:
        return found.is_running
    return False if told.hresult in ww.NO_SERVICE else None


def _service_words(driver: DriverFact) -> str:
    runs = {True: "runs", False: "does not run", None: "not told"}[driver.is_running]
    return f"the service {driver.service}: {runs}"


def _ending(told: ww.Told) -> Ended:
    if told.hresult:
        return ww.ending(told.hresult)
    if told.problem:
        return "failed"
    return "done" if told.pages else "empty-answer"
