"""One TLS handshake over a connected socket, and why it ended where it did not finish.

Over memory buffers rather than a wrapped socket: every wait then shares one deadline, the first
bytes are seen before OpenSSL judges them, and the socket's own error is not lost behind OpenSSL's.

Private parts of `ssl` are used in two places, each with a way to do without: ``_msg_callback``
(CPython 3.8 and later) tells which handshake messages came, and ``get_unverified_chain`` /
``get_verified_chain`` (public from 3.13, on the inner object from 3.10) give the chains.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

R = TypeVar("R")

# OpenSSL's reason symbols (sslerr.h), not its message texts.
VERSION_SYMBOLS = frozenset(
    {
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "WRONG_SSL_VERSION",
        "UNKNOWN_SSL_VERSION",
        "NO_PROTOCOLS_AVAILABLE",
        "VERSION_TOO_LOW",
        "VERSION_TOO_HIGH",
        "TLSV1_ALERT_INAPPROPRIATE_FALLBACK",
    }
)
CIPHER_SYMBOLS = frozenset(
    {
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
        "NO_CIPHERS_AVAILABLE",
        "WRONG_CIPHER_RETURNED",
        "UNKNOWN_CIPHER_RETURNED",
        "BAD_DH_VALUE",
        "DH_KEY_TOO_SMALL",
        "EE_KEY_TOO_SMALL",
        "WRONG_CURVE",
        "NO_SUITABLE_KEY_SHARE",
        "NO_SUITABLE_GROUPS",
        "WRONG_SIGNATURE_TYPE",
        "NO_SHARED_SIGNATURE_ALGORITHMS",
        "LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED",
        "UNSAFE_LEGACY_RENEGOTIATION_DISABLED",
    }
)
CERTIFICATE_SYMBOLS = frozenset(  # only ever about the client's certificate when a server says so
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_NO_CERTIFICATE",
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "TLSV1_ALERT_UNKNOWN_CA",
    }
)
ALERT_WORDS = ("_ALERT_", "TLSV1_UNRECOGNIZED_NAME", "TLSV1_CERTIFICATE_UNOBTAINABLE")

FIRST_RECORD_TYPES = range(20, 24)  # RFC 8446, 5.1: change_cipher_spec to application_data
CERTIFICATE_REQUEST, NEW_SESSION_TICKET, SERVER_KEY_EXCHANGE = 13, 4, 12  # RFC 5246, 7.4
HANDSHAKE_RECORD = 22
FIRST_READ_S = 0.3  # what a sound TLS 1.3 server without session tickets costs
ASKED_READ_S = 1.0  # the same where it asked for a certificate and may still refuse
READ_SIZE = 65536
FINITE_FIELD = ("DHE-", "ADH-")  # OpenSSL's names of TLS 1.2 and older


class HandshakeEnded(Exception):
    """The handshake did not finish; *reason* is one of ``tls.handshake``."""

    def __init__(self, reason: str, detail: str, symbol: str | None = None) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.symbol = reason, detail, symbol


class NotTrusted(Exception):
    """The path did not verify: OpenSSL's code, and its words for people."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code, self.words = code, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a finished handshake agreed on. Chains are DER, leaf first."""

    version: str
    cipher: str
    cipher_bits: int | None
    alpn: str | None
    served: tuple[bytes, ...]
    verified: tuple[bytes, ...]  # with the root; empty where the path was not verified
    asked_for_certificate: bool | None  # None: this Python cannot see it
    handshake_ms: float
    dh_bits: int | None  # size of a finite-field Diffie-Hellman prime; None: another exchange


