"""Signing go-live: one checklist, one log root, each party; undone by two; the baseline follows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_reporting.checklist.model import DeclarationKind, ItemState, Party, State
from ccpor_server.checklist_state import court_checklist
from ccpor_server.rights import Role
from ccpor_server.store import courts, decisions, declarations
from tests.server.rig import Rig, rig_in

COURT = "ca-sonoma"
PATH = f"/courts/{COURT}/sign-off/go-live"
FORM = "application/x-www-form-urlencoded"
PEOPLE = {
    "approver": (Role.APPROVER, None),
    "approver-2": (Role.APPROVER, None),
    "manager": (Role.COURT_MANAGER, COURT),
    "manager-2": (Role.COURT_MANAGER, COURT),
    "sheriff": (Role.SHERIFF, COURT),
    "reviewer": (Role.REVIEWER, None),
    "administrator": (Role.ADMINISTRATOR, None),
    "court-it": (Role.COURT_IT, COURT),
}
WITHOUT_SHERIFF = {"sheriff_enters": False, "lea_extranet": False}


class Office:
    def __init__(self, rig: Rig, scope: dict[str, bool]) -> None:
        self.rig = rig
        self.machine = rig.enrol(COURT)
        report = self.machine.report()
        assert rig.post(self.machine.sealed(report)).status_code == 201
        self.run_id = report.run_id
        court = courts.Court(
            id=COURT, name="Sonoma", go_live=date(2026, 12, 1), scope=scope, oris=()
        )
        rig.store.write(lambda tx: courts.put(tx, court))
        self.sessions = {
            name: rig.signed_in(f"the.{name}", role, of) for name, (role, of) in PEOPLE.items()
        }

    def page(self, who: str) -> str:
        answer = self.rig.ask("GET", PATH, session=self.sessions[who])
        assert answer.status_code == 200, answer.text[:300]
        return answer.text

    def basis(self, who: str) -> str:
        [found] = re.findall(r'name="basis" value="([0-9a-f]{64})"', self.page(who))
        return str(found)

    def post(self, who: str, path: str = PATH, **fields: str) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
        return self.rig.ask(
            "POST", path, session=self.sessions[who], headers=headers, content=urlencode(fields)
        )

    def sign(self, who: str, kind: str = "go", **fields: str) -> httpx.Response:
        return self.post(who, kind=kind, basis=self.basis(who), confirmed="yes", **fields)

    def undo(self, who: str, party: Party) -> httpx.Response:
        [found] = [one for one in self.signed() if one.party is party and one.kind != "undo"]
        return self.post(who, f"{PATH}/{found.id}/undo", note="a mistake")

    def signed(self) -> list[decisions.Decision]:
        with self.rig.store.reading() as db:
            return list(decisions.of_court(db, COURT))

    def item(self, name: str = "GL-03") -> ItemState:
        found = court_checklist(self.rig.store, COURT, self.rig.clock.now())
        assert found is not None
        return next(one for one in found.items if one.item.id == name)

    def say(self, item: str) -> None:
        self.rig.store.write(
            lambda tx: declarations.add(
                tx, COURT, item, DeclarationKind.MET, Party.COURT, who="x", note="done"
            )
        )


@pytest.fixture
def office(collector_template: Path, tmp_path: Path) -> Iterator[Office]:
    with rig_in(collector_template, tmp_path / "state") as rig:
        yield Office(rig, WITHOUT_SHERIFF)


def test_a_signature_is_confirmed_before_it_stands(office: Office) -> None:
    asked = office.post("manager", kind="go", basis=office.basis("manager"))

    assert asked.status_code == 200
    assert "Confirm your signature" in asked.text
    assert office.signed() == []


def test_both_sign_the_same_root_and_the_newest_runs_become_the_baseline(office: Office) -> None:
    """The record that both saw must be one record."""
    assert office.sign("manager").status_code == 303
    office.rig.clock.forward(minutes=20)
    assert office.sign("approver").status_code == 303
    first, second = office.signed()
    with office.rig.store.reading() as db:
        accepted = decisions.baselines(db, COURT)

    assert (first.seen_root, first.seen_size, first.basis) == (
        second.seen_root,
        second.seen_size,
        second.basis,
    )
    assert len(first.seen_root) == 64
    assert office.item().state is State.MET
    assert accepted[office.machine.id].run_id == office.run_id


def test_one_signature_is_no_decision_and_no_baseline(office: Office) -> None:
    office.sign("manager")
    with office.rig.store.reading() as db:
        assert decisions.baselines(db, COURT) == {}
    assert office.item().state is State.OPEN


def test_a_change_between_two_signatures_is_shown_and_signed_again(office: Office) -> None:
    """Nobody's name may stand under a list that they did not see."""
    office.sign("manager")
    office.rig.clock.forward(minutes=5)
    office.say("PL-10")
    text = office.page("approver")
    office.sign("approver")
    between = office.item()
    office.sign("manager")

    assert "What changed since court signed" in text
    assert "was open, is met" in text
    assert between.state is State.OPEN
    assert "sign again" in between.why
    assert office.item().state is State.MET


