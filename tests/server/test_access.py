"""Who reaches what: every route of the live router, every role, their own, another's, a missing one.

The expected table stands here, by path; a route that is not in it fails. `404` for another court is
the same answer as for a missing one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from ccpor_server.access import Access, Entry, guarded, local_path
from ccpor_server.app import ROUTES
from ccpor_server.client import behind_proxies
from ccpor_server.settings import Settings
from ccpor_server.store import people
from ccpor_server.store.people import Role
from tests.server.rig import Rig

ROLES = ("anonymous", "disabled", "expired", "stranger", "court", "reviewer", "administrator")
MISSING_RUN = "01890000-0000-7000-8000-000000000000"

# what a GET answers, by access class; a route with an id in its path is asked for its own court's
# thing, another court's and a missing one
READ: dict[str, Access] = {
    "/static/{name}": Access.PUBLIC,
    "/sign-in": Access.PUBLIC,
    "/sign-out": Access.READER,
    "/password": Access.READER,
    "/": Access.READER,
    "/courts/{court_id}": Access.READER,
    "/courts/{court_id}/machines": Access.READER,
    "/courts/{court_id}/items/{item_id}": Access.READER,
    "/reports/{run_id}": Access.READER,
    "/capacity": Access.READER,
    "/admin/people": Access.ADMINISTRATOR,
    "/admin/people/{person_id}/disable": Access.ADMINISTRATOR,
    "/admin/courts": Access.ADMINISTRATOR,
    "/admin/courts/{court_id}": Access.ADMINISTRATOR,
    "/admin/courts/{court_id}/inventory": Access.ADMINISTRATOR,
    "/admin/codes": Access.ADMINISTRATOR,
    "/admin/machines/{machine_id}/revoke": Access.ADMINISTRATOR,
    "/admin/audit": Access.ADMINISTRATOR,
    "/api/v1/enroll": Access.MACHINE,
    "/api/v1/reports": Access.MACHINE,
    "/api/v1/profile": Access.MACHINE,
    "/api/v1/looks/{target}/{check}": Access.MACHINE,
    "/api/v1/capacity/slots": Access.MACHINE,
    "/api/v1/capacity/slots/{slot_id}": Access.SLOT,
    "/api/v1/capacity/up": Access.SLOT,
    "/api/v1/capacity/down": Access.SLOT,
    "/api/v1/capacity/echo": Access.SLOT,
    "/api/v1/capacity/feedback": Access.SLOT,
    "/api/v1/courts": Access.READER,
    "/api/v1/courts/{court_id}/checklist": Access.READER,
    "/api/v1/courts/{court_id}/machines": Access.READER,
    "/api/v1/reports/{run_id}": Access.READER,
    "/api/v1/reports/{run_id}/envelope": Access.READER,
    "/api/v1/openapi.json": Access.PUBLIC,
    "/healthz": Access.PUBLIC,
    "/readyz": Access.PUBLIC,
    "/metrics": Access.OPERATIONS,
    "/api/v1/healthz": Access.PUBLIC,
    "/api/v1/readyz": Access.PUBLIC,
    "/api/v1/metrics": Access.OPERATIONS,
}
MAY = {
    Access.READER: {"stranger", "court", "reviewer", "administrator"},
    Access.REVIEWER: {"reviewer", "administrator"},
    Access.ADMINISTRATOR: {"administrator"},
}
NO_SESSION = {Access.MACHINE, Access.SLOT}  # no cookie opens them, so no other site's form does
SCOPED = ("{court_id}", "{run_id}")


class House:
    """Two courts with a report each, and a session for each role."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ids: dict[str, dict[str, str]] = {}
        for label, court in (("own", "ca-sonoma"), ("other", "ca-marin")):
            machine = rig.enrol(court)
            report = machine.report()
            assert rig.post(machine.sealed(report)).status_code == 201
            self.ids[label] = self._ids(court, report.run_id, machine.id)
        self.ids["missing"] = self._ids("ca-nowhere", MISSING_RUN, "nobody")
        expired = rig.session(rig.person("expired", Role.ADMINISTRATOR))
        rig.clock.forward(hours=1)
        gone = rig.person("gone", Role.ADMINISTRATOR)
        disabled = rig.session(gone)
        # not people.disable, which would end the session too: the guard must look for itself
        rig.store.write(lambda tx: people._change(tx, gone, disabled_at=tx.now))
        self.sessions = {
            "anonymous": None,
            "expired": expired,
            "disabled": disabled,
            "stranger": rig.signed_in("st", Role.COURT, "ca-marin"),
            "court": rig.signed_in("co", Role.COURT, "ca-sonoma"),
            "reviewer": rig.signed_in("re", Role.REVIEWER),
            "administrator": rig.signed_in("ad", Role.ADMINISTRATOR),
        }

    @staticmethod
    def _ids(court: str, run_id: str, machine_id: str) -> dict[str, str]:
        return {
            "court_id": court,
            "run_id": run_id,
            "machine_id": machine_id,
            "item_id": "PL-01",
            "person_id": "nobody",
            "name": "ccpor.css",
            "slot_id": "nobody",
            "target": "aoc",
            "check": "tcp",
        }


