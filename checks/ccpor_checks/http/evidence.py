"""What the `http` check may be asked, and what it saw. The page's text is never kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from ccpor_checks.base import Evidence, Options, Refusal
from ccpor_reporting.rules import Limit

Method = Literal["GET", "HEAD", "OPTIONS", "POST"]
Code = Annotated[int, msgspec.Meta(ge=100, le=599)]
Text = Annotated[str, msgspec.Meta(min_length=1)]
Kilobytes = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Failure = Literal["timeout", "closed", "reset", "malformed"]
Stage = Literal["connection", "tls", "request", "head", "body"]
Refused = Literal["loop", "downgrade", "unreachable"]
SECRETS = frozenset({"authorization", "proxy-authorization", "cookie"})
FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2


class HttpOptions(Options, frozen=True, kw_only=True):
    """`[target.http]`"""

    method: Annotated[
        Method, msgspec.Meta(description='"GET", "HEAD", "OPTIONS" or "POST" with an empty body')
    ] = "GET"
    status: Annotated[
        tuple[Code, ...],
        msgspec.Meta(description="a list of the status codes to accept, e.g. [200]", min_length=1),
    ] = (200,)
    contains: Annotated[
        Text | None, msgspec.Meta(description='a text that the page must hold, e.g. "CCPOR"')
    ] = None
    follow: Annotated[
        bool, msgspec.Meta(description="true to follow redirects, false to report them")
    ] = False
    headers: Annotated[
        dict[str, str],
        msgspec.Meta(
            description='a table of further request headers, e.g. {"Accept-Language" = "en"}; '
            "no secrets"
        ),
    ] = msgspec.field(default_factory=dict)
    max_ms: Annotated[
        Limit,
        msgspec.Meta(
            description="milliseconds until the whole answer is read: one number, or a pair "
            "[warning, blocker], e.g. [1000, 4000]"
        ),
    ] = None
    upload_kb: Annotated[
        Kilobytes | None, msgspec.Meta(description="how many synthetic kB to POST, e.g. 624")
    ] = None
    timeout_s: Annotated[
        float,
        msgspec.Meta(description="seconds the whole exchange may take, e.g. 10", gt=0, le=300),
    ] = 10.0

    def refusals(self) -> Iterator[Refusal]:
        """Yield headers that hold secrets or break the request, and a text no page could hold."""
        for name, value in self.headers.items():
            if wanted := _no_header(name, value):
                yield Refusal(("headers", name), wanted)
        if self.contains is not None and self.method == "HEAD" and self.upload_kb is None:
            wanted = 'leave it out or write method = "GET", HEAD brings no page'
            yield Refusal(("contains",), wanted, beside="method")


def _no_header(name: str, value: str) -> str | None:
    """Return what to write in place of a header, None where it may be sent."""
    if name.lower() in SECRETS:
        return (
            "secrets never stand in a profile, leave this header out and name a file with "
            "a *_file option, e.g. client_key_file in [target.tls]"
        )
    if name.lower() in FRAMING:
        return "leave this header out, the program writes it itself"
    if not TOKEN.fullmatch(name):
        return 'write a header name of letters, digits and hyphens, e.g. "Accept"'
    if not value.isprintable() or not value.isascii():
        return "write one line of plain ASCII text"
    return None


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """One request that was answered by a redirect."""

    url: str  # without query: it may hold what a person typed
    status: int
    location: str  # likewise


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the synthetic bytes. `cut` None: all went out, or an answer refused them."""

    asked_bytes: int
    sent_bytes: int  # taken by this workstation's network stack, not proven to have arrived
    cut: Literal["closed", "reset", "timeout"] | None


class HttpEvidence(Evidence, frozen=True, kw_only=True):
    """One exchange, or a chain of redirects, as far as it came.

    `failure` None: the last answer was read to its end (or to `body_cut`).
    Times are of the last request except `total_ms`, which starts with the first connection.
    """

    url: str  # of the last request, without query
    method: Method
    address: str | None  # that the last request went to; None: no connection
    failure: Failure | None = None
    failed_at: Stage | None = None
    error: str | None = None  # errno or exception class by name; None: none was raised
    detail: str | None = None  # what is malformed
    status: int | None = None  # None: no answer was read
    hops: tuple[Hop, ...] = ()
    redirect: str | None = None  # where the last answer redirects to, without query
    redirect_elsewhere: bool = False  # to another host
    redirect_refused: Refused | None = None  # why it was not followed though that was asked
    left_host: bool = False  # the last answer comes from another host than the one asked
    # server, content-type, content-length, content-encoding
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    body_bytes: int | None = None  # decoded; None: no body was read
    body_sha256: str | None = None  # of the decoded bytes that were read
    body_cut: bool = False  # longer than we read
    text_asked: str | None = None
    text_found: bool | None = None  # None: no text was asked for, or no page was read
    portal_signs: tuple[str, ...] = ()  # of a network that wants a person to sign in first
    sign_in_page: bool = False  # the page asks for a password
    upload: Upload | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None  # from the end of the request to the answer's first byte
    total_ms: float | None = None
