"""A small real collector: HTTP, a log, signed receipts; and it can be told to misbehave.

Storage is idempotent by run id: `stored` maps a run id to all digests kept for it, `posts` counts
every whole request that came in, so that a test can tell "sent twice" from "kept twice".
"""

from __future__ import annotations

import base64
import contextlib
import json
import ssl
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_reporting import merkle
from ccpor_reporting.envelope import (
    ENVELOPE_MEDIA_TYPE,
    REPORT_TYPE,
    EnvelopeInvalid,
    KeySigner,
    PublicKey,
    key_id,
    open_envelope,
    public_key_from_pem,
    public_key_pem,
)
from ccpor_reporting.receipt import Receipt, seal_receipt
from ccpor_reporting.request_signature import RequestSignatureInvalid, verify_request
from ccpor_reporting.signed_profile import SignedProfile, seal_profile

CODE = "ONE-TIME-CODE-7F3A9C21D4E84B06"
PLACE = {"court": "ca-sonoma", "name": "santa-rosa", "role": "scan-station"}
TOML = 'schema = "ccpor-profile/1"\ntitle = "Scan station"\nversion = 1\n'


@dataclass
class Reply:
    """What is sent back, word for word."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


# Given the request's bytes and the honest reply; what it returns is sent instead.
Script = Callable[[bytes, Callable[[], Reply]], Reply]


class FakeCollector:
    """The state of one collector; `start` serves it."""

    def __init__(self) -> None:
        self.signer = KeySigner(generate_private_key(SECP256R1()))
        self.machines: dict[str, tuple[str, PublicKey]] = {}
        self.stored: dict[str, list[str]] = {}
        self.order: list[str] = []  # run ids as first stored
        self.posts = 0
        self.requests: list[tuple[str, str]] = []
        self.log = merkle.Frontier()
        self.places: dict[str, int] = {}
        self.script: Script | None = None
        self.profile: SignedProfile | None = None
        self.enrolments = 0
        self.port = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def publish(self, **changes: Any) -> None:
        now = datetime.now(UTC)
        values: dict[str, Any] = {
            "court": PLACE["court"],
            "location": PLACE["name"],
            "role": PLACE["role"],
            "version": 1,
            "published_at": now,
            "expires_at": now + timedelta(days=90),
            "toml": TOML,
        }
        self.profile = SignedProfile(**{**values, **changes})

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        self.requests.append((method, path))
        if (method, path) == ("GET", "/healthz"):
            return Reply(200, b"{}")
        if (method, path) == ("GET", "/api/v1/profile"):
            return self._profile(headers)
        if (method, path) == ("POST", "/api/v1/enroll"):
            return self._enroll(body)
        if (method, path) == ("POST", "/api/v1/reports"):
            with self.lock:
                self.posts += 1
            if self.script is not None:
                return self.script(body, lambda: self.keep(body))
            return self.keep(body)
        return Reply(404)

    def keep(self, body: bytes) -> Reply:
        """Store one report the honest way and return its receipt."""
        try:
            opened = open_envelope(
                body,
                payload_type=REPORT_TYPE,
                key=lambda hint: self.machines[hint][1] if hint in self.machines else None,
            )
        except EnvelopeInvalid as exc:
            return Reply(400 if exc.code == "malformed" else 401)
        run_id, digest = json.loads(opened.payload)["run_id"], sha256(body).hexdigest()
        with self.lock:
            held = self.stored.get(run_id)
            if held is not None and digest not in held:
                return Reply(409, b'{"title":"held with other bytes"}')
            if held is None:
                self.stored[run_id] = [digest]
                self.order.append(run_id)
                self.places[run_id] = self.log.size
                self.log = self.log.append(merkle.leaf_hash(body))
            receipt = self.receipt(run_id, self.machines[opened.key_id][0], digest)
        return Reply(200 if held else 201, answered(receipt))

    def receipt(self, run_id: str, machine_id: str, digest: str, **changes: Any) -> bytes:
        values: dict[str, Any] = {
            "run_id": run_id,
            "machine_id": machine_id,
            "digest": digest,
            "log_index": self.places.get(run_id, 0),
            "tree_size": max(self.log.size, 1),
            "root": self.log.root().hex(),
            "received_at": datetime.now(UTC),
        }
        return seal_receipt(Receipt(**{**values, **changes}), self.signer)

    def _enroll(self, body: bytes) -> Reply:
        wish = json.loads(body)
        if wish["code"] != CODE:
            return Reply(403, b'{"title":"Forbidden","detail":"the code is not good"}')
        public = public_key_from_pem(wish["public_key"])
        machine_id = str(uuid.uuid4())
        with self.lock:
            self.enrolments += 1
            self.machines[key_id(public)] = (machine_id, public)
        profile = json.loads(seal_profile(self.profile, self.signer)) if self.profile else None
        return Reply(
            201,
            json.dumps(
                {
                    "machine_id": machine_id,
                    "location": PLACE,
                    "profile": profile,
                    "collector_public_key": public_key_pem(self.signer.public),
                }
            ).encode(),
        )

    def _profile(self, headers: dict[str, str]) -> Reply:
        try:
            verify_request(
                "GET",
                "/api/v1/profile",
                headers,
                lambda hint: self.machines[hint][1] if hint in self.machines else None,
                int(datetime.now(UTC).timestamp()),
            )
        except RequestSignatureInvalid as exc:
            return Reply(401, json.dumps({"detail": exc.code}).encode())
        if self.profile is None:
            return Reply(404)
        tag = f'"{sha256(self.profile.toml.encode()).hexdigest()}"'
        if headers.get("if-none-match") == tag:
            return Reply(304, b"", {"ETag": tag})
        return Reply(200, seal_profile(self.profile, self.signer), {"ETag": tag})


def answered(receipt: bytes) -> bytes:
    """Return the body of the collector's 200 and 201: the receipt, and its facts in the clear."""
    payload = json.loads(base64.b64decode(json.loads(receipt)["payload"]))
    return json.dumps({**payload, "receipt": json.loads(receipt)}).encode()


@contextlib.contextmanager
def started_collector(
    collector: FakeCollector, tls: ssl.SSLContext | None = None
) -> Iterator[FakeCollector]:
    """Serve *collector* on loopback until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:  # cut on the way in: a collector never sees half a report
                self.close_connection = True
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = collector.answer(self.command, self.path, headers, body)
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.status not in {204, 304}:
                if "Content-Type" not in reply.headers:
                    self.send_header("Content-Type", ENVELOPE_MEDIA_TYPE)
                self.send_header("Content-Length", str(len(reply.body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if reply.status not in {204, 304}:
                self.wfile.write(reply.body)

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server calls

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests look at the state."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: object, client_address: object) -> None:
            """A cut connection is what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    collector.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def new_report(run_id: str | None = None, *, profile: str = "p", full: bool = True) -> bytes:
    """Return the least that passes for a report's bytes on its way."""
    return json.dumps(
        {
            "schema": "ccpor-report/1",
            "run_id": run_id or str(uuid.uuid4()),
            "profile": {"id": profile},
            "coverage": {"excluded": 0 if full else 3},
        }
    ).encode()


def run_id_of(report: bytes) -> str:
    return str(json.loads(report)["run_id"])
