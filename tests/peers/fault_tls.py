"""TLS servers that misbehave in ways no real server can be configured to.

Each runs in daemon threads of the test's own process and on a port of its own; leaving the block
closes every socket.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.peers.certificates import Files

Handler = Callable[[socket.socket], None]
PATIENCE_S = 20.0  # longer than any test waits; a thread never outlives it

ALERT_HANDSHAKE_FAILURE, ALERT_PROTOCOL_VERSION = 40, 70


@contextlib.contextmanager
def serving(handler: Handler, host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """Call *handler* with each connection until the block ends; yields the port."""
    listener = socket.create_server((host, port), backlog=64)
    open_now: set[socket.socket] = set()

    def one(connection: socket.socket) -> None:
        # the client under test may be gone at any moment
        with contextlib.suppress(OSError, ValueError), connection:
            handler(connection)
        open_now.discard(connection)

    def accept() -> None:
        while True:
            try:
                connection, _peer = listener.accept()
            except OSError:
                return
            connection.settimeout(PATIENCE_S)
            open_now.add(connection)
            threading.Thread(target=one, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        for sock in (listener, *open_now):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        accepting.join(PATIENCE_S)


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def closes_at_accept(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):  # a close with unread bytes would be a reset
        pass


def closes_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(65536):
        pass


def resets_after_hello(connection: socket.socket) -> None:
    connection.recv(65536)
    reset(connection)


def mute(connection: socket.socket) -> None:
    """Read everything, say nothing, until the client gives up."""
    while connection.recv(65536):
        pass


def drips(connection: socket.socket) -> None:
    """Send one byte of a TLS record every 50 ms: each read succeeds, the handshake never ends."""
    pause = threading.Event()
    for byte in b"\x16\x03\x03\x40\x00" + bytes(400):
        connection.sendall(bytes([byte]))
        pause.wait(0.05)


def says(banner: bytes) -> Handler:
    """Return a server that sends *banner* first, as SSH and SMTP do."""

    def handler(connection: socket.socket) -> None:
        connection.sendall(banner)
        mute(connection)

    return handler


def answers(reply: bytes) -> Handler:
    """Return a server that waits for the first bytes, sends *reply* and closes."""

    def handler(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(reply)
        connection.shutdown(socket.SHUT_WR)
        mute(connection)

    return handler


def echoes(connection: socket.socket) -> None:
    while heard := connection.recv(65536):
        connection.sendall(heard)


def alerts(description: int) -> Handler:
    """Return a server that answers every ClientHello with that fatal alert (RFC 8446, 6)."""
    return answers(bytes([21, 3, 3, 0, 2, 2, description]))


def chooses(version: int, cipher: int) -> Handler:
    """Return a server whose ServerHello picks *version* and *cipher*, then is silent.

    For what OpenSSL no longer speaks: SSLv3 (0x0300), RC4, triple DES.
    """
    hello = struct.pack(">H", version) + bytes(32) + b"\x00" + struct.pack(">HB", cipher, 0)
    handshake = b"\x02" + len(hello).to_bytes(3, "big") + hello
    record = b"\x16" + struct.pack(">HH", version, len(handshake)) + handshake

    def handler(connection: socket.socket) -> None:
        offered = connection.recv(65536)
        if _offers(offered, version, cipher):
            connection.sendall(record)
            mute(connection)
        else:
            connection.sendall(bytes([21, 3, 0, 0, 2, 2, ALERT_HANDSHAKE_FAILURE]))

    return handler


def _offers(record: bytes, version: int, cipher: int) -> bool:
    """Say whether a ClientHello record offers *cipher* and at least *version*.

    Raises ValueError for less than a ClientHello: the client went away.
    """
    hello = record[5 + 4 :]
    if len(hello) < 35:
        raise ValueError("no ClientHello")
    session_end = 34 + 1 + hello[34]
    count = int.from_bytes(hello[session_end : session_end + 2], "big")
    suites = hello[session_end + 2 : session_end + 2 + count]
    offered = {suites[i : i + 2] for i in range(0, count, 2)}
    return hello[:2] >= struct.pack(">H", version) and struct.pack(">H", cipher) in offered


def tls(
    files: Files,
    *,
    client_authority: Path | None = None,
    newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ciphers: str | None = None,
    after: Handler | None = None,
    tickets: int = 2,
) -> Handler:
    """Return a strict TLS server by `ssl`.

    client_authority: refuse whoever shows no certificate of this authority.
    tickets: how many sessions TLS 1.3 offers to resume, right after the handshake.
    after: what happens on the session once it stands; by default it waits for the client.
    """

    def handler(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        context.maximum_version = newest
        context.num_tickets = tickets
        if ciphers:
            context.set_ciphers(ciphers)
        if client_authority:
            context.load_verify_locations(client_authority)
            context.verify_mode = ssl.CERT_REQUIRED
        with contextlib.suppress(ssl.SSLError):
            session = context.wrap_socket(connection, server_side=True)
            with session:
                (after or mute)(session)

    return handler


def cuts_after_certificate_request(files: Files, client_authority: Path) -> Handler:
    """Return a TLS 1.2 server that asks for a certificate and resets where none came, no alert.

    Windows' Schannel does this.
    """

    def handler(connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            try:
                server.do_handshake()
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(65536))
            except ssl.SSLError:
                reset(connection)
                return

    return handler
