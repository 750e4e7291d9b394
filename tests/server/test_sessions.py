"""Signing in: wrong tries wait, sessions end on time and on the server."""

from __future__ import annotations

import pytest

from ccpor_server import sessions
from ccpor_server.problems import TooMany
from ccpor_server.rights import Role
from ccpor_server.sessions import Refusal
from ccpor_server.store import audit, people
from tests.server.rig import Rig

PASSWORD = "correct horse battery"
WEB = audit.Source(who="anonymous", place="POST /sign-in", address="198.51.100.7")


@pytest.fixture
def account(rig: Rig) -> str:
    return rig.person("m.curie", Role.REVIEWER, password=PASSWORD)


def sign_in(rig: Rig, password: str = PASSWORD, name: str = "m.curie") -> str | Refusal:
    found: str | Refusal = rig.run(sessions.sign_in(rig.collector, name, password, WEB))
    return found


def works(rig: Rig, token: str) -> bool:
    return rig.ask("GET", "/api/v1/courts", session=token).status_code == 200


def test_the_right_password_opens_a_session(rig: Rig, account: str) -> None:
    token = sign_in(rig)

    assert isinstance(token, str)
    assert works(rig, token)


@pytest.mark.parametrize("name", ["m.curie", "nobody", "", "\x00", "a" * 5000])
def test_a_wrong_password_and_an_unknown_name_look_the_same(
    rig: Rig, account: str, name: str
) -> None:
    """Who has an account is not told."""
    assert sign_in(rig, "wrong", name) is Refusal.WRONG
    assert rig.events()[-1] == ("sign-in", "refused")


def test_an_unknown_name_costs_a_hash_too(
    rig: Rig, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fast refusal would be a list of accounts."""
    checked = []
    real = sessions.fits
    monkeypatch.setattr(
        sessions, "fits", lambda held, given: checked.append(held) or real(held, given)
    )

    sign_in(rig, "wrong", "nobody")

    assert [held.startswith("$argon2id$") for held in checked] == [True]


def test_five_wrong_tries_lock_for_a_quarter_of_an_hour(rig: Rig, account: str) -> None:
    """The right password is refused meanwhile, so guessing learns nothing."""
    wrong = [sign_in(rig, "wrong") for _ in range(5)]
    locked = sign_in(rig)
    rig.clock.forward(minutes=15, seconds=1)
    later = sign_in(rig)

    assert wrong == [Refusal.WRONG] * 5
    assert locked is Refusal.LOCKED
    assert isinstance(later, str)


def test_an_address_that_tries_many_names_is_stopped(rig: Rig) -> None:
    limits = rig.collector.limits
    for _ in range(30):
        limits.may_sign_in("198.51.100.1")
        limits.wrong_password("198.51.100.1")

    limits.may_sign_in("198.51.100.2")
    with pytest.raises(TooMany):
        limits.may_sign_in("198.51.100.1")


def test_a_whole_office_behind_one_address_can_sign_in(rig: Rig) -> None:
    """Right passwords are not tries; only their cost has a limit."""
    limits = rig.collector.limits
    for _ in range(300):
        limits.may_sign_in("198.51.100.1")

    with pytest.raises(TooMany):
        limits.may_sign_in("198.51.100.1")


def test_wrong_passwords_are_what_is_counted(rig: Rig, account: str) -> None:
    for number in range(30):
        sign_in(rig, "wrong wrong wrong", name=f"nobody{number}")

    with pytest.raises(TooMany):
        sign_in(rig)


def test_a_session_ends_after_half_an_hour_of_silence(rig: Rig, account: str) -> None:
    """An unattended desk."""
    token = str(sign_in(rig))
    for _ in range(4):
        rig.clock.forward(minutes=29)
        assert works(rig, token)
    rig.clock.forward(minutes=30, seconds=1)

    assert not works(rig, token)


def test_a_session_ends_after_twelve_hours_whatever_happens(rig: Rig, account: str) -> None:
    token = str(sign_in(rig))
    for _ in range(36):
        rig.clock.forward(minutes=20)
        assert works(rig, token)
    rig.clock.forward(seconds=1)

    assert not works(rig, token)


def test_signing_out_ends_the_session_on_the_server(rig: Rig, account: str) -> None:
    """A copied cookie is worth nothing afterwards."""
    token, other = str(sign_in(rig)), str(sign_in(rig))

    rig.run(sessions.sign_out(rig.collector, token, WEB))

    assert (works(rig, token), works(rig, other)) == (False, True)


def test_a_new_password_ends_every_session(rig: Rig, account: str) -> None:
    token = str(sign_in(rig))
    with rig.store.reading() as db:
        found = people.by_name(db, "m.curie")
    assert found is not None

    done = rig.run(
        sessions.change_password(rig.collector, found.person, PASSWORD, "another long one", WEB)
    )

    assert done
    assert not works(rig, token)
    assert sign_in(rig) is Refusal.WRONG
    assert isinstance(sign_in(rig, "another long one"), str)


def test_short_passwords_are_refused() -> None:
    with pytest.raises(sessions.PasswordTooShort):
        sessions.hash_password("fourteen chars")


def test_the_database_holds_no_session_token_and_no_password(rig: Rig, account: str) -> None:
    """Reading a backup must not sign anybody in."""
    token = str(sign_in(rig))

    held = (rig.settings.state_dir / "collector.db").read_bytes()

    assert token.encode() not in held
    assert PASSWORD.encode() not in held


def test_a_one_time_password_must_be_changed_before_anything_else(rig: Rig) -> None:
    """It was seen by whoever made it."""
    token = rig.session(
        rig.store.write(lambda tx: people.add(tx, "new", Role.REVIEWER, None, "x")).value
    )

    page = rig.ask("GET", "/", session=token)
    api = rig.ask("GET", "/api/v1/courts", session=token)

    assert (page.status_code, page.headers["location"]) == (303, "/password")
    assert api.status_code == 403
