"""Signing in with an identity provider, against a real one over HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
from oidc_provider_mock import User, run_server_in_thread

from ccpor_server.oidc import NotLetIn, ProviderUnusable, role_for, roles_of
from ccpor_server.rights import Role
from ccpor_server.settings import Settings, SettingsInvalid
from ccpor_server.store import people
from tests.peers import free_port
from tests.server.rig import Rig

# the provider of the tests uses its library in an old way
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
ROLES = {
    "ccpor-reviewers": "aoc-reviewer",
    "ccpor-admins": "administrator",
    "sonoma": "court-manager@ca-sonoma",
    "marin": "court-manager@ca-marin",
}


@dataclass
class Office:
    rig: Rig
    provider: str

    def begin(self, to: str = "/incidents") -> tuple[str, str]:
        """Return where the browser is sent, and the cookie of the flow."""
        answer = self.rig.ask("GET", f"/sign-in/oidc?next={to}")
        assert answer.status_code == 303, answer.text
        [cookie] = re.findall(r"ccpor-flow=([^;]+)", answer.headers["set-cookie"])
        return answer.headers["location"], cookie

    def authorised(self, address: str, sub: str) -> str:
        """Return the query that the provider sends back for *sub*."""
        answer = requests.post(address, data={"sub": sub}, allow_redirects=False, timeout=10)
        assert answer.status_code == 302, answer.text
        return urlsplit(answer.headers["location"]).query

    def back(self, query: str, cookie: str) -> Any:
        headers = {"cookie": f"ccpor-flow={cookie}"}
        return self.rig.ask("GET", f"/sign-in/oidc/back?{query}", headers=headers)

    def sign_in(self, sub: str) -> Any:
        address, cookie = self.begin()
        return self.back(self.authorised(address, sub), cookie)

    def person(self, name: str) -> people.Account | None:
        with self.rig.store.reading() as db:
            return people.by_name(db, name)


def user(sub: str, *groups: str, **claims: Any) -> User:
    known = {"preferred_username": sub, "groups": list(groups), **claims}
    return User(sub=sub, claims=known)


USERS = [
    user("m.ortiz", "ccpor-reviewers", "staff"),
    user("r.diaz", "sonoma", email="r.diaz@example.org", email_verified=True),
    user("nobody", "staff"),
    user("both", "ccpor-reviewers", "sonoma"),
    user("elsewhere", "marin"),
    user("taken", "ccpor-reviewers"),
]


@contextmanager
def provided(make_rig: Callable[..., Rig], folder: Path, **changes: Any) -> Iterator[Office]:
    with run_server_in_thread(port=free_port(), user_claims=USERS) as server:
        issuer = f"http://localhost:{server.server_port}"
        secret, roles = folder / "oidc-secret", folder / "roles.json"
        secret.write_text("a secret\n")
        roles.write_text(json.dumps(ROLES))
        given = {
            "oidc_issuer": issuer, "oidc_client_id": "collector",
            "oidc_client_secret_file": secret, "oidc_roles_file": roles,
            "public_url": "http://collector.test", **changes,
        }  # fmt: skip
        rig = make_rig(**given)
        rig.court("ca-sonoma")
        yield Office(rig, issuer)


@pytest.fixture
def office(make_rig: Callable[..., Rig], tmp_path: Path) -> Iterator[Office]:
    with provided(make_rig, tmp_path) as found:
        yield found


def test_groups_give_the_role(office: Office) -> None:
    answer = office.sign_in("m.ortiz")
    [cookie] = re.findall(r"ccpor=([^;]+)", ",".join(answer.headers.get_list("set-cookie")))
    page = office.rig.ask("GET", "/account", session=cookie).text
    found = office.person("m.ortiz")

    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    assert "the identity provider" in page
    assert found is not None
    assert (found.role, found.court, found.password_hash) == ("aoc-reviewer", None, "no password")
    assert ("sign-in", "ok") in office.rig.events()


def test_a_courts_person_gets_the_court_and_the_address(office: Office) -> None:
    office.sign_in("r.diaz")
    office.sign_in("r.diaz")
    found = office.person("r.diaz")

    assert found is not None
    assert (found.role, found.court, found.email) == (
        Role.COURT_MANAGER, "ca-sonoma", "r.diaz@example.org",
    )  # fmt: skip
    with office.rig.store.reading() as db:
        assert len([one for one in people.every(db) if one.subject]) == 1


@pytest.mark.parametrize(
    ("sub", "why"),
    [
        ("nobody", "none of your groups"),
        ("both", "more than one role"),
        ("elsewhere", "not known here yet"),
    ],
)
def test_who_has_no_one_role_is_not_let_in(office: Office, sub: str, why: str) -> None:
    answer = office.sign_in(sub)

    assert answer.status_code == 401
    assert why in answer.text
    assert "ccpor=" not in answer.headers.get("set-cookie", "")
    assert office.person(sub) is None
    assert ("sign-in", "oidc refused") in office.rig.events()


def test_a_role_that_the_groups_took_away_is_gone_at_the_next_sign_in(office: Office) -> None:
    office.sign_in("m.ortiz")
    file = office.rig.settings.oidc_roles_file
    assert file is not None
    file.write_text(json.dumps({"ccpor-reviewers": "auditor"}))
    office.sign_in("m.ortiz")
    found = office.person("m.ortiz")

    assert found is not None
    assert found.role == Role.AUDITOR


def test_a_disabled_person_stays_out(office: Office) -> None:
    office.sign_in("m.ortiz")
    found = office.person("m.ortiz")
    assert found is not None
    office.rig.store.write(lambda tx: people.disable(tx, found.id))

    assert office.sign_in("m.ortiz").status_code == 401


def test_a_local_account_of_the_same_name_is_not_taken_over(office: Office) -> None:
    office.rig.person("taken", Role.ADMINISTRATOR)
    answer = office.sign_in("taken")
    local = office.person("taken")

    assert answer.status_code == 303
    assert local is not None
    assert (local.role, local.subject) == ("administrator", None)


def test_a_flow_counts_for_its_own_browser_and_once(office: Office) -> None:
    address, cookie = office.begin()
    query = office.authorised(address, "m.ortiz")
    _, other = office.begin()
    first = office.back(query, cookie)

    assert office.back(query, other).status_code == 401
    assert office.back(query, "").status_code == 401
    assert first.status_code == 303
    assert office.back(query, cookie).status_code == 401  # the code was used


def test_a_flow_goes_by_pkce_and_nonce_to_our_own_address(office: Office) -> None:
    asked = parse_qs(urlsplit(office.begin()[0]).query)

    assert asked["redirect_uri"] == ["http://collector.test/sign-in/oidc/back"]
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["nonce"][0]) >= 22
    assert asked["response_type"] == ["code"]


def test_a_token_of_another_flow_is_refused(office: Office) -> None:
    """The nonce binds the token to the browser that began: another flow's code gives nothing."""
    first, cookie = office.begin()
    second, _ = office.begin()
    query = parse_qs(office.authorised(second, "m.ortiz"))
    state = parse_qs(urlsplit(first).query)["state"]
    mixed = urlencode({"code": query["code"][0], "state": state[0]})

    assert office.back(mixed, cookie).status_code == 401


