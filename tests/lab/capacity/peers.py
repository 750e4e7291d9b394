"""What others would measure on the same line: iperf3 (10 s, 1 stream) and "send 10 MB, divide" with curl.

iperf3 counts at the receiver. The second is what a quick script does: one HTTPS transfer of 10 MB, its bytes
divided by its seconds; cut after 15 s, as nobody waits longer.
"""

from __future__ import annotations

import argparse
import json
import ssl
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import msgspec

from tests.lab.capacity.site import Site
from tests.lab.shaped import DATACENTER, ROOT, Direction, Line
from tests.peers import wait_until

IPERF_PORT, POST_PORT = 5201, 8444
IPERF_S, POST_S, POST_BYTES = 10, 15, 10_000_000
NAMES = {IPERF_PORT: "iperf3", POST_PORT: "the server for 10 MB"}


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """What one of them said. mbit: None where it said nothing."""

    mbit: float | None
    megabytes: float
    trouble: str = ""


def iperf3(line: Line, direction: Direction) -> Peer:
    """Return what one TCP stream of iperf3 reached in 10 s, counted where it arrived."""
    server = line.start("datacenter", ["iperf3", "-s", "-p", str(IPERF_PORT)])
    words = ["iperf3", "-c", DATACENTER, "-p", str(IPERF_PORT), "-t", str(IPERF_S), "-J"]
    words += ["-R"] if direction == "down" else []
    try:
        _wait(line, IPERF_PORT)
        done = line.run("court", *words, check=False, timeout=IPERF_S + 50)
        told = json.loads(done.stdout or "{}")
        if "end" not in told or "sum_received" not in told["end"]:
            return Peer(mbit=None, megabytes=0.0, trouble=str(told.get("error"))[:200])
        end = told["end"]
        sent = max(end["sum_sent"]["bytes"], end["sum_received"]["bytes"])
        return Peer(mbit=end["sum_received"]["bits_per_second"] / 1e6, megabytes=sent / 1e6)
    except subprocess.TimeoutExpired:
        return Peer(mbit=None, megabytes=0.0, trouble="no end")
    finally:
        line.stop(server)


def post(line: Line, site: Site, direction: Direction) -> Peer:
    """Return bytes over seconds of one HTTPS transfer of 10 MB, cut after 15 s."""
    module = "tests.lab.capacity.peers"
    keys = [str(site.cert), str(site.key)]
    path = {"PYTHONPATH": str(ROOT)}
    server = line.start("datacenter", [sys.executable, "-m", module, *keys], env=path)
    body = site.folder / "10mb"
    if not body.exists():
        body.write_bytes(bytes(POST_BYTES))
    words = ["curl", "-sS", "-o", "/dev/null", "-m", str(POST_S), "--cacert", str(site.ca)]
    words += ["-w", "%{size_upload} %{size_download} %{time_total}"]
    if direction == "up":
        words += ["-H", "Expect:", "--data-binary", f"@{body}"]
    try:
        _wait(line, POST_PORT)
        url = f"https://{DATACENTER}:{POST_PORT}/"
        done = line.run("court", *words, url, check=False, timeout=POST_S + 30)
        up, down, seconds = map(float, done.stdout.split())
        moved = up if direction == "up" else down
        return Peer(mbit=moved * 8 / seconds / 1e6, megabytes=moved / 1e6)
    except (ValueError, subprocess.TimeoutExpired) as exc:
        return Peer(mbit=None, megabytes=0.0, trouble=str(exc)[:200])
    finally:
        line.stop(server)


def _wait(line: Line, port: int) -> None:
    listening = lambda: f":{port} " in line.run("datacenter", "ss", "-Hltn").stdout  # noqa: E731
    wait_until(listening, NAMES[port], 30)


class _Ten(BaseHTTPRequestHandler):
    """Takes any POST, and gives 10 MB to any GET."""

    protocol_version = "HTTP/1.1"
    body: ClassVar[bytes] = bytes(65536)

    def do_POST(self) -> None:
        left = int(self.headers.get("Content-Length", 0))
        while left and (got := len(self.rfile.read(min(left, 65536)))):
            left -= got
        self.send_response(204)
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(POST_BYTES))
        self.end_headers()
        left = POST_BYTES
        while left:
            part = self.body[:left]
            self.wfile.write(part)
            left -= len(part)

    def log_message(self, _form: str, *args: object) -> None: ...


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves after 15 s is what is expected."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("certificate", type=Path)
    parser.add_argument("key", type=Path)
    asked = parser.parse_args()
    server = _Quiet(("0.0.0.0", POST_PORT), _Ten)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(asked.certificate, asked.key)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.serve_forever()


if __name__ == "__main__":
    main()
