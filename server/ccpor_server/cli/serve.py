"""serve: one process that answers workstations and people."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import click
import msgspec
import uvicorn
from starlette.applications import Starlette

from ccpor_server import lock
from ccpor_server.app import create_app
from ccpor_server.capacity.measuring import Measuring
from ccpor_server.cli import door
from ccpor_server.json_log import JsonLines
from ccpor_server.store import connect, migrate

log = logging.getLogger(__name__)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    "serve",
    epilog="\b\nExamples:\n"
    "  ccpor-collector serve                       (loopback, for a trial)\n"
    "  ccpor-collector serve --host 0.0.0.0 --port 443 --tls-cert cert.pem --tls-key key.pem\n"
    "\nBehind a proxy that ends TLS, set CCPOR_COLLECTOR_HTTPS=1 and "
    "CCPOR_COLLECTOR_TRUSTED_PROXIES.",
)
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", type=click.IntRange(0, 65535), default=8443, show_default=True)
@click.option("--tls-cert", type=_FILE, help="Certificate chain, PEM.")
@click.option("--tls-key", type=_FILE, help="Its private key, PEM.")
@click.option(
    "--udp-port",
    type=click.IntRange(0, 65535),
    help="Of the STAMP reflector; 0: none.  [default: as --port]",
)
@door.told
def command(
    host: str, port: int, tls_cert: Path | None, tls_key: Path | None, udp_port: int | None
) -> None:
    """Answer until told to stop (Ctrl-C, SIGTERM); what was accepted is finished first."""
    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    settings = door.settings()
    if tls_cert:
        settings = msgspec.structs.replace(settings, https=True)
    elif not settings.https and not _is_loopback(host):
        raise click.UsageError(
            f"without TLS only loopback is served; give --tls-cert and --tls-key for {host}"
        )
    url = connect.database_url(settings.database_url)
    migrate.require_newest(url)
    _require_free(host, port)
    _log_to_stderr()
    with ExitStack() as stack:
        if connect.sqlite_file(url):
            stack.enter_context(lock.held(settings.lock_file))
        app = create_app(settings)
        config = _config(app, host, port, tls_cert, tls_key)
        # uvicorn raises the signal again once it has stopped: then this one hears it, not the shell
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        measuring = app.state.collector.measuring if settings.capacity and udp_port != 0 else None
        server = Announcing(config, "https" if tls_cert else "http", measuring, udp_port)
        server.run()
    if not server.started:
        raise click.ClickException(f"{host}:{port} cannot be listened on; see the log above")


def _config(
    app: Starlette, host: str, port: int, tls_cert: Path | None, tls_key: Path | None
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http="httptools",  # the pure Python one measures no line of 1 Gbit/s
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
        proxy_headers=False,  # ours believes listed proxies only
        server_header=False,
        access_log=False,
        log_config=None,
        limit_concurrency=2000,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=15,
    )


class Announcing(uvicorn.Server):
    """Says on stdout where it listens, once it does; the reflector listens beside it."""

    def __init__(
        self, config: uvicorn.Config, scheme: str, measuring: Measuring | None, udp: int | None
    ) -> None:
        super().__init__(config)
        self._scheme = scheme
        self._measuring = measuring
        self._udp = udp

    async def startup(self, *args: object, **kwargs: object) -> None:
        await super().startup(*args, **kwargs)  # type: ignore[arg-type]
        for server in self.servers if self.started else ():
            for listening in server.sockets:
                host, port = listening.getsockname()[:2]
                click.echo(f"listening on {self._scheme}://{_shown(host)}:{port}")
                if self._measuring is not None:
                    await self._reflect(self._measuring, host, self._udp or port)
        sys.stdout.flush()

    async def _reflect(self, measuring: Measuring, host: str, port: int) -> None:
        """Open the reflector; without one, lines are measured over HTTPS alone."""
        try:
            await measuring.reflect(host, port)
        except OSError as exc:
            reason = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
            log.warning("reflector.closed", extra={"port": port, "reason": reason})
            click.echo(
                f"no reflector on UDP {_shown(host)}:{port} ({reason}); give another --udp-port, "
                "or 0 for none",
                err=True,
            )
        else:
            click.echo(f"reflecting on udp://{_shown(host)}:{port}")

    async def shutdown(self, *args: object, **kwargs: object) -> None:
        if self._measuring is not None:
            self._measuring.stop()  # else its streams would use up the time for stopping
        await super().shutdown(*args, **kwargs)  # type: ignore[arg-type]


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _require_free(host: str, port: int) -> None:
    """Say in words that a port is taken, before anything is opened."""
    try:
        (family, kind, _, _, address), *_ = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind) as trial:
            if os.name == "posix":
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except socket.gaierror as exc:
        raise click.UsageError(f"--host {host}: there is no such name or address") from exc
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise click.UsageError(
                f"port {port} is taken on {host}; stop who listens there, or give another --port"
            ) from exc
        raise click.UsageError(f"{host}:{port} cannot be listened on: {exc.strerror}") from exc


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _log_to_stderr() -> None:
    """One line of JSON for each event; a value can never make a second line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
