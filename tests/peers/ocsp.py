"""An OCSP responder and a place for revocation lists and issuers, over HTTP on loopback.

Written here because ``openssl ocsp -port`` cannot be bound to loopback.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from tests.peers.certificates import DAY, Issued, utc_now


@dataclass
class Responder:
    """What the responder says; tests change it as they go.

    certificates: those it knows; others are answered ``unauthorized``. revoked: serial numbers.
    signer: who signs (None: the issuer itself); delegated: put the signer's certificate in.
    age: how long ago the answer was made; lasts: how long it is good for.
    files: path → bytes for GET, e.g. revocation lists. asked: paths, in order.
    """

    certificates: dict[int, Issued] = field(default_factory=dict)
    revoked: set[int] = field(default_factory=set)
    signer: Issued | None = None
    delegated: bool = False
    age: dt.timedelta = dt.timedelta(0)
    lasts: dt.timedelta = dt.timedelta(hours=1)
    files: dict[str, bytes] = field(default_factory=dict)
    silent: bool = False  # accept the question, never answer
    answer: bytes | None = None  # these bytes instead of an OCSP answer
    asked: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"
    port: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def knows(self, *issued: Issued) -> None:
        self.certificates.update({one.serial: one for one in issued})

    def reply(self, question: bytes) -> bytes:
        """Return the DER answer to a DER question."""
        if self.answer is not None:
            return self.answer
        asked = ocsp.load_der_ocsp_request(question)
        known = self.certificates.get(asked.serial_number)
        if known is None or known.issuer is None:
            status = ocsp.OCSPResponseStatus.UNAUTHORIZED
            nothing = ocsp.OCSPResponseBuilder.build_unsuccessful(status)
            return nothing.public_bytes(serialization.Encoding.DER)
        is_revoked = known.serial in self.revoked
        made = utc_now() - self.age
        signer = self.signer or known.issuer
        builder = (
            ocsp.OCSPResponseBuilder()
            .add_response(
                cert=known.certificate,
                issuer=known.issuer.certificate,
                algorithm=asked.hash_algorithm,
                cert_status=ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD,
                this_update=made,
                next_update=made + self.lasts,
                revocation_time=made - DAY if is_revoked else None,
                revocation_reason=x509.ReasonFlags.key_compromise if is_revoked else None,
            )
            .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.certificate)
        )
        if self.delegated:
            builder = builder.certificates([signer.certificate])
        answer = builder.sign(signer.key, hashes.SHA256())
        return answer.public_bytes(serialization.Encoding.DER)


@contextlib.contextmanager
def responding(host: str = "127.0.0.1", port: int = 0) -> Iterator[Responder]:
    """Serve a `Responder` until the block ends."""
    responder = Responder(host=host)

    class Desk(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            responder.asked.append(self.path)
            content = responder.files.get(self.path)
            self.send(404 if content is None else 200, content or b"", "application/octet-stream")

        def do_POST(self) -> None:
            responder.asked.append("ocsp")
            question = self.rfile.read(int(self.headers["Content-Length"]))
            if responder.silent:
                responder.over.wait(20)
                return
            self.send(200, responder.reply(question), "application/ocsp-response")

        def send(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(OSError):  # the client may stop at its size limit
                self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((host, port), Desk)
    server.daemon_threads = True
    responder.port = server.server_address[1]
    running = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    running.start()
    try:
        yield responder
    finally:
        responder.over.set()
        server.shutdown()
        server.server_close()
        running.join(10)
