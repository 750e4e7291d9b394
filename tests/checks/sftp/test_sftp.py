"""The SFTP check against a real OpenSSH: a file's way there and back, and whatever stops it."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ccpor_checks import sftp
from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.sftp import SftpOptions
from ccpor_checks.sftp.transfer import folder_of
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Owner, Status
from tests.agent.program import ccpor, write_profile
from tests.checks.looking import Looked, looked
from tests.checks.ssh.places import asked, place
from tests.peers import wait_until
from tests.peers.chaos_proxy import started_proxy
from tests.peers.sshd import DISK, PASSWORD, USER, Sshd, sftp_server, sshd

PYTHON = Path(sys.executable).resolve()


def sent(
    server: Sshd, path: str = "/in", *, port: int | None = None, seconds: float = 30, **table: Any
) -> Looked:
    """Return what came of a file sent to *path*, signed in by key."""
    options = {"size_kb": table.pop("size_kb", 624)}
    table = {"key_file": str(server.key_file), "host_key": server.fingerprint()} | table
    target = place(port or server.port, path, **table)
    return looked(sftp.CHECK, target, options, seconds=seconds)


def finding(seen: Looked) -> Any:
    return seen.findings["sftp.transfer"]


def test_a_file_goes_there_comes_back_the_same_and_is_gone(server: Sshd) -> None:
    """The healthy twin of everything below, with the numbers that a baseline compares."""
    seen = sent(server)

    evidence = seen.evidence
    assert seen.statuses == {Status.PASS}
    assert evidence.written_bytes == evidence.read_bytes == 624_000
    assert evidence.sha256_written == evidence.sha256_read
    assert min(evidence.write_mbit_s, evidence.read_mbit_s) > 0
    assert evidence.left_behind is False
    assert server.left() == []


@pytest.mark.parametrize("size_kb", [1, 33, 5000])
def test_every_size_is_sent_whole(server: Sshd, size_kb: int) -> None:
    """Less than one write, not a multiple of one, and more than may be on the way at once."""
    seen = sent(server, size_kb=size_kb)

    assert seen.failed == set()
    assert seen.evidence.read_bytes == size_kb * 1000


def test_what_is_written_says_what_it_is_and_changes_each_time(server: Sshd) -> None:
    """No order, no person; and no cache on the way may answer with yesterday's bytes."""
    first, second = sent(server), sent(server)

    assert first.evidence.sha256_written != second.evidence.sha256_written
    assert first.evidence.file != second.evidence.file
    assert first.evidence.file.startswith("/in/ccpor-check-")


@pytest.mark.parametrize(
    ("path", "fault", "words"),
    [
        ("/locked", "permission-denied", "may not write to /locked"),
        ("/frozen", "permission-denied", "may not write to /frozen"),
        ("/none", "no-such-directory", "/none does not exist"),
        ("/none/deeper", "no-such-directory", "does not exist"),
        ("/tiny", "no-space", "of 624000 bytes"),
        ("/full", "no-space", "no room for a new file"),
    ],
)
def test_each_refusal_has_its_reason(server: Sshd, path: str, fault: str, words: str) -> None:
    """By status code and by the room that the server tells of: the far end's to mend."""
    seen = sent(server, path)

    assert seen.blocking == {f"sftp.transfer/{fault}"}
    assert words in finding(seen).summary
    assert finding(seen).owner is Owner.DATACENTER
    assert "may still lie there" not in finding(seen).summary
    assert server.left() == []


def test_a_path_that_is_a_file_is_no_directory(server: Sshd) -> None:
    """A profile that names the file where the folder is meant."""
    (server.jail / "locked/order.pdf").write_bytes(b"x")
    try:
        seen = sent(server, "/locked/order.pdf")
    finally:
        (server.jail / "locked/order.pdf").unlink()

    assert seen.blocking == {"sftp.transfer/no-such-directory"}
    assert "is no directory" in finding(seen).summary


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("", "."),
        ("/~", "."),
        ("/~/in", "in"),
        ("/", "/"),
        ("/in", "/in"),
        ("/in%20box/a", "/in box/a"),
    ],
)
def test_the_urls_path_names_the_folder_as_curl_does(path: str, folder: str) -> None:
    """Absolute, except below ``/~/``, where the login lands."""
    assert folder_of(path) == folder


