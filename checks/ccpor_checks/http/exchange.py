"""One request and its answer, over a connection of its own."""

from __future__ import annotations

import contextlib
import random
import re
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, urlsplit

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.http.body import decoded
from ccpor_checks.http.evidence import Method, Stage, Upload
from ccpor_checks.http.message import Answer, Head
from ccpor_checks.http.wire import CHUNK, ExchangeEnded, Wire, ended_by
from ccpor_checks.kit.connect import connect_any, open_connection, resolve
from ccpor_checks.kit.tunnel import (
    Proxy,
    authority,
    connected_to,
    known_authorization,
    open_through,
    proxy_in_effect,
)
from ccpor_reporting import __version__

DEFAULT_PORTS = {"http": 80, "https": 443}
SYNTHETIC = b"ccpor-check synthetic data; no order and no person in it\n"
REFUSAL = re.compile(rb"HTTP/1\.[0-9] [345][0-9][0-9]")  # a redirect reads no body either
SAFE_IN_PATH = "!$%&'()*+,-./:;=?@_~[]"


TlsWanted = tuple[ssl.SSLContext, str | None]  # the context; the server name of the profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked. `first` is the profile's own request, not one that a redirect led to."""

    method: Method
    url: str
    headers: dict[str, str]
    upload_bytes: int | None = None  # None: no body at all
    first: bool = True

    def parts(self) -> Iterator[bytes]:
        """Yield the body of an upload, `upload_bytes` in all."""
        return synthetic(self.upload_bytes or 0)

    @property
    def host(self) -> str:
        """The Host field: with the port where it is not the scheme's own."""
        split = urlsplit(self.url)
        host = split.hostname or ""
        host = f"[{host}]" if ":" in host else ascii_host(host)
        if split.port not in {None, DEFAULT_PORTS[split.scheme]}:
            host += f":{split.port}"
        return host

    def wanted(self, *, by_proxy: bool = False) -> str:
        """Return the request's target: path and query; the whole URL for a proxy to pass on."""
        split = urlsplit(self.url)
        path = quote(split.path or "/", safe=SAFE_IN_PATH)
        query = f"?{quote(split.query, safe=SAFE_IN_PATH)}" if split.query else ""
        return f"{split.scheme}://{self.host}{path}{query}" if by_proxy else f"{path}{query}"

    def head(self, *, by_proxy: bool = False, proxy_authorization: str | None = None) -> bytes:
        """Return the request's head. One connection a request: `Connection: close`."""
        fields = {
            "Host": self.host,
            "User-Agent": f"ccpor-check/{__version__}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "close",
        }
        if self.upload_bytes is not None:
            fields |= {"Content-Type": "application/octet-stream"}
        own = {name.lower() for name in self.headers}
        fields = {name: value for name, value in fields.items() if name.lower() not in own}
        fields |= self.headers
        if self.upload_bytes is not None or self.method == "POST":
            fields["Content-Length"] = str(self.upload_bytes or 0)
        if proxy_authorization is not None:
            fields["Proxy-Authorization"] = proxy_authorization
        lines = [f"{self.method} {self.wanted(by_proxy=by_proxy)} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode("ascii")


@dataclass(slots=True, kw_only=True)
class Exchange:
    """How far one exchange came; the check writes it down whatever ended it."""

    request: Request
    stage: Stage = "connection"  # where it stands
    address: str | None = None
    head: Head | None = None
    body: bytes | None = None
    body_cut: bool = False
    upload: Upload | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    first_byte_ms: float | None = None
    by_proxy: bool = False  # a proxy passes the request on, and reads it
    proxy_authorization: str | None = field(default=None, repr=False)


def ascii_host(host: str) -> str:
    """Return *host* as it goes onto the wire (A-labels).

    Raises:
        CannotObserve: It is no name.
    """
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise CannotObserve(f'"{host}" is no host name; mend the url') from exc


def synthetic(size: int) -> Iterator[bytes]:
    """Yield *size* bytes that no device on the way can shrink, the same every time."""
    dice = random.Random(size)  # noqa: S311 - filler that repeats, no secret
    left = size
    part = SYNTHETIC
    while left:
        part = part[:left]
        left -= len(part)
        yield part
        part = dice.randbytes(CHUNK)


def converse(
    exchange: Exchange,
    *,
    target: Target,
    tls: Callable[[], TlsWanted],
    ctx: Context,
    end: float,
    directly: bool = False,
) -> None:
    """Do *exchange* until *end* (on `ctx.monotonic`), filling it in as it goes.

    tls: makes what https needs; called for https only. directly: past any proxy.

    Raises:
        ExchangeEnded: It came to no good end; `exchange.stage` says where.
        CannotObserve: TLS does not come about.
    """
    split = urlsplit(exchange.request.url)
    begun = ctx.monotonic()
    wire = _connected(exchange, target, ctx, end, None if directly else proxy_in_effect(ctx))
    try:
        exchange.address, exchange.connect_ms = wire.address, _ms(ctx, begun)
        if split.scheme == "https":
            exchange.stage = "tls"
            shaking = ctx.monotonic()
            context, name = tls()
            wanted = name if exchange.request.first and name else None
            wire.start_tls(context, wanted or ascii_host(split.hostname or ""))
            exchange.tls_ms = _ms(ctx, shaking)
        exchange.stage = "request"
        _send(exchange, wire)
        asked = ctx.monotonic()
        exchange.stage = "head"
        try:
            answer = Answer(wire, exchange.request.method)
        except ExchangeEnded as exc:
            _blame_upload(exchange, wire, exc)
            raise
        finally:
            if wire.first_byte_at is not None:
                exchange.first_byte_ms = round(max(0.0, wire.first_byte_at - asked) * 1000, 3)
        exchange.head, exchange.stage = answer.head, "body"
        exchange.body, exchange.body_cut = decoded(
            answer.body(), answer.head.value("content-encoding")
        )
    finally:
        wire.close()


def _connected(
    exchange: Exchange, target: Target, ctx: Context, end: float, proxy: Proxy | None
) -> Wire:
    """Connect where the tcp check got through; elsewhere, where a redirect leads.

    A proxy in effect for the target is used for what its redirects lead to as well.
    """
    split = urlsplit(exchange.request.url)
    host, port = split.hostname or "", split.port or DEFAULT_PORTS[split.scheme]
    try:
        if proxy is not None and split.scheme == "http":
            exchange.by_proxy = True
            exchange.proxy_authorization = exchange.proxy_authorization or known_authorization(
                proxy, target, ctx
            )
            sock = connected_to(proxy, ctx, end)
        elif proxy is not None:
            sock = open_through(proxy, target, authority(ascii_host(host), port), ctx, end)
        elif (host, port) == (ascii_host(target.host).lower(), target.port):
            sock = open_connection(target, ctx, end - ctx.monotonic())
        else:
            addresses = resolve(ascii_host(host), ctx.remaining(end - ctx.monotonic()))
            sock = connect_any(addresses, port, ctx, end)
    except OSError as exc:
        raise ended_by(exc) from exc
    return Wire(sock, ctx, end)


def _send(exchange: Exchange, wire: Wire) -> None:
    """Send the request; an upload stops where the server refuses it while it is under way."""
    head = exchange.request.head(
        by_proxy=exchange.by_proxy, proxy_authorization=exchange.proxy_authorization
    )
    for start in range(0, len(head), CHUNK):
        wire.write(head[start : start + CHUNK])
        wire.flush()
    if exchange.request.upload_bytes is None:
        return
    asked = exchange.request.upload_bytes
    exchange.upload = upload = Upload(asked_bytes=asked, sent_bytes=0, cut=None)
    sent = 0
    try:
        for part in exchange.request.parts():
            left = part
            while left:
                count = wire.write(left)
                sent, left = sent + count, left[count:]
                wire.read_ahead()
                if REFUSAL.match(wire.buffer):
                    return
        wire.flush()
    except ExchangeEnded as exc:
        if not _answered_nonetheless(wire):
            exchange.upload = _cut(upload, sent, exc)
            raise
    finally:
        if exchange.upload is upload:
            exchange.upload = Upload(asked_bytes=asked, sent_bytes=sent, cut=None)


def _answered_nonetheless(wire: Wire) -> bool:
    """Say whether a refusal came before the connection went: a reset leaves it readable here."""
    with contextlib.suppress(ExchangeEnded):
        wire.read_ahead()
    return bool(REFUSAL.match(wire.buffer))


def _cut(upload: Upload, sent: int, exc: ExchangeEnded) -> Upload:
    failure = "closed" if exc.failure == "malformed" else exc.failure  # nothing was read yet
    return Upload(asked_bytes=upload.asked_bytes, sent_bytes=sent, cut=failure)


def _blame_upload(exchange: Exchange, wire: Wire, exc: ExchangeEnded) -> None:
    """Note the upload as cut where the connection went before a byte of an answer.

    The system takes more bytes than the path has carried: written is not yet arrived. A silence
    while bytes are unacknowledged is the upload's, any other one the server's.
    """
    if exchange.upload is None or wire.first_byte_at is not None:
        return
    if exc.failure in {"closed", "reset"} or (exc.failure == "timeout" and wire.unacknowledged()):
        exchange.upload = _cut(exchange.upload, exchange.upload.sent_bytes, exc)


def following(request: Request, status: int, location: str) -> Request:
    """Return the request that a redirect asks for (RFC 9110, section 15.4)."""
    keeps = status in {307, 308} or request.method in {"GET", "HEAD"}
    return replace(
        request,
        url=location,
        method=request.method if keeps else "GET",
        upload_bytes=request.upload_bytes if keeps else None,
        first=False,
    )


def _ms(ctx: Context, since: float) -> float:
    return round((ctx.monotonic() - since) * 1000, 3)
