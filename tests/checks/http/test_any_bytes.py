"""Whatever bytes come back, the reader ends with an answer or with one of its four reasons."""

from __future__ import annotations

import gzip
import socket
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ccpor_checks.base import Context
from ccpor_checks.http.body import decoded, holds, text_of
from ccpor_checks.http.message import Answer
from ccpor_checks.http.portal import read_page, signs_in
from ccpor_checks.http.wire import ExchangeEnded, Wire

SOUND = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 103 X\r\n\r\nHTTP/1.0 404 Not Found\r\nContent-Type: text/html; charset=utf-16\r\n\r\nhi",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"hello" * 20, mtime=0),
    b"HTTP/1.1 302 X\r\nLocation: //[x\r\nContent-Length: 0\r\n\r\n",
)
CALM: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}


REASONS = {"timeout", "closed", "reset", "malformed"}


def known(failure: str) -> str:
    assert failure in REASONS, "a reason that the catalogue does not have"
    return failure


def read(wire_bytes: bytes) -> str:
    """Return the text of the answer that *wire_bytes* is, or the reason why it is none."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(wire_bytes)
        there.shutdown(socket.SHUT_WR)
        context = Context(deadline=time.monotonic() + 5)
        try:
            answer = Answer(Wire(here, context, context.deadline), "GET")
            body, _ = decoded(answer.body(), answer.head.value("content-encoding"))
        except ExchangeEnded as exc:
            return known(exc.failure)
    text = text_of(body, answer.head.value("content-type"))
    signs_in(answer.head.status, text, read_page(text), "http://x/")
    holds(text, "x")
    return text


@settings(max_examples=300, **CALM)
@given(st.binary(max_size=400))
@example(b"")
@example(b"HTTP/")
def test_any_bytes_end_in_an_answer_or_a_reason(wire_bytes: bytes) -> None:
    """Anything may sit on port 80: a crash here would be read as a fault of the network."""
    assert isinstance(read(wire_bytes), str)


@settings(max_examples=600, **CALM)
@given(
    st.sampled_from(SOUND),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 3), st.binary(max_size=3)), max_size=4),
)
def test_a_damaged_answer_ends_in_an_answer_or_a_reason(
    sound: bytes, damages: list[tuple[int, int, bytes]]
) -> None:
    """Near misses reach further into the reader than noise does."""
    damaged = bytearray(sound)
    for at, removed, inserted in damages:
        damaged[at : at + removed] = inserted
    assert isinstance(read(bytes(damaged)), str)


@pytest.mark.parametrize(
    ("wire_bytes", "text"),
    [(SOUND[0], "hello"), (SOUND[3], "hello" * 20)],
    ids=["by length", "by gzip"],
)
def test_the_undamaged_answers_are_read(wire_bytes: bytes, text: str) -> None:
    """Negative control: the two tests above would pass on a reader that refuses everything."""
    assert read(wire_bytes) == text


def test_a_page_made_to_be_slow_is_read_at_once() -> None:
    """A page of half a megabyte that never ends a tag must not hold the check."""
    started = time.monotonic()
    for piece in ("<form ", "<input a=", "<meta a='", "<!--", "<![x[", "<input " + "a=b " * 20):
        read_page(piece * 60_000)

    assert time.monotonic() - started < 5