@contextlib.contextmanager
def behind_a_filter(fault: str) -> Iterator[Sshd]:
    """Run a real sftp-server whose answers are changed on their way."""
    command = f"{PYTHON} -I -S {DISK}/sftp_filter.py {fault} {sftp_server()}"
    with (
        tempfile.TemporaryDirectory() as folder,
        sshd(
            Path(folder), f"ForceCommand {command}", chroot=False, keys=("ed25519",), as_root=True
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def filtered() -> Iterator[dict[str, Sshd]]:
    """One server for each fault."""
    with contextlib.ExitStack() as running:
        yield {
            fault: running.enter_context(behind_a_filter(fault))
            for fault in ("flip", "short", "hang", "quota", "keep")
        }


class TestBehindAFilter:
    """What only a server that misbehaves shows."""

    def test_one_byte_that_came_back_otherwise_is_corruption(
        self, filtered: dict[str, Sshd]
    ) -> None:
        """An order with one wrong digit is the worst outcome there is."""
        seen = sent(filtered["flip"], f"{DISK}/jail/in")

        assert seen.blocking == {"sftp.transfer/corrupted"}
        assert seen.evidence.read_bytes == 624_000
        assert filtered["flip"].left() == []

    def test_a_short_read_is_no_corruption(self, filtered: dict[str, Sshd]) -> None:
        """A server may give less than was asked for; the rest is to be asked for again."""
        assert sent(filtered["short"], f"{DISK}/jail/in").failed == set()

    def test_a_spent_quota_is_no_space_though_the_disk_has_room(
        self, filtered: dict[str, Sshd]
    ) -> None:
        """OpenSSH has no status of its own for it: a write that fails is a lack of room."""
        seen = sent(filtered["quota"], f"{DISK}/jail/in")

        assert seen.blocking == {"sftp.transfer/no-space"}
        assert seen.evidence.written_bytes == 8 * 32768 + 57
        assert filtered["quota"].left() == []

    def test_a_server_that_hangs_is_our_inability_and_the_file_is_removed(
        self, filtered: dict[str, Sshd]
    ) -> None:
        """Patience ends after `timeout_s` without a byte, not after the whole budget."""
        seen = sent(filtered["hang"], f"{DISK}/jail/in", timeout_s=1.0)

        assert finding(seen).status is Status.ERROR
        assert "stopped answering while the file was written" in finding(seen).summary
        assert seen.evidence.left_behind is False
        assert seen.seconds < 15
        assert filtered["hang"].left() == []

    def test_the_checks_own_deadline_leaves_time_to_remove_the_file(
        self, filtered: dict[str, Sshd]
    ) -> None:
        """A transfer that is given up is still cleaned up after."""
        seen = sent(filtered["hang"], f"{DISK}/jail/in", seconds=4, timeout_s=20)

        assert finding(seen).status is Status.ERROR
        assert seen.evidence.left_behind is False
        assert seen.seconds < 4
        assert filtered["hang"].left() == []

    def test_a_transfer_that_is_given_up_from_outside_takes_its_file_away(
        self, filtered: dict[str, Sshd]
    ) -> None:
        """Ctrl-C: the process ends in a moment, and the worker is in the middle of a write."""
        server = filtered["hang"]
        target = place(
            server.port,
            f"{DISK}/jail/in",
            host_key=server.fingerprint(),
            key_file=str(server.key_file),
        )
        context = Context(deadline=time.monotonic() + 60)

        def look() -> None:
            with contextlib.suppress(TimeoutError, CannotObserve):
                sftp.CHECK.run(target, SftpOptions(), context)

        worker = threading.Thread(target=look, daemon=True)
        worker.start()
        wait_until(lambda: bool(server.left()), "the file")
        context.abandon()

        wait_until(lambda: not server.left(), "its removal")
        worker.join(20)
        assert not worker.is_alive()

    def test_a_file_that_may_not_be_removed_is_named(self, filtered: dict[str, Sshd]) -> None:
        """Somebody must remove it by hand, and needs its name for that."""
        seen = sent(filtered["keep"], f"{DISK}/jail/in")

        assert seen.blocking == {"sftp.transfer/permission-denied"}
        assert seen.evidence.left_behind is True
        (left,) = filtered["keep"].left()
        assert f"{left} may still lie there" in finding(seen).summary


@pytest.mark.parametrize("way", ["up", "down"])
def test_a_connection_cut_in_the_middle_leaves_nothing_behind(server: Sshd, way: str) -> None:
    """The line broke, not the server: an error, and the file is removed over a new connection."""
    with started_proxy(server.port) as proxy:
        proxy.cut(way, 300_000)  # type: ignore[arg-type]
        seen = sent(server, port=proxy.port)

    assert proxy.cuts == 1
    assert finding(seen).status is Status.ERROR
    assert "cut while the file was" in finding(seen).summary
    assert seen.evidence.left_behind is False
    assert server.left() == []


def test_a_server_that_is_gone_leaves_the_file_and_its_name(
    tmp_path: Path,
) -> None:
    """Where even a second connection fails, the report says what lies where."""
    with sshd(tmp_path, keys=("ed25519",)) as server, started_proxy(server.port) as proxy:
        proxy.cut("up", 300_000)
        closing = threading.Thread(
            target=lambda: (wait_until(lambda: proxy.cuts == 1, "the cut"), proxy.close())
        )
        closing.start()
        seen = sent(server, port=proxy.port, timeout_s=1)
        closing.join()
        left = server.left()

    assert seen.evidence.left_behind is True
    assert left == [seen.evidence.file.removeprefix("/in/")]
    assert f"{seen.evidence.file} may still lie there" in finding(seen).summary


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["ForceCommand /bin/false"], "when SFTP starts"),
        (["ForceCommand echo Welcome, your home is full"], "what is no SFTP"),
        (["ChrootDirectory /tmp"], "hangs up"),
    ],
)
def test_a_user_who_may_sign_in_but_not_start_sftp_is_denied(
    tmp_path: Path, lines: list[str], words: str
) -> None:
    """The account is half set up: the login passes, and the drop folder is out of reach."""
    with sshd(tmp_path, *lines, chroot=False, keys=("ed25519",)) as half:
        seen = sent(half, f"{DISK}/jail/in")

    assert seen.blocking == {"sftp.transfer/permission-denied"}
    assert words in finding(seen).summary
    assert "chroot" in finding(seen).fix


