"""What the `proxy` check may be asked, and what it saw. No password is ever part of either."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from ccpor_checks.base import Evidence, Options, Refusal

Text = Annotated[str, Meta(min_length=1, max_length=200)]
FileName = Annotated[str, Meta(min_length=1, max_length=4096)]
Mode = Literal["system", "direct", "url", "pac"]
Source = Literal[
    "profile", "environment", "user-settings", "machine-policy", "winhttp", "pac", "none"
]
ReachReason = Literal["refused", "dropped", "name"]
PacReason = Literal["unavailable", "invalid"]
# What came instead of an answer: an end or noise whatever is asked, nothing at all; or only to the
# question about this target: an end (hung-up), or nothing while the proxy answers others (target).
Silence = Literal["closed", "not-http", "nothing", "hung-up", "target"]


class ProxyOptions(Options, frozen=True, kw_only=True):
    """``[target.proxy]``"""

    mode: Mode = "system"
    url: Annotated[
        Text | None, Meta(description='without a password, e.g. "http://proxy.example.org:3128"')
    ] = None
    pac_url: Annotated[Text | None, Meta(description='e.g. "http://wpad.example.org/wpad.dat"')] = (
        None
    )
    username: Text | None = None
    password_file: Annotated[
        FileName | None, Meta(description='a file that holds the password, e.g. "password.txt"')
    ] = None

    def refusals(self) -> Iterator[Refusal]:
        """Yield URLs that are none or left unused by the mode, and what lacks its other half."""
        for key, text in (("url", self.url), ("pac_url", self.pac_url)):
            if text is not None and (wanted := _no_web_url(text)):
                yield Refusal((key,), wanted)
        if self.mode == "url" and self.url is None:
            yield Refusal(("mode",), 'write url = "http://HOST:PORT" beside it', beside="url")
        if self.url is not None and self.mode != "url":
            yield Refusal(("url",), 'write mode = "url" beside it, or leave it out', beside="mode")
        if self.pac_url is not None and self.mode != "pac":
            wanted = 'write mode = "pac" beside it, or leave it out'
            yield Refusal(("pac_url",), wanted, beside="mode")
        if self.username is not None and self.password_file is None:
            wanted = "write the password_file that belongs to it too"
            yield Refusal(("username",), wanted, beside="password_file")
        if self.password_file is not None and self.username is None:
            wanted = "write the username that belongs to it too"
            yield Refusal(("password_file",), wanted, beside="username")


def _no_web_url(text: str) -> str | None:
    """Return what to write in place of *text*, None where it is an http or https URL."""
    if not text.startswith(("http://", "https://")):
        return "write a URL that starts with http:// or https://"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "write http://HOST:PORT with a port from 1 to 65535"
    if parts.username is not None or parts.password is not None:
        return "secrets never stand in a profile, write username and password_file instead"
    if not host or port == 0 or not text.isprintable() or " " in text:
        return "write http://HOST:PORT with one host and a port from 1 to 65535"
    return None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One proxy that was to be used. `reason` None: a connection was made."""

    proxy: str
    reason: ReachReason | None = None
    address: str | None = None  # None: its name has none
    error: str | None = None  # errno or exception class by name; None: none was raised
    ms: float | None = None  # until the connection was made; None: none was


class ProxyEvidence(Evidence, frozen=True, kw_only=True):
    """Which proxy is in effect for this target, and what it says.

    `via`: ``http://host:port``; None: the target is reached directly. `direct` is what a plain
    connection past the proxy met: ``works``, or why not; None: not looked at.
    `unreached_*`: code, reason and words of the target's own fault as the proxy tells it.
    """

    mode: Mode
    source: Source  # who says which proxy to take; "none": nobody does
    via: str | None = None
    address: str | None = None  # of the proxy, as far as a connection was made
    bypassed_by: str | None = None  # the entry that exempts this target from the proxy
    tried: tuple[Tried, ...] = ()
    passed_over: tuple[str, ...] = ()  # offered by a PAC file, of a kind not looked at (SOCKS)
    pac_url: str | None = None
    pac_failure: PacReason | None = None
    pac_detail: str | None = None
    pac_answer: str | None = None  # what FindProxyForURL returned
    pac_sha256: str | None = None  # of the file that was read
    method: Literal["CONNECT", "HEAD"] | None = None  # what the proxy was asked; None: nothing
    status: int | None = None  # its answer, the last one; None: none came
    silence: Silence | None = None  # None: it answered
    is_denial: bool = False  # the answer is the proxy's own "no"
    schemes: tuple[str, ...] = ()  # of signing in, as offered with 407
    scheme_answered: str | None = None  # the one we answered; None: none
    has_account: bool = False  # the profile or the environment names one
    error_sign: str | None = None  # X-Squid-Error or Proxy-Status
    unreached_code: str | None = None
    unreached_reason: str | None = None
    unreached_words: str | None = None
    direct: str | None = None
    direct_address: str | None = None
    answer_ms: float | None = None
