"""`python -m tests.lab.model.sink ADDRESS PORT CERTIFICATE KEY`: takes orders by HTTPS, answers after the last byte."""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import sys

from tests.lab.model.uploads import at_once

CHUNK = 1 << 18
PATIENCE_S = 120.0


class Taker(http.server.BaseHTTPRequestHandler):
    """One order: its bytes are read and thrown away."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE_S

    def do_POST(self) -> None:
        left = int(self.headers["Content-Length"])
        while left:
            got = len(self.rfile.read1(min(CHUNK, left)))
            if not got:
                return
            left -= got
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base
        pass


class Sink(http.server.ThreadingHTTPServer):
    """A thread for each connection; the handshake is made in it, so that none waits for another's."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        super().__init__(address, Taker)
        self.context = context

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with contextlib.suppress(OSError):
            taken = self.context.wrap_socket(request, server_side=True)
            super().finish_request(taken, client_address)
            taken.close()


def main(address: str, port: int, certificate: str, key: str) -> None:
    at_once()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    with Sink((address, port), context) as sink:
        sink.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
