"""The way through an HTTP proxy: CONNECT, and what a proxy's answer says about the target.

Source: RFC 9110 sections 9.3.6 (CONNECT) and 15.5.8 (407); RFC 9209 (Proxy-Status). Squid names its
own errors in ``X-Squid-Error``.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ccpor_checks.base import Context, NotApplicable, Target, TargetFailed
from ccpor_checks.kit.connect import connect_any, resolve
from ccpor_checks.kit.proxy_auth import Account, account_for, answer, basic, challenges

LONGEST_HEAD = 64 * 1024
DEFAULT_PORT = 80
STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] ([1-5][0-9][0-9])(?:[ \r\n]|\Z)")
AUTHENTICATION_REQUIRED = 407


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: `address` is the one that the `proxy` check reached, None before that."""

    host: str
    port: int
    address: str | None = None

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the proxy answered; field names in lower case."""

    status: int
    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return 200 <= self.status < 300

    def value(self, name: str) -> str | None:
        values = self.fields.get(name)
        return ", ".join(values) if values else None


class NoReply(ConnectionError):
    """The proxy's connection ended without an answer; `kind`: closed, or not-http."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"the proxy gave no answer ({kind})")
        self.kind = kind


class TunnelRefused(ConnectionError):
    """The proxy gave no way to the target.

    reply: what it answered instead. scheme: the one by which we signed in; None: we did not.
    """

    def __init__(self, proxy: Proxy, reply: Reply, scheme: str | None) -> None:
        super().__init__(f"the proxy {proxy.url} answered {reply.status}")
        self.reply, self.scheme = reply, scheme


def read_proxy(text: str) -> Proxy:
    """Return the proxy written as ``http://host:port``, ``host:port`` or ``host``; no secret in it.

    Raises:
        ValueError: No host, a port that is none, or a kind of proxy that is not HTTP.
    """
    parts = urlsplit(text if "://" in text else f"http://{text}")
    host = parts.hostname
    if parts.scheme != "http" or not host or not host.isprintable() or parts.port == 0:
        raise ValueError("not an http proxy")
    return Proxy(host, parts.port or DEFAULT_PORT)


def proxy_in_effect(ctx: Context) -> Proxy | None:
    """Return the proxy that stands before this target, as its `proxy` check found; None: none."""
    evidence = ctx.earlier.get("proxy")
    via: str | None = getattr(evidence, "via", None)
    if via is None:
        return None
    proxy = read_proxy(via)
    return Proxy(proxy.host, proxy.port, getattr(evidence, "address", None))


def leave_to_proxy(target: Target, ctx: Context, check: str) -> None:
    """End *check* (``dns`` or ``tcp``) where a proxy looks the target up and connects in its place.

    Raises:
        TargetFailed: The proxy said that it did not get there, and why.
        NotApplicable: It got there, or did not say.
    """
    proxy = proxy_in_effect(ctx)
    if proxy is None:
        return
    code: str = getattr(ctx.earlier["proxy"], "unreached_code", None) or ""
    reason: str = getattr(ctx.earlier["proxy"], "unreached_reason", None) or ""
    if code.startswith(f"{check}.") and reason:
        words = getattr(ctx.earlier["proxy"], "unreached_words", None) or f"says {reason}"
        seen = {"host": target.host, "port": target.port, "via": proxy.url}
        raise TargetFailed(code, reason, f"the proxy {proxy.url} {words}", seen)
    does = "looks the name up" if check == "dns" else "makes the connection"
    raise NotApplicable(f"goes through the proxy {proxy.url}, which {does}")


