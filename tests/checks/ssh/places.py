"""Targets, and looks at them, for the tests of `ssh` and `sftp`."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_checks import ssh
from ccpor_checks.base import Target
from ccpor_checks.ssh import SshOptions
from tests.checks.looking import Looked, looked
from tests.peers.sshd import PASSWORD, USER, Sshd, sshd


def place(port: int, path: str = "", user: str | None = USER, **options: Any) -> Target:
    """Return the target on loopback; *options* are those of ``[target.ssh]``."""
    at = f"{user}@" if user else ""
    return Target(
        id="drop-box",
        url=f"sftp://{at}127.0.0.1:{port}{path}",
        scheme="sftp",
        host="127.0.0.1",
        port=port,
        path=path,
        username=user,
        options={"ssh": msgspec.convert(options, SshOptions)},
    )


def asked(port: int, user: str | None = USER, **options: Any) -> Looked:
    """Return what the `ssh` check sees on *port*."""
    return looked(ssh.CHECK, place(port, user=user), options)


@pytest.fixture(scope="session")
def server() -> Iterator[Sshd]:
    """One healthy server for all tests of the process, with keys of three kinds."""
    # short and readable for nobody else; sshd copies what its user must read into its own disk
    with tempfile.TemporaryDirectory() as folder, sshd(Path(folder)) as running:
        yield running


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    """A password as an editor saves it: with a line end."""
    path = tmp_path / "password.txt"
    path.write_text(PASSWORD + "\n")
    return str(path)
