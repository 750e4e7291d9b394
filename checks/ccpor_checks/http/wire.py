"""A connection whose every wait ends at one moment, plain or within TLS.

A read timeout alone would let a server that drips a byte now and then hold a check for ever.
"""

from __future__ import annotations

import errno
import selectors
import socket
import ssl
import sys

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.http.evidence import Failure
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.kit.tunnel import NoReply, TunnelRefused

CHUNK = 16 * 1024
RESETS = frozenset(
    {errno.ECONNRESET, errno.ECONNREFUSED, errno.EPIPE, errno.ECONNABORTED, errno.ESHUTDOWN}
)

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class ExchangeEnded(Exception):
    """The exchange came to no good end: `failure` is the reason, `error` what was raised."""

    def __init__(self, failure: Failure, detail: str, error: str | None = None) -> None:
        super().__init__(detail)
        self.failure, self.detail, self.error = failure, detail, error


def ended_by(exc: OSError) -> ExchangeEnded:
    """Return *exc* as the end of an exchange, by its class and errno.

    Raises:
        CannotObserve: TLS or a name fails, which other checks tell; or no descriptor is left.
    """
    if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return ExchangeEnded("closed", "the connection was closed", type(exc).__name__)
    if isinstance(exc, socket.gaierror):
        raise CannotObserve(
            "the host of the page has no address here; let the dns check run on this target"
        ) from exc
    if isinstance(exc, TunnelRefused):
        raise CannotObserve(
            f"{exc} when it was asked for the way to the page; the proxy check of this target "
            "says more"
        ) from exc
    if isinstance(exc, NoReply):
        return ExchangeEnded("closed", "the proxy closed the connection", exc.kind)
    if isinstance(exc, ssl.SSLError):
        name = getattr(exc, "reason", None) or type(exc).__name__
        raise CannotObserve(
            f"no TLS session for the page ({name}); let the tls check run on this target, it says "
            "why"
        ) from exc
    if exc.errno in EXHAUSTED:
        raise CannotObserve(
            f"this workstation could not open a connection ({error_name(exc.errno)}); "
            "close programs that hold many connections and run again"
        ) from exc
    name = error_name(exc.errno) or type(exc).__name__
    if exc.errno in RESETS:
        return ExchangeEnded("reset", "the connection was reset", name)
    return ExchangeEnded("timeout", "no answer in time", name)


