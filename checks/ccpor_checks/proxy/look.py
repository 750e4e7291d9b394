"""The look: which proxy, is it there, does it let this target pass, and what is without it."""

from __future__ import annotations

import errno
import queue
import socket
import threading
from dataclasses import dataclass, field
from typing import Any

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.connect import connect_any, resolve
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.kit.proxy_auth import Account, account_for, challenges
from ccpor_checks.kit.tunnel import (
    AUTHENTICATION_REQUIRED,
    NoReply,
    Proxy,
    ProxyQuestion,
    Reply,
    TunnelRefused,
    answer_to,
    ask,
    authority,
    connected_to,
    open_tunnel,
)
from ccpor_checks.proxy.answers import FORBIDDEN, REACH, Unreached, is_denial, sign, unreached
from ccpor_checks.proxy.choice import Decision, decide
from ccpor_checks.proxy.evidence import ProxyEvidence, ProxyOptions, ReachReason, Silence, Tried
from ccpor_checks.proxy.settings import System
from ccpor_reporting.contrasts import WORKS

REACH_S, ANSWER_S, ALIVE_S, DIRECT_S = 3.0, 10.0, 3.0, 3.0
MOST_PROXIES = 3  # of a PAC file's list: a browser's user would have given up as well
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
REFUSALS = (ConnectionRefusedError, ConnectionResetError, ConnectionAbortedError)
Facts = dict[str, Any]


@dataclass(slots=True)
class _Asked:
    """What one proxy was asked and answered."""

    method: str
    reply: Reply | None = None
    silence: Silence | None = None
    scheme: str | None = None
    forbids: bool = False  # an unsigned 403 that is the proxy's own all the same


def look(target: Target, options: ProxyOptions, ctx: Context, system: System) -> ProxyEvidence:
    """Return which proxy is in effect for *target* on a given *system*, and what it says.

    Raises:
        CannotObserve: A kind of proxy that cannot be looked at, an unreadable password file, or no
            connection of any kind can be opened here.
    """
    if not target.host or target.port is None:
        raise CannotObserve(f"{target.url} names no host and port; write both in the target's url")
    decision = decide(target, options, ctx, system)
    facts = _decided(decision, options)
    if not any(decision.proxies):
        return ProxyEvidence(**facts)
    past = _Direct(target, ctx)
    tried, proxy = _first_reached(decision, ctx)
    facts["tried"] = tuple(tried)
    if proxy is not None:
        account = account_for(target, ctx, proxy.host, proxy.port)
        facts |= {"via": proxy.url, "address": proxy.address, "has_account": account is not None}
        begun = ctx.monotonic()
        asked = _asked(target, proxy, account, ctx)
        facts |= _answered(asked)
        if asked.reply is not None:
            facts["answer_ms"] = round((ctx.monotonic() - begun) * 1000, 3)
    elif not _reaches_direct(decision, tried):
        facts["via"] = next(p.url for p in decision.proxies if p is not None)
    facts["direct"], facts["direct_address"] = past.outcome()
    return ProxyEvidence(**facts)


def _decided(decision: Decision, options: ProxyOptions) -> Facts:
    facts: Facts = {
        "mode": options.mode,
        "source": decision.source,
        "bypassed_by": decision.bypassed_by,
        "passed_over": decision.passed_over,
    }
    if (pac := decision.pac) is not None:
        facts |= {
            "pac_url": pac.url or None,
            "pac_failure": pac.failure,
            "pac_detail": pac.detail,
            "pac_answer": pac.answer,
            "pac_sha256": pac.sha256,
        }
    return facts


def _first_reached(decision: Decision, ctx: Context) -> tuple[list[Tried], Proxy | None]:
    """Return what each proxy met until one was reached, and that one with its address."""
    tried: list[Tried] = []
    for proxy in decision.proxies[:MOST_PROXIES]:
        if proxy is None:
            break
        tried.append(_reached(proxy, ctx))
        if tried[-1].reason is None:
            return tried, Proxy(proxy.host, proxy.port, tried[-1].address)
    return tried, None


def _reaches_direct(decision: Decision, tried: list[Tried]) -> bool:
    """Say whether the list goes on with DIRECT where its proxies ended."""
    rest = decision.proxies[len(tried) : MOST_PROXIES]
    return bool(rest) and rest[0] is None


def _reached(proxy: Proxy, ctx: Context) -> Tried:
    begun = ctx.monotonic()
    end = begun + ctx.remaining(REACH_S)
    try:
        addresses = resolve(proxy.host, end - begun)
    except TimeoutError as exc:
        return Tried(proxy=proxy.url, reason="name", error=type(exc).__name__)
    except (OSError, UnicodeError) as exc:
        return Tried(proxy=proxy.url, reason="name", error=type(exc).__name__)
    try:
        with connect_any(addresses, proxy.port, ctx, end) as sock:
            address = str(sock.getpeername()[0])
    except OSError as exc:
        if exc.errno in EXHAUSTED:
            raise CannotObserve(
                f"this workstation could not open a connection ({error_name(exc.errno)}); close "
                "programs that hold many connections and run again"
            ) from exc
        reason: ReachReason = "refused" if isinstance(exc, REFUSALS) else "dropped"
        error = error_name(exc.errno) or type(exc).__name__
        return Tried(proxy=proxy.url, reason=reason, address=addresses[-1], error=error)
    ms = round((ctx.monotonic() - begun) * 1000, 3)
    return Tried(proxy=proxy.url, address=address, ms=ms)


@dataclass(frozen=True, slots=True)
class _Way:
    """A question to one proxy under way; every wait of it ends at *end*."""

    target: Target
    proxy: Proxy
    account: Account | None
    ctx: Context
    end: float


