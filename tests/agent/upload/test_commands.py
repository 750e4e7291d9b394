"""What a person at the court sees: upload, spool, verify, doctor; their words and exit codes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import msgspec
import pytest

from ccpor_agent.cli import outcome
from ccpor_agent.doctor import State, examine
from ccpor_agent.enroll import enroll
from ccpor_agent.identity import key_path, load_identity, machine_signer, save_identity
from ccpor_agent.spool import Place, Spool
from ccpor_agent.upload import save_report, send_report
from ccpor_reporting.envelope import REPORT_TYPE, public_key_pem, seal
from tests.agent.upload.conftest import HeldTime
from tests.peers import free_port
from tests.peers.fake_collector import CODE, FakeCollector, Reply, new_report, run_id_of


def move_collector(state: Path, url: str) -> None:
    identity = load_identity(state)
    assert identity is not None
    save_identity(state, msgspec.structs.replace(identity, collector=url))


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    capsys.readouterr()
    code = outcome(list(arguments))
    return code, capsys.readouterr().out


def test_upload_sends_what_waits(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 0 only when nothing waits any more."""
    save_report(new_report(), state, held.pace().now())

    assert shown(capsys, "upload") == (0, "1 acknowledged, 0 waiting, 0 put aside\n")
    assert shown(capsys, "upload") == (0, "0 acknowledged, 0 waiting, 0 put aside\n")


