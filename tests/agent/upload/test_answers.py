"""What each answer of the collector, honest or not, does to a report that waits."""

from __future__ import annotations

import json
from collections.abc import Callable
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from ccpor_agent.enroll import enroll
from ccpor_agent.spool import Place, Spool
from ccpor_agent.upload import deliver, save_report, send_report
from ccpor_reporting.envelope import KeySigner
from tests.agent.upload.conftest import HeldTime
from tests.peers.fake_collector import CODE, FakeCollector, Reply, answered, new_report, run_id_of

Honest = Callable[[], Reply]
STRANGER = KeySigner(generate_private_key(SECP256R1()))
SIGN_IN = b"<html><body>Please sign in to the courthouse Wi-Fi</body></html>"
HOUR = 3600.0


def status(number: int, body: bytes = b"", **headers: str) -> Callable[..., Reply]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _body, _honest: Reply(number, body, named)


def honest(_body: bytes, keep: Honest) -> Reply:
    return keep()


def already_held(body: bytes, keep: Honest) -> Reply:
    keep()
    return keep()


def conflict_with_receipt(_body: bytes, keep: Honest) -> Reply:
    return Reply(409, keep().body)


def receipt_of_another_key(body: bytes, keep: Honest) -> Reply:
    kept = keep()
    receipt = json.loads(kept.body)["receipt"]
    receipt["signatures"][0]["keyid"] = STRANGER.key_id
    return Reply(201, json.dumps({"receipt": receipt}).encode())


def damaged_receipt(body: bytes, keep: Honest) -> Reply:
    kept = json.loads(keep().body)
    kept["receipt"]["payload"] = kept["receipt"]["payload"].replace("e", "f", 1)
    return Reply(201, json.dumps(kept).encode())


def facts_without_receipt(_body: bytes, keep: Honest) -> Reply:
    kept = json.loads(keep().body)
    del kept["receipt"]
    return Reply(201, json.dumps(kept).encode())


def cut_receipt(_body: bytes, keep: Honest) -> Reply:
    return Reply(201, keep().body[:-40])


# name, reply; then where the report is afterwards, and the least pause in seconds (None: any)
KEPT, PARKED, WAITS = Place.ACKNOWLEDGED, Place.PARKED, Place.WAITING
TABLE: dict[str, tuple[Callable[..., Reply], Place, float | None]] = {
    "201 with a receipt": (honest, KEPT, None),
    "200 with a receipt": (already_held, KEPT, None),
    "409 with a receipt for the same bytes": (conflict_with_receipt, KEPT, None),
    "409 without": (status(409, b"{}"), PARKED, None),
    "400": (status(400), PARKED, None),
    "413": (status(413), PARKED, None),
    "415": (status(415), PARKED, None),
    "422": (status(422), PARKED, None),
    "401": (status(401), WAITS, HOUR),
    "403": (status(403), WAITS, HOUR),
    "429": (status(429), WAITS, 2.0),
    "429 with Retry-After in seconds": (status(429, Retry_After="120"), WAITS, 120.0),
    "503 with Retry-After as a date": (
        status(503, Retry_After=formatdate(1_795_000_000 + 90, usegmt=True)),
        WAITS,
        90.0,
    ),
    "503 with a Retry-After of years": (status(503, Retry_After="99999999"), WAITS, HOUR),
    "503 with a Retry-After that is none": (status(503, Retry_After="soon"), WAITS, 2.0),
    "500": (status(500), WAITS, 2.0),
    "502": (status(502), WAITS, 2.0),
    "504": (status(504), WAITS, 2.0),
    "404": (status(404), WAITS, 2.0),
    "405": (status(405), WAITS, 2.0),
    "408": (status(408), WAITS, 2.0),
    "204 empty": (status(204), WAITS, 2.0),
    "200 empty": (status(200), WAITS, 2.0),
    "200 captive portal": (status(200, SIGN_IN, Content_Type="text/html"), WAITS, 2.0),
    "201 captive portal": (status(201, SIGN_IN, Content_Type="text/html"), WAITS, 2.0),
    "511 captive portal": (status(511, SIGN_IN, Content_Type="text/html"), WAITS, 2.0),
    "302 to a sign-in page": (status(302, Location="http://127.0.0.1:1/login"), WAITS, 2.0),
    "307 to plain http": (status(307, Location="http://127.0.0.1:1/api/v1/reports"), WAITS, 2.0),
    "201 with another's receipt": (receipt_of_another_key, WAITS, 2.0),
    "201 with a damaged receipt": (damaged_receipt, WAITS, 2.0),
    "201 with half a receipt": (cut_receipt, WAITS, 2.0),
    "201 with words instead of a receipt": (facts_without_receipt, WAITS, 2.0),
    "200 with JSON that nests deep": (status(200, b"[" * 100_000), WAITS, 2.0),
}


def place_of(state: Path, run_id: str) -> list[Place]:
    spool = Spool(state)
    return [
        place
        for place in (Place.WAITING, Place.ACKNOWLEDGED, Place.PARKED)
        if run_id in {item.run_id for item in spool.read(place)}
    ]


