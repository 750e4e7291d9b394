"""One HTTP/1.1 answer read from a wire: status line, header fields, body.

Source: RFC 9112 (sections 4 to 7). Strict where leniency would hide a fault from this check: a
broken length or chunk is `malformed`, an end before the announced length is `closed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ccpor_checks.http.wire import ExchangeEnded, Wire

LONGEST_HEAD = 64 * 1024  # bytes; servers and browsers end at 8 to 256 KiB
MOST_FIELDS = 200
MOST_BODY = 5_000_000  # bytes on the wire that are read before we stop
STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9][0-9])(?: [^\r\n]*)?")
FIELD_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
SWITCHING_PROTOCOLS = 101
BODILESS = frozenset({204, 304})


def malformed(detail: str) -> ExchangeEnded:
    return ExchangeEnded("malformed", detail)


def closed_before(what: str) -> ExchangeEnded:
    return ExchangeEnded("closed", f"the connection was closed before {what}")


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header fields; names in lower case, each with its values in order."""

    status: int
    fields: dict[str, list[str]] = field(default_factory=dict)

    def value(self, name: str) -> str | None:
        """Return the field's values as one (RFC 9110, section 5.3), or None."""
        values = self.fields.get(name)
        return ", ".join(values) if values else None


@dataclass(slots=True)
class _Reader:
    """Lines and counted bytes out of a wire."""

    wire: Wire
    ahead: bytes = b""
    head_bytes: int = 0

    def more(self, what: str) -> None:
        some = self.wire.read()
        if not some:
            raise closed_before(what)
        self.ahead += some

    def line(self, what: str) -> bytes:
        """Return one line without its end; a bare LF ends one too (RFC 9112, section 2.2)."""
        while b"\n" not in self.ahead:
            if len(self.ahead) > LONGEST_HEAD:
                raise malformed(f"a line of more than {LONGEST_HEAD} bytes")
            self.more(what)
        line, _, self.ahead = self.ahead.partition(b"\n")
        self.head_bytes += len(line) + 1
        if self.head_bytes > LONGEST_HEAD:
            raise malformed(f"header fields of more than {LONGEST_HEAD} bytes")
        return line.removesuffix(b"\r")

    def counted(self, size: int) -> Iterator[bytes]:
        left = size
        while left:
            if not self.ahead:
                self.more("the announced length was reached")
            some, self.ahead = self.ahead[:left], self.ahead[left:]
            left -= len(some)
            yield some


class Answer:
    """The final answer on *wire*: `head` first, then `body()`."""

    def __init__(self, wire: Wire, method: str) -> None:
        """Read the head; interim answers (1xx) are passed over.

        Raises:
            ExchangeEnded: Not HTTP, closed, reset, or not in time.
        """
        self._reader, self._method = _Reader(wire), method
        self.head = self._final_head()

    def body(self) -> Iterator[bytes]:
        """Yield the body as it travels: without transfer coding, with its content coding.

        Raises:
            ExchangeEnded: It broke off, or its framing is broken.
        """
        status = self.head.status
        if self._method == "HEAD" or status in BODILESS or status == SWITCHING_PROTOCOLS:
            return
        coding = self.head.value("transfer-encoding")
        if coding is not None:
            if coding.strip().lower() != "chunked":
                raise malformed(f'the transfer coding "{coding[:40]}", which nobody asked for')
            yield from self._chunks()
        elif (length := self._length()) is not None:
            yield from self._reader.counted(length)
        else:
            yield from self._until_end()

    def _final_head(self) -> Head:
        while True:
            head = self._one_head()
            if head.status >= 200 or head.status == SWITCHING_PROTOCOLS:
                return head

    def _one_head(self) -> Head:
        reader = self._reader
        while len(reader.ahead) < 5 and b"HTTP/".startswith(reader.ahead):
            reader.more("an answer came")
        if not reader.ahead.startswith(b"HTTP/"):
            raise malformed("what came is not HTTP")
        line = reader.line("the status line ended")
        matched = STATUS_LINE.fullmatch(line)
        if matched is None:
            raise malformed("the status line is not that of HTTP/1")
        fields: dict[str, list[str]] = {}
        count = 0
        while line := reader.line("the header fields ended"):
            name, colon, value = line.partition(b":")
            if not colon or not FIELD_NAME.fullmatch(name):
                raise malformed("a header field without a name")
            count += 1
            if count > MOST_FIELDS:
                raise malformed(f"more than {MOST_FIELDS} header fields")
            text = value.strip(b" \t").decode("latin-1")
            fields.setdefault(name.decode("ascii").lower(), []).append(text)
        return Head(int(matched[1]), fields)

    def _length(self) -> int | None:
        """Return Content-Length; a repeated equal one is one (RFC 9110, section 8.6)."""
        text = self.head.value("content-length")
        if text is None:
            return None
        values = {part.strip() for part in text.split(",")}
        if len(values) > 1 or not all(v.isascii() and v.isdigit() and len(v) < 16 for v in values):
            raise malformed("Content-Length is not a number")
        return int(values.pop())

    def _chunks(self) -> Iterator[bytes]:
        reader = self._reader
        while True:
            reader.head_bytes = 0
            matched = CHUNK_SIZE.fullmatch(reader.line("the last chunk"))
            if matched is None:
                raise malformed("a chunk without a size")
            size = int(matched[1], 16)
            if not size:
                break
            yield from reader.counted(size)
            if reader.line("the last chunk"):
                raise malformed("a chunk longer than its size")
        while reader.line("the trailer ended"):
            pass

    def _until_end(self) -> Iterator[bytes]:
        reader = self._reader
        while True:
            if reader.ahead:
                some, reader.ahead = reader.ahead, b""
            elif not (some := reader.wire.read()):
                return
            yield some
