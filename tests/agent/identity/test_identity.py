"""The key stays here, stays private, and is either whole or told to be broken."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ccpor_agent.identity import (
    Identity,
    IdentityInvalid,
    NotEnrolled,
    adopt_pending_key,
    key_path,
    load_identity,
    machine_signer,
    pending_key,
    save_identity,
)
from ccpor_reporting.envelope import key_id, public_key_pem, verifies
from ccpor_reporting.model import Location


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An enrolled workstation."""
    key = adopt_pending_key(tmp_path, pending_key(tmp_path))
    collector = ec.generate_private_key(ec.SECP256R1()).public_key()
    save_identity(
        tmp_path,
        Identity(
            machine_id="m1",
            collector="https://ccpor.example.org",
            collector_public_key=public_key_pem(collector),
            location=Location(court="ca-sonoma", name="santa-rosa", role="scan-station"),
            key_id=key,
            enrolled_at=datetime(2026, 11, 23, tzinfo=UTC),
        ),
    )
    return tmp_path


def test_before_enrolment_there_is_none(tmp_path: Path) -> None:
    """Not an error: a run without upload needs no identity."""
    assert load_identity(tmp_path) is None
    with pytest.raises(NotEnrolled, match="ccpor-check enroll"):
        machine_signer(tmp_path)


def test_the_kept_key_signs_as_the_enrolled_one(state: Path) -> None:
    """The collector knows it by its id."""
    signer = machine_signer(state)

    assert verifies(signer.public, b"report", signer.sign(b"report"))
    assert load_identity(state).key_id == key_id(signer.public) == signer.key_id  # type: ignore[union-attr]


def test_the_key_file_is_private(state: Path) -> None:
    """Mode 0600 is its protection here."""
    identity = load_identity(state)
    assert identity is not None

    assert key_path(state, identity.key_id).stat().st_mode & 0o777 == 0o600
    assert (state / "keys").stat().st_mode & 0o777 == 0o700


def test_a_repeated_try_uses_the_same_key(tmp_path: Path) -> None:
    """The answer to the first may have been lost after the collector took the key."""
    first, second = pending_key(tmp_path), pending_key(tmp_path)
    assert key_id(first.public_key()) == key_id(second.public_key())

    adopt_pending_key(tmp_path, first)
    third = pending_key(tmp_path)
    assert key_id(third.public_key()) != key_id(first.public_key())


def other_key(kind: str) -> bytes:
    key = (
        ed25519.Ed25519PrivateKey.generate()
        if kind == "Ed25519"
        else ec.generate_private_key(ec.SECP256R1())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"", "is damaged"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is damaged"),
        (other_key("Ed25519"), "of another kind"),
        (other_key("P-256"), "not the enrolled one"),
    ],
    ids=["missing", "empty", "damaged", "other kind", "other key"],
)
def test_a_key_that_cannot_sign_for_this_machine_is_told(
    content: bytes | None, words: str, state: Path
) -> None:
    """Never a report that nobody can verify."""
    identity = load_identity(state)
    assert identity is not None
    path = key_path(state, identity.key_id)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)

    with pytest.raises(IdentityInvalid, match=words):
        machine_signer(state)


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b'{"machine_id": 1}', b"\xff"], ids=repr)
def test_a_damaged_identity_is_told(content: bytes, state: Path) -> None:
    """And never taken for "not enrolled", which would invite a second identity."""
    (state / "identity.json").write_bytes(content)

    with pytest.raises(IdentityInvalid, match="is damaged"):
        load_identity(state)


def test_no_secret_shows_in_a_repr(state: Path) -> None:
    """Logs and tracebacks print values."""
    shown = repr(machine_signer(state)) + repr(load_identity(state))

    assert "PRIVATE" not in shown
