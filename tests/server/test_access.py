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
from ccpor_server.mail.planning import plan
from ccpor_server.rights import RIGHTS, Right, Role
from ccpor_server.settings import Settings
from ccpor_server.store import (
    attachments,
    comments,
    courts,
    decisions,
    incidents,
    people,
    waivers,
)
from tests.server.decided import decide
from tests.server.rig import Rig

MISSING_RUN = "01890000-0000-7000-8000-000000000000"

# every route, by path: its access, and by method the right that a reader's role must hold
_A = Access.ADMINISTRATOR
_ITEM = "/courts/{court_id}/items/{item_id}"
TABLE: dict[str, tuple[Access, dict[str, Right]]] = {
    "/static/{name}": (Access.PUBLIC, {"GET": Right.READ}),
    "/sign-in": (Access.PUBLIC, {"GET": Right.READ, "POST": Right.READ}),
    "/sign-in/code": (Access.PUBLIC, {"POST": Right.READ}),
    "/sign-in/oidc": (Access.PUBLIC, {"GET": Right.READ}),
    "/sign-in/oidc/back": (Access.PUBLIC, {"GET": Right.READ}),
    "/account": (Access.READER, {"GET": Right.READ}),
    "/account/email": (Access.READER, {"POST": Right.READ}),
    "/account/sessions/{session_id}/end": (Access.READER, {"POST": Right.READ}),
    "/account/sessions/end-others": (Access.READER, {"POST": Right.READ}),
    "/account/second-factor": (Access.READER, {"GET": Right.READ, "POST": Right.READ}),
    "/account/second-factor/remove": (Access.READER, {"POST": Right.READ}),
    "/draft": (Access.READER, {"GET": Right.READ}),
    "/draft/forget": (Access.READER, {"POST": Right.READ}),
    "/messages": (Access.READER, {"GET": Right.READ}),
    "/reminders": (Access.READER, {"GET": Right.REMIND, "POST": Right.REMIND}),
    "/sign-out": (Access.READER, {"POST": Right.READ}),
    "/password": (Access.READER, {"GET": Right.READ, "POST": Right.READ}),
    "/": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/machines": (Access.READER, {"GET": Right.READ}),
    _ITEM: (Access.READER, {"GET": Right.READ, "POST": Right.ATTEST}),
    f"{_ITEM}/comments": (Access.READER, {"POST": Right.COMMENT}),
    f"{_ITEM}/documents": (Access.READER, {"POST": Right.COMMENT}),
    f"{_ITEM}/owner": (Access.READER, {"POST": Right.ASSIGN}),
    f"{_ITEM}/waive": (Access.READER, {"GET": Right.WAIVE, "POST": Right.WAIVE}),
    "/courts/{court_id}/documents/{document_id}": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/timeline": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/waivers": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/waivers/{waiver_id}/withdraw": (Access.READER, {"POST": Right.WAIVE}),
    "/courts/{court_id}/sign-off/{subject}": (
        Access.READER,
        {"GET": Right.READ, "POST": Right.SIGN},
    ),
    "/courts/{court_id}/sign-off/{subject}/{decision_id}/undo": (
        Access.READER,
        {"POST": Right.SIGN},
    ),
    "/courts/{court_id}/export/{kind}": (Access.READER, {"GET": Right.READ}),
    "/export/{kind}": (Access.READER, {"GET": Right.READ}),
    "/views": (Access.READER, {"POST": Right.READ}),
    "/views/{view_id}/forget": (Access.READER, {"POST": Right.READ}),
    "/statewide": (Access.READER, {"GET": Right.READ}),
    "/incidents": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/incidents": (
        Access.READER,
        {"GET": Right.INCIDENT, "POST": Right.INCIDENT},
    ),
    "/courts/{court_id}/incidents/{incident_id}": (
        Access.READER,
        {"GET": Right.READ, "POST": Right.INCIDENT},
    ),
    "/courts/{court_id}/incidents/{incident_id}/runs": (
        Access.READER,
        {"POST": Right.INCIDENT},
    ),
    "/reports/{run_id}/compare": (Access.READER, {"GET": Right.READ}),
    "/onboarding": (Access.READER, {"GET": Right.REMIND, "POST": Right.REMIND}),
    "/courts/{court_id}/onboarding": (Access.READER, {"GET": Right.PLAN}),
    "/courts/{court_id}/onboarding/{step}": (Access.READER, {"POST": Right.PLAN}),
    "/help": (Access.READER, {"GET": Right.READ}),
    "/compare": (Access.READER, {"GET": Right.READ}),
    "/courts/{court_id}/trends": (Access.READER, {"GET": Right.READ}),
    "/reports/{run_id}": (Access.READER, {"GET": Right.READ}),
    "/capacity": (Access.READER, {"GET": Right.READ}),
    "/admin/people": (_A, {"GET": Right.READ, "POST": Right.READ}),
    "/admin/people/{person_id}/disable": (_A, {"POST": Right.READ}),
    "/admin/courts": (_A, {"GET": Right.READ, "POST": Right.READ}),
    "/admin/courts/{court_id}": (_A, {"GET": Right.READ, "POST": Right.READ}),
    "/admin/courts/{court_id}/inventory": (_A, {"POST": Right.READ}),
    "/admin/codes": (_A, {"GET": Right.READ, "POST": Right.READ}),
    "/admin/machines/{machine_id}/revoke": (_A, {"POST": Right.READ}),
    "/admin/audit": (Access.READER, {"GET": Right.READ_AUDIT}),
    "/api/v1/enroll": (Access.MACHINE, {"POST": Right.READ}),
    "/api/v1/reports": (Access.MACHINE, {"POST": Right.READ}),
    "/api/v1/profile": (Access.MACHINE, {"GET": Right.READ}),
    "/api/v1/requests": (Access.MACHINE, {"GET": Right.READ}),
    "/api/v1/incidents": (Access.READER, {"GET": Right.READ}),
    "/api/v1/looks/{target}/{check}": (Access.MACHINE, {"POST": Right.READ}),
    "/api/v1/capacity/slots": (Access.MACHINE, {"POST": Right.READ}),
    "/api/v1/capacity/slots/{slot_id}": (Access.SLOT, {"GET": Right.READ, "DELETE": Right.READ}),
    "/api/v1/capacity/up": (Access.SLOT, {"POST": Right.READ}),
    "/api/v1/capacity/down": (Access.SLOT, {"GET": Right.READ}),
    "/api/v1/capacity/echo": (Access.SLOT, {"GET": Right.READ}),
    "/api/v1/capacity/feedback": (Access.SLOT, {"GET": Right.READ}),
    "/api/v1/courts": (Access.READER, {"GET": Right.READ}),
    "/api/v1/courts/{court_id}/checklist": (Access.READER, {"GET": Right.READ}),
    "/api/v1/courts/{court_id}/machines": (Access.READER, {"GET": Right.READ}),
    "/api/v1/reports/{run_id}": (Access.READER, {"GET": Right.READ}),
    "/api/v1/reports/{run_id}/envelope": (Access.READER, {"GET": Right.READ}),
    "/api/v1/openapi.json": (Access.PUBLIC, {"GET": Right.READ}),
    "/healthz": (Access.PUBLIC, {"GET": Right.READ}),
    "/readyz": (Access.PUBLIC, {"GET": Right.READ}),
    "/metrics": (Access.OPERATIONS, {"GET": Right.READ}),
    "/api/v1/healthz": (Access.PUBLIC, {"GET": Right.READ}),
    "/api/v1/readyz": (Access.PUBLIC, {"GET": Right.READ}),
    "/api/v1/metrics": (Access.OPERATIONS, {"GET": Right.READ}),
}
# who asks: their role and their court; those above the line have no session that counts
NOBODY = ("anonymous", "disabled", "expired")
PEOPLE: dict[str, tuple[Role, str | None]] = {
    "stranger": (Role.COURT_MANAGER, "ca-marin"),
    "stranger-it": (Role.COURT_IT, "ca-marin"),
    "stranger-sheriff": (Role.SHERIFF, "ca-marin"),
    "court-manager": (Role.COURT_MANAGER, "ca-sonoma"),
    "court-it": (Role.COURT_IT, "ca-sonoma"),
    "sheriff": (Role.SHERIFF, "ca-sonoma"),
    "reviewer": (Role.REVIEWER, None),
    "approver": (Role.APPROVER, None),
    "auditor": (Role.AUDITOR, None),
    "administrator": (Role.ADMINISTRATOR, None),
}
COURT_OF = {"own": "ca-sonoma", "other": "ca-marin", "missing": None}
NO_SESSION = {Access.MACHINE, Access.SLOT}  # no cookie opens them, so no other site's form does
KINDS = (
    "csv",
    "json",
    "ics",
    "oscal",
    "junit",
)  # XLSX and PDF are packed; their rows are those of the others
SCOPED = ("{court_id}", "{run_id}")


