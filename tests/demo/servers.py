"""Real servers on loopback for the demo to look at: two resolvers, a time server, a web server.

Each listens on a port of its own and ends with the process; nothing is written.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dnslib import QTYPE, RCODE, RR, A, DNSRecord

NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970 (RFC 5905 section 6)
PAGE = b"<!doctype html><title>CCPOR</title><h1>CCPOR sign-in (demo)</h1>\n"
ORDERS = "/staging/orders"
LONGEST_POST = 20_000_000


class _Resolver(socketserver.BaseRequestHandler):
    zone: tuple[str, ...] = ()

    def handle(self) -> None:
        wire, sock = self.request
        question = DNSRecord.parse(wire)
        name = str(question.q.qname).rstrip(".").lower()
        reply = question.reply()
        if name not in self.zone:
            reply.header.rcode = RCODE.NXDOMAIN
        elif question.q.qtype == QTYPE.A:
            reply.add_answer(RR(name, QTYPE.A, rdata=A("127.0.0.1"), ttl=60))
        sock.sendto(reply.pack(), self.client_address)


class _TimeServer(socketserver.BaseRequestHandler):
    """Answer RFC 5905 client packets with this machine's own time, stratum 2."""

    def handle(self) -> None:
        wire, sock = self.request
        if len(wire) < 48:
            return
        received = _ntp(time.time())
        head = struct.pack("!BBbb", (wire[0] & 0x38) | 4, 2, 6, -20)
        root = struct.pack("!II", 0x10, 0x20) + bytes((127, 0, 0, 1)) + _ntp(time.time() - 10)
        sock.sendto(head + root + wire[40:48] + received + _ntp(time.time()), self.client_address)


def _ntp(seconds: float) -> bytes:
    whole = int(seconds)
    return struct.pack("!II", (whole + NTP_EPOCH) & 0xFFFFFFFF, int((seconds - whole) * 2**32))


class _Web(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(PAGE)

    def do_POST(self) -> None:
        left = min(int(self.headers.get("Content-Length", 0)), LONGEST_POST)
        came = hashlib.sha256()
        while left > 0:
            part = self.rfile.read(min(left, 65536))
            came.update(part)
            left -= len(part) or left
        if self.path == ORDERS:
            self._answer(json.dumps({"sha256": came.hexdigest()}).encode(), "application/json")
        else:
            self._answer(PAGE)

    def _answer(self, body: bytes, kind: str = "text/html; charset=utf-8") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base names it so
        """Stay quiet: the demo's screen belongs to the demo."""


class _TlsServer(http.server.ThreadingHTTPServer):
    """Shake hands in the connection's own thread, so that one silent client blocks nobody."""

    daemon_threads = True
    context: ssl.SSLContext

    def finish_request(self, request: object, client_address: object) -> None:
        try:
            wrapped = self.context.wrap_socket(request, server_side=True)  # type: ignore[arg-type]
        except (ssl.SSLError, OSError):
            return
        with wrapped:
            super().finish_request(wrapped, client_address)  # type: ignore[arg-type]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves early is no news."""


@dataclass(frozen=True, slots=True)
class Servers:
    dns: tuple[int, int]
    ntp: int
    web: int


@contextmanager
def serving(names: tuple[str, ...], cert_file: Path, key_file: Path) -> Iterator[Servers]:
    """Run all servers until the block ends; *names* resolve to 127.0.0.1, others do not exist."""
    zone = type("Zone", (_Resolver,), {"zone": names})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    with ExitStack() as stack:
        resolvers = [socketserver.ThreadingUDPServer(("127.0.0.1", 0), zone) for _ in range(2)]
        clock = socketserver.ThreadingUDPServer(("127.0.0.1", 0), _TimeServer)
        web = _TlsServer(("127.0.0.1", 0), _Web)
        web.context = context
        for server in (*resolvers, clock, web):
            server.daemon_threads = True
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        first, second = (server.server_address[1] for server in resolvers)
        yield Servers((first, second), clock.server_address[1], web.server_address[1])