def authority(host: str, port: int) -> str:
    """Return what CONNECT asks for: host and port, always both."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def connected_to(proxy: Proxy, ctx: Context, end: float) -> socket.socket:
    """Return a socket connected to *proxy* itself; giving the check up closes it.

    Raises:
        OSError: As `connect_any` and `resolve`.
    """
    known = (proxy.address,) if proxy.address else resolve(proxy.host, _left(ctx, end))
    sock = connect_any(known, proxy.port, ctx, end)
    ctx.on_abandon(lambda: sock.shutdown(socket.SHUT_RDWR))
    return sock


@dataclass(frozen=True, slots=True)
class ProxyQuestion:
    """One request without a body: method, target and Host as they go onto the wire."""

    method: str
    uri: str
    host: str

    def head(self, authorization: str | None) -> bytes:
        lines = [f"{self.method} {self.uri} HTTP/1.1", f"Host: {self.host}"]
        lines.append("User-Agent: ccpor-check")
        if authorization is not None:
            lines.append(f"Proxy-Authorization: {authorization}")
        if self.method == "OPTIONS":
            lines.append("Max-Forwards: 0")
        if self.method != "CONNECT":
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("ascii", "replace")


def ask(
    sock: socket.socket,
    question: ProxyQuestion,
    ctx: Context,
    end: float,
    authorization: str | None = None,
) -> Reply:
    """Send *question* and return the head of its answer, and not a byte more.

    Raises:
        TimeoutError: Not before *end*, on `ctx.monotonic`.
        NoReply: Closed without an answer, or an answer that is no HTTP.
        OSError: The connection's own error.
    """
    sock.settimeout(_left(ctx, end))
    sock.sendall(question.head(authorization))
    while True:
        reply = _reply(_head(sock, ctx, end))
        if reply.status >= 200 or reply.status == 101:
            return reply


def open_tunnel(
    proxy: Proxy, where: str, account: Account | None, ctx: Context, end: float
) -> tuple[socket.socket, str | None]:
    """Return a connection to *where* (see `authority`) and the scheme that let us in.

    A 407 is answered once where *account* and a scheme of ours fit.

    Raises:
        TunnelRefused: The proxy answered anything but 2xx.
        TimeoutError, OSError: As `ask` and `connected_to`.
    """
    question = ProxyQuestion("CONNECT", where, where)
    authorization = scheme = None
    for _ in range(2):
        sock = connected_to(proxy, ctx, end)
        try:
            reply = ask(sock, question, ctx, end, authorization)
            if reply.is_open:
                sock.settimeout(_left(ctx, end))
                return sock, scheme
        except BaseException:
            sock.close()
            raise
        sock.close()
        answered = answer_to(reply, account, "CONNECT", where)
        if answered is None or authorization is not None:
            break
        scheme, authorization = answered
    raise TunnelRefused(proxy, reply, scheme)


def answer_to(
    reply: Reply, account: Account | None, method: str, uri: str
) -> tuple[str, str] | None:
    """Return scheme and ``Proxy-Authorization`` for a 407; None where there is no answer."""
    if reply.status != AUTHENTICATION_REQUIRED or account is None:
        return None
    return answer(account, challenges(reply.fields.get("proxy-authenticate", ())), method, uri)


def known_authorization(proxy: Proxy, target: Target, ctx: Context) -> str | None:
    """Return ``Proxy-Authorization`` where the `proxy` check signed in by Basic, else None.

    Digest answers one question only: it waits for its own 407.
    """
    if getattr(ctx.earlier.get("proxy"), "scheme_answered", None) != "Basic":
        return None
    account = account_for(target, ctx, proxy.host, proxy.port)
    return basic(account) if account is not None else None


def open_through(
    proxy: Proxy, target: Target, where: str, ctx: Context, end: float
) -> socket.socket:
    """Return a connection to *where* (see `authority`), with the proxy account of *target*.

    Raises:
        OSError: `TunnelRefused` among them.
    """
    account = account_for(target, ctx, proxy.host, proxy.port)
    return open_tunnel(proxy, where, account, ctx, end)[0]


def _left(ctx: Context, end: float) -> float:
    left = end - ctx.monotonic()
    if left <= 0:
        raise TimeoutError("no time left for the proxy")
    return ctx.remaining(left)


def _head(sock: socket.socket, ctx: Context, end: float) -> bytes:
    """Return one head up to its empty line; what follows, the tunnel's own bytes, stays unread."""
    head = b""
    while True:
        sock.settimeout(_left(ctx, end))
        try:
            seen = sock.recv(4096, socket.MSG_PEEK)
        except (ConnectionResetError, ConnectionAbortedError) as exc:
            raise NoReply("closed") from exc
        if not seen:
            raise NoReply("closed" if not head or _may_be_http(head) else "not-http")
        whole = head + seen
        if not _may_be_http(whole):
            raise NoReply("not-http")
        stop = re.search(rb"\r?\n\r?\n", whole)
        take = stop.end() - len(head) if stop else len(seen)
        head += sock.recv(take)
        if stop:
            return head
        if len(head) > LONGEST_HEAD:
            raise NoReply("not-http")


def _may_be_http(head: bytes) -> bool:
    return head.startswith(b"HTTP/1.") or b"HTTP/1.".startswith(head)


def _reply(head: bytes) -> Reply:
    matched = STATUS_LINE.match(head)
    if matched is None:
        raise NoReply("not-http")
    fields: dict[str, tuple[str, ...]] = {}
    for line in head.decode("latin-1").splitlines()[1:]:
        name, colon, value = line.partition(":")
        if colon:
            key = name.strip().lower()
            fields[key] = (*fields.get(key, ()), value.strip())
    return Reply(int(matched[1]), fields)