def test_upload_that_could_not_send_ends_with_one(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """A script must see that evidence still lies here."""
    save_report(new_report(), state, held.pace().now())
    move_collector(state, f"http://127.0.0.1:{free_port()}")

    assert shown(capsys, "upload", "--now", "--wait", "1")[0] == 1


def test_upload_without_an_identity_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And says how to get one."""
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "nobody"))

    assert outcome(["upload"]) == 2
    assert "ccpor-check enroll" in capsys.readouterr().err


def test_spool_shows_each_report_where_it_lies(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Waiting, acknowledged with its place in the log, put aside with the reason, damaged."""
    acknowledged, parked, rotten, waiting = (new_report() for _ in range(4))
    send_report(acknowledged, state, pace=held.pace())
    collector.script = lambda *_: Reply(422)
    send_report(parked, state, pace=held.pace())
    damaged = save_report(rotten, state, held.pace().now())
    (state / "spool" / damaged.file_name).write_bytes(b"x")
    save_report(waiting, state, held.pace().now())

    code, text = shown(capsys, "spool")
    seen = json.loads(shown(capsys, "spool", "--json")[1])

    assert code == 0
    assert [one["run_id"] for one in seen["waiting"]] == [run_id_of(waiting)]
    assert [(one["run_id"], one["log_index"]) for one in seen["acknowledged"]] == [
        (run_id_of(acknowledged), 0)
    ]
    assert [(one["run_id"], one["why"]) for one in seen["parked"]] == [
        (run_id_of(parked), "the collector cannot take it (HTTP 422)")
    ]
    assert seen["quarantined"] == [damaged.file_name]
    for report in (acknowledged, parked, waiting):
        assert run_id_of(report) in text


def test_verify_accepts_the_whole_spool_offline(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signature, digest and receipt, without the collector."""
    send_report(new_report(), state, pace=held.pace())
    collector.script = lambda *_: Reply(500)
    send_report(new_report(), state, seconds=1, pace=held.pace())
    move_collector(state, f"http://127.0.0.1:{free_port()}")

    code, text = shown(capsys, "verify", str(state / "spool"))

    assert code == 0
    assert text.count("signature fits") == 2
    assert text.count("receipt fits") == 1


def test_verify_notices_any_flipped_byte_of_an_acknowledged_item(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every 31st byte, so that each part of the file is hit."""
    send_report(new_report(), state, pace=held.pace())
    (path,) = (state / "spool" / Place.ACKNOWLEDGED).iterdir()
    whole = path.read_bytes()
    codes = set()
    for at in range(0, len(whole), 31):
        body = bytearray(whole)
        body[at] ^= 1
        path.write_bytes(body)
        codes.add(shown(capsys, "verify", str(path))[0])

    assert codes == {1}


def test_verify_notices_a_receipt_for_another_report(
    collector: FakeCollector, state: Path, held: HeldTime, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both good, but not for each other: only the pair proves something."""
    for _ in range(2):
        send_report(new_report(), state, pace=held.pace())
    spool = Spool(state)
    first, second = spool.read(Place.ACKNOWLEDGED)
    spool.acknowledge(first, (second.receipt or "").encode(), 0)

    code, text = shown(capsys, "verify", str(state / "spool"))

    assert code == 1
    assert "the receipt is for other bytes than were sent" in text


def test_verify_needs_the_key_of_a_stranger(
    state: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On the AOC's desk: unknown is not good, and --key makes it known."""
    signer = machine_signer(state)
    bundle, key = tmp_path / "report.dsse.json", tmp_path / "machine.pem"
    bundle.write_bytes(seal(new_report(), REPORT_TYPE, signer))
    key.write_text(public_key_pem(signer.public))
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "desk"))

    assert shown(capsys, "verify", str(bundle))[0] == 1
    assert shown(capsys, "verify", str(bundle), "--key", str(key))[0] == 0
    assert shown(capsys, "verify", str(tmp_path / "absent"))[0] == 2
    (tmp_path / "empty").mkdir()
    assert shown(capsys, "verify", str(tmp_path / "empty"))[0] == 2


def states(state: Path, **options: float) -> dict[str, State]:
    now = time.time() + options.get("ahead_s", 0.0)
    return {line.name: line.state for line in examine(state, lambda: now)}


def test_doctor_finds_a_good_agent_in_order(
    collector: FakeCollector, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The negative control of all below."""
    collector.publish()
    enroll(state, collector.url, CODE, replace=True)

    code, text = shown(capsys, "doctor")

    assert set(states(state).values()) == {State.GOOD}
    assert code == 0
    assert "Fix:" not in text


def test_doctor_names_a_key_that_others_can_read(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to do."""
    identity = load_identity(state)
    assert identity is not None
    key_path(state, identity.key_id).chmod(0o644)

    code, text = shown(capsys, "doctor")

    assert states(state)["key"] is State.BAD
    assert code == 1
    assert "Fix: chmod 600" in text


@pytest.mark.parametrize(
    ("ahead_s", "expected"),
    [(-400.0, State.BAD), (-100.0, State.WARNING), (0.0, State.GOOD), (400.0, State.BAD)],
)
def test_doctor_compares_the_clock_with_the_collectors(
    ahead_s: float, expected: State, state: Path
) -> None:
    """A wrong clock makes every signed request invalid."""
    assert states(state, ahead_s=ahead_s)["clock"] is expected


def test_doctor_tells_when_the_collector_cannot_be_reached(state: Path) -> None:
    """The clock is then unknown, not good."""
    move_collector(state, f"http://127.0.0.1:{free_port()}")
    seen = states(state)

    assert (seen["collector"], seen["clock"]) == (State.BAD, State.UNKNOWN)


def test_doctor_tells_a_spool_that_needs_a_look(state: Path, held: HeldTime) -> None:
    """Waiting, put aside, damaged."""
    save_report(new_report(), state, held.pace().now())

    assert states(state)["spool"] is State.WARNING


def test_doctor_tells_a_profile_near_its_end(collector: FakeCollector, state: Path) -> None:
    """Ninety days were given; after 85 somebody should know, after 91 it is over."""
    collector.publish()
    enroll(state, collector.url, CODE, replace=True)
    day = 86400.0
    seen = [states(state, ahead_s=days * day)["profile"] for days in (0, 85, 91)]

    assert seen == [State.GOOD, State.WARNING, State.BAD]


def test_doctor_before_enrolment_says_what_is_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fresh machine is not in order, and one line mends it."""
    monkeypatch.setenv("CCPOR_STATE_DIR", str(tmp_path / "fresh"))

    code, text = shown(capsys, "doctor")

    assert code == 1
    assert "Fix: ccpor-check enroll --collector URL" in text


def test_doctor_speaks_to_programs(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Name, state, words, fix."""
    lines = json.loads(shown(capsys, "doctor", "--json")[1])

    assert {frozenset(line) for line in lines} == {frozenset({"name", "state", "words", "fix"})}


def test_verify_of_a_bare_report_says_that_it_is_not_signed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not a forgery and no proof either: there is nothing to check."""
    bare = tmp_path / "report.json"
    bare.write_bytes(new_report())

    code, text = shown(capsys, "verify", str(bare))

    assert code == 2
    assert text.startswith(f"NOT SIGNED  {bare}: not signed")
