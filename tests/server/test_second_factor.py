"""The second factor, one's own sessions, and what was typed while a session locked."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pyotp
import pytest

from ccpor_server import second_factor, sessions
from ccpor_server.rights import Role
from ccpor_server.store import comments, people
from tests.server.rig import NOON, Rig

FORM = "application/x-www-form-urlencoded"
PASSWORD = "a sentence of many words"


def post(rig: Rig, address: str, session: str | None = None, /, **fields: str) -> Any:
    headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
    return rig.ask("POST", address, session=session, headers=headers, content=urlencode(fields))


def set_up(rig: Rig, session: str) -> pyotp.TOTP:
    """Set up the second factor by the page; return its program."""
    page = rig.ask("GET", "/account/second-factor", session=session).text
    [offer] = re.findall(r'name="offer" value="([^"]+)"', page)
    [letters] = re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    program = pyotp.TOTP(letters.replace(" ", ""))
    code = program.at(rig.clock.now())
    answer = post(rig, "/account/second-factor", session, offer=offer, code=code)
    assert answer.status_code == 303, answer.text
    return program


@pytest.fixture
def clerk(rig: Rig) -> tuple[str, str]:
    """Return the id and a session of somebody with a password."""
    who = rig.person("m.ortiz", Role.REVIEWER, password=PASSWORD)
    return who, rig.session(who)


def ticket(rig: Rig) -> str:
    """Return what the sign-in form carries once the password was right."""
    answer = post(rig, "/sign-in", name="m.ortiz", password=PASSWORD)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    [found] = re.findall(r'name="ticket" value="([^"]+)"', answer.text)
    return str(found)


def test_a_code_is_asked_after_the_password(rig: Rig, clerk: tuple[str, str]) -> None:
    program = set_up(rig, clerk[1])
    rig.clock.forward(seconds=30)
    asked, code = ticket(rig), program.at(rig.clock.now())
    answer = post(rig, "/sign-in/code", ticket=asked, code=code, next="/incidents")
    again = post(rig, "/sign-in/code", ticket=asked, code=code)

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert "ccpor=" in answer.headers["set-cookie"]
    assert again.status_code == 401  # RFC 6238 section 5.2: a code counts once
    with rig.store.reading() as db:
        account = people.by_id(db, clerk[0])
    assert account is not None
    assert account.totp is not None
    assert program.secret not in account.totp


@pytest.mark.parametrize(
    ("code", "after_s"),
    [("000000", 30), ("12345", 30), ("", 30), ("abcdef", 30), ("right", 301), ("old", 30)],
)
def test_a_wrong_or_late_code_opens_nothing(
    rig: Rig, clerk: tuple[str, str], code: str, after_s: int
) -> None:
    program = set_up(rig, clerk[1])
    rig.clock.forward(seconds=90)
    asked = ticket(rig)
    rig.clock.forward(seconds=after_s)
    now = rig.clock.now()
    typed = {"right": program.at(now), "old": program.at(now - timedelta(seconds=90))}
    answer = post(rig, "/sign-in/code", ticket=asked, code=typed.get(code, code))

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


def test_five_wrong_codes_lock_as_five_wrong_passwords_do(rig: Rig, clerk: tuple[str, str]) -> None:
    program = set_up(rig, clerk[1])
    rig.clock.forward(seconds=60)
    asked = ticket(rig)
    for _ in range(5):
        post(rig, "/sign-in/code", ticket=asked, code="000000")
    right = post(rig, "/sign-in/code", ticket=asked, code=program.at(rig.clock.now()))

    assert right.status_code in {401, 429}


def test_a_ticket_of_another_collector_is_worth_nothing(
    rig: Rig, make_rig: Any, clerk: tuple[str, str]
) -> None:
    program = set_up(rig, clerk[1])
    rig.clock.forward(seconds=60)
    forged = second_factor.ticket(rig.collector.key, "somebody else", NOON)
    for one in (forged, "", "gAAAA", ticket(rig)[:-8]):
        code = program.at(rig.clock.now())
        assert post(rig, "/sign-in/code", ticket=one, code=code).status_code == 401


def test_it_is_set_only_with_ones_own_offer_and_a_right_code(
    rig: Rig, clerk: tuple[str, str]
) -> None:
    other = rig.signed_in("the.other", Role.REVIEWER)
    page = rig.ask("GET", "/account/second-factor", session=clerk[1]).text
    [offer] = re.findall(r'name="offer" value="([^"]+)"', page)
    stranger = post(rig, "/account/second-factor", other, offer=offer, code="000000")
    wrong = post(rig, "/account/second-factor", clerk[1], offer=offer, code="000000")

    assert (stranger.status_code, wrong.status_code) == (400, 422)
    assert "<svg" in wrong.text
    assert post(rig, "/sign-in", name="m.ortiz", password=PASSWORD).status_code == 303


def test_an_offer_is_an_hour_old_at_most(rig: Rig, clerk: tuple[str, str]) -> None:
    page = rig.ask("GET", "/account/second-factor", session=clerk[1]).text
    [offer] = re.findall(r'name="offer" value="([^"]+)"', page)
    [letters] = re.findall(r'<code class="secret">([A-Z2-7 ]+)</code>', page)
    for _ in range(3):  # the session goes on
        rig.clock.forward(minutes=25)
        rig.ask("GET", "/account", session=clerk[1])
    code = pyotp.TOTP(letters.replace(" ", "")).at(rig.clock.now())

    assert post(rig, "/account/second-factor", clerk[1], offer=offer, code=code).status_code == 400


def test_it_is_taken_off_with_a_code(rig: Rig, clerk: tuple[str, str]) -> None:
    program = set_up(rig, clerk[1])
    wrong = post(rig, "/account/second-factor/remove", clerk[1], code="000000")
    rig.clock.forward(seconds=60)
    code = program.at(rig.clock.now())
    right = post(rig, "/account/second-factor/remove", clerk[1], code=code)

    assert (wrong.status_code, right.status_code) == (422, 303)
    assert post(rig, "/sign-in", name="m.ortiz", password=PASSWORD).status_code == 303
    events = rig.events()
    assert ("second-factor", "set") in events
    assert ("second-factor", "removed") in events


def test_setting_it_up_ends_the_other_sessions(rig: Rig, clerk: tuple[str, str]) -> None:
    other = rig.session(clerk[0])
    set_up(rig, clerk[1])

    assert rig.ask("GET", "/account", session=clerk[1]).status_code == 200
    assert rig.ask("GET", "/account", session=other).status_code == 303


def test_sessions_are_listed_and_ended_by_their_own_person(
    rig: Rig, clerk: tuple[str, str]
) -> None:
    who, mine = clerk
    second, third = rig.session(who), rig.session(who)
    stranger = rig.signed_in("the.stranger", Role.REVIEWER)
    page = rig.ask("GET", "/account", session=mine).text
    listed = re.findall(r"/account/sessions/([0-9a-f]{16})/end", page)
    target = sessions.hashed(second)[:16]
    post(rig, f"/account/sessions/{target}/end", stranger)
    still = rig.ask("GET", "/account", session=second).status_code
    post(rig, f"/account/sessions/{target}/end", mine)

    assert len(listed) == 3
    assert (still, rig.ask("GET", "/account", session=second).status_code) == (200, 303)
    post(rig, "/account/sessions/end-others", mine)
    assert rig.ask("GET", "/account", session=third).status_code == 303
    assert rig.ask("GET", "/account", session=mine).status_code == 200
    assert post(rig, "/account/sessions/zz/end", mine).status_code == 400


def test_an_address_for_messages_is_checked(rig: Rig, clerk: tuple[str, str]) -> None:
    good = post(rig, "/account/email", clerk[1], email="m.ortiz@example.org")
    bad = post(rig, "/account/email", clerk[1], email="a@b>\nBcc: x@y")
    with rig.store.reading() as db:
        account = people.by_id(db, clerk[0])

    assert (good.status_code, bad.status_code) == (303, 422)
    assert account is not None
    assert account.email == "m.ortiz@example.org"


def test_the_notice_is_recorded_with_each_sign_in(rig: Rig, clerk: tuple[str, str]) -> None:
    from ccpor_server.store import audit

    post(rig, "/sign-in", name="m.ortiz", password=PASSWORD)
    with rig.store.reading() as db:
        newest = audit.newest(db, 1)[0]

    assert (newest.what, newest.outcome) == ("sign-in", "ok")
    assert sessions.NOTICE_VERSION in newest.about


ITEM = "/courts/ca-sonoma/items/PL-10"


def locked(rig: Rig, session: str) -> Any:
    """Send a comment after the session locked."""
    rig.clock.forward(minutes=31)
    return post(rig, f"{ITEM}/comments", session, comment="The county asked again.", password="x")


def test_what_was_typed_outlives_the_lock(rig: Rig) -> None:
    """The form does nothing and loses nothing: after signing in it is there, and sent on."""
    rig.court()
    who = rig.person("r.diaz", Role.COURT_MANAGER, "ca-sonoma")
    answer = locked(rig, rig.session(who))
    back = rig.session(who)
    asked = f"/draft?path={ITEM}/comments"
    page = rig.ask("GET", asked, session=back).text
    with rig.store.reading() as db:
        before = comments.of_court(db, "ca-sonoma")
    sent = post(rig, f"{ITEM}/comments", back, comment="The county asked again.")

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=%2Fdraft%3Fpath%3D")
    assert before == ()
    assert "The county asked again." in page
    assert "password" not in page
    assert sent.status_code == 303


def test_a_draft_is_for_who_typed_it(rig: Rig) -> None:
    rig.court()
    locked(rig, rig.session(rig.person("r.diaz", Role.COURT_MANAGER, "ca-sonoma")))
    other = rig.signed_in("the.other", Role.COURT_MANAGER, "ca-sonoma")
    page = rig.ask("GET", f"/draft?path={ITEM}/comments", session=other).text

    assert "Nothing is kept" in page
    assert "The county asked again." not in page


@pytest.mark.parametrize("broken", ["nobody", "cross-site", "over"])
def test_no_draft_is_kept_for_a_session_that_never_was(rig: Rig, broken: str) -> None:
    """A stranger's cookie, another site's form, a session of yesterday: refused as before."""
    rig.court()
    session = rig.session(rig.person("r.diaz", Role.COURT_MANAGER, "ca-sonoma"))
    rig.clock.forward(hours=13 if broken == "over" else 1)
    site = "cross-site" if broken == "cross-site" else "same-origin"
    headers = {"sec-fetch-site": site, "content-type": FORM, "accept": "text/html"}
    answer = rig.ask(
        "POST", f"{ITEM}/comments", headers=headers, content="comment=x",
        session="stolen" if broken == "nobody" else session,
    )  # fmt: skip

    assert answer.status_code == 401


def test_a_draft_is_thrown_away(rig: Rig) -> None:
    rig.court()
    who = rig.person("r.diaz", Role.COURT_MANAGER, "ca-sonoma")
    locked(rig, rig.session(who))
    back = rig.session(who)
    post(rig, "/draft/forget", back, path=f"{ITEM}/comments")

    page = rig.ask("GET", f"/draft?path={ITEM}/comments", session=back).text
    assert "Nothing is kept" in page
