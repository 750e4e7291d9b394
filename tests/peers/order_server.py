"""A service that takes staged orders and test messages over HTTP or HTTPS; the path picks its manners.

Orders are kept in memory. Also a program: ``python -m tests.peers.order_server PORT [CHAIN KEY]``.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import hashlib
import itertools
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ccpor_checks.base import Target
from ccpor_checks.tls.evidence import TlsOptions
from tests.peers.certificates import Files


@dataclass
class OrderServer:
    """What runs, and what came: `held` by number, `asked` as method and path."""

    port: int
    held: dict[int, bytes] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))


Answer = tuple[int, dict[str, str], bytes]


def _digest(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def _json(value: Any, status: int = 200, **fields: str) -> Answer:
    return status, {"Content-Type": "application/json", **fields}, json.dumps(value).encode()


def _spoilt(body: bytes) -> bytes:
    return body[:-1] + bytes([body[-1] ^ 1])


def _located(server: OrderServer, body: bytes, where: str = "/held") -> Answer:
    number = next(server.numbers)
    server.held[number] = body
    return _json({"id": number}, 201, Location=f"{where}/{number}")


def _kept(server: OrderServer, body: bytes) -> Answer:
    server.held[0] = body
    return 204, {}, b""


def _sum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


TAKES: dict[str, Callable[[OrderServer, bytes], Answer]] = {
    "/located": _located,
    "/recorded": lambda server, body: _located(server, body, "/record"),
    "/lost": lambda server, body: _json({}, 201, Location="/nowhere/1"),
    "/lost-but-hashed": lambda server, body: _json(
        {"sha256": _sum(body)}, 201, Location="/nowhere/1"
    ),
    "/sent-back": lambda server, body: (200, {"Content-Type": "application/octet-stream"}, body),
    "/digest": lambda server, body: _json({}, **{"Repr-Digest": f"sha-256=:{_digest(body)}:"}),
    "/old-digest": lambda server, body: _json({}, Digest=f"SHA-256={_digest(body)}"),
    "/hash": lambda server, body: _json({"id": 7, "sha256": _sum(body).upper()}),
    "/plain-hash": lambda server, body: (200, {"Content-Type": "text/plain"}, _sum(body).encode()),
    "/base64-hash": lambda server, body: _json({"digest": _digest(body)}),
    "/etag": lambda server, body: (204, {"ETag": f'"{_sum(body)}"'}, b""),
    "/spoilt-field": lambda server, body: (204, {"X-Sha256": _sum(_spoilt(body))}, b""),
    "/nothing": lambda server, body: (204, {}, b""),
    "/keeps": _kept,
    "/spoils": lambda server, body: _kept(server, _spoilt(body)),
    "/thanks": lambda server, body: _json({"id": "0" * 64}),  # an id, not a hash
    "/own-digest": lambda server, body: _json(
        {}, **{"Content-Digest": f"sha-256=:{_digest(b'{}')}:"}
    ),
    "/spoilt-located": lambda server, body: _located(server, _spoilt(body)),
    "/spoilt-sent-back": lambda server, body: (
        200,
        {"Content-Type": "application/octet-stream"},
        _spoilt(body),
    ),
    "/spoilt-digest": lambda server, body: _json(
        {}, **{"Repr-Digest": f"sha-256=:{_digest(_spoilt(body))}:"}
    ),
    "/spoilt-hash": lambda server, body: _json({"sha256": _sum(_spoilt(body))}),
    "/elsewhere": lambda server, body: _json({}, 201, Location="http://127.0.0.2:9/held/1"),
    "/odd-place-1": lambda server, body: _json({}, 201, Location="http://[/"),
    "/odd-place-2": lambda server, body: _json({}, 201, Location="http://127.0.0.1:99999/x"),
    "/odd-place-3": lambda server, body: _json({}, 201, Location="ftp://127.0.0.1/x"),
    "/odd-place-4": lambda server, body: _json({}, 201, Location="//[::1"),
    "/odd-redirect": lambda server, body: (302, {"Location": "http://[/"}, b""),
    "/redirects": lambda server, body: (307, {"Location": "/hash?a=b"}, b""),
    "/echo": lambda server, body: (200, {"Content-Type": "application/json"}, body),
    "/echo-in-words": lambda server, body: _json(
        {"ok": True, "echo": json.loads(body)["ccpor_check_echo"]}
    ),
    "/echo-gzip": lambda server, body: (200, {"Content-Encoding": "gzip"}, gzip.compress(body)),
    "/echo-garbled": lambda server, body: (200, {"Content-Encoding": "gzip"}, b"not gzip"),
    "/echo-other": lambda server, body: _json({"ccpor_check_echo": "f" * 32}),
    "/echo-empty": lambda server, body: (204, {}, b""),
}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    held_by: OrderServer

    def do_POST(self) -> None:
        path = self._noted()
        size = int(self.headers.get("Content-Length") or 0)
        if path == "/cut":
            self.rfile.read(min(size, 100_000))
            return self._reset()
        if path == "/too-large":
            self.rfile.read(1000)
            self._answer((413, {}, b""))
            time.sleep(0.05)
            return None
        if path == "/drip":  # some 2 MB a second
            body = b""
            while len(body) < size and not self.held_by.stop.wait(0.02):
                body += self.rfile.read(min(40_000, size - len(body)))
        else:
            body = self.rfile.read(size)
        self.held_by.bodies.append(body)
        if path.startswith("/status/"):
            return self._answer((int(path.rpartition("/")[2]), {}, b""))
        if path == "/hang":
            self.held_by.stop.wait(30)
            self.close_connection = True
            return None
        if path == "/closes":
            self.close_connection = True
            return None
        if path == "/half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            self.close_connection = True
            return None
        if path.startswith("/after/"):  # /after/MILLISECONDS/like
            _, _, delay, like = path.split("/", 3)
            self.held_by.stop.wait(int(delay) / 1000)
            path = f"/{like}"
        if path == "/echo-mostly" and len(self.held_by.bodies) % 5 == 0:
            return self._answer((503, {}, b"{}"))
        return self._answer(TAKES["/echo" if path == "/echo-mostly" else path](self.held_by, body))

    def do_GET(self) -> None:
        path = self._noted()
        kind, _, number = path.strip("/").partition("/")
        kept = kind in {"held", "record", "keeps", "spoils"}
        body = self.held_by.held.get(int(number or 0)) if kept else None
        if body is None:
            return self._answer((404, {"Content-Type": "text/html"}, b"<p>not here"))
        if kind == "record":
            return self._answer(_json({"state": "taken", "checksum": _sum(body)}))
        return self._answer((200, {"Content-Type": "application/octet-stream"}, body))

    def do_DELETE(self) -> None:
        number = int(self._noted().rpartition("/")[2])
        gone = self.held_by.held.pop(number, None)
        self._answer((204 if gone is not None else 404, {}, b""))

    def _noted(self) -> str:
        self.held_by.asked.append((self.command, self.path))
        self.held_by.headers.append({k.lower(): v for k, v in self.headers.items()})
        return self.path.partition("?")[0]

    def _answer(self, answer: Answer) -> None:
        status, fields, body = answer
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def handle(self) -> None:
        with contextlib.suppress(OSError, ValueError):  # the other side went, or we cut it
            super().handle()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *args: Any) -> None: ...


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None: ...


@contextlib.contextmanager
def order_server(
    files: Files | None = None, host: str = "127.0.0.1", port: int = 0
) -> Iterator[OrderServer]:
    """Run the service until the block ends; with *files* it speaks TLS."""
    handler = type("Handler", (_Handler,), {})
    server = _Server((host, port), handler)
    if files is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    running = OrderServer(port=int(server.server_address[1]))
    handler.held_by = running  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def service_target(
    server: OrderServer | int, path: str, scheme: str = "http", ca_file: Path | None = None
) -> Target:
    """Return the target that *path* of the server is; a number is a port of its own."""
    port = server if isinstance(server, int) else server.port
    return Target(
        id="t",
        url=f"{scheme}://127.0.0.1:{port}{path}",
        scheme=scheme,
        host="127.0.0.1",
        port=port,
        path=path,
        options={"tls": TlsOptions(ca_file=str(ca_file) if ca_file else None)},
    )


if __name__ == "__main__":
    own, *chain_and_key = sys.argv[1:]
    given = Files(*map(Path, chain_and_key)) if chain_and_key else None
    with order_server(given, host="0.0.0.0", port=int(own)) as service:
        print(service.port, flush=True)
        threading.Event().wait()
