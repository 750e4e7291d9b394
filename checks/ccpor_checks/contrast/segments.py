"""The same exchange with small segments, beside one with the usual ones.

A link with a small MTU that swallows what does not fit, and the ICMP errors about it, lets the
connection come about and loses the first full segment. Asked for segments of `SEGMENT` bytes both
ways, the same exchange gets through. The usual one is made again at the same time: where that works
now, too, nothing is proven.

Source: RFC 9293, section 3.7.1 (MSS option); RFC 2923, section 2.1 (black holes).
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.contrast.asked import Question
from ccpor_checks.contrast.reach import known_addresses
from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast

if TYPE_CHECKING:
    from ccpor_checks.http.exchange import Request
    from ccpor_checks.http.wire import Wire

SEGMENT = 500  # with headers below 576 bytes, which every IPv4 host takes (RFC 791)
WHAT = f"segments of {SEGMENT} bytes"
UPLOAD_BYTES = 100_000
FILLER_BYTES = 6_000  # several packets; servers take header fields of 8 kB (nginx, Apache)
RESERVE_S = 0.3  # of the look's time, for taking note of two ends

Exchange = Callable[[socket.socket, Target, Context, float], str]  # WORKS or a reason


def look(question: Question, ctx: Context) -> Contrast:
    """Return whether the exchange of `check` works with small segments alone.

    Raises:
        CannotObserve: This system does not let a program choose its segments, or a file is missing.
    """
    target = question.target
    assert target is not None, "the agent plans small segments with their target"
    address = known_addresses(question, ctx)[0]
    end = ctx.monotonic() + max(0.2, ctx.remaining(question.seconds) - RESERVE_S)
    attempts = _Attempts(target, address, question.check, ctx, end)
    usual: queue.SimpleQueue[str] = queue.SimpleQueue()

    def once_more() -> None:
        try:
            usual.put(attempts.made(None))
        except (OSError, CannotObserve):
            usual.put(UNKNOWN)

    threading.Thread(target=once_more, name="usual segments", daemon=True).start()
    begun = ctx.monotonic()
    outcome = attempts.made(SEGMENT)
    ms = round((ctx.monotonic() - begun) * 1000, 3)
    detail = ""
    if outcome == WORKS:
        outcome, detail = _compared(usual, end - ctx.monotonic())
    return Contrast(
        kind=question.kind,
        what=question.what,
        outcome=outcome,
        detail=detail,
        address=address,
        port=target.port,
        ms=ms if outcome == WORKS else None,
    )


def _compared(usual: queue.SimpleQueue[str], seconds: float) -> tuple[str, str]:
    """Return the outcome of small segments that worked, beside the usual ones."""
    try:
        other = usual.get(timeout=max(0.05, seconds + RESERVE_S / 2))
    except queue.Empty:
        other = "timeout"
    if other == WORKS:
        return UNKNOWN, "usual segments worked, too, this time"
    if other == UNKNOWN:
        return UNKNOWN, "small segments worked, usual ones could not be tried again"
    return WORKS, f"with usual segments again: {other}"


@dataclass(frozen=True, slots=True)
class _Attempts:
    """One exchange, to be made before `end` (on `ctx.monotonic`) with segments of either size."""

    target: Target
    address: str
    check: str
    ctx: Context
    end: float

    def made(self, segment: int | None) -> str:
        """Return how it ends with pieces of *segment* bytes: `WORKS`, or the reason."""
        left = self.end - self.ctx.monotonic()
        try:
            with connected(self.address, self.target.port or 0, segment, left) as sock:
                return EXCHANGES[self.check](sock, self.target, self.ctx, self.end)
        except TimeoutError:
            return "timeout"
        except (ConnectionError, ssl.SSLError) as exc:
            return "closed" if isinstance(exc, ssl.SSLError) else "reset"


def connected(address: str, port: int, segment: int | None, seconds: float) -> socket.socket:
    """Return a socket connected to *address*, both ways of it limited to *segment* bytes.

    Raises:
        CannotObserve: The system refuses the option.
        OSError: The connection was not made.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if segment is not None:
            _limit(sock, segment)
        sock.settimeout(max(0.01, seconds))
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock


def _limit(sock: socket.socket, segment: int) -> None:
    # before the connection: then the option goes out with the first packet and binds the peer, too
    option = getattr(socket, "TCP_MAXSEG", None)
    why = "this system does not let a program choose the size of its segments"
    if option is None:
        raise CannotObserve(why)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, option, segment)
    except OSError as exc:
        raise CannotObserve(f"{why} ({type(exc).__name__})") from exc


def _tls(sock: socket.socket, target: Target, ctx: Context, end: float) -> str:
    from ccpor_checks.tls.handshake import HandshakeEnded, shake

    context, name = _tls_wanted(target, ctx)
    if target.scheme == "https":
        context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        shake(
            sock,
            context,
            server_name=name,
            timeout_s=max(0.05, end - ctx.monotonic()),
            shows_certificate=False,
        )
    except HandshakeEnded as exc:
        return exc.reason
    return WORKS


def _tls_wanted(target: Target, ctx: Context) -> tuple[ssl.SSLContext, str]:
    """Return what the tls check offers, without looking at the certificate, and the name."""
    from ccpor_checks.tls.evidence import TlsOptions
    from ccpor_checks.tls.names import ascii_name
    from ccpor_checks.tls.store import OFFER_USUAL, read_trust

    options: Any = target.options.get("tls") or TlsOptions()
    context = read_trust(options, ctx).context(OFFER_USUAL, verify=False)
    try:
        return context, ascii_name(options.server_name or target.host)
    except ValueError as exc:
        raise CannotObserve(f"{target.host} is no name to ask for") from exc


def _http(sock: socket.socket, target: Target, ctx: Context, end: float) -> str:
    """Make the request of the http check again, an upload with `UPLOAD_BYTES` at most."""
    from ccpor_checks.http.browsing import url_of
    from ccpor_checks.http.evidence import HttpOptions
    from ccpor_checks.http.exchange import Request

    options: Any = target.options.get("http") or HttpOptions()
    upload = None
    if options.upload_kb is not None:
        upload = min(options.upload_kb * 1000, UPLOAD_BYTES)
    request = Request(
        method="POST" if upload is not None else options.method,
        url=url_of(target),
        headers=options.headers,
        upload_bytes=upload,
    )
    return _answered(sock, request, target, ctx, end)


def _order(sock: socket.socket, target: Target, ctx: Context, end: float) -> str:
    """Send what an order sends, large packets, without an order: a HEAD with a long field."""
    from ccpor_checks.http.browsing import url_of
    from ccpor_checks.http.exchange import Request

    headers = {"X-Ccpor-Filler": "synthetic-" * (FILLER_BYTES // 10)}
    request = Request(method="HEAD", url=url_of(target), headers=headers)
    return _answered(sock, request, target, ctx, end)


def _answered(
    sock: socket.socket, request: Request, target: Target, ctx: Context, end: float
) -> str:
    """Return `WORKS` where any whole answer comes, whatever it says."""
    from ccpor_checks.http.message import Answer
    from ccpor_checks.http.wire import ExchangeEnded, Wire

    wire = Wire(sock, ctx, end)
    try:
        if request.url.startswith("https:"):
            wire.start_tls(*_tls_wanted(target, ctx))
        for part in (request.head(), *request.parts()):
            if not _sent(wire, part):
                break
        for _ in Answer(wire, request.method).body():
            pass
    except ExchangeEnded as exc:
        return str(exc.failure)
    return WORKS


def _sent(wire: Wire, part: bytes) -> bool:
    """Send *part*; False where the server answered before it had all of it."""
    while part:
        part = part[wire.write(part) :]
        wire.read_ahead()
        if wire.buffer or wire.at_end:
            return False
    wire.flush()
    return True


def _ssh(sock: socket.socket, _target: Target, ctx: Context, end: float) -> str:
    """Exchange keys: its messages of a thousand bytes and more are what a small MTU loses."""
    import paramiko

    transport = paramiko.Transport(sock)
    transport.set_log_channel(f"{__name__}.ssh")  # the library's complaints go to our log
    ctx.on_abandon(transport.close)
    left = max(0.05, end - ctx.monotonic())
    transport.banner_timeout = transport.handshake_timeout = left + 1
    over = threading.Event()
    try:
        transport.start_client(over)
        if not over.wait(left):
            return "timeout"
        return WORKS if transport.is_active() else "closed"
    finally:
        transport.close()


EXCHANGES: dict[str, Exchange] = {"tls": _tls, "http": _http, "ssh": _ssh, "order": _order}