class House:
    """Two courts with one of everything each, and a session for each who asks."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.ids: dict[str, dict[str, str]] = {}
        for label, court in (("own", "ca-sonoma"), ("other", "ca-marin")):
            machine = rig.enrol(court)
            report = machine.report()
            assert rig.post(machine.sealed(report)).status_code == 201
            decide(rig.store, court, machine.id, report.run_id)
            with rig.store.reading() as db:
                things = {
                    "document_id": attachments.of_court(db, court)[0].id,
                    "waiver_id": waivers.of_court(db, court)[0].id,
                    "incident_id": incidents.of_court(db, court)[0].id,
                    "decision_id": decisions.of_court(db, court)[0].id,
                }
            self.ids[label] = self._ids(court, report.run_id, machine.id) | things
        self.ids["missing"] = self._ids("ca-nowhere", MISSING_RUN, "nobody")
        expired = rig.session(rig.person("expired", Role.ADMINISTRATOR))
        rig.clock.forward(hours=1)
        gone = rig.person("gone", Role.ADMINISTRATOR)
        disabled = rig.session(gone)
        # not people.disable, which would end the session too: the guard must look for itself
        rig.store.write(lambda tx: people._change(tx, gone, disabled_at=tx.now))
        self.sessions: dict[str, str | None] = {
            "anonymous": None,
            "expired": expired,
            "disabled": disabled,
        }
        for who, (role, court) in PEOPLE.items():
            self.sessions[who] = rig.signed_in(who, role, court)

    @staticmethod
    def _ids(court: str, run_id: str, machine_id: str) -> dict[str, str]:
        return {
            "court_id": court,
            "run_id": run_id,
            "machine_id": machine_id,
            "item_id": "PL-10",
            "person_id": "nobody",
            "name": "ccpor.css",
            "slot_id": "nobody",
            "target": "aoc",
            "check": "tcp",
            "document_id": "nothing",
            "waiver_id": "nothing",
            "incident_id": "nothing",
            "decision_id": "nothing",
            "subject": "go-live",
            "kind": "json",
            "view_id": "nothing",
            "session_id": "0" * 16,
            "step": "go-live",
        }


def refused(access: Access, right: Right, who: str) -> bool:
    """Return whether the role of somebody signed in may not come here at all."""
    role, _ = PEOPLE[who]
    if access is Access.ADMINISTRATOR:
        return role is not Role.ADMINISTRATOR
    return access is Access.READER and right not in RIGHTS[role]


def out_of_sight(path: str, access: Access, who: str, which: str) -> bool:
    """Return whether the thing is another court's, or is not there, for somebody signed in."""
    if not any(part in path for part in SCOPED):
        return False
    mine = PEOPLE[who][1]
    return which == "missing" or (
        access is Access.READER and mine is not None and mine != COURT_OF[which]
    )