def test_a_provider_that_is_away_says_so(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    away = f"http://localhost:{free_port()}"
    with provided(make_rig, tmp_path, oidc_issuer=away) as office:
        answer = office.rig.ask("GET", "/sign-in/oidc")

    assert answer.status_code == 503
    assert "cannot be reached" in answer.text


def test_without_a_provider_there_is_no_such_page(rig: Rig) -> None:
    assert rig.ask("GET", "/sign-in/oidc").status_code == 404
    assert "oidc" not in rig.ask("GET", "/sign-in").text


def test_the_table_of_groups_is_read_strictly() -> None:
    table = roles_of('{"a": "auditor", "b": "court-it@ca-sonoma"}')

    assert role_for(["x", "b"], table) == (Role.COURT_IT, "ca-sonoma")
    assert role_for(["a", "a"], table) == (Role.AUDITOR, None)
    with pytest.raises(NotLetIn):
        role_for([], table)
    for text, said in (
        ("[]", "no JSON of group to role"),
        ('{"a": "king"}', '"a" is "king"'),
        ('{"a": "auditor@ca-sonoma"}', "only for them"),
        ('{"a": "court-it"}', "only for them"),
    ):
        with pytest.raises(ProviderUnusable, match=re.escape(said)):
            roles_of(text)


def test_an_issuer_without_the_rest_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsInvalid, match=r"OIDC_CLIENT_ID.*OIDC_ROLES_FILE"):
        Settings.from_environment({"CCPOR_COLLECTOR_OIDC_ISSUER": "https://login.example.org"})


def test_a_provider_in_the_clear_is_refused(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    with provided(make_rig, tmp_path, oidc_issuer="http://login.example.org") as office:
        assert office.rig.ask("GET", "/sign-in/oidc").status_code == 503


def test_doctor_looks_at_the_provider(office: Office) -> None:
    from ccpor_server.cli.doctor import _lines

    def told() -> tuple[bool, str]:
        found = [one for one in _lines(office.rig.settings) if one[1].startswith("identity")]
        return found[0]

    good = told()
    file = office.rig.settings.oidc_roles_file
    assert file is not None
    file.write_text("{}}")
    bad = told()

    assert good == (True, f"identity provider: {office.provider}, 4 groups have a role")
    assert not bad[0]
    assert "no JSON of group to role" in bad[1]
