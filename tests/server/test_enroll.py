"""Enrolment: a code opens one door, once, for a while; the key is the workstation's own."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as rsa_key

from ccpor_reporting.envelope import key_id, public_key_from_pem, public_key_pem
from ccpor_reporting.signed_profile import open_profile
from ccpor_server.store import machines
from tests.server.rig import Rig, Workstation


def fresh() -> Workstation:
    return Workstation("ca-sonoma", "santa-rosa", "clerk")


def enrolled(rig: Rig) -> int:
    with rig.store.reading() as db:
        return len(machines.every(db))


def test_a_code_and_a_key_give_an_identity(rig: Rig) -> None:
    """All that the agent needs from then on comes in this one answer."""
    code, machine = rig.code(rig.court()), fresh()

    answer = rig.enroll_by_api(code, machine.pem)

    found = answer.json()
    assert answer.status_code == 201
    assert found.keys() == {"machine_id", "location", "profile", "collector_public_key"}
    assert found["location"] == {"court": "ca-sonoma", "name": "santa-rosa", "role": "clerk"}
    assert found["profile"] is None
    assert key_id(public_key_from_pem(found["collector_public_key"])) == rig.collector.key.key_id


def test_the_published_profile_comes_along(rig: Rig) -> None:
    """The first run needs no second request."""
    rig.court()
    machine = fresh()
    rig.publish(machine, version=3)

    found = rig.enroll_by_api(rig.code("ca-sonoma"), machine.pem).json()

    profile = open_profile(msgspec.json.encode(found["profile"]), rig.collector.key.public)
    assert profile.version == 3


def test_a_code_as_people_type_it_is_understood(rig: Rig) -> None:
    """Lower case, blanks and a line end come with copying by hand."""
    code = rig.code(rig.court())

    answer = rig.enroll_by_api(f" {code.lower().replace('-', ' ')}\n", fresh().pem)

    assert answer.status_code == 201


def test_a_code_is_used_once(rig: Rig) -> None:
    code = rig.code(rig.court())
    first = rig.enroll_by_api(code, fresh().pem)

    second = rig.enroll_by_api(code, fresh().pem)

    assert (first.status_code, second.status_code, enrolled(rig)) == (201, 403, 1)


def test_a_code_of_three_uses_enrolls_three(rig: Rig) -> None:
    """One code for a training room."""
    code = rig.code(rig.court(), uses=3)

    statuses = [rig.enroll_by_api(code, fresh().pem).status_code for _ in range(4)]

    assert statuses == [201, 201, 201, 403]


def test_the_same_code_and_key_again_give_the_same_identity(rig: Rig) -> None:
    """An answer lost on the way must not strand a workstation with a used code."""
    code, machine = rig.code(rig.court()), fresh()
    first = rig.enroll_by_api(code, machine.pem)

    again = rig.enroll_by_api(code, machine.pem)

    assert (again.status_code, again.json()) == (200, first.json())
    assert enrolled(rig) == 1


def test_an_enrolled_key_with_another_code_is_refused(rig: Rig) -> None:
    """A cloned disk image must make its own key; the good code is not used up by the refusal."""
    machine = rig.enrol()
    code = rig.code("ca-sonoma")

    assert rig.enroll_by_api(code, machine.pem).status_code == 409
    assert rig.enroll_by_api(code, fresh().pem).status_code == 201


def test_an_expired_code_is_refused(rig: Rig) -> None:
    code = rig.code(rig.court(), lives=timedelta(hours=1))
    rig.clock.forward(hours=1, seconds=1)

    assert rig.enroll_by_api(code, fresh().pem).status_code == 403


def test_a_code_cannot_be_made_to_live_longer_than_three_days(rig: Rig) -> None:
    rig.court()

    with pytest.raises(ValueError, match="72 hours"):
        rig.code("ca-sonoma", lives=timedelta(hours=72, seconds=1))


def test_guessing_locks_the_address_out_for_the_good_code_too(rig: Rig) -> None:
    """160 bits cannot be guessed; a person who tries should still be noticed."""
    code = rig.code(rig.court())
    statuses = [rig.enroll_by_api(f"AAAA-{n}", fresh().pem).status_code for n in range(21)]

    locked = rig.enroll_by_api(code, fresh().pem)
    rig.clock.forward(hours=1)
    later = rig.enroll_by_api(code, fresh().pem)

    assert statuses == [403] * 20 + [429]
    assert (locked.status_code, later.status_code) == (429, 403)  # the code lived an hour
    assert int(locked.headers["retry-after"]) > 0
    assert rig.events().count(("enroll", "refused")) == 21


@pytest.mark.parametrize(
    "key",
    [
        generate_private_key(SECP384R1()).public_key(),
        Ed25519PrivateKey.generate().public_key(),
        rsa_key(65537, 2048).public_key(),
    ],
    ids=["P-384", "Ed25519", "RSA"],
)
def test_only_p256_keys_are_enrolled(rig: Rig, key: object) -> None:
    """One algorithm, bound to the record: nothing to negotiate, nothing to downgrade."""
    code = rig.code(rig.court())

    answer = rig.enroll_by_api(code, public_key_pem(key))  # type: ignore[arg-type]

    assert (answer.status_code, enrolled(rig)) == (422, 0)
    assert rig.enroll_by_api(code, fresh().pem).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b'{"code":', 400),
        (b'{"code":"A","code":"B","public_key":"x","machine":{"name":"a","os":"b"}}', 400),
        (b"\xff", 400),
        (b"{}", 422),
        (b'{"code":1,"public_key":"x","machine":{"name":"a","os":"b"}}', 422),
        (b'{"code":"A","public_key":"x","machine":{"name":"a","os":"b"},"role":"judge"}', 422),
        (b'{"code":"A","public_key":"x","machine":{"name":"","os":"b"}}', 422),
        (b'{"code":"A","public_key":"x","machine":{"name":"a\\u0000","os":"b"}}', 422),
        (b'{"code":"A","public_key":"x","machine":{"name":"a","os":"b"}}', 422),
        (b'{"code":"' + b"A" * 20_000 + b'"}', 413),
    ],
)
def test_a_malformed_wish_is_refused(rig: Rig, body: bytes, status: int) -> None:
    """What is no wish uses no code and writes nothing."""
    answer = rig.ask(
        "POST", "/api/v1/enroll", content=body, headers={"content-type": "application/json"}
    )

    assert answer.status_code == status
    assert rig.events() == []


def test_codes_are_long_readable_and_never_kept(rig: Rig) -> None:
    """The database must not be a list of open doors."""
    code = rig.code(rig.court())

    assert len(code.replace("-", "")) * 5 >= 128
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")
    held = (rig.settings.state_dir / "collector.db").read_bytes()
    assert code.encode() not in held
    assert code.replace("-", "").encode() not in held


# --- GET /api/v1/profile


def test_a_workstation_fetches_its_own_profile(rig: Rig) -> None:
    machine = rig.enrol()
    envelope = rig.publish(machine)

    answer = rig.ask("GET", "/api/v1/profile", headers=machine.signed("GET", "/api/v1/profile"))

    assert answer.status_code == 200
    assert answer.content == envelope
    assert answer.headers["content-type"] == "application/vnd.dsse.envelope.v1+json"


def test_an_unchanged_profile_is_not_sent_again(rig: Rig) -> None:
    """Twenty thousand workstations ask every day."""
    machine = rig.enrol()
    rig.publish(machine)
    path = "/api/v1/profile"
    tag = rig.ask("GET", path, headers=machine.signed("GET", path)).headers["etag"]

    again = rig.ask("GET", path, headers={**machine.signed("GET", path), "if-none-match": tag})
    rig.publish(machine, version=2)
    newer = rig.ask("GET", path, headers={**machine.signed("GET", path), "if-none-match": tag})

    any_ = rig.ask("GET", path, headers={**machine.signed("GET", path), "if-none-match": "*"})

    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert any_.status_code == 304
    assert newer.status_code == 200


def test_without_a_published_profile_there_is_none(rig: Rig) -> None:
    machine = rig.enrol()

    answer = rig.ask("GET", "/api/v1/profile", headers=machine.signed("GET", "/api/v1/profile"))

    assert answer.status_code == 404


def test_a_signature_is_good_once(rig: Rig) -> None:
    """Whoever recorded a request cannot ask again."""
    machine = rig.enrol()
    rig.publish(machine)
    headers = machine.signed("GET", "/api/v1/profile")

    statuses = [rig.ask("GET", "/api/v1/profile", headers=headers).status_code for _ in range(2)]

    assert statuses == [200, 401]


@pytest.mark.parametrize("how", ["unsigned", "stranger", "other path", "old", "revoked"])
def test_a_profile_is_for_enrolled_workstations_only(rig: Rig, how: str) -> None:
    machine = rig.enrol()
    rig.publish(machine)
    headers = {
        "unsigned": {},
        "stranger": fresh().signed("GET", "/api/v1/profile"),
        "other path": machine.signed("GET", "/api/v1/courts"),
        "old": machine.signed("GET", "/api/v1/profile", rig.clock.at - timedelta(minutes=6)),
        "revoked": machine.signed("GET", "/api/v1/profile"),
    }[how]
    if how == "revoked":
        rig.store.write(lambda tx: machines.revoke(tx, machine.id, who="test", note="x"))

    answer = rig.ask("GET", "/api/v1/profile", headers=headers)

    assert answer.status_code == (403 if how == "revoked" else 401)


def test_a_code_and_a_key_alone_enroll(rig: Rig) -> None:
    """What the workstation is called is a courtesy; the contract asks for the code and the key."""
    code = rig.code(rig.court())
    wish = {"code": code, "public_key": fresh().pem}

    answer = rig.ask("POST", "/api/v1/enroll", json=wish)

    assert (answer.status_code, enrolled(rig)) == (201, 1)
