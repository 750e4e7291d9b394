"""One HTTPS request to the collector, and nothing clever around it.

Does:    one connection a request; TLS 1.2 or later against the system's trust store, or against
         the CA file given at enrolment and nothing else. No redirects, no cookies, no netrc.
         The system's proxy settings are used. There is no switch that accepts a bad certificate.
Needs:   http only to this machine itself (a collector behind a local proxy).
Source:  RFC 9110, RFC 9112; http.client, so that a failure keeps its class.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import ipaddress
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import ssl

LARGEST_ANSWER = 2 * 1024 * 1024  # bytes; a profile is the longest thing a collector sends
CONNECT_S = 10.0
LATE_S = 0.5  # for closing what the deadline cut
API = "/api/v1"


class AddressInvalid(ValueError):
    """The collector's address cannot be used."""


class Unreachable(Exception):
    """No answer came. `reason`: name, refused, timeout, network, untrusted, tls, closed, proxy."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Collector:
    """Where the collector is, and whom to trust there. Safe to use from several threads."""

    url: str
    ca_file: Path | None = None
    _parts: tuple[str, str, int, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_parts", split_address(self.url))

    def ask(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Return the answer to one request for *path* under the collector's address.

        seconds: for everything, from the name lookup to the last byte.

        Raises:
            Unreachable: No whole answer came in time.
        """
        # In a thread of its own, left behind when late: nothing else ends a name lookup.
        outcome: list[Answer | Unreachable] = []

        def exchange() -> None:
            try:
                outcome.append(self._exchange(method, path, seconds, body, headers or {}))
            except Unreachable as exc:
                outcome.append(exc)

        worker = threading.Thread(target=exchange, name="collector", daemon=True)
        worker.start()
        worker.join(seconds + LATE_S)
        if not outcome:
            raise Unreachable("timeout", f"{self._parts[1]} did not answer in time")
        if isinstance(outcome[0], Unreachable):
            raise outcome[0]
        return outcome[0]

    def _exchange(
        self, method: str, path: str, seconds: float, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        _, host, port, base = self._parts
        connection = self._connection(min(CONNECT_S, seconds))
        late = threading.Event()
        with _failures(host, port, late), _deadline(connection, seconds, late):
            try:
                connection.request(method, base + path, body=body, headers=dict(headers))
                # With Connection: close the answer owns the socket, so it is closed too.
                with connection.getresponse() as answer:
                    content = answer.read(LARGEST_ANSWER + 1)
                    left = answer.length
                if late.is_set():  # http.client takes an end within the headers for their end
                    raise TimeoutError
                if left and len(content) <= LARGEST_ANSWER:
                    raise http.client.IncompleteRead(content, left)
            finally:
                connection.close()
        if len(content) > LARGEST_ANSWER:
            raise Unreachable("closed", f"{host} sent more than {LARGEST_ANSWER} bytes")
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, content)

    def path_of(self, path: str) -> str:
        """Return *path* as it goes over the wire: what a request signature covers."""
        return self._parts[3] + path

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        scheme, host, port, _ = self._parts
        if scheme == "http":  # this machine itself: never through a proxy, which would read it
            return http.client.HTTPConnection(host, port, timeout=seconds)
        context = self._trust()
        proxy = proxy_for(host)
        if proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
        by_host, by_port, headers = proxy
        connection = http.client.HTTPSConnection(by_host, by_port, timeout=seconds, context=context)
        connection.set_tunnel(host, port, headers)
        return connection

    def _trust(self) -> ssl.SSLContext:
        import ssl

        try:
            context = ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except OSError as exc:
            raise Unreachable("untrusted", f"the CA file {self.ca_file} cannot be read") from exc
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def split_address(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path of a collector's address.

    Raises:
        AddressInvalid: Not https, or http to another machine, or more than an address.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise AddressInvalid(f"{url!r} is not an address; write https://host[:port]") from exc
    host = parts.hostname
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        raise AddressInvalid(f"{url!r} is not an address; write https://host[:port]")
    if parts.username is not None or parts.password is not None:
        raise AddressInvalid("the collector's address holds a name or password; leave them out")
    if parts.scheme == "http" and not is_this_machine(host):
        raise AddressInvalid(f"{url!r} would send reports in the clear; write https://{host}")
    return (
        parts.scheme,
        host,
        port or (443 if parts.scheme == "https" else 80),
        parts.path.rstrip("/"),
    )


def is_this_machine(host: str) -> bool:
    """Return whether *host* is a loopback address or localhost (RFC 6761 section 6.3)."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def proxy_for(host: str) -> tuple[str, int, dict[str, str]] | None:
    """Return host, port and headers of the system's proxy on the way to *host*, or None.

    Raises:
        Unreachable: A proxy is set that this program cannot use.
    """
    from urllib.request import getproxies, proxy_bypass

    chosen = getproxies().get("https")
    if not chosen or is_this_machine(host) or proxy_bypass(host):
        return None
    try:
        parts = urlsplit(chosen if "://" in chosen else f"http://{chosen}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme != "http" or not parts.hostname:
        raise Unreachable("proxy", "the system's https proxy is not an http://host:port address")
    headers = {}
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return parts.hostname, port or 3128, headers


@contextlib.contextmanager
def _deadline(
    connection: http.client.HTTPConnection, seconds: float, late: threading.Event
) -> Iterator[None]:
    """End whatever *connection* waits for after *seconds*: one slow byte a minute is no answer."""

    def cut() -> None:
        late.set()
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _failures(host: str, port: int, late: threading.Event) -> Iterator[None]:
    """Turn what a connection can raise into Unreachable, by class."""
    import ssl

    where = f"{host}:{port}"
    try:
        yield
    except ssl.SSLCertVerificationError as exc:
        detail = f"the certificate of {where} is not trusted: {exc.verify_message}"
        raise Unreachable("untrusted", detail) from exc
    except socket.gaierror as exc:
        raise Unreachable("name", f"the name {host} cannot be resolved") from exc
    except TimeoutError as exc:
        raise Unreachable("timeout", f"{where} did not answer in time") from exc
    except ConnectionRefusedError as exc:
        raise Unreachable("refused", f"{where} refused the connection") from exc
    except (ssl.SSLError, http.client.HTTPException, ConnectionError, OSError) as exc:
        raise _other(exc, where, late) from exc


def _other(exc: Exception, where: str, late: threading.Event) -> Unreachable:
    import ssl

    if late.is_set():
        return Unreachable("timeout", f"{where} did not answer in time")
    if isinstance(exc, http.client.HTTPException | ConnectionError | ssl.SSLEOFError):
        return Unreachable("closed", f"{where} ended the connection before its answer was whole")
    if isinstance(exc, OSError) and exc.errno is None:  # http.client: the proxy's own answer
        return Unreachable("proxy", f"the proxy gave no way to {where}")
    if isinstance(exc, ssl.SSLError):
        return Unreachable("tls", f"{where} and this machine found no common TLS")
    return Unreachable("network", f"no way to {where}")