def test_a_list_that_changed_under_the_form_is_not_signed(office: Office) -> None:
    seen = office.basis("manager")
    office.rig.clock.forward(minutes=5)
    office.say("PL-10")
    answer = office.post("manager", kind="go", basis=seen, confirmed="yes")

    assert answer.status_code == 409
    assert "changed while you looked" in answer.text
    assert office.signed() == []


def test_a_newer_run_that_shows_the_same_takes_nobodys_signature_away(office: Office) -> None:
    """Hourly runs go on while people sign."""
    office.sign("manager")
    assert office.rig.post(office.machine.sealed()).status_code == 201
    office.sign("approver")

    assert office.item().state is State.MET


def test_undoing_takes_two_people_of_the_party(office: Office) -> None:
    office.sign("manager")
    office.sign("approver")
    other = office.undo("approver", Party.COURT)
    first = office.undo("manager", Party.COURT)
    still = office.item().state
    again = office.undo("manager", Party.COURT)
    second = office.undo("manager-2", Party.COURT)

    assert (other.status_code, first.status_code, again.status_code) == (403, 303, 403)
    assert still is State.MET
    assert second.status_code == 303
    assert office.item().state is State.OPEN


@pytest.mark.parametrize("who", ["reviewer", "administrator", "court-it"])
def test_who_has_no_say_reads_and_does_not_sign(office: Office, who: str) -> None:
    """Whoever runs the program does not decide."""
    assert 'name="basis"' not in office.page(who)
    answer = office.post(who, kind="go", basis=office.basis("manager"), confirmed="yes")

    assert answer.status_code == 403
    assert office.signed() == []


def test_a_sheriff_signs_only_where_in_scope(
    office: Office, collector_template: Path, tmp_path: Path
) -> None:
    refused = office.post("sheriff", kind="go", basis=office.basis("manager"), confirmed="yes")
    with rig_in(collector_template, tmp_path / "other") as rig:
        within = Office(rig, {"lea_extranet": True})
        for who in ("manager", "approver"):
            within.sign(who)
        waiting = within.item()
        within.sign("sheriff")
        done = within.item()

    assert refused.status_code == 403
    assert (waiting.state, done.state) == (State.OPEN, State.MET)
    assert "sheriff" in waiting.why


WORKAROUND = {"item-0": "IM-01", "text-0": "by fax", "until-0": "2026-12-20"}


def test_a_workaround_has_an_item_words_and_a_last_day(office: Office) -> None:
    kind = "go-with-workarounds"
    faults = {
        "name at least one": {},
        "choose the item": WORKAROUND | {"item-0": "XX-99"},
        "say what is done": WORKAROUND | {"text-0": ""},
        "needs a last day": WORKAROUND | {"until-0": "2026-11-01"},
    }
    for words, fields in faults.items():
        answer = office.sign("manager", kind, **fields)
        assert (answer.status_code, words in answer.text) == (422, True), words
    assert office.sign("manager", kind, **WORKAROUND).status_code == 303
    [kept] = office.signed()

    assert [(one.item, str(one.until)) for one in kept.workarounds] == [("IM-01", "2026-12-20")]
    assert "by fax" in office.page("approver")


def test_a_no_go_needs_its_reason_and_is_a_no_go(office: Office) -> None:
    assert office.sign("manager", "no-go").status_code == 422
    assert office.sign("manager", "no-go", note="the line is not there").status_code == 303
    assert office.item().state is State.NOT_MET


def test_nothing_else_can_be_signed(office: Office) -> None:
    path = f"/courts/{COURT}/sign-off/anything"

    assert office.rig.ask("GET", path, session=office.sessions["manager"]).status_code == 404
