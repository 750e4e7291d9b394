"""POST /api/v1/reports: nothing forged, doubled or half kept; the receipt is what clears a spool."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from hashlib import sha256

import msgspec
import pytest
import sqlalchemy as sa

from ccpor_reporting.envelope import RECEIPT_TYPE, REPORT_TYPE, seal
from ccpor_reporting.model import Location, Machine, Verdict
from ccpor_reporting.receipt import verify_receipt
from ccpor_server.settings import Rate
from ccpor_server.store import StoreBusy, connect, machines, reports
from ccpor_server.store.schema import audit_event
from tests.server.rig import Rig, Workstation


def held(rig: Rig, court: str = "ca-sonoma") -> list[str]:
    return rig.kept_runs(court)


def problem(answer: object) -> tuple[int, str]:
    """Return the status and title of a problem, which must be a whole RFC 9457 one."""
    found = answer.json()  # type: ignore[attr-defined]
    assert answer.headers["content-type"] == "application/problem+json"  # type: ignore[attr-defined]
    assert found.keys() == {"type", "title", "status", "detail", "instance"}
    assert found["status"] == answer.status_code  # type: ignore[attr-defined]
    return found["status"], found["title"]


def test_a_new_report_is_stored_and_receipted(rig: Rig) -> None:
    """Only a receipt that verifies against the collector's key lets the agent forget a report."""
    machine = rig.enrol()
    report = machine.report()
    body = machine.sealed(report)

    answer = rig.post(body)

    found = answer.json()
    assert answer.status_code == 201
    assert found.keys() == {"run_id", "digest", "log_index", "tree_size", "root", "receipt"}
    digest = sha256(body).hexdigest()
    receipt = verify_receipt(
        msgspec.json.encode(found["receipt"]),
        rig.collector.key.public,
        digest,
        report.run_id,
        machine.id,
    )
    head = rig.store.head()
    assert (receipt.log_index, receipt.tree_size, receipt.root) == (
        found["log_index"],
        head.size,
        head.root,
    )
    assert held(rig) == [report.run_id]


def test_the_exact_bytes_are_kept(rig: Rig) -> None:
    """The signature is over bytes: one byte written anew and the evidence is worth nothing."""
    machine = rig.enrol()
    report = machine.report()
    body = machine.sealed(report)
    rig.post(gzip.compress(body), content_encoding="gzip")

    with rig.store.reading() as db:
        stored = reports.by_run_id(db, report.run_id)

    assert stored is not None
    assert stored.envelope == body


def test_the_same_bytes_again_get_the_same_place_in_the_log(rig: Rig) -> None:
    """A lost answer must be free to repeat."""
    machine = rig.enrol()
    body = machine.sealed()
    first = rig.post(body)

    again = [rig.post(body) for _ in range(5)]

    assert [one.status_code for one in again] == [200] * 5
    assert {one.json()["log_index"] for one in again} == {first.json()["log_index"]}
    assert len(held(rig)) == 1


def test_other_bytes_under_the_same_run_id_are_refused(rig: Rig) -> None:
    """A report is evidence: it is never replaced, not even by its own author."""
    machine = rig.enrol()
    report = machine.report()
    rig.post(machine.sealed(report))

    worse = msgspec.structs.replace(report, verdict=Verdict.NOT_READY)
    answer = rig.post(machine.sealed(worse))

    assert problem(answer) == (409, "held with other bytes")
    with rig.store.reading() as db:
        stored = reports.by_run_id(db, report.run_id)
    assert stored is not None
    assert stored.verdict == "ready"


def test_a_stranger_with_a_good_signature_is_refused(rig: Rig) -> None:
    """Anybody can make a key."""
    rig.enrol()

    answer = rig.post(Workstation("ca-sonoma", "santa-rosa", "clerk").sealed())

    assert problem(answer) == (401, "not signed")


