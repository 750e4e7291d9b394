"""The file that chooses the proxy (PAC): fetched, run within a deadline, its answer read.

Source: the Netscape/Chromium conventions for proxy auto-config; the WPAD draft
(draft-ietf-wrec-wpad-01) for ``http://wpad.SUFFIX/wpad.dat``, by DNS only.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.connect import resolve
from ccpor_checks.kit.tunnel import Proxy, read_proxy
from ccpor_checks.proxy.evidence import PacReason

FETCH_S, RUN_S, WPAD_S = 5.0, 8.0, 1.0  # running: a busy workstation starts a process in 2 s
CHILD = Path(__file__).with_name("pac_child.py")
MOST_BYTES = 1_000_000
MOST_WPAD_NAMES, MOST_WPAD_FOUND = 4, 2
DIRECT = "DIRECT"
KINDS = {
    "PROXY": True,
    "HTTP": True,
    "HTTPS": False,
    "SOCKS": False,
    "SOCKS4": False,
    "SOCKS5": False,
}
KEPT_VARIABLES = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "PYTHONPATH", "LANG", "WINEPREFIX")


class PacFault(Exception):
    """The PAC file is of no use; `reason` is one of ``proxy.pac``."""

    def __init__(self, reason: PacReason, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True, slots=True)
class Choice:
    """What a PAC file says, in order; None stands for DIRECT."""

    proxies: tuple[Proxy | None, ...]
    passed_over: tuple[str, ...] = ()


def fetch(url: str, target: Target, ctx: Context) -> bytes:
    """Return the PAC file at *url*, asked for directly: no proxy, no redirect.

    Raises:
        PacFault: ``unavailable``.
    """
    from ccpor_checks.http.exchange import Exchange, Request, TlsWanted, converse
    from ccpor_checks.http.wire import ExchangeEnded

    def tls() -> TlsWanted:
        from ccpor_checks.tls.evidence import TlsOptions
        from ccpor_checks.tls.store import OFFER_USUAL, read_trust

        context = read_trust(TlsOptions(), ctx).context(OFFER_USUAL, verify=True)
        context.check_hostname = True
        own: Any = target.options.get("tls")
        if getattr(own, "ca_file", None):  # the court's own authority may have signed this, too
            context.load_verify_locations(cadata=b"".join(read_trust(own, ctx).roots()))
        return context, None

    if not url.lower().startswith(("http://", "https://")):
        raise PacFault("unavailable", f"{shown(url)} is not read by today's browsers; use http://")
    exchange = Exchange(request=Request(method="GET", url=url, headers={}, first=False))
    nobody = Target(id=target.id, url=url, scheme="http")
    try:
        end = ctx.monotonic() + ctx.remaining(FETCH_S)
        converse(exchange, target=nobody, tls=tls, ctx=ctx, end=end, directly=True)
    except ExchangeEnded as exc:
        error = f", {exc.error}" if exc.error else ""
        raise PacFault(
            "unavailable", f"{shown(url)} is not to be had ({exc.failure}{error})"
        ) from exc
    except CannotObserve as exc:
        raise PacFault("unavailable", f"{shown(url)} is not to be had: {exc}") from exc
    assert exchange.head is not None
    if exchange.head.status != 200:
        raise PacFault("unavailable", f"{shown(url)} answers {exchange.head.status}")
    body = exchange.body or b""
    if exchange.body_cut or len(body) > MOST_BYTES:
        raise PacFault("invalid", f"{shown(url)} is larger than {MOST_BYTES} bytes")
    return body


def run(script: bytes, target: Target, ctx: Context) -> str:
    """Return what the PAC file answers for *target*'s URL.

    Raises:
        PacFault: ``invalid``: no JavaScript, no FindProxyForURL, an error, no end, no text.
        CannotObserve: No process can be started for it here.
    """
    host = f"[{target.host}]" if ":" in target.host else target.host
    scheme = "http" if target.scheme == "http" else "https"
    default = 80 if scheme == "http" else 443
    port = "" if target.port in {None, default} else f":{target.port}"
    # as browsers do: of an https URL a PAC file sees the host alone
    path = (target.path or "/") if scheme == "http" else "/"
    asked = {
        "pac": text_of(script),
        "url": f"{scheme}://{host}{port}{path}",
        "host": target.host,
    }
    return _answer(json.dumps(asked).encode("ascii"), ctx)


def text_of(script: bytes) -> str:
    """Return the file as text: UTF-8 with or without its mark, else Latin-1, as browsers do."""
    try:
        return script.decode("utf-8-sig")
    except UnicodeDecodeError:
        return script.decode("latin-1")


def _answer(asked: bytes, ctx: Context) -> str:
    world = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    with tempfile.TemporaryDirectory(prefix="ccpor-pac-", ignore_cleanup_errors=True) as folder:
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-X", "utf8", str(CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env=world,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as exc:
            raise CannotObserve(
                f"the PAC file cannot be run here ({type(exc).__name__}); let this user start "
                "processes"
            ) from exc
        ctx.on_abandon(child.kill)
        try:
            said, _ = child.communicate(asked, timeout=ctx.remaining(RUN_S))
        except subprocess.TimeoutExpired as exc:
            raise PacFault("invalid", f"it does not come to an end within {RUN_S:g} s") from exc
        finally:
            child.kill()
            child.communicate()
    return _read(said)


def _read(said: bytes) -> str:
    try:
        told = json.loads(said)
    except ValueError as exc:  # the memory's limit ended the process
        raise PacFault("invalid", "it broke the process that ran it") from exc
    if "error" in told:
        raise PacFault("invalid", printable(str(told["error"])))
    return str(told["answer"])


def read_answer(text: str) -> Choice:
    """Return the proxies that *text*, e.g. ``PROXY a:3128; DIRECT``, names, in order.

    Raises:
        PacFault: ``invalid``: it names none.
    """
    proxies: list[Proxy | None] = []
    passed_over: list[str] = []
    for element in filter(None, (part.strip() for part in text.split(";"))):
        words = element.split()
        kind = words[0].upper()
        if kind == DIRECT and len(words) == 1:
            proxies.append(None)
        elif len(words) == 2 and KINDS.get(kind):
            try:
                proxies.append(read_proxy(words[1]))
            except ValueError:
                continue
        elif len(words) == 2 and kind in KINDS:
            passed_over.append(without_accounts(element))
    if not proxies and not passed_over:
        raise PacFault("invalid", f'it answers "{without_accounts(text)}", which names no proxy')
    return Choice(tuple(dict.fromkeys(proxies)), tuple(passed_over))


def shown(url: str) -> str:
    """Return *url* as it may be kept: without account, query and fragment, printable, short."""
    scheme, mark, rest = re.split(r"[?#]", url, maxsplit=1)[0].partition("://")
    host, slash, path = rest.partition("/")
    return printable(f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}")


def without_accounts(answer: str) -> str:
    """Return what a PAC file answered as it may be kept: no password stands before a host."""
    return printable(re.sub(r"[^\s;/]*@", "", answer))


def printable(text: str) -> str:
    return "".join(filter(str.isprintable, text))[:200]


def wpad_urls(suffixes: tuple[str, ...], ctx: Context) -> tuple[str, ...]:
    """Return where a PAC file may be looked for: names under *suffixes* that have an address.

    A public suffix is never asked: ``wpad.com`` is somebody else's.
    """
    if not suffixes:
        return ()
    from pypac.wpad import proxy_urls_from_dns  # type: ignore[import-untyped]

    hosts = dict.fromkeys(
        host
        for suffix in suffixes
        for host in (urlsplit(url).hostname or "" for url in proxy_urls_from_dns(f"pc.{suffix}"))
        if f".{suffix}".endswith(host.removeprefix("wpad"))  # of "co.uk" it would make one's own
    )
    found = []
    for host in list(hosts)[:MOST_WPAD_NAMES]:
        try:
            resolve(host, ctx.remaining(WPAD_S))
        except (OSError, UnicodeError):
            continue
        found.append(f"http://{host}/wpad.dat")
        if len(found) == MOST_WPAD_FOUND:
            break
    return tuple(found)


def digest(script: bytes) -> str:
    return hashlib.sha256(script).hexdigest()
