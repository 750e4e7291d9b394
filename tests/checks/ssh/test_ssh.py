"""The SSH check against a real OpenSSH: sessions, host keys, logins."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from ccpor_checks import ssh
from ccpor_checks.base import CannotObserve, Context, Target
from ccpor_checks.ssh import SshOptions
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Severity, Status
from ccpor_reporting.rules import Setting
from tests.checks.looking import Looked, looked
from tests.checks.ssh.places import asked, place
from tests.peers import free_port, program
from tests.peers.sshd import PASSWORD, USER, Sshd, sshd

OTHER_PIN = "SHA256:x4QzPSC810K5/cMjb05Qm4k3Bw5zBn4lTdO/nEW/Td4"


def status(seen: Looked, code: str) -> Status:
    return seen.findings[code].status


def test_a_profile_that_asks_nothing_gets_the_fingerprint_and_no_fault(server: Sshd) -> None:
    """A healthy server that nobody pinned is no fault; the report says what could be pinned."""
    seen = asked(server.port)

    assert list(seen.findings) == ["ssh.session"]
    assert seen.failed == set()
    assert server.fingerprint() in seen.findings["ssh.session"].summary


def test_what_the_server_offers_and_what_was_agreed_on_is_kept(server: Sshd) -> None:
    """A hardened server that shares little is understood from the lists, not by guessing."""
    evidence = asked(server.port).evidence

    assert evidence.version.startswith("SSH-2.0-OpenSSH")
    assert {"ssh-ed25519", "rsa-sha2-512"} <= set(evidence.offered.host_key)
    assert "aes128-ctr" in evidence.offered.cipher
    assert not [name for name in evidence.offered.kex if name.startswith(("ext-", "kex-strict"))]
    agreed = evidence.agreed
    assert agreed.kex in evidence.offered.kex
    assert agreed.cipher in evidence.offered.cipher
    assert agreed.mac in evidence.offered.mac
    assert evidence.host_keys[0].type == agreed.host_key == "ssh-ed25519"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_pinned_key_is_found_whatever_its_kind(server: Sshd, kind: str) -> None:
    """A server shows one key a session; a pin of another of its keys is no changed key."""
    seen = asked(server.port, host_key=server.fingerprint(kind))

    assert seen.failed == set()
    assert status(seen, "ssh.hostkey") is Status.PASS
    assert seen.evidence.host_keys[-1].fingerprint == server.fingerprint(kind)


def test_another_key_than_the_pinned_one_blocks_and_no_password_is_sent(
    server: Sshd, password_file: str
) -> None:
    """Whoever sits in between must never get the password."""
    seen = asked(server.port, host_key=OTHER_PIN, password_file=password_file)

    assert seen.blocking == {"ssh.hostkey/changed"}
    assert status(seen, "ssh.login") is Status.SKIP
    assert seen.findings["ssh.login"].because == "drop-box/ssh.hostkey"
    assert seen.evidence.login is None
    assert len(seen.evidence.host_keys) == 3


def test_credentials_without_a_pin_are_not_used(server: Sshd, password_file: str) -> None:
    """There is no trust on first use: the first day is when somebody may sit in between."""
    seen = asked(server.port, password_file=password_file)

    assert seen.blocking == {"ssh.hostkey/unknown"}
    assert status(seen, "ssh.login") is Status.SKIP
    assert server.fingerprint() in seen.findings["ssh.hostkey"].summary


def judged_again(seen: Looked, pin: str) -> Status:
    """Return what a later profile's pin makes of stored evidence."""
    rule = ssh.CHECK.rules[1]
    options = SshOptions(host_key=pin)
    return rule.judge(seen.evidence, options, Setting(observed_at=datetime.now(UTC))).status


def test_stored_evidence_answers_a_later_pin_only_as_far_as_it_looked(server: Sshd) -> None:
    """One key of three was seen: a pin of another kind is not thereby changed."""
    unpinned = asked(server.port)
    searched = asked(server.port, host_key=OTHER_PIN)

    assert judged_again(unpinned, server.fingerprint("ed25519")) is Status.PASS
    assert judged_again(unpinned, server.fingerprint("rsa")) is Status.ERROR
    assert judged_again(searched, server.fingerprint("rsa")) is Status.PASS
    assert judged_again(searched, "SHA256:" + "B" * 43) is Status.FAIL


def test_a_pin_with_padding_is_the_same_pin(server: Sshd) -> None:
    """Other programs print the base64 with its equals sign."""
    assert asked(server.port, host_key=server.fingerprint() + "=").failed == set()


