"""The stored profile: only ever a newer one of ours, and exactly as signed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from msgspec.structs import replace

from ccpor_agent.enroll import ProfileKept, enroll, refresh_profile, stored_profile_path
from ccpor_agent.identity import adopt_pending_key, load_identity, pending_key, save_identity
from ccpor_reporting.envelope import KeySigner
from ccpor_reporting.signed_profile import seal_profile
from tests.peers.fake_collector import CODE, FakeCollector, Reply

NEW = 'schema = "ccpor-profile/1"\ntitle = "New"\nversion = 2\n'
NOW = datetime.now(UTC)


@pytest.fixture
def enrolled(state: Path, collector: FakeCollector) -> Path:
    collector.publish(version=1)
    enroll(state, collector.url, CODE)
    return state


def text(state: Path) -> str:
    path = stored_profile_path(state)
    assert path is not None
    return path.read_text()


def test_a_newer_profile_takes_the_place_of_the_stored_one(
    enrolled: Path, collector: FakeCollector
) -> None:
    """The AOC changes a limit; the next run judges by it."""
    collector.publish(version=2, toml=NEW)

    assert refresh_profile(enrolled)
    assert text(enrolled) == NEW


def test_the_same_profile_is_not_sent_again(enrolled: Path, collector: FakeCollector) -> None:
    """If-None-Match: a thousand machines ask each hour."""
    refresh_profile(enrolled)
    collector.requests.clear()
    answers: list[int] = []
    real = collector.answer

    def watch(*asked: Any) -> Reply:
        reply = real(*asked)
        answers.append(reply.status)
        return reply

    collector.answer = watch  # type: ignore[method-assign]

    assert not refresh_profile(enrolled)
    assert answers == [304]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": 0, "toml": NEW}, "rollback"),
        ({"version": 1, "toml": NEW}, "altered"),
        ({"version": 2, "toml": NEW, "expires_at": NOW - timedelta(seconds=1)}, "expired"),
        ({"version": 2, "toml": NEW, "court": "ca-napa"}, "wrong-court"),
        ({"version": 2, "toml": NEW, "location": "petaluma"}, "wrong-location"),
        ({"version": 2, "toml": NEW, "role": "judge"}, "wrong-role"),
    ],
    ids=["rollback", "altered", "expired", "court", "location", "role"],
)
def test_a_profile_that_may_not_be_held_leaves_the_last_good_one(
    changes: dict[str, Any], reason: str, enrolled: Path, collector: FakeCollector
) -> None:
    """Signed by the right key is not enough."""
    before = text(enrolled)
    collector.publish(**changes)

    with pytest.raises(ProfileKept) as caught:
        refresh_profile(enrolled)

    assert (caught.value.reason, text(enrolled)) == (reason, before)


def test_a_profile_signed_by_another_key_is_refused(
    enrolled: Path, collector: FakeCollector
) -> None:
    """Whoever answers in the collector's place chooses nothing."""
    before = text(enrolled)
    collector.publish(version=2, toml=NEW)
    collector.signer = KeySigner(generate_private_key(SECP256R1()))

    with pytest.raises(ProfileKept) as caught:
        refresh_profile(enrolled)

    assert (caught.value.reason, text(enrolled)) == ("unknown-key", before)


@pytest.mark.parametrize("status", [204, 302, 401, 404, 500])
def test_an_answer_without_a_profile_keeps_the_held_one(
    status: int, enrolled: Path, collector: FakeCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run goes on with what it has."""
    before = text(enrolled)
    monkeypatch.setattr(collector, "answer", lambda *_: Reply(status))

    with pytest.raises(ProfileKept) as caught:
        refresh_profile(enrolled)

    assert (caught.value.reason, text(enrolled)) == ("refused", before)


def test_a_request_signed_with_another_key_is_refused(
    enrolled: Path, collector: FakeCollector
) -> None:
    """The collector sends a profile to the machine that signed, not to whoever knows an id."""
    identity = load_identity(enrolled)
    assert identity is not None
    stranger = adopt_pending_key(enrolled, pending_key(enrolled))
    save_identity(enrolled, replace(identity, key_id=stranger))

    with pytest.raises(ProfileKept, match="HTTP 401, unknown-key"):
        refresh_profile(enrolled)


def test_a_profile_edited_on_disk_is_written_again_as_signed(enrolled: Path) -> None:
    """A limit loosened by hand would make a machine look ready."""
    before = text(enrolled)
    (enrolled / "profile.toml").write_text(before.replace("Scan", "Spam"))

    assert text(enrolled) == before


def test_a_held_profile_whose_signature_broke_is_not_used(
    enrolled: Path, collector: FakeCollector
) -> None:
    """And the next refresh brings a good one."""
    other = KeySigner(generate_private_key(SECP256R1()))
    assert collector.profile is not None
    forged = seal_profile(collector.profile, other).decode()
    (enrolled / "signed_profile.json").write_bytes(
        msgspec.json.encode({"envelope": forged, "etag": None})
    )

    assert stored_profile_path(enrolled) is None
    assert refresh_profile(enrolled)
    assert stored_profile_path(enrolled) is not None