def test_one_flipped_byte_of_the_payload_is_refused(rig: Rig) -> None:
    """Forged content with a real machine's key id."""
    machine = rig.enrol()
    envelope = msgspec.json.decode(machine.sealed())
    payload = envelope["payload"]
    envelope["payload"] = payload[:40] + ("A" if payload[40] != "A" else "B") + payload[41:]

    answer = rig.post(msgspec.json.encode(envelope))

    assert problem(answer) == (401, "not signed")
    assert held(rig) == []


def test_a_revoked_workstation_is_refused_from_the_next_request_on(rig: Rig) -> None:
    """A stolen PC must not fill a court's checklist."""
    machine = rig.enrol()
    rig.store.write(lambda tx: machines.revoke(tx, machine.id, who="test", note="stolen"))

    assert problem(rig.post(machine.sealed())) == (403, "not allowed")


@pytest.mark.parametrize(
    "place",
    [
        Location(court="ca-marin", name="santa-rosa", role="clerk"),
        Location(court="ca-sonoma", name="petaluma", role="clerk"),
        Location(court="ca-sonoma", name="santa-rosa", role="judge"),
    ],
    ids=["court", "location", "role"],
)
def test_a_report_of_another_place_is_refused(rig: Rig, place: Location) -> None:
    """A workstation speaks for where it was enrolled, whatever its profile says."""
    machine = rig.enrol()

    assert problem(rig.post(machine.sealed(location=place))) == (403, "not allowed")


def test_a_report_that_names_another_workstation_is_refused(rig: Rig) -> None:
    """Otherwise one machine could report for its neighbour."""
    machine, other = rig.enrol(), rig.enrol()

    answer = rig.post(machine.sealed(machine=Machine(name="x", os="y", id=other.id)))

    assert problem(answer) == (403, "not allowed")


def test_a_run_made_before_enrolment_may_come_after_it(rig: Rig) -> None:
    """The first run often is what shows that enrolment is possible at all."""
    machine = rig.enrol()

    answer = rig.post(machine.sealed(machine=Machine(name="x", os="y")))

    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("payload", "kind", "status"),
    [
        (b"{}", REPORT_TYPE, 422),
        (b"[" * 1000, REPORT_TYPE, 422),
        (b'{"schema":"ccpor-report/9"}', REPORT_TYPE, 422),
        (b"{}", RECEIPT_TYPE, 422),
    ],
    ids=["no report", "not json", "newer schema", "other type"],
)
def test_signed_bytes_that_are_no_report_are_unprocessable(
    rig: Rig, payload: bytes, kind: str, status: int
) -> None:
    """A signature says who, not what."""
    machine = rig.enrol()

    assert rig.post(seal(payload, kind, machine.signer)).status_code == status


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff\xfe", b'{"payload":1}'])
def test_what_is_no_envelope_is_malformed(rig: Rig, body: bytes) -> None:
    """400 tells an agent to quarantine, not to retry."""
    assert problem(rig.post(body)) == (400, "malformed request")


def test_only_envelopes_are_read(rig: Rig) -> None:
    """A body of another kind is refused by its label, before a byte of it is read."""
    answer = rig.ask("POST", "/api/v1/reports", content=b"x", headers={"content-type": "text/xml"})

    assert problem(answer) == (415, "media type not read")


def test_other_codings_than_gzip_are_refused(rig: Rig) -> None:
    assert problem(rig.post(b"x", content_encoding="br")) == (415, "media type not read")


def test_a_long_body_is_refused_by_its_announced_length(rig: Rig) -> None:
    """Nothing of it needs to be read."""
    assert problem(rig.post(b"x" * (1024 * 1024 + 1))) == (413, "too large")


