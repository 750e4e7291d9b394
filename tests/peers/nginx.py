"""One real nginx with many endpoints, each on a port of its own and each with its own fault."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.peers import listens, program, started
from tests.peers.certificates import Files

SEVERAL_TRIES = 3  # another test may take a free port between our look and nginx's bind


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One ``server {}``.

    files: certificate chain and key; None speaks plain HTTP.
    body: any further lines inside ``server {}``, locations included; without a location of its own
    the endpoint answers 200 with ``ok NAME``.
    """

    name: str
    files: Files | None = None
    protocols: str = "TLSv1.2 TLSv1.3"
    ciphers: str | None = None
    body: Sequence[str] = ()
    host: str = "127.0.0.1"

    def server(self, port: int) -> str:
        lines = [f"listen {self.host}:{port}{' ssl' if self.files else ''};"]
        if self.files:
            lines += [
                f"ssl_certificate {self.files.certificate};",
                f"ssl_certificate_key {self.files.key};",
                f"ssl_protocols {self.protocols};",
            ]
        if self.ciphers:
            lines.append(f"ssl_ciphers {self.ciphers};")
        lines += self.body
        if not any(line.lstrip().startswith("location ") for line in self.body):
            lines.append(f"location / {{ return 200 'ok {self.name}\\n'; }}")
        return "server {\n  " + "\n  ".join(lines) + "\n}"


@contextlib.contextmanager
def nginx(endpoints: Sequence[Endpoint], folder: Path) -> Iterator[dict[str, int]]:
    """Serve *endpoints* until the block ends; yields the port of each by its name.

    folder: an empty one for configuration, log and temporary files.
    """
    command = [program("nginx"), "-p", str(folder), "-e", str(folder / "error.log")]
    command += ["-c", str(folder / "nginx.conf")]
    with contextlib.ExitStack() as running:
        for tries_left in reversed(range(SEVERAL_TRIES)):
            ports = free_ports(len(endpoints))
            write_configuration(endpoints, ports, folder)
            serving = started(
                command,
                log=folder / "output.log",
                ready=functools.partial(listens, ports[-1]),
            )
            try:
                running.enter_context(serving)
            except AssertionError:
                if not tries_left:
                    raise
            else:
                break
        yield dict(zip((endpoint.name for endpoint in endpoints), ports, strict=True))


def write_configuration(endpoints: Sequence[Endpoint], ports: list[int], folder: Path) -> None:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = [f"  {kind}_temp_path {folder}/tmp_{kind};" for kind in kinds]
    servers = [end.server(port) for end, port in zip(endpoints, ports, strict=True)]
    text = [
        "daemon off;",
        "worker_processes 1;",
        f"pid {folder}/nginx.pid;",
        "events { worker_connections 256; }",
        "http {",
        "  access_log off;",
        "  ssl_session_cache off;",
        *temporary,
        *servers,
        "}",
    ]
    (folder / "nginx.conf").write_text("\n".join(text) + "\n", encoding="utf-8")


def free_ports(count: int) -> list[int]:
    """Return *count* different ports that nobody listens on: all are held until all are chosen."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
