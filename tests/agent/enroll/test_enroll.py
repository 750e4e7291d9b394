"""A one-time code becomes an identity, once, over a line that can be trusted."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from ccpor_agent.enroll import EnrolmentFailed, enroll, stored_profile_path
from ccpor_agent.identity import load_identity, machine_signer
from ccpor_agent.transport import AddressInvalid, Collector
from tests.agent.spool.scripts import environment
from tests.peers import free_port, wait_until
from tests.peers.fake_collector import CODE, PLACE, TOML, FakeCollector, Reply

AGENT = (sys.executable, "-m", "ccpor_agent")


def refusal(state: Path, url: str, code: str = CODE, **options: bool) -> str:
    with pytest.raises(EnrolmentFailed) as caught:
        enroll(state, url, code, **options)  # type: ignore[arg-type]
    return str(caught.value)


def test_the_identity_is_kept_and_can_sign(state: Path, collector: FakeCollector) -> None:
    """What the collector gave is what the next start reads."""
    identity = enroll(state, collector.url + "/", CODE)

    assert load_identity(state) == identity
    assert collector.machines.keys() == {machine_signer(state).key_id}
    assert (identity.collector, identity.location.court) == (collector.url, PLACE["court"])


def test_the_profile_is_there_with_the_signed_text(state: Path, collector: FakeCollector) -> None:
    """The next `run` needs no other file."""
    enroll(state, collector.url, CODE)

    path = stored_profile_path(state)
    assert path is not None
    assert path.read_text() == TOML


def test_without_a_published_profile_enrolment_still_works(
    state: Path, collector: FakeCollector
) -> None:
    """The AOC may publish it tomorrow."""
    collector.profile = None
    enroll(state, collector.url, CODE)

    assert stored_profile_path(state) is None


def test_a_refused_code_leaves_no_identity(state: Path, collector: FakeCollector) -> None:
    """The collector's own words are shown."""
    assert "the code is not good" in refusal(state, collector.url, "wrong")
    assert load_identity(state) is None


def test_an_identity_is_replaced_only_when_asked(state: Path, collector: FakeCollector) -> None:
    """A second code must not silently make a second machine."""
    first = enroll(state, collector.url, CODE)

    assert "--replace" in refusal(state, collector.url)
    assert load_identity(state) == first
    assert enroll(state, collector.url, CODE, replace=True).key_id != first.key_id


def test_a_failed_replacement_leaves_the_old_identity_usable(
    state: Path, collector: FakeCollector
) -> None:
    """The wrong code must not cut a working machine off."""
    first = enroll(state, collector.url, CODE)
    refusal(state, collector.url, "wrong", replace=True)

    assert load_identity(state) == first
    assert machine_signer(state).key_id == first.key_id


def test_a_damaged_identity_is_not_overwritten_silently(
    state: Path, collector: FakeCollector
) -> None:
    """It may be mended from a backup."""
    enroll(state, collector.url, CODE)
    (state / "identity.json").write_bytes(b"{")

    assert "--replace" in refusal(state, collector.url)


@pytest.mark.parametrize(
    "url",
    [
        "http://ccpor.example.org",
        "http://10.0.0.1",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "ftp://ccpor.example.org",
        "ccpor.example.org",
        "https://",
        "https://user:secret@ccpor.example.org",
        "https://ccpor.example.org:99999",
        "https://ccpor.example.org/?x=1",
        "",
    ],
)
def test_an_address_that_would_send_in_the_clear_or_is_none_is_refused(url: str) -> None:
    """There is no insecure mode; http only to this machine itself."""
    with pytest.raises(AddressInvalid):
        Collector(url)


@pytest.mark.parametrize(
    "url",
    ["https://ccpor.example.org", "http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"],
)
def test_an_address_over_tls_or_on_this_machine_is_taken(url: str) -> None:
    """Negative control of the list above."""
    assert Collector(url).url == url


def test_nobody_there_is_told_plainly(state: Path) -> None:
    """And nothing is left that would be taken for an identity."""
    assert "refused the connection" in refusal(state, f"http://127.0.0.1:{free_port()}")
    assert load_identity(state) is None


