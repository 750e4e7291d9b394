"""One HTTPS connection to the measuring server, as a raw socket within TLS.

HTTP/1.1 is written here by hand because megabytes go through it: what is sent must leave at once,
what comes must be counted as it comes, and the end must not wait for a queue to drain.
Source: RFC 9112 sections 6 (message body) and 7.1 (chunked).
"""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import struct
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ccpor_checks.base import Context, Target
from ccpor_checks.kit.connect import open_connection
from ccpor_reporting import __version__

LONGEST_HEAD = 32 * 1024
LONGEST_BODY = 256 * 1024
SOME = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """A whole answer; field names in lower case."""

    status: int
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Wire:
    """A connection. Every wait of its own methods ends; who reads `sock` sets its timeout."""

    def __init__(self, sock: ssl.SSLSocket, host: str) -> None:
        self.sock, self.host = sock, host
        self.address: str | None = None
        with contextlib.suppress(OSError):
            self.address = str(sock.getpeername()[0])
        self.is_kept = True
        self._ahead = b""
        self._is_closed = False

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def head(self, method: str, path: str, fields: Mapping[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        own = {"User-Agent": f"ccpor-check/{__version__}", "Accept-Encoding": "identity", **fields}
        lines += [f"{name}: {value}" for name, value in own.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii")

    def ask(
        self,
        method: str,
        path: str,
        fields: Mapping[str, str],
        body: bytes = b"",
        *,
        timeout_s: float,
    ) -> Answered:
        """Return the whole answer to one small request.

        Raises:
            OSError: The connection ended, or *timeout_s* is over (TimeoutError).
            ValueError: What came is no HTTP.
        """
        end = time.monotonic() + timeout_s
        length = {"Content-Length": str(len(body))} if body or method == "POST" else {}
        self.sock.settimeout(timeout_s)
        self.sock.sendall(self.head(method, path, {**fields, **length}) + body)
        status, came = self.answer_head(end)
        whole = b"".join(self.parts(came, end)) if status not in {204, 304} else b""
        self.is_kept = came.get("connection", "").lower() != "close"
        return Answered(status, came, whole)

    def answer_head(self, end: float) -> tuple[int, dict[str, str]]:
        """Return the status and fields of an answer that comes before *end* (monotonic)."""
        while True:
            while b"\r\n\r\n" not in self._ahead:
                if len(self._ahead) > LONGEST_HEAD:
                    raise ValueError("an answer's head without an end")
                self._ahead += self._some(end)
            head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
            first, *rest = head.decode("latin-1").split("\r\n")
            words = first.split(" ", 2)
            if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
                raise ValueError("no HTTP answer")
            if words[1] != "100":
                pairs = (line.partition(":") for line in rest)
                return int(words[1]), {name.strip().lower(): v.strip() for name, _, v in pairs}

    def parts(self, fields: Mapping[str, str], end: float) -> Iterator[bytes]:
        """Yield a body's pieces until its end, at most LONGEST_BODY where its length is told."""
        if "chunked" in fields.get("transfer-encoding", "").lower():
            yield from self._chunks(end)
            return
        left = int(fields.get("content-length", "0"))
        if left > LONGEST_BODY:
            raise ValueError("an answer too long to be read")
        while left:
            piece = self._take(min(left, SOME), end)
            left -= len(piece)
            yield piece

    def _chunks(self, end: float) -> Iterator[bytes]:
        while True:
            size = int(self._line(end).partition(b";")[0], 16)
            if size == 0:
                while self._line(end):
                    pass
                return
            while size:
                piece = self._take(min(size, SOME), end)
                size -= len(piece)
                yield piece
            self._line(end)

    def _line(self, end: float) -> bytes:
        while b"\r\n" not in self._ahead:
            if len(self._ahead) > LONGEST_HEAD:
                raise ValueError("a chunk without a size")
            self._ahead += self._some(end)
        line, _, self._ahead = self._ahead.partition(b"\r\n")
        return line

    def _take(self, most: int, end: float) -> bytes:
        if not self._ahead:
            self._ahead = self._some(end)
        piece, self._ahead = self._ahead[:most], self._ahead[most:]
        return piece

    def read_ahead(self) -> bytes:
        """Return what came behind an answer's head; from now on the caller reads the socket."""
        some, self._ahead = self._ahead, b""
        return some

    def _some(self, end: float) -> bytes:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        self.sock.settimeout(left)
        some = self.sock.recv(SOME)
        if not some:
            raise ConnectionResetError(errno.ECONNRESET, "the connection was closed")
        return some

    def cut(self) -> None:
        """Wake whoever waits on this connection; what still waits to be sent will be dropped."""
        with contextlib.suppress(OSError):
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def close(self) -> None:
        """Close; hard after `cut`. Twice does nothing."""
        if not self._is_closed:
            self._is_closed = True
            with contextlib.suppress(OSError):
                self.sock.close()


def open_wire(
    target: Target, ctx: Context, tls: ssl.SSLContext, server_name: str, timeout_s: float
) -> Wire:
    """Return a verified connection to *target*, through its proxy where one is in effect.

    Raises:
        OSError: There is none within *timeout_s*, or no trusted one (ssl.SSLError).
    """
    sock = open_connection(target, ctx, timeout_s)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = tls.wrap_socket(sock, server_hostname=server_name)
    except BaseException:
        sock.close()
        raise
    host = f"[{target.host}]" if ":" in target.host else target.host
    wire = Wire(secured, f"{host}:{target.port}")
    ctx.on_abandon(wire.cut)  # the plain socket's own closer lost its descriptor to TLS
    return wire
