"""Network scanners by eSCL (AirScan, Mopria): no driver, any system.

A status alone proves nothing: a scanner may accept a job and deliver no byte. Only pages count.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ccpor_checks.base import Context, Target
from ccpor_checks.scanner.entrance import Ask, Found, Scanned
from ccpor_checks.scanner.escl_discovery import announced
from ccpor_checks.scanner.escl_wire import Answer, CutShort, Mute, TooMuch, Wire
from ccpor_checks.scanner.escl_words import (
    Capabilities,
    NotEscl,
    Status,
    capabilities,
    settings,
    status,
)
from ccpor_checks.scanner.evidence import Device, DriverFact, Ended, ScannerOptions, State
from ccpor_checks.scanner.pacing import MOST_PAGES

OK, CREATED = 200, 201
DENIED, ENDED, BUSY = (401, 403), (404, 409, 410), (409, 503)
PAGE_S = 60.0  # a page of a slow device; the check's own deadline ends it sooner
AGAIN_S, LONGEST_WAIT_S = 0.5, 5.0
DELETE_S = 2.0
STATES_OF_ENDS: dict[State, Ended] = {
    "busy": "busy",
    "offline": "offline",
    "jammed": "jammed",
    "cover-open": "cover-open",
    "no-paper": "no-paper",
    "no-permission": "no-permission",
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the address said. capabilities None: no eSCL there, `words` and `state` say why."""

    capabilities: Capabilities | None
    words: str
    state: State | None = None


class EsclEntrance:
    """The way over HTTP."""

    def look(self, target: Target, options: ScannerOptions, ctx: Context) -> Found:
        """Ask for capabilities and status; where nobody is there, who announces himself.

        Raises:
            TimeoutError: The check's deadline has passed.
        """
        wire, path = Wire(target.host, target.port or 80), _path(target.path)
        url = f"escl://{_authority(target.host)}:{wire.port}{path}"
        heard = _capabilities(wire, path, ctx)
        looked: tuple[str, ...] = (f"{url}: {heard.words}",)
        if heard.capabilities is None and heard.state is None:
            others = announced(ctx)
            looked += (f"announcements on this network: {len(others) or 'none'}",)
            mine = next((each for each in others if _same(each.name, url)), None)
            return Found(
                looked=looked,
                devices=others,
                device=mine,
                driver=_driver(mine.version if mine else None),
                state="offline" if mine else None,
                state_detail=heard.words,
            )
        told = heard.capabilities
        device = Device(
            name=url,
            kind="escl",
            maker=told.maker if told else None,
            model=told.model if told else None,
            address=target.host,
            version=told.version if told else None,
            modes=told.modes if told else (),
            dpis=told.dpis if told else (),
            sources=told.sources if told else (),
        )
        state, detail = heard.state, heard.words if told is None else None
        if told is not None:
            state, detail = _state(wire, path, options, ctx)
        return Found(
            looked=looked,
            devices=(device,),
            device=device,
            driver=_driver(device.version),
            state=state,
            state_detail=detail,
        )

    def scan(self, device: Device, ask: Ask, folder: Path, ctx: Context) -> Scanned:
        """Make a job, fetch its pages, delete it.

        Raises:
            TimeoutError: The check was given up, or its deadline had passed before.
        """
        parts = urlsplit(device.name)
        wire, path = Wire(parts.hostname or "", parts.port or 80), _path(parts.path)
        heard = _capabilities(wire, path, ctx)
        if heard.capabilities is None:
            ended = STATES_OF_ENDS.get(heard.state or "offline", "failed")
            return Scanned(files=(), seconds=0.0, ended=ended, detail=heard.words)
        begun = ctx.monotonic()
        job = _Job(wire, path, folder, ask, ctx)
        try:
            ended, detail = job.run(settings(ask, heard.capabilities))
        finally:
            job.delete()
        return Scanned(
            files=tuple(job.files), seconds=(job.last or ctx.monotonic()) - begun,
            ended=ended, detail=detail,
        )  # fmt: skip