def test_a_server_that_hangs_when_sftp_starts_denies_nothing(tmp_path: Path) -> None:
    """Silence is no refusal: an error, after `timeout_s`."""
    command = "ForceCommand sleep 30"
    with sshd(tmp_path, command, chroot=False, keys=("ed25519",)) as hung:
        seen = sent(hung, f"{DISK}/jail/in", timeout_s=1)

    assert finding(seen).status is Status.ERROR
    assert "stopped answering while SFTP was started" in finding(seen).summary
    assert seen.evidence.left_behind is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"key_file": None}, "nothing to sign in with"),
        ({"host_key": None}, "host key is unknown"),
        ({"host_key": "SHA256:" + "A" * 43}, "another host key"),
        ({"key_file": "/nowhere/id"}, "is not there"),
    ],
)
def test_without_a_login_there_is_nothing_to_say_about_files(
    server: Sshd, table: dict[str, Any], words: str
) -> None:
    """An error that says what to write: never a pass, and never the drop folder's fault."""
    with pytest.raises(CannotObserve, match=words):
        sent(server, **table)


def test_many_at_once_do_not_meet_each_others_files(server: Sshd) -> None:
    """Every station of a court may be checked at the same hour."""
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: sent(server, size_kb=100), range(16)))

    assert {fault for each in seen for fault in each.failed} == set()
    assert {each.evidence.left_behind for each in seen} == {False}
    assert server.left() == []


def test_giving_up_ends_the_transfer_at_once() -> None:
    """A run that ends must not wait for a hung server."""
    with behind_a_filter("hang") as hung:
        table = {"key_file": str(hung.key_file), "host_key": hung.fingerprint(), "timeout_s": 60}
        target = place(hung.port, f"{DISK}/jail/in", **table)
        context = Context(deadline=time.monotonic() + 100)
        thread = threading.Thread(
            target=lambda: sftp.run(target, SftpOptions(), context), daemon=True
        )
        thread.start()
        wait_until(lambda: bool(hung.left()), "the file")
        context.abandon()
        thread.join(10)

    assert not thread.is_alive()


