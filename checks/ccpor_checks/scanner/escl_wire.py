"""One HTTP exchange with a network scanner: bounded, with a deadline, never to another host."""

from __future__ import annotations

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

from ccpor_checks.base import Context

ASK_S = 8.0
MOST_ANSWER = 1_000_000  # bytes of an XML answer
MOST_PAGE = 100_000_000
PART = 65_536
TLS_PORT = 443


class CutShort(Exception):
    """The scanner ended before what it had announced had come."""


class Mute(TimeoutError):
    """It took the connection and said nothing in time."""


class TooMuch(Exception):
    """The scanner sends more than any answer of its kind has."""


@dataclass(frozen=True, slots=True)
class Answer:
    """status: of HTTP. retry_after_s: what a busy scanner asks for. location: as it came."""

    status: int
    kind: str
    location: str | None
    retry_after_s: float | None
    body: bytes


@dataclass(frozen=True, slots=True)
class Wire:
    """Where a scanner answers. Port 443 speaks TLS; scanners sign their own certificates, so it
    is not verified: nothing secret is sent, and the page is judged here.
    """

    host: str
    port: int

    def ask(
        self,
        method: str,
        path: str,
        ctx: Context,
        *,
        body: bytes | None = None,
        into: Path | None = None,
        at_most_s: float = ASK_S,
    ) -> Answer:
        """Return the answer; a page goes into the file *into*, and `Answer.body` stays empty.

        Raises:
            OSError: No connection, or reset. `Mute`: connected, and nothing came in time.
            CutShort: Less came than was announced, or what came is no HTTP.
            TooMuch: More came than an answer may have.
            TimeoutError: The check's deadline has passed.
        """
        limit_s = ctx.remaining(at_most_s)
        connection = self._connection(limit_s)
        ctx.on_abandon(lambda: _cut(connection))
        fields = {"User-Agent": "ccpor-check", "Connection": "close"}
        if body is not None:
            fields["Content-Type"] = "text/xml"
        try:
            connection.connect()
            try:
                connection.request(method, path, body, fields)
                answer = connection.getresponse()
                came = _read(answer, into, ctx)
            except TimeoutError as exc:
                ctx.remaining()  # raises where it was our own deadline
                raise Mute from exc
        except http.client.HTTPException as exc:
            raise CutShort(type(exc).__name__) from exc
        finally:
            connection.close()
        wait = answer.getheader("Retry-After", "")
        return Answer(
            answer.status,
            answer.getheader("Content-Type", "").partition(";")[0].strip().lower(),
            answer.getheader("Location"),
            float(wait) if wait.isdecimal() else None,
            came,
        )

    def _connection(self, limit_s: float) -> http.client.HTTPConnection:
        if self.port != TLS_PORT:
            return http.client.HTTPConnection(self.host, self.port, timeout=limit_s)
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self.host, self.port, timeout=limit_s, context=trust)


def _cut(connection: http.client.HTTPConnection) -> None:
    import socket

    if connection.sock is not None:
        connection.sock.shutdown(socket.SHUT_RDWR)


def _read(answer: http.client.HTTPResponse, into: Path | None, ctx: Context) -> bytes:
    """Return the body, or write it to *into* where the answer is a page (status 200)."""
    if into is None or answer.status != http.client.OK:
        came = answer.read(MOST_ANSWER + 1)
        if len(came) > MOST_ANSWER:
            raise TooMuch
        return came
    size = 0
    with into.open("wb") as file:
        while part := answer.read(PART):
            ctx.remaining()
            size += len(part)
            if size > MOST_PAGE:
                raise TooMuch
            file.write(part)
    announced = answer.getheader("Content-Length", "")
    if announced.isdecimal() and size < int(announced):
        raise CutShort(f"{size} of {announced} bytes")
    return b""