@dataclass(slots=True)
class Heard:
    """Which handshake messages the server sent; filled in by OpenSSL as they come."""

    listens: bool = False  # False: this Python has no way to listen
    messages: dict[int, bytes] = field(default_factory=dict)  # the last of each type, whole

    def attach(self, tls: ssl.SSLContext) -> None:
        if hasattr(ssl.SSLContext, "_msg_callback"):
            tls._msg_callback = self._note  # type: ignore[attr-defined]
            self.listens = True

    def _note(
        self, _conn: Any, way: str, _version: Any, kind: int, message: Any, content: bytes
    ) -> None:
        if way == "read" and kind == HANDSHAKE_RECORD and message is not None:
            self.messages[int(message)] = content

    @property
    def certificate_request(self) -> bool | None:
        return CERTIFICATE_REQUEST in self.messages if self.listens else None

    @property
    def dh_bits(self) -> int | None:
        """The size of the prime in a finite-field ServerKeyExchange (RFC 5246, 7.4.3)."""
        content = self.messages.get(SERVER_KEY_EXCHANGE, b"")[4:]
        prime = content[2 : 2 + int.from_bytes(content[:2], "big")]
        return int.from_bytes(prime, "big").bit_length() if prime else None


class _Closed(Exception):
    """The other side ended the connection where more was expected."""


@dataclass(slots=True)
class _Wire:
    """A socket and OpenSSL's two buffers; every wait ends at *end* (`time.monotonic`)."""

    sock: socket.socket
    end: float
    incoming: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    outgoing: ssl.MemoryBIO = field(default_factory=ssl.MemoryBIO)
    first: bytes = b""
    was_reset: bool = False

    def drive(self, step: Callable[[], R], done: Callable[[], bool] | None = None) -> R | None:
        """Call *step* until it returns; None when *done* says that enough was heard."""
        while True:
            try:
                result = step()
            except ssl.SSLWantReadError:
                self.flush()
                if done is not None and done():
                    return None
                self.fill()
            except ssl.SSLError:
                self.flush()  # our alert, so that the server's log says why
                raise
            else:
                self.flush()
                return result

    def flush(self) -> None:
        if not self.outgoing.pending:
            return
        self.sock.settimeout(self._left())
        try:
            self.sock.sendall(self.outgoing.read())
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError):
            self.was_reset = True  # what the server said before may still wait to be read

    def fill(self) -> None:
        self.sock.settimeout(self._left())
        heard = self.sock.recv(READ_SIZE)
        if not heard:
            raise ConnectionResetError if self.was_reset else _Closed
        if len(self.first) < 2:
            self.first = (self.first + heard)[:16]
            if not _looks_like_tls(self.first):
                raise HandshakeEnded(
                    "not-tls", f"the target speaks another protocol: it sent {self.first!r}"
                )
        self.incoming.write(heard)

    def _left(self) -> float:
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _looks_like_tls(first: bytes) -> bool:
    return first[0] in FIRST_RECORD_TYPES and (len(first) < 2 or first[1] == 3)


def shake(
    sock: socket.socket,
    tls: ssl.SSLContext,
    *,
    server_name: str,
    timeout_s: float,
    shows_certificate: bool,
) -> Session:
    """Return the session that *tls* and the server on *sock* agree on.

    Under TLS 1.3 the server's answer to our last message is waited for, at most `FIRST_READ_S`, or
    `ASKED_READ_S` where it asked for a certificate: a refused one is only told then.

    Raises:
        NotTrusted: The path did not verify (contexts that verify only).
        HandshakeEnded: Anything else, with its reason.
    """
    heard = Heard()
    heard.attach(tls)
    began = time.monotonic()
    wire = _Wire(sock, began + timeout_s)
    peer = tls.wrap_bio(wire.incoming, wire.outgoing, server_hostname=server_name)
    ending = _Ending(heard, shows_certificate)
    with ending.named(timeout_s):
        wire.drive(peer.do_handshake)
    took = time.monotonic() - began
    if peer.version() == "TLSv1.3":
        _first_read(peer, wire, ending, took)
    cipher, _, bits = peer.cipher() or ("", "", None)
    return Session(
        version=peer.version() or "",
        cipher=cipher,
        cipher_bits=bits,
        alpn=peer.selected_alpn_protocol(),
        served=_chain(peer, "get_unverified_chain"),
        verified=_chain(peer, "get_verified_chain") if tls.verify_mode else (),
        asked_for_certificate=heard.certificate_request,
        handshake_ms=round(took * 1000, 1),
        dh_bits=heard.dh_bits if cipher.startswith(FINITE_FIELD) else None,
    )