def profile_for(server: Sshd, folder: Path, **table: str) -> Path:
    """Write a profile whose only target is the server's drop folder."""
    lines = [f'{key} = "{value}"' for key, value in table.items()]
    return write_profile(
        folder / "court.toml",
        [
            f'id = "drop-box"\nurl = "sftp://{USER}@127.0.0.1:{server.port}/in"\n'
            "[target.ssh]\n" + "\n".join(lines) + "\n[target.sftp]\nsize_kb = 50"
        ],
    )


def test_a_whole_run_sends_a_file_and_says_ready(server: Sshd, tmp_path: Path) -> None:
    """From the command line to the file and back, with nothing secret in what comes out."""
    (tmp_path / "password.txt").write_text(PASSWORD + "\n")
    profile = profile_for(
        server, tmp_path, host_key=server.fingerprint(), password_file="password.txt"
    )

    done = ccpor("run", "--profile", profile, "--no-upload", "--json")

    report = json.loads(done.stdout)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1)  # where it was saved, no more
    assert report["verdict"] == "ready"
    codes = ["tcp.reach", "ssh.session", "ssh.hostkey", "ssh.login", "sftp.transfer"]
    assert [f["code"] for f in report["findings"]] == codes
    assert PASSWORD not in done.stdout
    assert server.left() == []
    logs = "".join(path.read_text() for path in tmp_path.rglob("*.log"))
    assert PASSWORD not in logs


def test_a_whole_run_with_a_wrong_password_names_the_login_alone(
    server: Sshd, tmp_path: Path
) -> None:
    """One cause, one owner; the transfer is skipped and says because of what."""
    (tmp_path / "password.txt").write_text("not it")
    profile = profile_for(
        server, tmp_path, host_key=server.fingerprint(), password_file="password.txt"
    )

    done = ccpor("run", "--profile", profile, "--no-upload", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [cause["fault"] for cause in report["causes"]] == ["ssh.login/denied"]
    transfer = report["findings"][-1]
    assert (transfer["status"], transfer["because"]) == ("skip", "drop-box/ssh.login")
    assert "not it" not in done.stdout


def test_a_key_that_is_missing_on_one_machine_does_not_lose_it_its_other_checks(
    server: Sshd, tmp_path: Path
) -> None:
    """The profile is the court's, the key the machine's own: a finding, not a refused profile."""
    profile = profile_for(server, tmp_path, host_key=server.fingerprint(), key_file="id_none")

    done = ccpor("run", "--profile", profile, "--no-upload", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [cause["fault"] for cause in report["causes"]] == ["ssh.login/key-unreadable"]


def test_the_ssh_checks_finding_is_used_for_the_second_session(server: Sshd) -> None:
    """Where the pinned key is the third kind, the way to it is not searched again."""
    table = {"key_file": str(server.key_file), "host_key": server.fingerprint("rsa")}
    before = asked(server.port, **table)

    target = place(server.port, "/in", **table)
    seen = looked(sftp.CHECK, target, {}, earlier={"ssh": before.evidence})

    assert seen.failed == set()
    assert before.evidence.agreed.host_key.startswith("rsa-")


def test_each_reason_stands_in_the_catalogue() -> None:
    """The closed list of the contract."""
    (rule,) = sftp.CHECK.rules
    assert set(rule.reasons) == set(catalogue()[rule.code].reasons)


def test_the_filler_repeats_for_a_seed_and_says_what_it_is() -> None:
    """Whoever finds a forgotten file must see at once that it is nobody's order."""
    from ccpor_checks.kit.synthetic import NOTICE, synthetic

    once = b"".join(synthetic(100_000, seed=7))

    assert once == b"".join(synthetic(100_000, seed=7))
    assert once != b"".join(synthetic(100_000, seed=8))
    assert once.startswith(NOTICE)
    assert len(once) == 100_000
    assert b"".join(synthetic(3)) == NOTICE[:3]
    assert list(synthetic(0)) == []