@pytest.mark.parametrize("name", TABLE)
def test_an_answer_has_its_meaning(
    name: str, collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """A page that is not a valid receipt is never success; what cannot help is not repeated."""
    collector.script, place, pause = TABLE[name]
    report = new_report()

    outcome = send_report(report, state, seconds=1.0, pace=held.pace())

    assert place_of(state, run_id_of(report)) == [place]
    assert outcome.acknowledged == (place is Place.ACKNOWLEDGED)
    next_try = Spool(state).next_try()
    assert next_try.not_before - held.at == pytest.approx(pause or 0.0, abs=0.01) or pause is None
    assert collector.posts == 1


@pytest.mark.parametrize("changes", [{"run_id": "x"}, {"machine_id": "x"}, {"digest": "00" * 32}])
def test_a_signed_receipt_for_something_else_is_no_receipt(
    changes: dict[str, str], collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """The collector's own signature on another report must not clear this one."""
    facts = {"run_id": "r", "machine_id": "m", "digest": "11" * 32}
    collector.script = lambda body, keep: Reply(
        201, answered(collector.receipt(**{**facts, **changes}))
    )
    report = new_report()

    outcome = send_report(report, state, seconds=1.0, pace=held.pace())

    assert not outcome.acknowledged
    assert place_of(state, run_id_of(report)) == [Place.WAITING]


def test_the_same_answer_with_the_right_facts_is_a_receipt(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """Negative control of the test above."""
    report = new_report()
    (machine_id, _) = next(iter(collector.machines.values()))
    collector.script = lambda body, keep: Reply(
        201,
        answered(collector.receipt(run_id_of(report), machine_id, sha256(body).hexdigest())),
    )

    assert send_report(report, state, seconds=1.0, pace=held.pace()).acknowledged


def test_a_scheduled_upload_respects_the_next_try(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """401 means once an hour, however often the agent runs; --now asks at once."""
    collector.script = status(401)
    send_report(new_report(), state, seconds=1.0, pace=held.pace())
    for _ in range(5):
        deliver(state, seconds=30.0, pace=held.pace())
    assert collector.posts == 1

    deliver(state, seconds=30.0, at_once=True, pace=held.pace())
    assert collector.posts == 2

    held.at += HOUR + 1
    collector.script = None
    assert len(deliver(state, seconds=30.0, pace=held.pace()).acknowledged) == 1


def test_waits_grow_from_two_seconds_to_ten_minutes(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """A collector that comes back must not meet every workstation at once, nor wait for ever."""
    collector.script = status(500)
    save_report(new_report(), state, held.pace().now())

    deliver(state, seconds=4000.0, pace=held.pace())

    assert held.pauses[:10] == [2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 600.0]
    assert set(held.pauses[9:]) == {600.0}


def test_after_a_success_the_waits_begin_anew(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """One bad night does not slow the next one."""
    collector.script = status(500)
    save_report(new_report(), state, held.pace().now())
    deliver(state, seconds=100.0, pace=held.pace())
    collector.script = None
    deliver(state, at_once=True, pace=held.pace())

    assert Spool(state).next_try().failures == 0


def test_the_newest_goes_first_and_the_rest_in_order(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """After months offline: what is true now first, then the story from its beginning."""
    reports = [new_report() for _ in range(6)]
    for report in reports:
        save_report(report, state, held.pace().now())

    deliver(state, pace=held.pace())

    ids = [run_id_of(report) for report in reports]
    assert collector.order == [ids[-1], *ids[:-1]]


def test_months_without_a_line_are_told_in_full_afterwards(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """A run a day for 120 days against a collector that is down, then it comes back."""
    collector.script = status(503)
    reports = []
    for _ in range(120):
        reports.append(new_report())
        send_report(reports[-1], state, seconds=1.0, pace=held.pace())
        held.at += 86400.0
    collector.script = None

    deliver(state, pace=held.pace())

    ids = [run_id_of(report) for report in reports]
    assert collector.order == [ids[-1], *ids[:-1]]
    assert Spool(state).dropped().count == 0


def test_one_report_that_the_collector_chokes_on_holds_nobody_back(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """A poisoned newest report would else hide every one before it."""
    reports = [new_report() for _ in range(4)]
    for report in reports:
        save_report(report, state, held.pace().now())
    poison = Spool(state).waiting()[-1].envelope_bytes
    collector.script = lambda body, keep: Reply(500) if body == poison else keep()

    deliver(state, seconds=1.0, pace=held.pace())

    assert collector.order == [run_id_of(report) for report in reports[:3]]
    assert [item.envelope_bytes for item in Spool(state).waiting()] == [poison]


def test_a_refused_workstation_does_not_send_its_whole_spool(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """401 for one is 401 for all; busy is busy for all."""
    for number in (401, 429, 503):
        collector.script, collector.posts = status(number), 0
        for _ in range(4):
            save_report(new_report(), state, held.pace().now())
        deliver(state, seconds=1.0, at_once=True, pace=held.pace())
        assert collector.posts == 1


def test_a_report_of_a_former_identity_is_put_aside(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """After enrolling anew, the old key's reports must not slow the new one to once an hour."""

    old = new_report()
    save_report(old, state, held.pace().now())
    collector.machines.clear()
    enroll(state, collector.url, CODE, replace=True)
    new = new_report()

    assert send_report(new, state, pace=held.pace()).acknowledged
    assert place_of(state, run_id_of(old)) == [Place.PARKED]


def test_a_report_is_signed_once_however_often_it_is_sent(
    collector: FakeCollector, state: Path, held: HeldTime
) -> None:
    """Signatures differ each time: signing again would be other bytes under the same run id."""
    report = new_report()
    first = send_report(report, state, pace=held.pace())
    again = send_report(report, state, pace=held.pace())

    assert (first.acknowledged, again.acknowledged) == (True, True)
    assert [len(digests) for digests in collector.stored.values()] == [1]


def test_without_an_identity_the_outcome_says_what_to_do(tmp_path: Path, held: HeldTime) -> None:
    """The run itself must not end in a traceback."""
    outcome = send_report(new_report(), tmp_path / "nobody", pace=held.pace())

    assert not outcome.acknowledged
    assert "ccpor-check enroll" in outcome.message
