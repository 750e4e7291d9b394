"""The onboarding wizard, and the table that says where each step of the process has its place."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import Scope, State
from ccpor_server.api.routes import API_ENDPOINTS
from ccpor_server.checklist_state import court_checklist
from ccpor_server.pages.routes import PAGE_ENDPOINTS
from ccpor_server.rights import Role
from ccpor_server.store import courts
from tests.conftest import ROOT
from tests.server.rig import Rig

FORM = "application/x-www-form-urlencoded"
PROCESS = ROOT / "docs" / "onboarding-process.md"


def post(rig: Rig, who: str, address: str, /, **fields: str) -> Any:
    headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
    return rig.ask("POST", address, session=who, headers=headers, content=urlencode(fields))


def court(rig: Rig, court_id: str = "ca-sonoma") -> courts.Court:
    with rig.store.reading() as db:
        found = courts.by_id(db, court_id)
    assert found is not None
    return found


def test_every_step_of_the_process_has_its_place() -> None:
    rows = re.findall(r"^\| ([^|]+) \| ([A-Z0-9, -]+) \| `([^`]+)` \|$", PROCESS.read_text(), re.M)
    items = {one.id for one in our_checklist().items}
    paths = {one.path for one in (*PAGE_ENDPOINTS, *API_ENDPOINTS)}
    named = {item for _, some, _ in rows for item in some.split(", ")}

    assert len(rows) > 20
    assert named <= items
    assert {path for _, _, path in rows} <= paths
    attested = {one.id for one in our_checklist().items if one.kind == "attested"}
    assert attested <= named, "an attested item that no step of the process names"


def test_a_court_goes_from_invitation_to_its_checklist(rig: Rig) -> None:
    reviewer = rig.signed_in("the.reviewer", Role.REVIEWER)
    invited = post(rig, reviewer, "/onboarding", id="ca-sonoma", name="Sonoma", kind="superior")
    manager = rig.signed_in("the.manager", Role.COURT_MANAGER, "ca-sonoma")
    base = "/courts/ca-sonoma/onboarding"
    scope = {f"scope_{name}": "no" for name in Scope.__struct_fields__} | {"scope_images": "yes"}
    steps = [
        post(rig, manager, f"{base}/scope", **scope),
        post(rig, manager, f"{base}/go-live", go_live="2027-03-02"),
        post(rig, manager, f"{base}/locations", location="santa-rosa", role="clerk", machines="4"),
        post(rig, manager, f"{base}/identifiers", oris="CA0490000", doj_oris="CA0490000"),
    ]
    last = rig.ask("GET", f"{base}?step=next", session=manager).text
    found, states = court(rig), court_checklist(rig.store, "ca-sonoma", rig.clock.now())

    assert invited.headers["location"] == f"{base}?step=scope"
    assert [one.status_code for one in steps] == [303] * 4
    assert [one.headers["location"].rpartition("=")[2] for one in steps] == [
        "go-live", "locations", "locations", "next",
    ]  # fmt: skip
    assert (found.go_live, found.oris) == (found.go_live, ("CA0490000",))
    assert str(found.go_live) == "2027-03-02"
    assert states is not None
    out = [one.item.id for one in states.items if one.state is State.NOT_APPLICABLE]
    assert {"IM-11", "IM-12", "IM-32"} <= set(out)
    assert all(one in last for one in out)
    assert [what for what, _ in rig.events()].count("court.change") == 3


def test_it_opens_at_the_first_question_that_is_open(rig: Rig) -> None:
    rig.court()
    manager = rig.signed_in("the.manager", Role.COURT_MANAGER, "ca-sonoma")
    base = "/courts/ca-sonoma/onboarding"
    first = rig.ask("GET", base, session=manager).text
    scope = {f"scope_{name}": "no" for name in Scope.__struct_fields__}
    post(rig, manager, f"{base}/scope", **scope)
    second = rig.ask("GET", base, session=manager).text

    assert '<h2 id="step">What the court will do</h2>' in first
    assert '<h2 id="step">The go-live day</h2>' in second
    assert second.count('aria-current="step"') == 1


@pytest.mark.parametrize(
    ("step", "fields", "said"),
    [
        ("go-live", {"go_live": "soon"}, "year-month-day"),
        ("locations", {"location": "Santa Rosa!", "role": "clerk", "machines": "4"}, "location"),
        ("locations", {"location": "main", "role": "clerk", "machines": "many"}, "whole number"),
        ("locations", {"location": "main", "role": "king", "machines": "1"}, "role"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_saved(
    rig: Rig, step: str, fields: dict[str, str], said: str
) -> None:
    rig.court()
    manager = rig.signed_in("the.manager", Role.COURT_MANAGER, "ca-sonoma")
    before = court(rig)
    answer = post(rig, manager, f"/courts/ca-sonoma/onboarding/{step}", **fields)

    assert answer.status_code == 422
    assert said in answer.text
    assert court(rig) == before


def test_only_the_aoc_invites_and_only_ones_own_court_is_planned(rig: Rig) -> None:
    rig.court()
    rig.court("ca-marin")
    manager = rig.signed_in("the.manager", Role.COURT_MANAGER, "ca-sonoma")
    auditor = rig.signed_in("the.auditor", Role.AUDITOR)
    step = "/courts/ca-marin/onboarding/go-live"

    assert rig.ask("GET", "/onboarding", session=manager).status_code == 403
    assert (
        post(rig, manager, "/onboarding", id="ca-x", name="x", kind="superior").status_code == 403
    )
    assert post(rig, manager, step, go_live="2027-03-02").status_code == 404
    assert post(rig, auditor, step, go_live="2027-03-02").status_code == 403
    assert post(rig, manager, "/courts/ca-sonoma/onboarding/none").status_code == 404