def expected(path: str, access: Access, right: Right, who: str, which: str) -> set[int]:
    """Return the statuses that a GET of *path* may answer with."""
    if path.startswith("/sign-in/oidc"):
        return {404}  # no identity provider is set
    if access is Access.PUBLIC:
        return {200, 303} if path == "/sign-in" else {200}  # who is signed in goes on
    if access is Access.OPERATIONS:
        return {200}  # the client is on loopback
    if access in {Access.MACHINE, Access.SLOT}:
        return {401}  # nothing is signed and no turn's token comes, whoever is signed in
    if who in NOBODY:
        return {401} if path.startswith("/api/") else {303}
    if refused(access, right, who):
        return {403}
    if out_of_sight(path, access, who, which):
        return {404}
    return {200, 303} if path == "/" else {200}


def routes(rig: Rig) -> list[Route]:
    found = [route for route in rig.app.routes if isinstance(route, Route)]
    assert len(found) == len(rig.app.routes), "a mount or a websocket would go round the table"
    return found


def test_every_route_of_the_live_router_is_in_the_table(rig: Rig) -> None:
    """A route that nobody classified must not ship."""
    assert {route.path for route in routes(rig)} == set(TABLE)


def test_every_entry_has_the_access_and_the_right_that_the_table_says() -> None:
    """Weakening a guard takes a change here, too, which a reviewer sees."""
    found: dict[str, tuple[Access, dict[str, Right]]] = {}
    for entry in ROUTES:
        _, rights = found.setdefault(entry.path, (entry.access, {}))
        rights |= dict.fromkeys(entry.methods, entry.right)

    assert found == TABLE


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
    for path, (access, rights) in TABLE.items():
        if "GET" not in rights:
            continue
        for which, ids in house.ids.items():
            for who, session in house.sessions.items():
                answer = rig.ask("GET", path.format(**ids), session=session)
                asked += 1
                good = expected(path, access, rights["GET"], who, which)
                if answer.status_code not in good:
                    wrong.append((who, which, path, answer.status_code, good))

    assert wrong == []
    assert asked > 800


