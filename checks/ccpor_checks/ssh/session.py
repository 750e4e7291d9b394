"""One encrypted session, by paramiko, up to the proof of the server's host key.

What ended a session is told from the bytes that came, the socket's own end and our deadline;
paramiko's exceptions carry texts alone. Its log goes nowhere.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import paramiko

from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.kit.connect import open_connection
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.ssh.evidence import Agreed, Algorithms, HostKey, SessionReason, Stage
from ccpor_checks.ssh.greeting import Greeting, Tap, read_greeting

SILENT = "ccpor_checks.ssh.paramiko"
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
DEADLINE_MARGIN_S = 5.0  # paramiko's own limits lie this far behind ours
AEAD = ("-gcm@openssh.com", "-poly1305@openssh.com")


class SessionEnded(Exception):
    """No session, or one that ended early: `reason` is one of ``ssh.session``."""

    def __init__(
        self,
        reason: SessionReason,
        stage: Stage,
        detail: str,
        *,
        error: str | None = None,
        greeting: Greeting | None = None,
        not_shared: tuple[str, ...] = (),
        address: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason, self.stage, self.detail, self.error = reason, stage, detail, error
        self.greeting, self.not_shared, self.address = greeting, not_shared, address


class _Transport(paramiko.Transport):
    """A session that remembers whether the server itself said goodbye (SSH_MSG_DISCONNECT)."""

    goodbye = False

    def _parse_disconnect(self, _message: object) -> None:
        self.goodbye = True


@dataclass(slots=True, kw_only=True)
class Session:
    """An encrypted session whose server proved to hold `key`."""

    transport: _Transport
    tap: Tap
    address: str
    greeting: Greeting
    agreed: Agreed
    key: HostKey
    connect_ms: float
    handshake_ms: float
    _watches: list[threading.Timer] = field(default_factory=list)

    def ends_in(self, seconds: float) -> None:
        """Break whatever waits on this session in *seconds*, in place of an earlier such moment."""
        self._unwatch()
        self._watches.append(_watch(self.tap, seconds))

    def close(self) -> None:
        self._unwatch()
        _close(self.transport, self.tap)

    def _unwatch(self) -> None:
        while self._watches:
            self._watches.pop().cancel()


def open_session(
    target: Target, ctx: Context, end: float, key_algorithms: Sequence[str] = ()
) -> Session:
    """Return a session with *target*, made before *end* (on `ctx.monotonic`).

    key_algorithms: the host key algorithms to accept; empty for all that are good.

    Raises:
        SessionEnded: It came to none.
        CannotObserve: The target has no address or port.
        TimeoutError: The check's deadline came before *end*.
    """
    began = ctx.monotonic()
    sock, address = _connected(target, ctx, end - began)
    connected = ctx.monotonic()
    tap = Tap(sock)
    transport = _Transport(tap)  # type: ignore[arg-type]  # it asks for a socket's five methods
    try:
        agreed_on = threading.Event()
        _prepare(transport, key_algorithms, end - connected)
        transport.start_client(event=agreed_on)
        agreed_on.wait(max(0.0, min(end - ctx.monotonic(), ctx.remaining())))
        if not (agreed_on.is_set() and transport.is_active() and transport.initial_kex_done):
            late = not agreed_on.is_set()
            ctx.remaining()  # given up, or past the check's own deadline: nobody's fault there
            raise _ended(tap, transport, late=late, address=address)
        tap.room = None
        key = transport.get_remote_server_key()
        greeting = read_greeting(bytes(tap.heard))
        return Session(
            transport=transport,
            tap=tap,
            address=address,
            greeting=greeting,
            agreed=_agreed(transport, greeting.offered),
            key=HostKey(type=key.get_name(), fingerprint=key.fingerprint.rstrip("=")),
            connect_ms=round((connected - began) * 1000, 3),
            handshake_ms=round((ctx.monotonic() - connected) * 1000, 3),
        )
    except BaseException:
        _close(transport, tap)
        raise


def _connected(target: Target, ctx: Context, timeout_s: float) -> tuple[socket.socket, str]:
    try:
        if timeout_s <= 0:
            raise TimeoutError
        sock = open_connection(target, ctx, timeout_s)
    except socket.gaierror as exc:
        raise CannotObserve(
            f"{target.host} has no address here; let the dns check run on this target"
        ) from exc
    except TimeoutError as exc:
        ctx.remaining()
        raise SessionEnded("timeout", "connection", "no connection in time") from exc
    except OSError as exc:
        name = error_name(exc.errno) or type(exc).__name__
        if exc.errno in EXHAUSTED:
            raise CannotObserve(
                f"this workstation could not open a connection ({name}); "
                "close programs that hold many connections and run again"
            ) from exc
        detail = f"no connection ({name})"
        raise SessionEnded("closed", "connection", detail, error=name) from exc
    try:
        return sock, str(sock.getpeername()[0])
    except OSError as exc:  # gone already
        sock.close()
        name = error_name(exc.errno) or type(exc).__name__
        detail = f"the connection was ended at once ({name})"
        raise SessionEnded("closed", "connection", detail, error=name) from exc


def _prepare(transport: _Transport, key_algorithms: Sequence[str], seconds: float) -> None:
    """Set our limits, our choice of host keys, and a log that goes nowhere."""
    silent = logging.getLogger(SILENT)
    silent.propagate, silent.disabled = False, True
    transport.set_log_channel(SILENT)
    later = max(seconds, 0.0) + DEADLINE_MARGIN_S
    transport.banner_timeout = transport.handshake_timeout = later
    if key_algorithms:
        transport.get_security_options().key_types = tuple(key_algorithms)


def _ours(transport: paramiko.Transport) -> Algorithms:
    """Return what this workstation offers itself, the most wanted first."""
    mine = transport.get_security_options()
    return Algorithms(
        kex=tuple(mine.kex),
        host_key=tuple(mine.key_types),
        cipher=tuple(mine.ciphers),
        mac=tuple(mine.digests),
    )


def _not_shared(mine: Algorithms, offered: Algorithms) -> tuple[str, ...]:
    """Return which kinds of algorithm have no name in both lists."""
    kinds = ("kex", "host_key", "cipher", "mac")
    return tuple(k for k in kinds if not set(getattr(mine, k)) & set(getattr(offered, k)))


def _ended(tap: Tap, transport: _Transport, *, late: bool, address: str) -> SessionEnded:
    """Return why there is no session, the surest sign first."""
    greeting = read_greeting(bytes(tap.heard))
    stage: Stage = "keys" if greeting.offered else "algorithms"
    stage = stage if greeting.version else "greeting"
    lacking = _not_shared(_ours(transport), greeting.offered) if greeting.offered else ()
    # Only an end that came from the other side counts; we close our own end after this.
    error = None if tap.ended in (None, "EOF") else tap.ended

    def because(reason: SessionReason, detail: str) -> SessionEnded:
        return SessionEnded(
            reason,
            stage,
            detail,
            error=error,
            greeting=greeting,
            not_shared=lacking,
            address=address,
        )

    if greeting.is_other_protocol:
        return because("not-ssh", "what answers there is no SSH")
    if greeting.is_old:
        lacking = ("protocol version",)
        return because("no-common-algorithm", f"it speaks {greeting.version}, we speak SSH 2.0")
    if lacking:
        kinds = " and ".join(kind.replace("_", " ") for kind in lacking)
        return because("no-common-algorithm", f"no common algorithm for {kinds}")
    if greeting.turned_away:
        return because("closed", "it turns new connections away")
    if late:
        return because("timeout", f"no answer in time, while waiting for the {_WAITED[stage]}")
    if tap.ended or transport.goodbye:
        return because("closed", f"it ended the connection before the {_WAITED[stage]} came")
    error = type(transport.get_exception()).__name__
    return because("not-ssh", f"in place of the {_WAITED[stage]} came what is no SSH")


_WAITED: dict[Stage, str] = {
    "connection": "connection",
    "greeting": "greeting",
    "algorithms": "list of algorithms",
    "keys": "exchange of keys",
    "login": "answer to the login",
}


def _agreed(transport: _Transport, offered: Algorithms | None) -> Agreed:
    """Return what was agreed on: the first of ours that the server has (RFC 4253 section 7.1)."""
    theirs = offered.kex if offered else ()
    return Agreed(
        kex=next((name for name in _ours(transport).kex if name in theirs), ""),
        host_key=transport.host_key_type or "",
        cipher=transport.local_cipher,
        mac=None if transport.local_cipher.endswith(AEAD) else transport.local_mac,
    )


def other_key_types(session: Session) -> list[tuple[str, ...]]:
    """Return the host key algorithms that both sides know, by kind of key, the one seen left out.

    A server shows one key a connection; that of another kind is seen by asking for it alone.
    """
    offered = session.greeting.offered.host_key if session.greeting.offered else ()
    kinds: dict[str, list[str]] = {}
    for name in _ours(session.transport).host_key:
        if name in offered:
            kinds.setdefault(kind_of_key(name), []).append(name)
    kinds.pop(kind_of_key(session.agreed.host_key), None)
    return [tuple(names) for names in kinds.values()]


def kind_of_key(algorithm: str) -> str:
    """Return what names the key itself: one RSA key serves three algorithms (RFC 8332)."""
    return "rsa" if "rsa" in algorithm else algorithm


def _watch(tap: Tap, seconds: float) -> threading.Timer:
    timer = threading.Timer(max(seconds, 0.0), _shut, (tap,))
    timer.daemon = True
    timer.start()
    return timer


def _shut(tap: Tap) -> None:
    with contextlib.suppress(OSError):  # closed meanwhile
        tap.sock.shutdown(socket.SHUT_RDWR)


def _close(transport: _Transport, tap: Tap) -> None:
    """End the session and its thread; the socket first: nothing waits for the other side."""
    _shut(tap)
    steps: tuple[Callable[[], None], ...] = (transport.close, tap.close)
    for step in steps:
        with contextlib.suppress(OSError, EOFError):
            step()
