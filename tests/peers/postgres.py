"""A throw-away PostgreSQL server on loopback: own data folder, own port, nothing kept."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.peers import free_port, lacking, listens, started

FOLDERS = ("/usr/lib/postgresql", "/usr/local/lib/postgresql")


def binaries() -> Path:
    """Return the folder of initdb and postgres; ends the test when there is none."""
    found = sorted(
        (path for folder in FOLDERS for path in Path(folder).glob("*/bin")),
        key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0,
    )
    whole = [path for path in found if (path / "initdb").exists() and (path / "postgres").exists()]
    if whole:
        return whole[-1]
    if program := shutil.which("initdb"):
        return Path(program).resolve().parent
    lacking("needs a PostgreSQL server (initdb, postgres); see .ci/install for the packages")
    raise AssertionError("lacking() ends the test")


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Give the URL of an empty database; the server ends with the block."""
    if importlib.util.find_spec("psycopg") is None:
        lacking("needs psycopg; pip install 'ccpor-check[postgres]'")
    bin_folder = binaries()
    folder = Path(tempfile.mkdtemp(prefix="ccpor-pg-"))
    try:
        as_user = _as_postgres(folder)
        port = free_port()
        subprocess.run(
            [*as_user, str(bin_folder / "initdb"), "-D", str(folder / "data"), "-U", "ccpor",
             "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, capture_output=True, cwd="/",
        )  # fmt: skip
        command = [
            *as_user, str(bin_folder / "postgres"), "-D", str(folder / "data"), "-p", str(port),
            "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}",
            "-c", "fsync=off", "-c", "max_connections=60",
        ]  # fmt: skip
        with started(command, log=folder / "log", ready=lambda: _answers(port)):
            yield f"postgresql://ccpor@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_postgres(folder: Path) -> list[str]:
    """Return the words that leave root, whom PostgreSQL refuses to serve."""
    if os.getuid() != 0:
        return []
    shutil.chown(folder, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


def _answers(port: int) -> bool:
    if not listens(port):
        return False
    import psycopg

    with contextlib.suppress(psycopg.OperationalError):
        psycopg.connect(f"postgresql://ccpor@127.0.0.1:{port}/postgres", connect_timeout=2).close()
        return True
    return False