def test_a_long_body_without_a_length_is_refused_while_it_comes(rig: Rig) -> None:
    """Chunked bodies announce nothing."""

    async def endless() -> object:
        for _ in range(4096):
            yield b"x" * 1024

    answer = rig.ask(
        "POST",
        "/api/v1/reports",
        content=endless(),
        headers={"content-type": "application/vnd.dsse.envelope.v1+json"},
    )

    assert problem(answer) == (413, "too large")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (gzip.compress(b"0" * 9_000_000), 413),  # ratio about 1:1000
        (gzip.compress(b"0" * 200_000), 413),
        (b"not gzip", 400),
        (gzip.compress(b"{}")[:-4], 400),
        (gzip.compress(b"{}") + gzip.compress(b"{}"), 400),
    ],
    ids=["bomb", "small bomb", "not gzip", "cut", "two members"],
)
def test_gzip_is_read_within_limits(rig: Rig, body: bytes, status: int) -> None:
    """A megabyte on the wire must not become a gigabyte in memory."""
    assert rig.post(body, content_encoding="gzip").status_code == status


def test_a_flood_is_told_when_to_come_back(make_rig: Callable[..., Rig]) -> None:
    """429 without Retry-After makes every agent guess, all of them badly."""
    rig = make_rig(rate_machine=Rate(3, 1))
    machine = rig.enrol()
    body = machine.sealed()

    answers = [rig.post(body) for _ in range(4)]
    rig.clock.forward(seconds=2)
    later = rig.post(body)

    assert [one.status_code for one in answers] == [201, 200, 200, 429]
    assert answers[3].headers["retry-after"] == "1"
    assert later.status_code == 200


def test_one_flooding_workstation_leaves_the_others_alone(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(rate_machine=Rate(2, 0.001))
    loud, quiet = rig.enrol(), rig.enrol()
    for _ in range(5):
        rig.post(loud.sealed())

    assert rig.post(quiet.sealed()).status_code == 201


def test_without_its_audit_event_a_report_is_not_kept(rig: Rig) -> None:
    """An act without its trace must not happen: one transaction, all or nothing."""
    machine = rig.enrol()
    before = rig.store.head()
    engine = connect.writing_engine(rig.url)
    with engine.begin() as db:
        db.execute(
            sa.text(
                "CREATE TRIGGER no_audit BEFORE INSERT ON audit_event "
                "BEGIN SELECT RAISE(ABORT, 'full'); END"
            )
        )
    engine.dispose()

    answer = rig.post(machine.sealed())

    assert answer.status_code == 503
    assert held(rig) == []
    assert rig.store.head() == before


def test_a_busy_store_says_when_to_come_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent keeps the report and waits; without Retry-After it would guess."""

    def busy(_job: object) -> None:
        raise StoreBusy("too many writes wait")

    machine = rig.enrol()
    monkeypatch.setattr(rig.store._writer, "submit", busy)

    answer = rig.post(machine.sealed())

    assert problem(answer) == (503, "not available now")
    assert answer.headers["retry-after"] == "2"


def test_every_outcome_leaves_an_audit_event(rig: Rig) -> None:
    """What, outcome; a repeat of the same bytes changes nothing, so it leaves none."""
    machine = rig.enrol()
    report = machine.report()
    rig.post(machine.sealed(report))
    rig.post(machine.sealed(msgspec.structs.replace(report, verdict=Verdict.UNKNOWN)))

    assert rig.events() == [("enroll", "ok"), ("report", "new"), ("report", "other")]


@pytest.mark.parametrize("how", ["stranger", "revoked"])
def test_a_workstation_that_is_refused_leaves_an_audit_event(rig: Rig, how: str) -> None:
    """Somebody with a stolen or a home-made key is somebody to know of."""
    machine = rig.enrol()
    body = machine.sealed()
    if how == "stranger":
        body = Workstation("ca-sonoma", "santa-rosa", "clerk").sealed()
    else:
        rig.store.write(lambda tx: machines.revoke(tx, machine.id, who="test", note="stolen"))

    status = rig.post(body).status_code

    with rig.store.reading() as db:
        outcomes = db.execute(
            sa.select(audit_event.c.outcome).where(audit_event.c.what == "access.denied")
        )
        assert outcomes.scalars().all() == [f"machine {status}"]
    assert status in {401, 403}