def _first_read(peer: ssl.SSLObject, wire: _Wire, ending: _Ending, took_s: float) -> None:
    """Wait until the server shows that it accepted our last message, or says no, or is silent."""
    heard = ending.heard
    patience = max(ASKED_READ_S, 2 * took_s) if heard.certificate_request else FIRST_READ_S
    wire.end = min(wire.end, time.monotonic() + patience)

    def accepted() -> bool:
        # where a certificate was asked for, no ticket can be made before it was looked at; and
        # elsewhere nothing is left to refuse (RFC 8446, 4.6.1)
        return NEW_SESSION_TICKET in heard.messages

    try:
        with ending.named(0):
            wire.drive(lambda: peer.read(1), accepted)
    except HandshakeEnded as exc:
        # silence, or an orderly end by a server that never asked for a certificate, is no refusal
        if exc.reason in {"timeout", "closed"} and exc.symbol is None:
            return
        raise


@dataclass(frozen=True, slots=True)
class _Ending:
    """Names why a handshake ended, from exception class, OpenSSL's symbol and what was heard."""

    heard: Heard
    shows_certificate: bool

    @contextlib.contextmanager
    def named(self, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as exc:
            raise NotTrusted(exc.verify_code, exc.verify_message) from exc
        except TimeoutError as exc:
            raise HandshakeEnded(
                "timeout", f"the handshake did not finish within {timeout_s:g} s"
            ) from exc
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, _Closed) as exc:
            raise self._cut("closed", "closed the connection") from exc
        except ssl.SSLError as exc:
            raise self._refused(exc.reason or type(exc).__name__) from exc
        except (ConnectionResetError, ConnectionAbortedError, BrokenPipeError) as exc:
            raise self._cut("reset", "reset the connection") from exc

    def _cut(self, reason: str, did: str) -> HandshakeEnded:
        if self.heard.certificate_request:
            return self._certificate(f"{did} after it asked for a client certificate", "cut")
        return HandshakeEnded(reason, f"the target {did} during the handshake")

    def _refused(self, symbol: str) -> HandshakeEnded:
        is_alert = any(word in symbol for word in ALERT_WORDS)
        if symbol in CERTIFICATE_SYMBOLS or (is_alert and self.heard.certificate_request):
            return self._certificate(f"answered {symbol}", symbol)
        if symbol in VERSION_SYMBOLS:
            reason, words = "no-common-version", "shares no TLS version with this workstation"
        elif symbol in CIPHER_SYMBOLS:
            reason, words = "no-common-cipher", "shares no cipher with this workstation"
        elif is_alert:
            reason, words = "closed", "ended the handshake"
        else:
            reason, words = "not-tls", "sent what is no TLS"
        return HandshakeEnded(reason, f"the target {words} ({symbol})", symbol)

    def _certificate(self, did: str, symbol: str) -> HandshakeEnded:
        if self.shows_certificate:
            return HandshakeEnded(
                "client-certificate-refused",
                f"the target does not accept this workstation's certificate: it {did}",
                symbol,
            )
        return HandshakeEnded(
            "client-certificate-required",
            f"the target wants a client certificate: it {did}",
            symbol,
        )


def _chain(peer: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    """Return a chain as DER; where this Python gives none, the leaf alone or nothing."""
    source: Any = peer if hasattr(peer, method) else getattr(peer, "_sslobj", None)
    ask = getattr(source, method, None)
    if ask is not None:
        return tuple(_der(one) for one in ask() or ())
    leaf = peer.getpeercert(binary_form=True)
    return (leaf,) if leaf and method == "get_unverified_chain" else ()


def _der(certificate: Any) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    return ssl.PEM_cert_to_DER_cert(certificate.public_bytes())  # PEM is its default form