@pytest.mark.parametrize("way", ["file", "environment", "key"])
def test_each_way_to_sign_in_is_let_in(
    server: Sshd, password_file: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The healthy twins of the denials below."""
    monkeypatch.setenv("DROP_PASSWORD", PASSWORD)
    options = {
        "file": {"password_file": password_file},
        "environment": {"password_env": "DROP_PASSWORD"},
        "key": {"key_file": str(server.key_file)},
    }[way]

    seen = asked(server.port, host_key=server.fingerprint(), **options)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.login.tried == ("publickey" if way == "key" else "password",)


def test_the_profiles_user_name_wins_over_the_urls(server: Sshd, password_file: str) -> None:
    """The table is the more exact place of the two."""
    seen = asked(
        server.port,
        user="nobody-here",
        host_key=server.fingerprint(),
        username=USER,
        password_file=password_file,
    )

    assert seen.failed == set()
    assert seen.evidence.login.username == USER


def test_a_wrong_password_is_denied_and_shown_nowhere(
    server: Sshd, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture
) -> None:
    """A report goes to many hands; its findings name the method, never what was typed."""
    caplog.set_level(logging.DEBUG)
    wrong = tmp_path / "wrong.txt"
    wrong.write_text("Wr0ng-and-secret")

    seen = asked(server.port, host_key=server.fingerprint(), password_file=str(wrong))

    assert seen.blocking == {"ssh.login/denied"}
    assert seen.evidence.login.allowed == ("publickey", "password")
    everything = f"{seen.evidence!r}{seen.findings!r}{caplog.text}{capfd.readouterr()}"
    assert "Wr0ng" not in everything


def test_a_key_that_the_server_does_not_know_is_denied(server: Sshd, tmp_path: Path) -> None:
    """The usual first day: the public half was never installed."""
    key = tmp_path / "id"
    subprocess.run([program("ssh-keygen"), "-q", "-t", "ecdsa", "-N", "", "-f", key], check=True)

    seen = asked(server.port, host_key=server.fingerprint(), key_file=str(key))

    assert seen.blocking == {"ssh.login/denied"}
    assert "publickey did not suffice" in seen.findings["ssh.login"].summary


def test_a_key_that_is_no_key_is_said_before_any_login(server: Sshd, tmp_path: Path) -> None:
    """The court's own fault, and none of the server's."""
    (tmp_path / "id").write_text("hello")

    seen = asked(server.port, host_key=server.fingerprint(), key_file=str(tmp_path / "id"))

    assert seen.blocking == {"ssh.login/key-unreadable"}
    assert seen.findings["ssh.login"].owner.value == "court-it"
    assert seen.evidence.login.tried == ()


def test_a_password_that_is_not_there_is_our_inability(server: Sshd) -> None:
    """Nobody was asked, so nobody denied: an error, never a pass and never the server's fault."""
    seen = asked(server.port, host_key=server.fingerprint(), password_env="CCPOR_NOT_SET")

    assert seen.failed == set()
    assert status(seen, "ssh.login") is Status.ERROR
    assert "CCPOR_NOT_SET" in seen.findings["ssh.login"].summary
    assert seen.gate == "drop-box/ssh.login"


def test_a_login_without_a_user_name_says_where_to_write_it(
    server: Sshd, password_file: str
) -> None:
    """A guess (this machine's user) would be denied, and the server blamed."""
    seen = asked(server.port, user=None, host_key=server.fingerprint(), password_file=password_file)

    assert status(seen, "ssh.login") is Status.ERROR
    assert "username" in seen.findings["ssh.login"].summary


@pytest.mark.parametrize(
    ("lines", "way", "failed"),
    [
        (["PasswordAuthentication no"], "password", {"ssh.login/denied"}),
        (["PubkeyAuthentication no"], "key", {"ssh.login/denied"}),
        (["AuthenticationMethods publickey,password"], "key", {"ssh.login/denied"}),
        (["AuthenticationMethods publickey,password"], "both", set()),
        (["MaxAuthTries 1"], "wrong", {"ssh.login/denied"}),
        (["KexAlgorithms diffie-hellman-group1-sha1"], "none", {"ssh.session/no-common-algorithm"}),
        (["Ciphers chacha20-poly1305@openssh.com"], "none", {"ssh.session/no-common-algorithm"}),
        (["HostKeyAlgorithms ssh-rsa"], "none", {"ssh.session/no-common-algorithm"}),
    ],
)
def test_how_a_server_is_set_up_decides(
    tmp_path: Path, password_file: str, lines: list[str], way: str, failed: set[str]
) -> None:
    """Each of these is a line somebody wrote into sshd_config."""
    (tmp_path / "wrong.txt").write_text("wrong")
    with sshd(
        tmp_path, *lines, keys=("ed25519", "rsa") if "rsa" in lines[0] else ("ed25519",)
    ) as strict:
        options = {
            "password": {"password_file": password_file},
            "key": {"key_file": str(strict.key_file)},
            "both": {"key_file": str(strict.key_file), "password_file": password_file},
            "wrong": {"password_file": str(tmp_path / "wrong.txt")},
            "none": {},
        }[way]
        if options:
            options["host_key"] = strict.fingerprint()
        seen = asked(strict.port, **options)

    assert seen.failed == failed


def test_a_password_by_questions_is_answered(tmp_path: Path, password_file: str) -> None:
    """Many servers ask for the password by keyboard-interactive alone."""
    with sshd(
        tmp_path, "PasswordAuthentication no", "KbdInteractiveAuthentication yes", "UsePAM yes"
    ) as asking:
        seen = asked(asking.port, host_key=asking.fingerprint(), password_file=password_file)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.login.tried == ("keyboard-interactive",)


@contextlib.contextmanager
def took_the_only_place(port: int) -> Iterator[None]:
    """Hold a connection that has been greeted, and so counts as one that has not signed in."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", port), 5) as waiting:
            waiting.settimeout(5)
            if waiting.recv(100).startswith(b"SSH-"):
                yield
                return
        time.sleep(0.05)
    raise AssertionError("sshd greets nobody")


def test_a_server_that_is_full_is_asked_again_before_it_is_blamed(tmp_path: Path) -> None:
    """OpenSSH turns newcomers away while others have not signed in; mostly that passes at once."""
    with sshd(tmp_path, "MaxStartups 1:100:1", keys=("ed25519",)) as small:
        with took_the_only_place(small.port):
            full = asked(small.port)
        free = asked(small.port)

    assert full.blocking == {"ssh.session/closed"}
    assert full.evidence.said == "Exceeded MaxStartups"
    assert full.attempts == 3
    assert free.failed == set()


def test_a_closed_port_ends_the_session_before_it_began() -> None:
    """Where the tcp check does not run, the connection's own end still has a name."""
    seen = asked(free_port(), timeout_s=2)

    assert seen.failed == {"ssh.session/closed"}
    assert seen.evidence.error == "ECONNREFUSED"


def test_a_target_without_an_address_is_our_inability() -> None:
    """The name is the dns check's to judge."""
    target = Target(
        id="t", url="ssh://nowhere.invalid", scheme="ssh", host="nowhere.invalid", port=22
    )

    with pytest.raises(CannotObserve, match="dns"):
        looked(ssh.CHECK, target)


def test_giving_up_frees_the_thread_at_once() -> None:
    """A server that accepts and says nothing must not hold a thread past the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = place(silent.getsockname()[1])
        context = Context(deadline=time.monotonic() + 60)
        ended = threading.Event()

        def look() -> None:
            try:
                ssh.run(target, SshOptions(timeout_s=60), context)
            except TimeoutError:
                ended.set()

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        connection, _ = silent.accept()
        context.abandon()
        thread.join(10)
        connection.close()

    assert ended.is_set()


def test_the_checks_deadline_comes_before_the_profiles_patience() -> None:
    """`TimeoutError` is the engine's word for it: an error, and nobody's fault."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        looked(ssh.CHECK, place(silent.getsockname()[1]), {"timeout_s": 30}, seconds=0.5)


def test_many_at_once_all_pass_and_leave_no_thread(server: Sshd, password_file: str) -> None:
    """Forty targets are looked at side by side; one library's threads must not pile up."""
    before = threading.active_count()
    options = {"host_key": server.fingerprint("rsa"), "password_file": password_file}

    with ThreadPoolExecutor(12) as pool:
        seen = list(pool.map(lambda _: asked(server.port, **options), range(24)))

    assert {fault for each in seen for fault in each.failed} == set()
    end = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_nothing_of_a_failed_session_reaches_the_screen(capfd: pytest.CaptureFixture) -> None:
    """paramiko prints tracebacks of its threads where nobody keeps it from that."""
    asked(free_port(), timeout_s=1)
    with socket.create_server(("127.0.0.1", 0)) as dead:
        asked(dead.getsockname()[1], timeout_s=0.2)

    assert capfd.readouterr() == ("", "")


def test_each_reason_stands_in_the_catalogue_and_blocks() -> None:
    """The closed lists of the contract, and none of them a matter of taste."""
    for rule in ssh.CHECK.rules:
        assert set(rule.reasons) == set(catalogue()[rule.code].reasons)
        assert rule.severity is Severity.BLOCKER


def test_the_budget_covers_every_wait() -> None:
    """A session, the search for the pinned key and the login may each take the whole patience."""
    assert ssh.CHECK.budget_s(SshOptions(timeout_s=4)) > 3 * 4


def test_the_evidence_has_no_place_for_a_secret() -> None:
    """What is not in the type cannot be in a report."""
    fields = {name for name in msgspec.structs.asdict(SshOptions()) if "password" in name}
    shown = repr(msgspec.json.schema(ssh.SshEvidence))

    assert fields == {"password_file", "password_env"}
    assert "password" not in shown
