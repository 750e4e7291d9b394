"""SSH on a Windows Python: sessions, keys and a file's way, against paramiko's own server.

OpenSSH's server does not run here; what a real one answers is tested on the Linux side.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paramiko
import pytest

from ccpor_checks import sftp
from ccpor_reporting.model import Status
from tests.checks.looking import looked
from tests.checks.ssh.places import asked, place
from tests.checks.ssh.test_secrets import *  # noqa: F403
from tests.checks.ssh.test_session_faults import *  # noqa: F403
from tests.peers import free_port

del test_a_key_that_ssh_keygen_made_is_read  # noqa: F821 - that tool is on the Linux side

PASSWORD = "right horse 7"


class Door(paramiko.ServerInterface):
    """Lets one password in, and that only to a session with SFTP."""

    def check_auth_password(self, username: str, password: str) -> int:
        right = password == PASSWORD
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    """A folder of files held on this machine's disk."""

    root = ""

    def _at(self, path: str) -> Path:
        return Path(self.root, path.strip("/"))

    def stat(self, path: str) -> object:
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno)

    def open(self, path: str, flags: int, attr: object) -> object:
        try:
            mode = os.O_BINARY if hasattr(os, "O_BINARY") else 0
            handle = paramiko.SFTPHandle(flags)
            number = os.open(self._at(path), flags | mode, 0o600)
            handle.readfile = handle.writefile = os.fdopen(
                number, "wb" if flags & os.O_WRONLY else "rb"
            )
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno or errno.EIO)
        return handle

    def remove(self, path: str) -> int:
        try:
            self._at(path).unlink()
        except OSError as exc:
            return paramiko.SFTPServer.convert_errno(exc.errno)
        return paramiko.SFTP_OK


@dataclass
class Server:
    port: int
    key: paramiko.PKey
    sessions: list[paramiko.Transport] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return self.key.fingerprint


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """paramiko's server with a folder ``/in``."""
    root = tmp_path_factory.mktemp("jail")
    (root / "in").mkdir()
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener.getsockname()[1], paramiko.ECDSAKey.generate())
    interface = type("InThatFolder", (Folder,), {"root": str(root)})

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            session = paramiko.Transport(client)
            session.add_server_key(server.key)
            session.set_subsystem_handler("sftp", paramiko.SFTPServer, interface)
            server.sessions.append(session)
            session.start_server(event=threading.Event(), server=Door())

    threading.Thread(target=serve, daemon=True).start()
    yield server
    listener.close()
    for session in server.sessions:
        session.close()


def test_a_pinned_server_lets_the_right_password_in(here: Server, tmp_path: Path) -> None:
    """The password file as Notepad saves it: a byte order mark and a Windows line end."""
    (tmp_path / "password.txt").write_bytes(b"\xef\xbb\xbf" + PASSWORD.encode() + b"\r\n")

    seen = asked(here.port, host_key=here.fingerprint, password_file=str(tmp_path / "password.txt"))

    assert seen.statuses == {Status.PASS}


def test_a_wrong_password_is_denied(here: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a Windows service is where a password often is."""
    monkeypatch.setenv("DROP_PASSWORD", "wrong")

    seen = asked(here.port, host_key=here.fingerprint, password_env="DROP_PASSWORD")

    assert seen.blocking == {"ssh.login/denied"}


def test_another_key_is_changed(here: Server) -> None:
    """The pin is compared on every system alike."""
    assert asked(here.port, host_key="SHA256:" + "A" * 43).blocking == {"ssh.hostkey/changed"}


def test_a_closed_port_is_named_as_everywhere() -> None:
    """WSAECONNREFUSED is 10061 here."""
    assert asked(free_port(), timeout_s=10).evidence.error == "ECONNREFUSED"


@pytest.mark.parametrize(("path", "failed"), [("/in", set()), ("/none", {"no-such-directory"})])
def test_a_file_goes_there_and_comes_back(
    here: Server, monkeypatch: pytest.MonkeyPatch, path: str, failed: set[str]
) -> None:
    """A server that knows no statvfs, as most that are not OpenSSH's."""
    monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
    target = place(here.port, path, host_key=here.fingerprint, password_env="DROP_PASSWORD")

    seen = looked(sftp.CHECK, target, {"size_kb": 300})

    assert seen.failed == {f"sftp.transfer/{reason}" for reason in failed}
    assert seen.evidence.left_behind in (False, None)