class Wire:
    """One connection. Reads and writes raise `ExchangeEnded`; `buffer` is what was read ahead.

    TLS runs over memory, not over the socket: Python's own TLS sockets show a reset as an ordinary
    end (up to 3.12), and an errno is what tells them apart.
    """

    def __init__(self, sock: socket.socket, ctx: Context, end: float) -> None:
        """*end*, on `ctx.monotonic`, is the moment of the last byte."""
        sock.setblocking(False)
        self.sock, self.ctx, self.end = sock, ctx, end
        self.buffer = b""
        self.at_end = False
        self.first_byte_at: float | None = None
        self._unsent = b""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None

    @property
    def address(self) -> str | None:
        """The peer's address; None once the peer has gone."""
        try:
            return str(self.sock.getpeername()[0])
        except OSError:
            return None

    def start_tls(self, tls: ssl.SSLContext, server_name: str) -> None:
        """Shake hands; the certificate is verified as *tls* says."""
        try:
            self._tls = tls.wrap_bio(
                self._incoming, self._outgoing, server_hostname=server_name.rstrip(".")
            )
            while True:
                try:
                    self._tls.do_handshake()
                    return self.flush()
                except ssl.SSLWantReadError:
                    self.flush()
                    self._take(self._came())
        except (OSError, ValueError) as exc:  # ValueError: a name that SNI cannot hold
            raise ended_by(exc if isinstance(exc, OSError) else ssl.SSLError()) from exc

    def read(self) -> bytes:
        """Return some bytes, those read ahead first; b"" when the peer has ended."""
        while not self.buffer and not self.at_end:
            self._receive(self._came())
        some, self.buffer = self.buffer, b""
        return some

    def read_ahead(self) -> None:
        """Take into `buffer` what has already come, without waiting."""
        if not self.at_end:
            try:
                self._receive(self.sock.recv(CHUNK))
            except BlockingIOError:
                return
            except OSError as exc:
                raise ended_by(exc) from exc

    def write(self, part: bytes) -> int:
        """Send the first bytes of *part*; return how many, or 0 when something came instead."""
        if self._unsent and not self._flushed(selectors.EVENT_WRITE | selectors.EVENT_READ):
            return 0
        some = part[:CHUNK]
        self._send(some)
        return len(some)

    def flush(self) -> None:
        """Wait until all that was written is sent."""
        self._send(b"")
        while self._unsent and not self._flushed(selectors.EVENT_WRITE):
            pass

    def unacknowledged(self) -> bool:
        """Say whether bytes were sent that the peer never acknowledged (Linux; else False)."""
        if sys.platform != "linux":
            return False
        import fcntl
        import termios

        try:  # SIOCOUTQ of tcp(7) has the number of TIOCOUTQ
            count = fcntl.ioctl(self.sock.fileno(), termios.TIOCOUTQ, bytes(4))
        except OSError:
            return False
        return any(count)

    def close(self) -> None:
        """Close the connection; what still waits to be sent is left to the system."""
        self.sock.close()

    def _send(self, part: bytes) -> None:
        if self._tls is not None and part:
            try:
                self._tls.write(part)
            except ssl.SSLError as exc:  # the peer has ended the session, which was read already
                raise ended_by(exc) from exc
        self._unsent += self._outgoing.read() if self._tls is not None else part
        self._push()

    def _push(self) -> None:
        """Give the system as much as it takes now."""
        try:
            while self._unsent:
                self._unsent = self._unsent[self.sock.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError as exc:
            raise ended_by(exc) from exc

    def _flushed(self, awaited: int) -> bool:
        """Wait once, push, and say whether all is sent."""
        if self.at_end:
            awaited = selectors.EVENT_WRITE  # an end is readable for ever
        if self._wait(awaited) & selectors.EVENT_WRITE:
            self._push()
        return not self._unsent

    def _came(self) -> bytes:
        """Return what comes next from the socket.

        Raises:
            ExchangeEnded: The time is over, also where bytes keep coming without a pause.
        """
        while True:
            self._left()
            try:
                return self.sock.recv(CHUNK)
            except BlockingIOError:
                self._wait(selectors.EVENT_READ)
            except OSError as exc:
                raise ended_by(exc) from exc

    def _take(self, some: bytes) -> None:
        if some:
            self._incoming.write(some)
        else:
            self._incoming.write_eof()

    def _receive(self, some: bytes) -> None:
        """Move *some* from the socket into `buffer`, out of TLS where there is TLS."""
        if self._tls is None:
            plain, self.at_end = some, not some
        else:
            self._take(some)
            plain = self._decrypted(self._tls)
        if plain and self.first_byte_at is None:
            self.first_byte_at = self.ctx.monotonic()
        self.buffer += plain

    def _decrypted(self, tls: ssl.SSLObject) -> bytes:
        plain = b""
        try:
            while part := tls.read(CHUNK):
                plain += part
            self.at_end = True
        except ssl.SSLWantReadError:
            pass
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
            # many servers hang up without saying so; the answer's own length tells whether it
            # is whole (RFC 9112, section 9.8)
            self.at_end = True
        except ssl.SSLError as exc:
            raise ended_by(exc) from exc
        return plain

    def _wait(self, awaited: int) -> int:
        """Return what the socket is ready for, of *awaited*.

        Raises:
            ExchangeEnded: Not before the end of the time.
        """
        left = self._left()
        with selectors.DefaultSelector() as selector:
            selector.register(self.sock, awaited)
            ready = 0
            for _, events in selector.select(self.ctx.remaining(left)):
                ready |= events
        return ready

    def _left(self) -> float:
        """Return the seconds left.

        Raises:
            ExchangeEnded: There are none.
        """
        left = self.end - self.ctx.monotonic()
        if left <= 0:
            raise ExchangeEnded("timeout", "no answer in time")
        return left