def expected(path: str, access: Access, role: str, which: str) -> set[int]:
    """Return the statuses that a GET of *path* may answer with."""
    if access is Access.PUBLIC:
        return {200, 303} if path == "/sign-in" else {200}  # who is signed in goes on
    if access is Access.OPERATIONS:
        return {200}  # the client is on loopback
    if access in {Access.MACHINE, Access.SLOT}:
        return {401}  # nothing is signed and no turn's token comes, whoever is signed in
    known = {"stranger", "court", "reviewer", "administrator"}
    if role not in known:
        return {401} if path.startswith("/api/") else {303}
    if role not in MAY[access]:
        return {403}
    if any(part in path for part in SCOPED):
        if which == "missing":
            return {404}
        mine = {"court": "own", "stranger": "other"}.get(role)
        if access is Access.READER and mine is not None and mine != which:
            return {404}
    return {200, 303} if path == "/" else {200}


def routes(rig: Rig) -> list[Route]:
    found = [route for route in rig.app.routes if isinstance(route, Route)]
    assert len(found) == len(rig.app.routes), "a mount or a websocket would go round the table"
    return found


def test_every_route_of_the_live_router_is_in_the_table(rig: Rig) -> None:
    """A route that nobody classified must not ship."""
    assert {route.path for route in routes(rig)} == set(READ)


def test_every_entry_has_the_access_that_the_table_says() -> None:
    """Weakening a guard takes a change here, too, which a reviewer sees."""
    assert {entry.path: entry.access for entry in ROUTES} == READ


def test_one_path_has_one_access() -> None:
    """A GET and a POST of one path are one thing to a reader of the table."""
    classes: dict[str, set[Access]] = {}
    for entry in ROUTES:
        classes.setdefault(entry.path, set()).add(entry.access)

    assert [path for path, found in classes.items() if len(found) > 1] == []


def test_every_role_reads_exactly_what_is_theirs(rig: Rig) -> None:
    """Each GET route x role x {own, other, missing}; all deviations at once."""
    house = House(rig)
    wrong = []
    asked = 0
    for route in routes(rig):
        if "GET" not in (route.methods or ()):
            continue
        for which, ids in house.ids.items():
            path = route.path.format(**ids)
            for role, session in house.sessions.items():
                answer = rig.ask("GET", path, session=session)
                asked += 1
                good = expected(route.path, READ[route.path], role, which)
                if answer.status_code not in good:
                    wrong.append((role, which, path, answer.status_code, good))

    assert wrong == []
    assert asked > 300


def test_every_role_writes_exactly_what_is_theirs(rig: Rig) -> None:
    """Each POST route x role: whoever may not gets 401 or 403, and no page behind it runs."""
    house = House(rig)
    wrong = []
    for route in routes(rig):
        access = READ[route.path]
        if "POST" not in (route.methods or ()) or access in NO_SESSION | {Access.PUBLIC}:
            continue
        for role, session in house.sessions.items():
            if role in MAY[access]:
                continue
            answer = rig.ask(
                "POST",
                route.path.format(**house.ids["own"]),
                session=session,
                headers={"sec-fetch-site": "same-origin"},
            )
            signed_in = role in {"stranger", "court", "reviewer", "administrator"}
            if answer.status_code != (403 if signed_in else 401):
                wrong.append((role, route.path, answer.status_code))

    assert wrong == []


def test_another_sites_form_is_refused_on_every_writing_route(rig: Rig) -> None:
    """CSRF: the cookie comes along, the Sec-Fetch-Site header tells on it."""
    house = House(rig)
    sources = (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "null", "referer": "http://collector.test/board"},
        {"referer": "https://evil.example/collector.test"},
        {"referer": "http://collector.test.evil.example/"},
        {"referer": "http://[collector.test/"},
        {"referer": ""},
    )
    wrong = []
    for route in routes(rig):
        if "POST" not in (route.methods or ()) or READ[route.path] in NO_SESSION:
            continue
        for headers in sources:
            answer = rig.ask(
                "POST",
                route.path.format(**house.ids["own"]),
                session=house.sessions["administrator"],
                headers=headers,
            )
            if answer.status_code != 403:
                wrong.append((route.path, headers, answer.status_code))

    assert wrong == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"referer": "http://collector.test/sign-in"},
        {"origin": "http://collector.test"},
        {"sec-fetch-site": "same-origin", "origin": "null"},
    ],
    ids=["a script", "referer", "origin", "fetch metadata"],
)
def test_people_and_their_scripts_can_sign_in(rig: Rig, headers: dict[str, str]) -> None:
    """curl sends neither Origin nor Referer; no browser sends neither for another site's form."""
    rig.person("m.curie", Role.REVIEWER, password="correct horse battery")
    form = {"name": "m.curie", "password": "correct horse battery"}

    answer = rig.ask("POST", "/sign-in", data=form, headers=headers)

    assert answer.status_code == 303
    assert "samesite=lax" in answer.headers["set-cookie"].lower()


