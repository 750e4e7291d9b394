"""The look: one request, the redirects it meets, and what the last page is."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.http.body import holds, text_of
from ccpor_checks.http.evidence import Hop, HttpEvidence, HttpOptions, Method, Refused
from ccpor_checks.http.exchange import (
    DEFAULT_PORTS,
    Exchange,
    Request,
    ascii_host,
    following,
)
from ccpor_checks.http.line import SECURE, Broken, Line
from ccpor_checks.http.message import Head
from ccpor_checks.http.portal import (
    host_of,
    is_elsewhere,
    is_own_sign_in,
    joined,
    leads_to_sign_in,
    read_page,
    signs_in,
)

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 10
PEEK_S = 3.0  # for a redirect that nobody asked to follow
KEPT_FIELDS = ("server", "content-type", "content-length", "content-encoding")


@dataclass(slots=True)
class _Browsing:
    """The way through the redirects."""

    target: Target
    options: HttpOptions
    ctx: Context
    line: Line
    end: float = 0.0  # on the context's clock: no exchange goes on beyond it
    hops: list[Hop] = field(default_factory=list)
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)  # by host; never kept
    seen: set[tuple[str, str, str]] = field(default_factory=set)
    refused: Refused | None = None

    def ask(self, request: Request, end: float | None = None) -> Exchange:
        """Do one exchange, with the cookies of its host.

        Raises:
            Broken: It came to no good end; it says how far it came.
        """
        jar = self.cookies.get(host_of(request.url), {})
        sent = request
        if jar:
            text = "; ".join(f"{name}={value}" for name, value in jar.items())
            sent = replace(request, headers={**request.headers, "Cookie": text})
        return self.line.ask(sent, self.end if end is None else end)

    def follow(self, exchange: Exchange) -> Request | None:
        """Return the next request, or None where the way ends; `refused` then says why."""
        location = redirect_of(exchange)
        if location is None or not self.options.follow or is_listed(exchange, self.options):
            return None
        assert exchange.head is not None
        self.keep_cookies(exchange)
        request = following(exchange.request, exchange.head.status, location)
        request = replace(request, headers=self.options.headers)
        step = (request.method, location, repr(self.cookies.get(host_of(location)) or None))
        if not is_web(location):
            self.refused = "unreachable"
        elif exchange.request.url.startswith("https:") and location.startswith("http:"):
            self.refused = "downgrade"
        elif step in self.seen or len(self.hops) >= MOST_REDIRECTS:
            self.refused = "loop"
        if self.refused:
            return None
        self.seen.add(step)
        self.hops.append(
            Hop(
                url=shown(exchange.request.url),
                status=exchange.head.status,
                location=shown(location),
            )
        )
        return request

    def keep_cookies(self, exchange: Exchange) -> None:
        """Keep cookies for this look alone: many applications redirect until one comes back."""
        assert exchange.head is not None
        jar = self.cookies.setdefault(host_of(exchange.request.url), {})
        for line in exchange.head.fields.get("set-cookie", []):
            name, equals, value = line.partition(";")[0].partition("=")
            if equals and name.strip() and value.isascii() and value.isprintable():
                jar[name.strip()] = value.strip()


def run(target: Target, options: HttpOptions, ctx: Context) -> HttpEvidence:
    """Ask *target* for its page, and return what came.

    Raises:
        CannotObserve: No TLS session comes about, or the profile's url cannot be asked.
    """
    way = _Browsing(target, options, ctx, Line(target, ctx))
    begun = ctx.monotonic()
    way.end = begun + ctx.remaining(options.timeout_s)
    uploads = options.upload_kb is not None
    method: Method = "POST" if uploads else options.method
    request = Request(
        method=method,
        url=url_of(target),
        headers=options.headers,
        upload_bytes=(options.upload_kb or 0) * 1000 if uploads else None,
    )
    way.seen.add((request.method, request.url, "None"))
    ended: Broken | None = None
    try:
        exchange = way.ask(request)
        while (further := way.follow(exchange)) is not None:
            there = _beyond(way, further)
            if there is None:
                break
            exchange = there
    except Broken as exc:
        ended, exchange = exc, exc.exchange
    total_ms = round((ctx.monotonic() - begun) * 1000, 3)
    return _evidence(way, exchange, ended, total_ms)


def _beyond(way: _Browsing, further: Request) -> Exchange | None:
    """Return what a redirect led to; None where it leads to no server, which `refused` then says.

    Raises:
        Broken: A server is there, and its answer came to no good end; or the time was over.
    """
    try:
        return way.ask(further)
    except CannotObserve:
        pass  # no address, or no TLS that this workstation trusts
    except Broken as exc:
        if exc.exchange.stage not in {"connection", "tls"} or way.ctx.monotonic() >= way.end:
            raise
    way.refused = "unreachable"
    way.hops.pop()
    return None


def url_of(target: Target) -> str:
    """Return the url to ask, with the host and port of *target*."""
    scheme = "https" if target.scheme in SECURE else "http"
    host = f"[{target.host}]" if ":" in target.host else ascii_host(target.host)
    port = "" if target.port in {None, DEFAULT_PORTS[scheme]} else f":{target.port}"
    path = target.path.partition("#")[0]
    return f"{scheme}://{host}{port}{path if path.startswith('/') else '/' + path}"


def shown(url: str) -> str:
    """Return *url* as it may be kept: without user, parameters, query and fragment."""
    try:
        split = urlsplit(url)
    except ValueError:
        return ""
    host = split.netloc.rpartition("@")[2]
    path = re.sub(";[^/]*", "", split.path)  # ";jsessionid=…"
    return f"{split.scheme}://{host}{path}" if host else path


def redirect_of(exchange: Exchange) -> str | None:
    """Return where the answer redirects to, absolute where it is a URL; None: nowhere."""
    head = exchange.head
    location = head.fields.get("location") if head and head.status in REDIRECTS else None
    if not location:
        return None
    return joined(exchange.request.url, location[0]).partition("#")[0]


def is_web(url: str) -> bool:
    """Say whether *url* can be asked for by HTTP."""
    try:
        split = urlsplit(url)
        return split.scheme in DEFAULT_PORTS and bool(split.hostname) and split.port != 0
    except ValueError:
        return False


def is_listed(exchange: Exchange, options: HttpOptions) -> bool:
    return exchange.head is not None and exchange.head.status in options.status


def _evidence(
    way: _Browsing, exchange: Exchange, ended: Broken | None, total_ms: float
) -> HttpEvidence:
    url, head, body = exchange.request.url, exchange.head, exchange.body
    redirect = redirect_of(exchange)
    elsewhere = redirect is not None and is_elsewhere(url, redirect)
    page = _read(way, exchange) if ended is None else _Read()
    if elsewhere and redirect and ended is None and not is_listed(exchange, way.options):
        page.signs += _sign_in_behind(way, url, redirect)
    return HttpEvidence(
        url=shown(url),
        method=exchange.request.method,
        address=exchange.address,
        failure=ended.cause.failure if ended else None,
        failed_at=exchange.stage if ended else None,
        error=ended.cause.error if ended else None,
        detail=ended.cause.detail if ended else None,
        status=head.status if head else None,
        hops=tuple(way.hops),
        redirect=shown(redirect) if redirect is not None else None,
        redirect_elsewhere=elsewhere,
        redirect_refused=way.refused,
        left_host=is_elsewhere(url_of(way.target), url),
        headers=_kept(head),
        body_bytes=None if body is None else len(body),
        body_sha256=None if body is None else hashlib.sha256(body).hexdigest(),
        body_cut=exchange.body_cut,
        text_asked=way.options.contains,
        text_found=page.text_found,
        portal_signs=page.signs,
        sign_in_page=page.asks_password,
        upload=exchange.upload,
        connect_ms=exchange.connect_ms,
        tls_ms=exchange.tls_ms,
        first_byte_ms=exchange.first_byte_ms,
        total_ms=total_ms,
    )


def _kept(head: Head | None) -> dict[str, str]:
    """Return the fields that say what answered; no control characters, which could draw."""
    found = {name: head.value(name) for name in KEPT_FIELDS} if head else {}
    return {
        name: "".join(filter(str.isprintable, value[:200]))
        for name, value in found.items()
        if value is not None
    }


@dataclass(slots=True)
class _Read:
    """What was read out of the last page."""

    text_found: bool | None = None
    signs: tuple[str, ...] = ()
    asks_password: bool = False  # and is not the target's own sign-in page


def _read(way: _Browsing, exchange: Exchange) -> _Read:
    head, body, wanted = exchange.head, exchange.body, way.options.contains
    if head is None or body is None:
        return _Read()
    text = text_of(body, head.value("content-type"))
    page = read_page(text)
    url = exchange.request.url
    own = not is_elsewhere(url_of(way.target), url) and is_own_sign_in(url, page)
    return _Read(
        text_found=None if wanted is None else holds(text, wanted),
        signs=signs_in(head.status, text, page, url),
        asks_password=page.password_form and not own,
    )


def _sign_in_behind(way: _Browsing, url: str, location: str) -> tuple[str, ...]:
    """Return the sign that *location*, on another host, is a sign-in page: by its form or content.

    Nothing but a plain GET goes there: no cookie, no header of the profile.
    """
    if leads_to_sign_in(url, location):
        return ("redirect-to-sign-in",)
    if not is_web(location):
        return ()
    left = min(PEEK_S, way.end - way.ctx.monotonic())
    if left <= 0:
        return ()
    peek = Request(method="GET", url=location, headers={}, first=False)
    try:
        there = way.ask(peek, end=way.ctx.monotonic() + left)
    except (Broken, CannotObserve):  # then it is no sign-in page that anybody could use
        return ()
    if there.head is None or there.body is None:
        return ()
    text = text_of(there.body, there.head.value("content-type"))
    page = read_page(text)
    if page.password_form or signs_in(there.head.status, text, page, location):
        return ("redirect-to-sign-in",)
    return ()
