"""Whatever a server answers over its channel: an answer, a refusal, or "that is no SFTP"."""

from __future__ import annotations

import contextlib
import struct
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ccpor_checks.sftp.protocol import (
    ATTRS,
    DATA,
    EXTENDED_REPLY,
    HANDLE,
    STATUS,
    VERSION,
    NotSftp,
    Refused,
    Sftp,
)

CALM: dict[str, Any] = {
    "deadline": None,
    "database": None,
    "suppress_health_check": [HealthCheck.too_slow],
}
KNOWN = (NotSftp, Refused, EOFError)
KINDS = st.sampled_from((STATUS, HANDLE, DATA, ATTRS, EXTENDED_REPLY, VERSION, 0, 255))


class Canned:
    """A channel that plays what it was given and then ends."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def recv(self, nbytes: int, /) -> bytes:
        some = self.content[self.position : self.position + nbytes]
        self.position += len(some)
        return some

    def sendall(self, s: bytes, /) -> None:
        """Nobody listens."""


def packet(kind: int, content: bytes) -> bytes:
    return struct.pack("!IB", len(content) + 1, kind) + content


def answered(kind: int, content: bytes, number: int = 1) -> bytes:
    return packet(kind, struct.pack("!I", number) + content)


ASKED = 7  # operations that `use` tries
GREETED = packet(VERSION, struct.pack("!I", 3))


def use(content: bytes) -> int:
    """Ask for everything once; return how often it came to an answer or a known ending."""
    ended = 0
    for ask in (
        lambda sftp: sftp.is_folder("x"),
        lambda sftp: sftp.room("x"),
        lambda sftp: sftp.create("x"),
        lambda sftp: sftp.close(b"h"),
        lambda sftp: sftp.remove("x"),
        lambda sftp: list(sftp.write(b"h", [b"abc"])),
        lambda sftp: list(sftp.read(b"h", 5)),
    ):
        with contextlib.suppress(*KNOWN):
            ask(Sftp(Canned(content)))
        ended += 1
    return ended


@settings(max_examples=300, **CALM)
@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_known_way(content: bytes) -> None:
    assert use(content) == ASKED
    assert use(GREETED + content) == ASKED


@settings(max_examples=400, **CALM)
@given(KINDS, st.binary(max_size=120))
@example(HANDLE, b"")
@example(DATA, b"")
@example(ATTRS, b"\0\0")
@example(ATTRS, struct.pack("!I", 0x07))
@example(STATUS, b"")
def test_any_answer_of_any_kind_ends_in_a_known_way(kind: int, content: bytes) -> None:
    extended = struct.pack("!I", 19) + b"statvfs@openssh.com" + struct.pack("!I", 1) + b"2"
    greeted = packet(VERSION, struct.pack("!I", 3) + extended)
    assert use(greeted + answered(kind, content)) == ASKED


@pytest.mark.parametrize("kind", [HANDLE, DATA, ATTRS])
def test_only_a_status_says_that_something_was_done(kind: int) -> None:
    """A file that may still lie there must not be told as removed."""
    content = GREETED + answered(kind, struct.pack("!I", 0))

    with pytest.raises(NotSftp):
        Sftp(Canned(content)).remove("x")
    with pytest.raises(NotSftp):
        list(Sftp(Canned(content)).write(b"h", [b"abc"]))


def test_answers_to_what_nobody_asked_do_not_pile_up() -> None:
    flood = b"".join(answered(DATA, b"x" * 1000, number) for number in range(100, 400))
    channel = Canned(GREETED + flood)

    with pytest.raises(NotSftp):
        Sftp(channel).remove("x")
    assert channel.position < len(GREETED) + 2000


def test_a_greeting_of_very_many_strings_is_read_at_once() -> None:
    """The time for it must not grow with the square of their number."""
    content = packet(VERSION, struct.pack("!I", 3) + bytes(4 * 250_000))
    begun = time.monotonic()

    Sftp(Canned(content))

    assert time.monotonic() - begun < 5


class HungUp(Canned):
    """A server that spoke and went before the client's first word."""

    def sendall(self, s: bytes, /) -> None:
        raise OSError("Socket is closed")


def test_what_was_said_before_the_end_is_heard() -> None:
    """The words of a forced command tell more than the end that follows them."""
    with pytest.raises(NotSftp):
        Sftp(HungUp(b"Welcome, your home is full\n"))
    with pytest.raises(EOFError):
        Sftp(HungUp(b""))
