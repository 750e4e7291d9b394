"""A small document over plain HTTP (revocation answers, issuers): bounded in time and size.

No redirect, no TLS: what is fetched is signed, and fetching it over TLS would need the same
question answered again (RFC 5280, 8). It comes through the proxy in effect for the target where
there is one: such networks let nothing else out.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import IO, cast
from urllib.parse import urlsplit

from ccpor_checks.base import Context
from ccpor_checks.kit.connect import connect_any, resolve
from ccpor_checks.kit.tunnel import Proxy, connected_to, proxy_in_effect

MOST_BYTES = 1_000_000


class NotFetched(Exception):
    """The document did not come; the text says why, for people."""


class _Bytes:
    """Received bytes in the shape of the socket that `http.client` reads from."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def makefile(self, _mode: str) -> IO[bytes]:
        return io.BytesIO(self.content)


def fetch(
    url: str, ctx: Context, end: float, *, body: bytes | None = None, kind: str = ""
) -> bytes:
    """Return the document at *url*; with *body*, the answer to that POST of media type *kind*.

    end: on `ctx.monotonic`; name look-up, connection and every byte lie before it.

    Raises:
        NotFetched: Unreachable, too late, too large, not 200, or not HTTP.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError as exc:
        raise NotFetched(f"{url} is no address") from exc
    if parts.scheme != "http" or not parts.hostname:
        raise NotFetched(f"{url} is not http")
    proxy = proxy_in_effect(ctx)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    path = path if proxy is None else f"http://{parts.netloc}{path}"
    lines = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.0", f"Host: {parts.netloc}"]
    lines += ["Accept: */*", "Connection: close"]
    if body is not None:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    try:
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")
        with _connected(parts.hostname, port, proxy, ctx, end) as sock:
            return _document(_exchange(sock, head + (body or b""), ctx, end), url)
    except TimeoutError as exc:
        raise NotFetched(f"{url} gave no answer in time") from exc
    except (OSError, UnicodeError) as exc:
        raise NotFetched(f"{url} cannot be reached ({type(exc).__name__})") from exc


def _connected(
    host: str, port: int, proxy: Proxy | None, ctx: Context, end: float
) -> socket.socket:
    if proxy is not None:
        return connected_to(proxy, ctx, end)
    addresses = resolve(host, max(end - ctx.monotonic(), 0.001))
    return connect_any(addresses, port, ctx, end)


def _exchange(sock: socket.socket, request: bytes, ctx: Context, end: float) -> bytes:
    received = b""
    sock.sendall(request)
    while True:
        left = end - ctx.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        heard = sock.recv(65536)
        received += heard
        if not heard or len(received) > MOST_BYTES + 65536:
            return received


def _document(received: bytes, url: str) -> bytes:
    response = http.client.HTTPResponse(cast("socket.socket", _Bytes(received)))
    try:
        response.begin()
        content = response.read(MOST_BYTES + 1)
    except (http.client.HTTPException, ValueError) as exc:
        raise NotFetched(f"{url} answered with what is no HTTP") from exc
    if response.status != http.HTTPStatus.OK:
        raise NotFetched(f"{url} answered {response.status}")
    if len(content) > MOST_BYTES:
        raise NotFetched(f"{url} is larger than {MOST_BYTES} bytes")
    if response.length:
        raise NotFetched(f"{url} was cut short")
    return content
