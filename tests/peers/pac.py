"""A web server for the files that choose a proxy (PAC): sound ones and broken ones by path."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KIND = "application/x-ns-proxy-autoconfig"


def always(answer: str) -> str:
    """Return a PAC file that says *answer* of everything."""
    return f'function FindProxyForURL(url, host) {{ return "{answer}"; }}'


@contextlib.contextmanager
def pac_server(files: dict[str, str | bytes]) -> Iterator[str]:
    """Serve *files* by path (404 for others) until the block ends; yields ``http://host:port``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = files.get(self.path)
            content = found.encode() if isinstance(found, str) else found
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", KIND)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
