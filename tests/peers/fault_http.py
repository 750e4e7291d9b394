"""An HTTP server on loopback whose faults are chosen by the path asked.

Bytes are written by hand: no server library would send what a broken one does. Also a program:
``python -m tests.peers.fault_http PORT``.
"""

from __future__ import annotations

import contextlib
import gzip
import itertools
import re
import socket
import ssl
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

PAGE = b"<!doctype html><title>CCPOR</title><p>California Courts Protective Order Registry"
SIGN_IN = (
    b"<html><form method=post action='/auth'><input name=user><input type=PASSWORD name=p></form>"
)
WISPR = (
    b"<html><!--<WISPAccessGatewayParam><Redirect></Redirect></WISPAccessGatewayParam>--></html>"
)
ACCESS_POINT = (
    b"<form action='/x'><input type=hidden name=4Tredir value='http://x'><input type=submit>"
)


@dataclass
class Asked:
    """One request as it came. `body` is read by those faults that want it."""

    connection: socket.socket
    head: bytes
    rest: bytes  # of the body, what came together with the head

    @property
    def method(self) -> str:
        return self.head.split()[0].decode()

    @property
    def path(self) -> str:
        return self.head.split()[1].decode()

    def field(self, name: str) -> str | None:
        found = re.search(rb"\r\n" + name.encode() + rb": *([^\r]*)", self.head, re.I)
        return found[1].decode() if found else None

    def body(self, limit: int | None = None) -> int:
        """Read the body, or its first *limit* bytes; return how many came."""
        size = int(self.field("content-length") or 0)
        wanted = size if limit is None else min(limit, size)
        count = len(self.rest)
        while count < wanted:
            some = self.connection.recv(min(65536, wanted - count))
            if not some:
                break
            count += len(some)
        return count

    def send(self, *parts: bytes) -> None:
        self.connection.sendall(b"".join(parts))

    def answer(
        self, status: int = 200, body: bytes = PAGE, *fields: str, length: int | None = None
    ) -> None:
        lines = [f"HTTP/1.1 {status} X", *fields]
        lines.append(f"Content-Length: {len(body) if length is None else length}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1"), body)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def wait_for_the_end(self) -> None:
        """Say nothing until the asker goes away."""
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass

    def drip(self, parts: Iterator[bytes]) -> None:
        """Send a byte now and then, as long as somebody listens."""
        with contextlib.suppress(OSError):
            for part in parts:
                self.send(part)
                time.sleep(0.05)