def test_every_role_writes_exactly_what_is_theirs(rig: Rig) -> None:
    """Each POST route x role x {own, other, missing}: no page behind it runs for whoever may not.

    What may be written is sent empty, so that nothing comes of it.
    """
    house = House(rig)
    headers = {
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
    }
    wrong = []
    for path, (access, rights) in TABLE.items():
        if "POST" not in rights or access in NO_SESSION | {Access.PUBLIC} or path == "/sign-out":
            continue
        for which, ids in house.ids.items():
            for who, session in house.sessions.items():
                answer = rig.ask("POST", path.format(**ids), session=session, headers=headers)
                said = answer.status_code
                if who in NOBODY:
                    good = said == 401
                elif refused(access, rights["POST"], who):
                    good = said == 403
                elif out_of_sight(path, access, who, which):
                    good = said == 404
                else:
                    good = said < 500 and said != 401
                if not good:
                    wrong.append((who, which, path, said))

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
        if "POST" not in (route.methods or ()) or TABLE[route.path][0] in NO_SESSION:
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
            answer = rig.ask("GET", place, session=house.sessions["court-manager"])
            bodies.append((answer.status_code, {**answer.json(), "instance": ""}))
        assert bodies[0] == bodies[1]


def test_a_list_shows_a_court_itself_only(rig: Rig) -> None:
    """Counting is a side door too."""
    house = House(rig)

    def seen(role: str) -> set[str]:
        answer = rig.ask("GET", "/api/v1/courts", session=house.sessions[role])
        return {one["id"] for one in answer.json()["courts"]}

    assert seen("court-manager") == {"ca-sonoma"}
    assert seen("reviewer") == {"ca-sonoma", "ca-marin"}


CANARY = "Zzyzx-canary"


def test_nothing_of_another_court_is_in_any_page_or_export(rig: Rig) -> None:
    """Counts, searches, lists and files are side doors: the other court's words stand in none.

    The AOC's own look at the same places is the control: it must see them.
    """
    house = House(rig)
    other = courts.Court(id="ca-marin", name=f"{CANARY} Court", contacts={"it": f"{CANARY} it"})
    rig.store.write(lambda tx: courts.put(tx, other))
    rig.store.write(lambda tx: comments.add(tx, "ca-marin", CANARY, who=CANARY, item="PL-10"))

    def words(who: str) -> set[str]:
        found = set()
        for path, (access, rights) in TABLE.items():
            if "GET" not in rights or access not in {Access.READER, Access.PUBLIC}:
                continue
            for ids in house.ids.values():
                for kind in KINDS if "{kind}" in path else ("",):
                    for query in ("", f"?q={CANARY}", "?phase=planning", "?court=ca-marin"):
                        address = path.format(**{**ids, "kind": kind}) + query
                        answer = rig.ask("GET", address, session=house.sessions[who])
                        told = answer.text.replace(f'value="{CANARY}"', "").replace(
                            f"“{CANARY}”", ""
                        )
                        if CANARY in told:
                            found.add(path)
        return found

    def told(who: str) -> list[str]:
        """Return the messages to *who* in which the other court's words stand."""
        with rig.store.reading() as db:
            account = people.by_name(db, who)
        assert account is not None
        rig.store.write(lambda tx: people.set_email(tx, account.id, f"{who}@example.org"))
        with rig.store.reading() as db:
            found = [one for one in plan(db, rig.clock.now(), "") if one.recipient.startswith(who)]
        assert found, who
        return [one.key for one in found if CANARY in one.subject + one.body]

    for who in ("court-manager", "court-it", "sheriff"):
        assert words(who) == set(), who
        assert told(who) == [], who
    assert told("reviewer") != []
    assert {"/", "/courts/{court_id}", "/export/{kind}", "/incidents"} <= words("auditor")


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
