"""A network scanner that speaks eSCL and has our test page in its feeder; its faults are switches.

Also a program: ``python -m tests.peers.escl_server --port N [--feeder 12] [--fault NAME] [--publish]``.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from ccpor_checks.scanner.image.test_page import rendered

SCAN = "http://schemas.hp.com/imaging/escl/2011/05/03"
PWG = "http://www.pwg.org/schemas/2010/12/sm"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SPACES = f'xmlns:scan="{SCAN}" xmlns:pwg="{PWG}"'
MODES = {"BlackAndWhite1": "bilevel", "Grayscale8": "gray", "RGB24": "color"}
FAULTS = (
    *("jam", "jam-at-3", "cover-open", "busy", "busy-503", "mute", "empty-answer", "ends-with-409"),
    *("absolute-location", "other-host-location", "no-location", "slow", "endless", "cut", "html"),
    *("reset", "denied", "denied-job", "bomb", "not-xml", "huge", "wrong-dpi", "gray", "no-modes"),
    *("error-500", "stopped", "down", "moved", "status-mute"),
)


@dataclass
class Scanner:
    """What runs. feeder: sheets in it. faults: what is wrong now. asked: method and path."""

    port: int = 0
    feeder: int = 12
    model: str = "Test Page Feeder 12"
    modes: tuple[str, ...] = tuple(MODES)
    dpis: tuple[int, ...] = (100, 150, 200, 300)
    paths: tuple[str, ...] = ("/eSCL",)
    host: str = "127.0.0.1"
    faults: set[str] = field(default_factory=set)
    asked: list[tuple[str, str]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    page_s: float = 0.0
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"escl://{self.host}:{self.port}{self.paths[0]}"

    def adf_state(self) -> str:
        is_at_3 = any(job.given >= 2 for job in self.jobs.values())
        if "jam" in self.faults or ("jam-at-3" in self.faults and is_at_3):
            return "ScannerAdfJam"
        if "cover-open" in self.faults:
            return "ScannerAdfHatchOpen"
        return "ScannerAdfLoaded" if self.feeder else "ScannerAdfEmpty"

    def state(self) -> str:
        for fault, state in (("busy", "Processing"), ("stopped", "Stopped"), ("down", "Down")):
            if fault in self.faults:
                return state
        return "Idle"


@dataclass
class Job:
    """What was asked. given: pages so far."""

    dpi: int
    mode: str
    source: str
    kind: str
    given: int = 0


@functools.cache
def page(dpi: int, mode: Literal["bilevel", "gray", "color"], kind: str) -> bytes:
    """Return a sheet as a scanner delivers it."""
    into = io.BytesIO()
    sheet = rendered(dpi, mode)
    if kind == "application/pdf":
        sheet.save(into, "PDF", resolution=dpi)
    elif kind == "image/tiff":
        how = "group4" if mode == "bilevel" else "tiff_lzw"
        sheet.save(into, "TIFF", compression=how, dpi=(dpi, dpi))
    else:
        sheet.convert("L" if mode == "bilevel" else sheet.mode).save(into, "JPEG", dpi=(dpi, dpi))
    return into.getvalue()


def capabilities(scanner: Scanner) -> str:
    modes = "".join(f"<scan:ColorMode>{mode}</scan:ColorMode>" for mode in scanner.modes)
    dpis = "".join(
        f"<scan:DiscreteResolution><scan:XResolution>{dpi}</scan:XResolution>"
        f"<scan:YResolution>{dpi}</scan:YResolution></scan:DiscreteResolution>"
        for dpi in scanner.dpis
    )
    kinds = "".join(
        f"<pwg:DocumentFormat>{kind}</pwg:DocumentFormat>"
        f"<scan:DocumentFormatExt>{kind}</scan:DocumentFormatExt>"
        for kind in ("application/pdf", "image/jpeg")
    )
    caps = (
        "<scan:MinWidth>16</scan:MinWidth><scan:MaxWidth>2550</scan:MaxWidth>"
        "<scan:MinHeight>16</scan:MinHeight><scan:MaxHeight>3300</scan:MaxHeight>"
        "<scan:MaxScanRegions>1</scan:MaxScanRegions>"
        f"<scan:SettingProfiles><scan:SettingProfile><scan:ColorModes>{modes}</scan:ColorModes>"
        f"<scan:DocumentFormats>{kinds}</scan:DocumentFormats><scan:SupportedResolutions>"
        f"<scan:DiscreteResolutions>{dpis}</scan:DiscreteResolutions></scan:SupportedResolutions>"
        "</scan:SettingProfile></scan:SettingProfiles>"
        "<scan:SupportedIntents><scan:Intent>Document</scan:Intent></scan:SupportedIntents>"
    )
    return (
        f"{HEAD}<scan:ScannerCapabilities {SPACES}><pwg:Version>2.63</pwg:Version>"
        f"<pwg:MakeAndModel>{scanner.model}</pwg:MakeAndModel>"
        "<pwg:SerialNumber>0</pwg:SerialNumber>"
        "<scan:UUID>5e1f0a52-0000-4000-8000-0123456789ab</scan:UUID>"
        "<scan:AdminURI>http://scanner.invalid/</scan:AdminURI>"
        f"<scan:Platen><scan:PlatenInputCaps>{caps}</scan:PlatenInputCaps></scan:Platen>"
        f"<scan:Adf><scan:AdfSimplexInputCaps>{caps}</scan:AdfSimplexInputCaps>"
        "<scan:FeederCapacity>50</scan:FeederCapacity></scan:Adf></scan:ScannerCapabilities>"
    )


def status(scanner: Scanner) -> str:
    return (
        f"{HEAD}<scan:ScannerStatus {SPACES}><pwg:Version>2.63</pwg:Version>"
        f"<pwg:State>{scanner.state()}</pwg:State>"
        f"<scan:AdfState>{scanner.adf_state()}</scan:AdfState></scan:ScannerStatus>"
    )


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "&%c;&%c;&%c;&%c;">' % (n + 1, n, n, n, n) for n in range(97, 120))
    + b"]><a>&x;</a>"
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    scanner: Scanner

    def do_GET(self) -> None:
        name = self._named()
        faults = self.scanner.faults
        if name is None:
            return
        if "mute" in faults:
            self.scanner.stop.wait(30)
            return
        if "denied" in faults:
            self._answer(401)
        elif name == "ScannerCapabilities":
            self._capabilities()
        elif name == "ScannerStatus":
            if "status-mute" in faults:
                self.scanner.stop.wait(30)
                return
            self._answer(200, status(self.scanner).encode(), "text/xml")
        elif found := re.fullmatch(r"ScanJobs/([\w-]+)/NextDocument", name):
            self._next(self.scanner.jobs.get(found[1]))
        else:
            self._answer(404)

    def _capabilities(self) -> None:
        faults = self.scanner.faults
        if "bomb" in faults:
            self._answer(200, BOMB, "text/xml")
        elif "not-xml" in faults:
            self._answer(200, b"<!doctype html><title>Router</title>", "text/html")
        elif "huge" in faults:
            self._answer(200, b" " * 2_000_000, "text/xml")
        elif "moved" in faults:
            self._answer(302, location="http://elsewhere.invalid/eSCL/ScannerCapabilities")
        elif "busy-503" in faults:
            self._answer(503)
        else:
            self._answer(200, capabilities(self.scanner).encode(), "text/xml")

    def _next(self, job: Job | None) -> None:
        scanner, faults = self.scanner, self.scanner.faults
        if job is None:
            self._answer(404)
            return
        scanner.stop.wait(30 if "slow" in faults else scanner.page_s)
        if "endless" in faults:
            self._answer(503, retry_after="1")
        elif "error-500" in faults:
            self._answer(500)
        elif "empty-answer" in faults or ("no-modes" in faults and job.mode not in scanner.modes):
            self._answer(200, b"", job.kind)
        elif "jam-at-3" in faults and job.given == 2:
            self._answer(409)
        elif (job.source == "Feeder" and not scanner.feeder) or (
            job.source == "Platen" and job.given
        ):
            self._answer(409 if "ends-with-409" in faults else 404)
        else:
            self._give(job)

    def _give(self, job: Job) -> None:
        faults = self.scanner.faults
        job.given += 1
        if job.source == "Feeder":
            self.scanner.feeder -= 1
        mode = "gray" if "gray" in faults else MODES.get(job.mode, "gray")
        dpi = 100 if "wrong-dpi" in faults else job.dpi
        content = page(dpi, mode, job.kind)
        if "html" in faults:
            self._answer(200, b"<html>Please wait</html>", job.kind)
        elif "reset" in faults:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
        elif "cut" in faults:
            self._answer(200, content[: len(content) // 2], job.kind, length=len(content))
            self.close_connection = True
        else:
            self._answer(200, content, job.kind)

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), 100_000)).decode()
        name = self._named()
        faults = self.scanner.faults
        if name is None:
            return
        if name != "ScanJobs":
            self._answer(404)
        elif "denied-job" in faults:
            self._answer(403)
        elif faults & {"busy", "busy-503"}:
            self._answer(503)
        elif faults & {"jam", "cover-open"} or ("Feeder" in body and not self.scanner.feeder):
            self._answer(409)
        else:
            self._ordered(body)

    def _ordered(self, body: str) -> None:
        def said(name: str, otherwise: str) -> str:
            found = re.search(rf"<\w+:{name}>([^<]*)</", body)
            return found[1] if found else otherwise

        job = Job(
            dpi=int(said("XResolution", "300")),
            mode=said("ColorMode", "Grayscale8"),
            source=said("InputSource", "Platen"),
            kind=said("DocumentFormatExt", said("DocumentFormat", "image/jpeg")),
        )
        if job.mode not in self.scanner.modes and "no-modes" not in self.scanner.faults:
            self._answer(409)
            return
        name = str(uuid.uuid4())
        self.scanner.jobs[name] = job
        place = f"{self._root()}/ScanJobs/{name}"
        faults = self.scanner.faults
        if "absolute-location" in faults:
            place = f"http://127.0.0.1:{self.scanner.port}{place}"
        elif "other-host-location" in faults:
            place = f"http://scanner.invalid:9{place}"
        self._answer(201, location=None if "no-location" in faults else place)

    def do_DELETE(self) -> None:
        name = self._named() or ""
        gone = self.scanner.jobs.pop(name.removeprefix("ScanJobs/"), None)
        self._answer(200 if gone else 404)

    def _root(self) -> str:
        return next((each for each in self.scanner.paths if self.path.startswith(each)), "/eSCL")

    def _named(self) -> str | None:
        """Note what is asked; return the path below the scanner's root; None: it was answered."""
        self.scanner.asked.append((self.command, self.path))
        for root in self.scanner.paths:
            if self.path.startswith(f"{root}/"):
                return self.path.removeprefix(f"{root}/").rstrip("/")
        self._answer(404)
        return None

    def _answer(
        self,
        code: int,
        body: bytes = b"",
        kind: str = "text/plain",
        *,
        location: str | None = None,
        retry_after: str | None = None,
        length: int | None = None,
    ) -> None:
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body) if length is None else length))
        if location:
            self.send_header("location", location)
        if retry_after:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        with contextlib.suppress(OSError):  # the client may have given up
            self.wfile.write(body)

    def handle(self) -> None:
        with contextlib.suppress(OSError):
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its base names it so
        """Stay quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves early is no news."""