@pytest.mark.parametrize("body", [b"", b"<html>Sign in</html>", b"[]", b'{"machine_id":"x"}'])
def test_a_page_that_is_no_collectors_answer_gives_no_identity(
    body: bytes, state: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A captive portal says 200 to everything."""
    monkeypatch.setattr(collector, "answer", lambda *_: Reply(200, body))

    assert "not a collector's" in refusal(state, collector.url)
    assert load_identity(state) is None


def test_a_code_taken_by_a_lost_answer_can_be_used_again(
    state: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line broke after the collector had enrolled the key: the same key asks again."""
    real = collector.answer

    def lost(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        real(method, path, headers, body)
        return Reply(502)

    monkeypatch.setattr(collector, "answer", lost)
    refusal(state, collector.url)
    monkeypatch.setattr(collector, "answer", real)
    enroll(state, collector.url, CODE)

    assert collector.enrolments == 2
    assert len(collector.machines) == 1


def test_the_code_is_in_no_command_line_environment_or_file(
    tmp_path: Path, state: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users of the machine can read those: scanned while the request is under way."""
    seen: list[bytes] = []
    real = collector.answer
    code_file = tmp_path / "code"
    code_file.write_text(CODE + "\n")

    def scan(method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    seen.append((process / name).read_bytes())
                except OSError:
                    continue
        return real(method, path, headers, body)

    monkeypatch.setattr(collector, "answer", scan)
    done = subprocess.run(
        [*AGENT, "enroll", "--collector", collector.url, "--code-file", str(code_file)],
        capture_output=True,
        env={**environment(), "CCPOR_STATE_DIR": str(state)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = [path.read_bytes() for path in state.rglob("*") if path.is_file()]

    assert len(seen) > 4, "the scan saw no process"
    assert any(str(code_file).encode() in each for each in seen)  # it did see this command line
    assert CODE.encode() not in b"".join([*seen, *files, done.stdout, done.stderr])


def test_there_is_no_option_or_variable_for_the_code() -> None:
    """What does not exist cannot be misused."""
    from ccpor_agent.commands.enroll import enroll as command

    options = {option for each in command.params for option in each.opts}

    assert options == {"--collector", "--code-file", "--ca-file", "--replace"}
    assert {getattr(each, "envvar", None) for each in command.params} == {None}


def test_a_terminal_is_asked_without_showing_the_code(
    state: Path, collector: FakeCollector
) -> None:
    """The person behind must not read it."""
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [*AGENT, "enroll", "--collector", collector.url],
        stdin=end,
        stdout=end,
        stderr=end,
        env={**environment(), "CCPOR_STATE_DIR": str(state)},
        start_new_session=True,
    )
    os.close(end)
    shown = b""
    try:
        while b"One-time code" not in shown:
            shown += os.read(terminal, 1000)
        wait_until(lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO, "a silent prompt")
        os.write(terminal, CODE.encode() + b"\n")
        while part := rest_of(terminal):
            shown += part
        code = process.wait(30)
    finally:
        process.kill()
        process.wait(5)
        os.close(terminal)

    assert code == 0
    assert CODE.encode() not in shown
    assert b"enrolled at" in shown


def rest_of(terminal: int) -> bytes:
    try:
        return os.read(terminal, 1000)
    except OSError:  # EIO: the program has closed its end
        return b""


def test_what_is_sent_is_the_contract(
    state: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another collector must be able to read it; the private key is not in it."""
    bodies: list[bytes] = []
    real = collector.answer
    monkeypatch.setattr(
        collector, "answer", lambda m, p, h, body: (bodies.append(body), real(m, p, h, body))[1]
    )
    enroll(state, collector.url, CODE)

    wish = json.loads(bodies[0])
    assert wish.keys() == {"code", "public_key", "machine"}
    assert wish["machine"].keys() == {"name", "os"}
    assert wish["public_key"].startswith("-----BEGIN PUBLIC KEY-----")
    assert b"PRIVATE" not in bodies[0]
