"""SANE scanners (Linux): listed, opened and asked by scanimage, local ones and those of a saned.

What went wrong is told by exit codes, which are SANE's own states (SANE standard 1.06, 4.2.7),
never by texts. scanimage may prompt for a password: it reads from nowhere and has a deadline.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import msgspec

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.scanner import child
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.evidence import (
    Device,
    Ended,
    ScannerOptions,
    Source,
    State,
)
from ccpor_checks.scanner.pacing import LEAST_SCAN_S, MOST_PAGES
from ccpor_checks.scanner.sane_driver import backend_of, driver_fact, knock, saned_of
from ccpor_checks.scanner.sane_open import BASE
from ccpor_checks.scanner.sane_options import Offered, read_options
from ccpor_checks.scanner.states import plain

PROGRAM = "scanimage"
MISSING = (
    "the program scanimage is not here; install the package sane-utils "
    "(Debian, Ubuntu: apt install sane-utils)"
)
ELSEWHERE = "SANE scanners are looked at on Linux only: cannot look here"
LIST_S, OPEN_S, VERSION_S, STATUS_S = 12.0, 8.0, 2.0, 4.0
MOST_DEVICES, LONGEST = 50, 200
MARK = "\x1f"  # between fields: no name of a device holds it
FORM = MARK.join(("%d", "%v", "%m", "%t")) + "%n"
PAGE = "page*.tif"
# The number that scanimage writes after each page; a good one ends with 5, the end of its data.
PAGE_STATUS = re.compile(rb"\(scanner status = (\d{1,3})\)")
MOST_HEARD = 4096
GRACE_S = 3.0  # drivers hang, or break down, in their tidying up after an error is told
HAS_BACKEND = re.compile(r"[a-z0-9_-]+:.")

GOOD, UNSUPPORTED, CANCELLED, BUSY, INVALID, EOF, JAMMED, NO_DOCS, COVER_OPEN = range(9)
IO_ERROR, NO_MEM, ACCESS_DENIED = 9, 10, 11
STATUS_WORDS = {
    UNSUPPORTED: "not supported",
    CANCELLED: "cancelled at the scanner",
    BUSY: "busy",
    INVALID: "no such device or value",
    EOF: "no more data",
    JAMMED: "feeder jammed",
    NO_DOCS: "feeder out of documents",
    COVER_OPEN: "cover open",
    IO_ERROR: "error in talking to the device",
    NO_MEM: "out of memory",
    ACCESS_DENIED: "access denied",
}
ENDINGS: dict[int, Ended] = {
    GOOD: "done",
    BUSY: "busy",
    JAMMED: "jammed",
    NO_DOCS: "no-paper",
    COVER_OPEN: "cover-open",
    ACCESS_DENIED: "no-permission",
}
# Of a device that is listed and does not open; "invalid" is one that was just unplugged.
UNOPENED: dict[int, State] = {
    BUSY: "busy",
    ACCESS_DENIED: "no-permission",
    IO_ERROR: "offline",
    INVALID: "offline",
    JAMMED: "jammed",
    NO_DOCS: "no-paper",
    COVER_OPEN: "cover-open",
}


class Heard:
    """The states that scanimage wrote, a number after each page."""

    def __init__(self) -> None:
        self._said = b""
        self.failed: int | None = None  # the state of a page that did not come

    def hear(self, said: bytes) -> float | None:
        """Take what was said; return the seconds that scanimage still has once a page failed."""
        self._said = (self._said + said)[-MOST_HEARD:]
        last = [int(number) for number in PAGE_STATUS.findall(self._said)][-1:]
        self.failed = next((status for status in last if status not in (GOOD, EOF)), None)
        return None if self.failed is None else GRACE_S


class SaneEntrance:
    """The way through scanimage."""

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Look without moving paper.

        Raises:
            CannotObserve: Not Linux, or no scanimage.
            TimeoutError: The check's deadline has passed.
        """
        _possible()
        asked = target.path
        version = _version(ctx)
        looked = [f"scanimage {version or '(no version)'}, the SANE backends of this workstation"]
        devices = listed(ctx)
        device = None if devices is None else chosen(asked, devices)
        state, detail, offered = None, None, None
        if device is None and HAS_BACKEND.match(asked):
            device = Device(name=asked, kind="sane")  # not every backend lists what it can open
            looked.append(f"{asked}, opened by its name")
            offered, _status = opened(asked, ctx)
            device = device if offered else None
        elif device is not None:
            offered, status = opened(device.name, ctx)
            if offered is None:
                state, detail = UNOPENED.get(status, "faulty"), status_words(status)
        service, is_running = None, None
        if (host := saned_of(device.name if device else asked)) is not None:
            service = f"saned on {host}"
            is_running, word = (True, None) if offered else knock(host, ctx)
            looked.append(f"{service}{f': {word}' if word else ''}")
            detail = detail or (word if device is None else None)
        if device is not None and offered is not None:
            device, state = described(device, offered), state or sensed(offered, options)
        return Found(
            looked=tuple(looked),
            devices=devices,
            device=device,
            driver=driver_fact(
                backend_of(device.name if device else asked),
                version,
                service=service,
                is_running=is_running,
            ),
            state=state,
            state_detail=detail,
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        """Scan into *folder*, one TIFF a page.

        Raises:
            CannotObserve: No scanimage.
            TimeoutError: The check was given up, or its deadline had passed before.
        """
        _possible()
        offered, status = opened(device.name, ctx)
        if offered is None:
            ended = ENDINGS.get(status, "offline" if status == IO_ERROR else "failed")
            return Scanned(files=(), seconds=0.0, ended=ended, detail=status_words(status))
        count = MOST_PAGES if ask.pages is None else ask.pages

        def tell() -> None:
            ctx.tell(f"scans page {len(list(folder.glob(PAGE))) + 1}")

        heard = Heard()

        begun = ctx.monotonic()
        end = child.ran(
            scan_command(device.name, ask, offered, count),
            ctx,
            max(LEAST_SCAN_S, ctx.remaining()),
            folder=folder,
            beat=tell,
            hear=heard.hear,
        )
        seconds = ctx.monotonic() - begun
        # What became of a page counts for more than how scanimage got through its tidying up.
        code = end.code if heard.failed is None else heard.failed
        files = tuple(sorted(folder.glob(PAGE)))
        return Scanned(
            files=files,
            seconds=seconds,
            ended=_ending(code, device, files, ctx),
            detail=None if code in (GOOD, None) else status_words(code),
        )


def _possible() -> None:
    """Return where SANE can be asked.

    Raises:
        CannotObserve: It cannot.
    """
    import shutil

    if not sys.platform.startswith("linux"):
        raise CannotObserve(ELSEWHERE)
    if shutil.which(PROGRAM) is None:
        raise CannotObserve(MISSING)


def listed(ctx: Context) -> tuple[Device, ...] | None:
    """Return the scanners that the backends name; None: they did not come to an end.

    An empty list says that none was named, not that there is none: a network scanner that is off
    and a saned that is dead look the same from here.
    """
    end = child.ran([PROGRAM, "-f", FORM], ctx, LIST_S)
    return tuple(_devices(end.said)) if end.code == GOOD else None


def _devices(said: str) -> list[Device]:
    found = []
    for line in said.splitlines()[:MOST_DEVICES]:
        fields = [_clean(each) for each in line.split(MARK)]
        if len(fields) == 4 and fields[0]:
            name, maker, model, _kind = fields
            found.append(
                Device(
                    name=name,
                    kind="sane",
                    maker=maker or None,
                    model=model or None,
                    address=saned_of(name),
                )
            )
    return found


def _clean(text: str) -> str:
    return "".join(filter(str.isprintable, text)).strip()[:LONGEST]


def chosen(asked: str, devices: tuple[Device, ...]) -> Device | None:
    """Return the device of that name, else the first whose maker and model hold *asked*."""
    for each in devices:
        if each.name == asked:
            return each
    wanted = plain(asked)
    for each in devices:
        if wanted and wanted in plain(f"{each.maker or ''}{each.model or ''}"):
            return each
    return None


def opened(name: str, ctx: Context) -> tuple[Offered | None, int]:
    """Return the options of *name* once it opens; else None and SANE's status."""
    end = child.ran([PROGRAM, "-d", name, "-A"], ctx, OPEN_S)
    if end.code == GOOD:
        return read_options(end.said), GOOD
    if end.code is None:
        return None, IO_ERROR  # a scanner that keeps a program waiting like that is not there
    # scanimage ends with 1 whatever kept the device from opening: ask the library itself
    script = Path(__file__).with_name("sane_open.py")
    told = child.ran([sys.executable, "-P", str(script), name], ctx, STATUS_S).code
    status = IO_ERROR if told is None else told - BASE
    return None, status if status > GOOD else UNSUPPORTED


def described(device: Device, offered: Offered) -> Device:
    """Return *device* with what its options say."""
    return msgspec.structs.replace(
        device,
        modes=tuple(offered.modes),
        dpis=offered.dpis,
        sources=tuple(offered.sources),
    )


def sensed(offered: Offered, options: ScannerOptions) -> State | None:
    """Return what the scanner's sensors say; None: the backend shows none."""
    if offered.sensor("cover-open"):
        return "cover-open"
    if options.source == "flatbed":
        return None
    has_paper = offered.sensor("page-loaded", "adf-loaded")
    if has_paper is None:
        return None
    return "ready" if has_paper else "no-paper"


def scan_command(name: str, ask: Ask, offered: Offered, count: int) -> list[str]:
    """Return what is run in the folder of the pages; the source first, it changes other limits."""
    source: Source = ask.source
    return [
        PROGRAM,
        "-d",
        name,
        *offered.sources.get(source, ()),
        *offered.modes.get(ask.mode, ()),
        *offered.resolution(ask.dpi),
        *offered.letter(),
        "--format=tiff",
        "--batch=page%03d.tif",
        f"--batch-count={1 if source == 'flatbed' else count}",
    ]


def _ending(code: int | None, device: Device, files: tuple[Path, ...], ctx: Context) -> Ended:
    if code is None:
        return "timeout"
    if code == NO_DOCS and files:
        return "done"  # the feeder ran empty, as it should
    if code == UNSUPPORTED and not files:  # also what scanimage says of all that does not open
        offered, status = opened(device.name, ctx)
        state = None if offered else UNOPENED.get(status)
        return state if state in ("busy", "offline", "no-permission") else "failed"
    return ENDINGS.get(code, "failed")


def status_words(code: int | None) -> str:
    """Return e.g. ``SANE status 6, feeder jammed``."""
    if code is None:
        return "it did not answer in time"
    if code < 0:
        return f"scanimage was ended by signal {-code}"
    word = STATUS_WORDS.get(code)
    return f"SANE status {code}{f', {word}' if word else ''}"


def _version(ctx: Context) -> str | None:
    """Return the version of the backends, e.g. ``1.1.1``."""
    said = child.ran([PROGRAM, "--version"], ctx, VERSION_S).said
    found = re.findall(r"\d+(?:\.\d+)+", said[:LONGEST])
    return found[-1] if found else None