class _Server6(_Server):
    address_family = socket.AF_INET6


@contextlib.contextmanager
def started(port: int = 0, *, publish: bool = False, **how: Any) -> Iterator[Scanner]:
    """Run a scanner until the block ends: on `host`, 127.0.0.1, and on ::1 where there is one."""
    scanner = Scanner(**how)
    handler = type("Handler", (_Handler,), {"scanner": scanner})
    with contextlib.ExitStack() as stack:
        first = _Server((scanner.host, port), handler)
        scanner.port = first.server_address[1]
        servers = [first]
        with contextlib.suppress(OSError):
            servers.append(_Server6(("::1", scanner.port), handler))
        for server in servers:
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        stack.callback(scanner.stop.set)
        if publish:
            stack.enter_context(published(scanner))
        yield scanner


@contextlib.contextmanager
def published(scanner: Scanner) -> Iterator[None]:
    """Announce each path of *scanner* by mDNS on its own address's interface alone."""
    from zeroconf import IPVersion, ServiceInfo, Zeroconf

    network = Zeroconf(interfaces=[scanner.host], ip_version=IPVersion.V4Only)
    try:
        for number, path in enumerate(scanner.paths):
            name = f"{scanner.model} {number}._uscan._tcp.local."
            network.register_service(
                ServiceInfo(
                    "_uscan._tcp.local.",
                    name,
                    port=scanner.port,
                    addresses=[socket.inet_aton(scanner.host)],
                    server="test-scanner.local.",
                    properties={
                        "txtvers": "1",
                        "ty": scanner.model,
                        "rs": path.strip("/"),
                        "vers": "2.63",
                        "pdl": "application/pdf,image/jpeg",
                        "is": "platen,adf",
                        "cs": "binary,grayscale,color",
                        "adminurl": "http://scanner.invalid/",
                    },
                )
            )
        yield
    finally:
        network.close()


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--host", default="127.0.0.1")
    words.add_argument("--port", type=int, default=8090)
    words.add_argument("--feeder", type=int, default=12, help="sheets in the feeder")
    words.add_argument("--endless-feeder", action="store_true", help="it never runs empty")
    words.add_argument("--fault", action="append", default=[], choices=FAULTS)
    words.add_argument("--publish", action="store_true", help="announce it by mDNS")
    asked = words.parse_args()
    how = {"host": asked.host, "feeder": asked.feeder, "faults": set(asked.fault)}
    with started(asked.port, publish=asked.publish, **how) as scanner:
        print(f"a scanner at {scanner.url}", flush=True)
        while True:
            time.sleep(0.2)
            if asked.endless_feeder and not scanner.feeder:
                scanner.feeder = asked.feeder


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