def _asked(target: Target, proxy: Proxy, account: Account | None, ctx: Context) -> _Asked:
    """Ask *proxy* for a way to *target*: CONNECT, or HEAD in absolute form for plain http."""
    asked = _Asked("HEAD" if target.scheme == "http" else "CONNECT")
    way = _Way(target, proxy, account, ctx, ctx.monotonic() + ctx.remaining(ANSWER_S))
    try:
        if asked.method == "HEAD":
            _by_head(asked, way)
        else:
            _by_connect(asked, way)
    except TunnelRefused as exc:
        asked.reply, asked.scheme = exc.reply, exc.scheme
    except TimeoutError:
        asked.silence = "nothing" if _is_silent(proxy, ctx) else "target"
    except NoReply as exc:
        asked.silence = "not-http" if exc.kind == "not-http" else _hung_up(asked, proxy, ctx)
    except OSError:
        asked.silence = _hung_up(asked, proxy, ctx)
    return asked


def _hung_up(asked: _Asked, proxy: Proxy, ctx: Context) -> Silence:
    """Return who ended the connection: a proxy that answers other questions, or no proxy at all.

    To HEAD it may have been the web server behind it: the http check will say.
    """
    try:
        if not _answers(proxy, ctx):
            return "closed"
    except TimeoutError:
        return "closed"
    return "target" if asked.method == "HEAD" else "hung-up"


def _by_connect(asked: _Asked, way: _Way) -> None:
    where = authority(way.target.host, way.target.port or 0)
    sock, asked.scheme = open_tunnel(way.proxy, where, way.account, way.ctx, way.end)
    sock.close()
    asked.reply = Reply(200)


def _by_head(asked: _Asked, way: _Way) -> None:
    where = authority(way.target.host, way.target.port or 80).removesuffix(":80")
    uri = f"http://{where}{way.target.path or '/'}"
    head, authorization = ProxyQuestion("HEAD", uri, where), None
    reply = _said(way, head, None)
    if (answered := answer_to(reply, way.account, "HEAD", uri)) is not None:
        asked.scheme, authorization = answered
        reply = _said(way, head, authorization)
    asked.reply = reply
    if reply.status == FORBIDDEN and sign(reply) is None:
        # whose 403 is it? a proxy answers OPTIONS with Max-Forwards 0 by itself (RFC 9110, 7.6.2)
        own = _said(way, ProxyQuestion("OPTIONS", uri, where), authorization)
        asked.forbids = own.status == FORBIDDEN


def _said(way: _Way, question: ProxyQuestion, authorization: str | None) -> Reply:
    with connected_to(way.proxy, way.ctx, way.end) as sock:
        return ask(sock, question, way.ctx, way.end, authorization)


def _answers(proxy: Proxy, ctx: Context) -> bool:
    """Say whether *proxy* answers a question about itself.

    Raises:
        TimeoutError: Nothing came.
    """
    end = ctx.monotonic() + ctx.remaining(ALIVE_S)
    try:
        with connected_to(proxy, ctx, end) as sock:
            ask(sock, ProxyQuestion("OPTIONS", "*", proxy.host), ctx, end)
    except TimeoutError:
        raise
    except OSError:
        return False
    return True


def _is_silent(proxy: Proxy, ctx: Context) -> bool:
    try:
        _answers(proxy, ctx)
    except TimeoutError:
        return True
    return False


def _answered(asked: _Asked) -> Facts:
    facts: Facts = {
        "method": asked.method,
        "silence": asked.silence,
        "scheme_answered": asked.scheme,
    }
    reply, beyond = asked.reply, None
    if reply is not None and asked.silence is None:
        offered = challenges(reply.fields.get("proxy-authenticate", ()))
        is_asking = reply.status == AUTHENTICATION_REQUIRED
        facts |= {
            "status": reply.status,
            "is_denial": asked.forbids or is_denial(reply, asked.method),
            "schemes": tuple(dict.fromkeys(o.scheme for o in offered)) if is_asking else (),
            "error_sign": sign(reply),
        }
        beyond = unreached(reply, asked.method)
    elif asked.silence == "target" and asked.method == "CONNECT":
        beyond = Unreached(REACH, "dropped", "gets no answer from it")
    if beyond is not None:
        facts |= {
            "unreached_code": beyond.code,
            "unreached_reason": beyond.reason,
            "unreached_words": beyond.words,
        }
    return facts


@dataclass(slots=True)
class _Direct:
    """A short connection past the proxy, under way beside the look; nothing is sent over it."""

    target: Target
    ctx: Context
    _said: queue.SimpleQueue[tuple[str, str | None]] = field(default_factory=queue.SimpleQueue)
    _end: float = 0.0

    def __post_init__(self) -> None:
        self._end = self.ctx.monotonic() + self.ctx.remaining(DIRECT_S)
        threading.Thread(target=self._try, name="past the proxy", daemon=True).start()

    def outcome(self) -> tuple[str, str | None]:
        """Return ``works`` or the reason, and the address."""
        try:
            return self._said.get(timeout=max(self._end + 0.5 - self.ctx.monotonic(), 0.001))
        except queue.Empty:
            return "dropped", None

    def _try(self) -> None:
        from ccpor_checks.tcp.errors import reason_of

        address = None
        try:
            addresses = resolve(self.target.host, self._end - self.ctx.monotonic())
            address = addresses[0]
            with connect_any(addresses, self.target.port or 0, self.ctx, self._end) as sock:
                self._said.put((WORKS, str(sock.getpeername()[0])))
        except (socket.gaierror, UnicodeError):
            self._said.put(("name", None))
        except TimeoutError:
            self._said.put(("dropped" if address else "name", address))
        except OSError as exc:
            reason = reason_of(exc.errno or 0, None, address or "") or "dropped"
            self._said.put((reason, address))
