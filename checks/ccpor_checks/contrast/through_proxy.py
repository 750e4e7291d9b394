"""The target through the proxy that this workstation's system knows and the profile does not."""

from __future__ import annotations

import socket

from ccpor_checks.base import Context, NotApplicable, Target
from ccpor_checks.contrast.asked import Question
from ccpor_checks.kit.tunnel import (
    AUTHENTICATION_REQUIRED,
    NoReply,
    Proxy,
    ProxyQuestion,
    Reply,
    TunnelRefused,
    ask,
    authority,
    connected_to,
    open_tunnel,
)
from ccpor_reporting.contrasts import WORKS, Contrast


def look(question: Question, ctx: Context) -> Contrast:
    """Return whether the system's proxy lets the target pass: by CONNECT, or HEAD for plain http.

    Raises:
        NotApplicable: The system knows no proxy for the target.
        CannotObserve: It knows one of a kind that this program does not speak.
    """
    target = question.target
    assert target is not None, "the agent plans this with its target"
    proxy = _proxy(target, ctx)
    end = ctx.monotonic() + ctx.remaining(question.seconds) * 0.9
    begun = ctx.monotonic()
    outcome = _outcome(proxy, target, ctx, end)
    ms = round((ctx.monotonic() - begun) * 1000, 3)
    return Contrast(
        kind=question.kind,
        what=question.what,
        outcome=outcome,
        detail=f"the proxy {proxy.url} of this workstation's settings",
        port=proxy.port,
        ms=ms if outcome == WORKS else None,
    )


def _proxy(target: Target, ctx: Context) -> Proxy:
    from ccpor_checks.proxy.choice import decide
    from ccpor_checks.proxy.evidence import ProxyOptions
    from ccpor_checks.proxy.settings import this_system

    decision = decide(target, ProxyOptions(), ctx, this_system())
    for proxy in decision.proxies[:1]:
        if proxy is not None:
            return proxy
    raise NotApplicable("this workstation's system knows no proxy for the target")


def _outcome(proxy: Proxy, target: Target, ctx: Context, end: float) -> str:
    """Return `WORKS`, or why the target is not reached that way."""
    try:
        if target.scheme == "http":
            return _meaning(_head(proxy, target, ctx, end), "HEAD")
        where = authority(target.host, target.port or 443)
        open_tunnel(proxy, where, None, ctx, end)[0].close()
    except TunnelRefused as exc:
        return _meaning(exc.reply, "CONNECT")
    except (TimeoutError, NoReply):
        return "dropped"
    except (socket.gaierror, UnicodeError):
        return "name"
    except ConnectionError:
        return "refused"
    return WORKS


def _head(proxy: Proxy, target: Target, ctx: Context, end: float) -> Reply:
    where = authority(target.host, target.port or 80)
    with connected_to(proxy, ctx, end) as sock:
        question = ProxyQuestion("HEAD", f"http://{where}{target.path or '/'}", where)
        return ask(sock, question, ctx, end)


def _meaning(reply: Reply, method: str) -> str:
    """Return what the proxy's answer says: its own "no", the target's fault, or a way through."""
    from ccpor_checks.proxy.answers import is_denial, unreached

    if reply.status == AUTHENTICATION_REQUIRED:
        return "authentication-required"
    if (beyond := unreached(reply, method)) is not None:
        return beyond.reason
    if is_denial(reply, method) or method == "CONNECT":
        return "denied"
    return WORKS
