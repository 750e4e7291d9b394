"""A proxy's answer read byte for byte: whatever comes, and not a byte of what is the tunnel's."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccpor_checks.base import Context
from ccpor_checks.kit.tunnel import NoReply, ProxyQuestion, ask, read_proxy

ASKED = ProxyQuestion("CONNECT", "h:22", "h:22")


def said(*parts: bytes, ends: bool = True) -> tuple[object, bytes]:
    """Return what `ask` makes of *parts*, sent one by one, and what is left for the tunnel."""
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):

        def send() -> None:
            for part in parts:
                theirs.sendall(part)
            if ends:
                theirs.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        ctx = Context(deadline=time.monotonic() + 5)
        try:
            reply: object = ask(ours, ASKED, ctx, time.monotonic() + 2)
        except (NoReply, TimeoutError) as exc:
            return exc, b""
        finally:
            thread.join()
        ours.settimeout(2)
        rest = b""
        while part := ours.recv(4096):
            rest += part
        return reply, rest


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\n\n", b"\r\nA: b\r\nA: c\r\n\r\n"])
def test_what_the_server_says_first_is_left_for_the_tunnel(end: bytes) -> None:
    """An SSH server speaks before we do: its banner comes in the same packet."""
    reply, rest = said(b"HTTP/1.1 200 OK" + end + b"SSH-2.0-x\r\n")

    assert getattr(reply, "status", None) == 200
    assert rest == b"SSH-2.0-x\r\n"


def test_an_answer_in_pieces_is_one_answer() -> None:
    reply, rest = said(*(bytes([each]) for each in b"HTTP/1.0 407 No\r\nX: y\r\n\r\nbody"))

    assert getattr(reply, "status", None) == 407
    assert rest == b"body"


def test_an_interim_answer_is_passed_over() -> None:
    reply, _ = said(b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")

    assert getattr(reply, "status", None) == 200


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        (b"", "closed"),
        (b"HTTP/1.1 200 OK\r\n", "closed"),
        (b"220 mail ready\r\n", "not-http"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "not-http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "not-http"),
    ],
)
def test_what_is_no_answer_is_told_by_its_kind(sent: bytes, kind: str) -> None:
    raised, _ = said(sent)

    assert getattr(raised, "kind", None) == kind


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_an_answer_or_none(junk: bytes) -> None:
    """A proxy may be anything that listens on that port."""
    raised, _ = said(b"HTTP/1.1 " + junk)

    assert getattr(raised, "kind", None) in {"closed", "not-http"} or (
        100 <= getattr(raised, "status", 0) <= 599
    )


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://p:3128", "http://p:3128"),
        ("p:3128", "http://p:3128"),
        ("http://user:secret@p:3128/", "http://p:3128"),
        ("[2001:db8::5]:8080", "http://[2001:db8::5]:8080"),
    ],
)
def test_a_proxy_is_read_without_its_account(text: str, url: str) -> None:
    assert read_proxy(text).url == url


@pytest.mark.parametrize("text", ["socks5://p:1", "https://p:1", "http://:1", "http://p:0", ""])
def test_what_is_no_http_proxy_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"http proxy|port"):
        read_proxy(text)