@dataclass
class FaultHttp:
    """A running server; `asked` holds every request, `elsewhere` where redirects lead."""

    port: int
    scheme: str = "http"
    asked: list[Asked] = field(default_factory=list)
    elsewhere: str = ""
    always: str = ""  # this fault, whatever the path says, e.g. "status/503"

    def handle(self, asked: Asked) -> None:
        self.asked.append(asked)
        path = self.always or asked.path.partition("?")[0].lstrip("/")
        name, _, rest = path.partition("/")
        fault: Callable[..., None] = getattr(self, name.replace("-", "_"), self.ok)
        fault(asked, *([rest] if rest else []))

    # healthy
    def ok(self, asked: Asked, *_: str) -> None:
        asked.body()
        asked.answer()

    def gzipped(self, asked: Asked) -> None:
        asked.answer(200, gzip.compress(PAGE), "Content-Encoding: gzip")

    def deflated(self, asked: Asked) -> None:
        asked.answer(200, zlib.compress(PAGE), "Content-Encoding: deflate")

    def bare_deflate(self, asked: Asked) -> None:
        asked.answer(200, zlib.compress(PAGE)[2:-4], "Content-Encoding: deflate")

    def chunked(self, asked: Asked) -> None:
        asked.send(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"%x;note=1\r\n" % len(PAGE),
            PAGE,
            b"\r\n0\r\nTrailer: x\r\n\r\n",
        )

    def until_close(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.0 200 OK\r\n\r\n", PAGE)

    def early_hints(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        asked.answer()

    def latin(self, asked: Asked) -> None:
        asked.answer(200, "Gericht für CCPOR".encode("latin-1"), "Content-Type: text/html; charset=iso-8859-1")  # fmt: skip

    def odd_server(self, asked: Asked) -> None:
        asked.answer(200, PAGE, "Server: \x1b[31mx\x07")

    def long(self, asked: Asked) -> None:
        with contextlib.suppress(OSError):
            asked.answer(200, b"x" * 6_000_000 + PAGE)

    def inflating(self, asked: Asked) -> None:
        with contextlib.suppress(OSError):
            asked.answer(200, gzip.compress(bytes(30_000_000), 1), "Content-Encoding: gzip")

    # answers
    def status(self, asked: Asked, code: str) -> None:
        asked.answer(int(code))

    def bare(self, asked: Asked) -> None:
        asked.body()
        asked.answer(200, b"<h1>It works!</h1>")

    def slow(self, asked: Asked, ms: str) -> None:
        time.sleep(int(ms) / 1000)
        asked.answer()

    # no good end
    def hang(self, asked: Asked) -> None:
        asked.wait_for_the_end()

    def hang_in_body(self, asked: Asked) -> None:
        asked.answer(length=1000)
        asked.wait_for_the_end()

    def drip_head(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nX: ")
        asked.drip(itertools.repeat(b"x"))

    def drip_body(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        asked.drip(itertools.repeat(b"x"))

    def drip_hints(self, asked: Asked) -> None:
        asked.drip(itertools.repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n"))

    def close(self, asked: Asked) -> None:
        pass

    def close_in_head(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nServer")

    def short(self, asked: Asked) -> None:
        asked.answer(length=1000)

    def cut_chunk(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc")

    def no_last_chunk(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")

    def reset_now(self, asked: Asked) -> None:
        asked.reset()

    def reset_in_body(self, asked: Asked) -> None:
        asked.answer(length=1000)
        time.sleep(0.1)  # a reset at once would throw away what was just sent
        asked.reset()

    # no HTTP
    def garbage(self, asked: Asked) -> None:
        asked.send(b"220 mail.example.org ESMTP\r\n")

    def bad_status(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 OK 200\r\n\r\n")

    def http2(self, asked: Asked) -> None:
        asked.send(b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64")

    def bad_field(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")

    def long_field(self, asked: Asked) -> None:
        with contextlib.suppress(OSError):
            asked.answer(200, PAGE, "X: " + "x" * 200_000)

    def many_fields(self, asked: Asked) -> None:
        with contextlib.suppress(OSError):
            asked.answer(200, PAGE, *("X: y" for _ in range(5000)))

    def endless_line(self, asked: Asked) -> None:
        with contextlib.suppress(OSError):
            asked.send(b"HTTP/1.1 200 ")
            while True:
                asked.send(b"x" * 65536)

    def bad_length(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")

    def two_lengths(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")

    def bad_chunk(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n")

    def long_chunk(self, asked: Asked) -> None:
        asked.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n")

    def bad_gzip(self, asked: Asked) -> None:
        asked.answer(200, PAGE, "Content-Encoding: gzip")

    def cut_gzip(self, asked: Asked) -> None:
        asked.answer(200, gzip.compress(PAGE)[:-12], "Content-Encoding: gzip")

    def unknown_coding(self, asked: Asked) -> None:
        asked.answer(200, PAGE, "Content-Encoding: br")

    # redirects
    def to(self, asked: Asked, where: str, status: int = 302) -> None:
        asked.answer(status, b"", f"Location: /{where}")

    def to_elsewhere(self, asked: Asked, where: str = "") -> None:
        asked.answer(302, b"", f"Location: {self.elsewhere}/{where}")

    def loop(self, asked: Asked) -> None:
        asked.answer(302, b"", "Location: /loop2")

    def loop2(self, asked: Asked) -> None:
        asked.answer(302, b"", "Location: /loop")

    def until_cookie(self, asked: Asked) -> None:
        if asked.field("cookie") == "seen=1":
            asked.answer()
        else:
            asked.answer(
                302, b"", "Set-Cookie: seen=1; Path=/; HttpOnly", "Location: /until-cookie"
            )

    def endless(self, asked: Asked, step: str = "0") -> None:
        asked.answer(302, b"", f"Location: /endless/{int(step) + 1}")

    def to_nonsense(self, asked: Asked) -> None:
        asked.answer(302, b"", "Location: http://[nonsense")

    def to_nobody(self, asked: Asked) -> None:
        asked.answer(302, b"", "Location: http://127.0.0.1:1/")

    # captive portals
    def login_required(self, asked: Asked) -> None:
        asked.answer(511, SIGN_IN)

    def wispr(self, asked: Asked) -> None:
        asked.answer(200, WISPR)

    def access_point(self, asked: Asked) -> None:
        asked.answer(200, ACCESS_POINT)

    def sign_in(self, asked: Asked) -> None:
        asked.answer(200, SIGN_IN)

    def wall(self, asked: Asked) -> None:
        asked.answer(200, SIGN_IN)

    def refresh(self, asked: Asked) -> None:
        asked.answer(
            200, f"<meta http-equiv=Refresh content='0; URL={self.elsewhere}/login'>".encode()
        )

    # uploads
    def too_large(self, asked: Asked) -> None:
        asked.body()
        asked.answer(413)

    def too_large_early(self, asked: Asked) -> None:
        asked.body(100_000)
        asked.answer(413)
        asked.wait_for_the_end()

    def cut_upload(self, asked: Asked) -> None:
        asked.body(100_000)
        asked.reset()

    def close_upload(self, asked: Asked) -> None:
        asked.body(100_000)

    def stall_upload(self, asked: Asked) -> None:
        time.sleep(5)

    def swallow_upload(self, asked: Asked) -> None:
        asked.body()
        asked.wait_for_the_end()

    def refuse_upload(self, asked: Asked) -> None:
        asked.body(10_000)
        asked.answer(403)
        asked.wait_for_the_end()


@contextlib.contextmanager
def fault_http(
    *, tls: ssl.SSLContext | None = None, port: int = 0, host: str = "127.0.0.1"
) -> Iterator[FaultHttp]:
    """Run the server until the block ends."""
    ended = threading.Event()
    with socket.create_server((host, port), backlog=64) as listener:
        server = FaultHttp(listener.getsockname()[1], "https" if tls else "http")

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), contextlib.closing(connection):
                connection.settimeout(20)
                spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                with contextlib.closing(spoken):
                    head = b""
                    while b"\r\n\r\n" not in head:
                        some = spoken.recv(4096)
                        if not some:
                            return
                        head += some
                    head, _, rest = head.partition(b"\r\n\r\n")
                    server.handle(Asked(spoken, head, rest))

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not ended.is_set():
                    threading.Thread(
                        target=serve, args=(listener.accept()[0],), daemon=True
                    ).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            ended.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


if __name__ == "__main__":
    with fault_http(port=int(sys.argv[1])) as running:
        threading.Event().wait()