def test_the_answer_about_another_court_is_that_about_a_missing_one(rig: Rig) -> None:
    """A different word would tell a stranger which courts and runs exist."""
    house = House(rig)
    for path in ("/api/v1/courts/{court_id}/machines", "/api/v1/reports/{run_id}"):
        bodies = []
        for which in ("other", "missing"):
            place = path.format(**house.ids[which])
            answer = rig.ask("GET", place, session=house.sessions["court"])
            bodies.append((answer.status_code, {**answer.json(), "instance": ""}))
        assert bodies[0] == bodies[1]


def test_a_list_shows_a_court_itself_only(rig: Rig) -> None:
    """Counting is a side door too."""
    house = House(rig)

    def seen(role: str) -> set[str]:
        answer = rig.ask("GET", "/api/v1/courts", session=house.sessions[role])
        return {one["id"] for one in answer.json()["courts"]}

    assert seen("court") == {"ca-sonoma"}
    assert seen("reviewer") == {"ca-sonoma", "ca-marin"}


def test_a_right_taken_away_is_gone_at_the_next_request(rig: Rig) -> None:
    """Rights are read per request, not kept in the session."""
    person = rig.person("ad", Role.ADMINISTRATOR)
    session = rig.session(person)
    assert rig.ask("GET", "/api/v1/courts", session=session).status_code == 200

    rig.store.write(lambda tx: people.disable(tx, person))

    assert rig.ask("GET", "/api/v1/courts", session=session).status_code == 401


def test_an_endpoint_outside_of_the_table_is_not_reachable(rig: Rig) -> None:
    """Deny by default: there is no other way in than an entry."""
    for path in ("/docs", "/openapi.json", "/api", "/api/v1", "/static", "/api/v1/reports/"):
        assert rig.ask("GET", path).status_code == 404


def test_every_answer_has_the_security_headers(rig: Rig) -> None:
    """Errors, redirects and files included."""
    house = House(rig)
    wanted = {
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "cross-origin-opener-policy",
        "cache-control",
    }
    lacking = []
    for route in routes(rig):
        path = route.path.format(**house.ids["own"])
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            answer = rig.ask(method, path, session=house.sessions["administrator"])
            if missing := wanted - set(answer.headers):
                lacking.append((method, path, answer.status_code, missing))
            if "frame-ancestors 'none'" not in answer.headers["content-security-policy"]:
                lacking.append((method, path, answer.status_code, {"frame-ancestors"}))

    assert lacking == []


def test_our_own_fault_is_a_problem_with_headers_and_no_detail(rig: Rig) -> None:
    """A traceback in an answer is a gift; a number that finds it in the log is enough."""

    async def broken(_request: Any) -> Any:
        raise RuntimeError("secret /etc/passwd SELECT")

    entry = Entry(path="/broken", methods=("GET",), access=Access.PUBLIC, endpoint=broken)
    rig.app.router.routes.append(Route(entry.path, guarded(entry)))
    answer = rig.ask("GET", "/broken")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"]
    assert answer.json()["detail"].startswith("our own fault; tell the operator this number: ")


def test_https_marks_the_cookie_and_sends_hsts(make_rig: Callable[..., Rig]) -> None:
    """A __Host- cookie cannot be planted by a neighbour host."""
    rig = make_rig(https=True)

    assert "max-age" in rig.ask("GET", "/healthz").headers["strict-transport-security"]


def test_a_method_that_a_route_has_not_names_those_it_has(rig: Rig) -> None:
    answer = rig.ask("DELETE", "/api/v1/reports")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/courts/ca-sonoma?x=1", "/courts/ca-sonoma?x=1"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("\\\\evil.example", "/"),
        ("/\tx", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        (None, "/"),
    ],
)
def test_only_a_path_of_our_own_is_returned_to(text: str | None, path: str) -> None:
    """No open redirect after sign-in."""
    assert local_path(text) == path


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", "203.0.113.1", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.1", "203.0.113.1"),
        ("10.0.0.1", "203.0.113.1, 10.0.0.2", "203.0.113.1"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_from_trusted_proxies_only(
    peer: str, forwarded: str, address: str
) -> None:
    """Else everybody chooses the address that limits and audit see."""
    trusted = Settings.from_environment({"CCPOR_COLLECTOR_TRUSTED_PROXIES": "10.0.0.0/8"})

    assert behind_proxies(peer, forwarded, trusted.trusted_proxies) == address


def test_metrics_from_elsewhere_need_the_token(
    make_rig: Callable[..., Rig], tmp_path: Path
) -> None:
    """Numbers say how many courts report, and when."""
    token = tmp_path / "token"
    token.write_text("a long token\n")
    rig = make_rig(
        metrics_token_file=token,
        trusted_proxies=Settings.from_environment(
            {"CCPOR_COLLECTOR_TRUSTED_PROXIES": "127.0.0.0/8"}
        ).trusted_proxies,
    )
    far = {"x-forwarded-for": "203.0.113.9"}

    statuses = [
        rig.ask("GET", "/metrics", headers=headers).status_code
        for headers in (
            far,
            {**far, "authorization": "Bearer wrong"},
            {**far, "authorization": "Bearer a long token"},
            {},
        )
    ]

    assert statuses == [404, 404, 200, 200]
