"""Servers that never stop sending: each look ends in time and keeps no more than its share."""

from __future__ import annotations

import contextlib
import gzip
import resource
import socket
import threading
from collections.abc import Iterator

import pytest

from ccpor_checks import gateway, http
from ccpor_checks.base import Target
from ccpor_checks.http.body import text_of
from tests.checks.looking import looked

OK = b"HTTP/1.1 200 OK\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\n\r\n"
STARTS: dict[str, tuple[bytes, bytes]] = {
    "noise behind the end of the content": (GZIPPED + gzip.compress(b"hi"), b"x" * 65_536),
    "content of nothing": (GZIPPED + gzip.compress(b"")[:10], b"\0\0\0\xff\xff" * 13_000),
    "chunks of one byte": (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "header fields": (OK, b"X-A: b\r\n" * 1000),
    "one line": (OK + b"X-A: ", b"a" * 65_536),
}
PATIENCE_S = 0.8
ENOUGH_S = 8.0  # a busy machine; without an end it would be for ever


@contextlib.contextmanager
def endless(start: bytes, more: bytes) -> Iterator[Target]:
    """Serve *start* and then *more* again and again, to each connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.recv(65_536)
            client.sendall(start)
            while True:
                client.sendall(more)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    try:
        yield Target(id="t", url=url, scheme="http", host="127.0.0.1", port=port, path="/")
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.mark.parametrize("name", sorted(STARTS))
def test_a_server_that_never_stops_costs_its_time_and_no_memory(name: str) -> None:
    """Bytes that keep coming without a pause once kept the look beyond its end."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with endless(*STARTS[name]) as target:
        page = looked(http.CHECK, target, {"timeout_s": PATIENCE_S})
        echo = looked(gateway.CHECK, target, {"timeout_s": PATIENCE_S, "echoes": 1})

    assert page.seconds < ENOUGH_S
    assert echo.seconds < ENOUGH_S
    assert echo.failed & {"gateway.echo/bad-answer", "gateway.echo/timeout"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kB


@pytest.mark.parametrize("name", ["punycode", "idna", "unicode_escape", "undefined", "rot13", "x"])
def test_a_charset_that_is_none_of_the_web_is_read_as_utf_8(name: str) -> None:
    """To undo punycode takes time that grows with the square of the page."""
    page = "Zeugnisverweigerung für \\u0041".encode()

    assert text_of(page, f"text/html; charset={name}") == page.decode()