class _Job:
    """One scan job. files: what came so far."""

    def __init__(self, wire: Wire, path: str, folder: Path, ask: Ask, ctx: Context) -> None:
        self._wire, self._path, self._folder = wire, path, folder
        self._ask, self._ctx = ask, ctx
        self._job: str | None = None
        self.files: list[Path] = []
        self.last: float | None = None  # when the last page had come

    def run(self, wanted: bytes) -> tuple[Ended, str | None]:
        """Return how it ended, and the scanner's own words."""
        try:
            return self._refused(wanted) or self._pages()
        except CutShort as exc:
            return "failed", f"the page was cut short ({exc})"
        except TooMuch:
            return "failed", "it sends more than a page can have"
        except TimeoutError:
            self._ctx.remaining()  # raises where it was our own deadline
            return "timeout", None
        except OSError as exc:
            return "failed", f"the connection ended ({type(exc).__name__})"

    def _refused(self, wanted: bytes) -> tuple[Ended, str | None] | None:
        """Order the job; return why there is none, None where `_job` is its path now."""
        answer = self._wire.ask("POST", f"{self._path}/ScanJobs", self._ctx, body=wanted)
        if answer.status in DENIED:
            return "no-permission", f"HTTP {answer.status}"
        if answer.status in BUSY:
            return self._by_state("busy", f"HTTP {answer.status}")
        if answer.status != CREATED:
            return self._by_state("failed", f"HTTP {answer.status} to the scan job")
        self._job = _job_path(answer.location, self._path)
        if self._job is None:
            return "failed", "it accepted the job and did not say where it is"
        return None

    def _pages(self) -> tuple[Ended, str | None]:
        most = self._ask.pages or MOST_PAGES
        while len(self.files) < most:
            self._ctx.tell(f"scans page {len(self.files) + 1}")
            into = self._folder / f"page{len(self.files) + 1:03d}"
            answer = self._wire.ask(
                "GET", f"{self._job}/NextDocument", self._ctx, into=into, at_most_s=PAGE_S
            )
            if answer.status == OK:
                if not into.stat().st_size:
                    into.unlink()
                    return "empty-answer", "HTTP 200 without a byte"
                self.files.append(into)
                self.last = self._ctx.monotonic()
            elif answer.status == BUSY[1]:
                self._wait(answer)
            elif answer.status in DENIED:
                return "no-permission", f"HTTP {answer.status}"
            elif answer.status in ENDED:  # the specification says 404, devices say 409 and 410
                return self._by_state("done" if self.files else "failed", f"HTTP {answer.status}")
            else:
                return self._by_state("failed", f"HTTP {answer.status} in place of a page")
        return "done", None

    def _wait(self, answer: Answer) -> None:
        """Wait as the scanner asks; a job that never gives a page ends with the check's time.

        Raises:
            TimeoutError: It is over.
        """
        wait_s = min(max(answer.retry_after_s or AGAIN_S, AGAIN_S), LONGEST_WAIT_S)
        time.sleep(self._ctx.remaining(wait_s))
        self._ctx.remaining()

    def _by_state(self, otherwise: Ended, words: str) -> tuple[Ended, str | None]:
        """Return what the scanner itself says is wrong; *otherwise* where it says nothing.

        An empty feeder after pages is the good end, and so is any rest.
        """
        seen = _status(self._wire, self._path, self._ctx)
        state = None if seen is None else seen.of(self._ask.source)
        if state in ("jammed", "cover-open", "offline"):
            return STATES_OF_ENDS[state], seen.words if seen else None
        if self.files:
            return otherwise, None if otherwise == "done" else words
        if state == "no-paper":
            return "no-paper", seen.words if seen else None
        return otherwise, words

    def delete(self) -> None:
        """Delete the job, whatever happened: else the scanner waits for somebody to fetch it."""
        if self._job is None:
            return
        own = Context(deadline=time.monotonic() + DELETE_S)
        with contextlib.suppress(OSError, CutShort, TooMuch):
            self._wire.ask("DELETE", self._job, own, at_most_s=DELETE_S)


def _path(path: str) -> str:
    return f"/{path.strip('/') or 'eSCL'}"


def _authority(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _same(name: str, url: str) -> bool:
    """Say whether an announced scanner is the one asked for; hosts may be named otherwise."""
    one, other = urlsplit(name), urlsplit(url)
    return (one.hostname, one.port, one.path) == (other.hostname, other.port, other.path)


def _job_path(location: str | None, path: str) -> str | None:
    """Return the job's path on the same host: relative, absolute, or a URL of whatever host."""
    if not location:
        return None
    found = urlsplit(location).path.rstrip("/")
    if found.startswith("/"):
        return found
    return f"{path}/{found}" if found.startswith("ScanJobs/") else f"{path}/ScanJobs/{found}"


def _driver(version: str | None) -> DriverFact:
    return DriverFact(
        name=f"eSCL {version}" if version else "eSCL", is_installed=None, version=version
    )


def _capabilities(wire: Wire, path: str, ctx: Context) -> _Heard:
    try:
        answer = wire.ask("GET", f"{path}/ScannerCapabilities", ctx)
        if answer.status == OK:
            told = capabilities(answer.body)
            return _Heard(told, f"eSCL {told.version}")
    except (OSError, CutShort, TooMuch, NotEscl) as exc:
        if isinstance(exc, TimeoutError):
            ctx.remaining()  # raises where it was our own deadline
        return _Heard(None, _why(exc), "offline" if isinstance(exc, Mute) else None)
    if answer.status in DENIED:
        return _Heard(None, f"it wants a sign-in (HTTP {answer.status})", "no-permission")
    if answer.status == BUSY[1]:
        return _Heard(None, "it is busy (HTTP 503)", "busy")
    return _Heard(None, f"no scanner at this path (HTTP {answer.status})")


def _why(exc: Exception) -> str:
    match exc:
        case ConnectionRefusedError():
            return "nothing listens there"
        case CutShort():
            return "what answers there does not speak HTTP"
        case TooMuch():
            return "the answer is longer than a scanner's"
        case TimeoutError():
            return "no answer in time"
        case NotEscl():
            return f"what answers there is no eSCL scanner ({exc})"
    return f"no connection ({type(exc).__name__})"


def _status(wire: Wire, path: str, ctx: Context) -> Status | None:
    """Return the scanner's status, None where it tells none.

    Raises:
        TimeoutError: The check's deadline has passed.
    """
    try:
        answer = wire.ask("GET", f"{path}/ScannerStatus", ctx)
        return status(answer.body) if answer.status == OK else None
    except TimeoutError:
        ctx.remaining()
        return Status("offline", None, "no answer")
    except (OSError, CutShort, TooMuch, NotEscl):
        return None


def _state(
    wire: Wire, path: str, options: ScannerOptions, ctx: Context
) -> tuple[State | None, str | None]:
    seen = _status(wire, path, ctx)
    if seen is None:
        return None, None
    state = seen.of(options.source)
    return state, None if state == "ready" else seen.words
