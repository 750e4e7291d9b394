"""Incidents: opened by a court, answered under a nonce, compared with the baseline, closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from ccpor_reporting.checklist.model import Level
from ccpor_reporting.model import Finding, Observation, Owner, Severity, Status, TargetRef
from ccpor_server.held_reports import held_of
from ccpor_server.rights import Role
from ccpor_server.store import decisions, incidents, machines
from ccpor_server.store.incidents import Incident
from ccpor_server.verify import verify
from tests.server.rig import NOON, Rig, rig_in

COURT = "ca-sonoma"
FORM = "application/x-www-form-urlencoded"
PEOPLE = {
    "manager": (Role.COURT_MANAGER, COURT),
    "reviewer": (Role.REVIEWER, None),
    "auditor": (Role.AUDITOR, None),
    "stranger": (Role.COURT_MANAGER, "ca-marin"),
}
OPENED = {
    "title": "The gateway does not answer",
    "priority": "P2",
    "began": "2026-11-23T03:00",
    "text": "nobody can submit",
}


def tcp(status: str) -> dict[str, object]:
    """Return what a report with one finding needs: it passes, or fails as dropped."""
    failed = status == "fail"
    return {
        "targets": (
            TargetRef(
                id="app", title="App", url="tcp://h:1", why="", owner=Owner.DATACENTER,
                required=True,
            ),
        ),
        "observations": (
            Observation(
                target="app", check="tcp", version=1, started_at=NOON, duration_ms=1.0,
                attempts=1, evidence={"connect_ms_p50": 1.0},
            ),
        ),
        "findings": (
            Finding(
                id="app/tcp.reach", target="app", check="tcp", code="tcp.reach",
                status=Status(status), severity=Severity.BLOCKER, owner=Owner.DATACENTER,
                reason="dropped" if failed else None, summary="told", fix="mend" if failed else None,
            ),
        ),
    }  # fmt: skip


class Office:
    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.court("ca-marin")
        self.machine = rig.enrol(COURT)
        self.other = rig.enrol(COURT)
        self.sessions = {
            name: rig.signed_in(f"the.{name}", role, of) for name, (role, of) in PEOPLE.items()
        }

    def post(self, who: str, path: str, **fields: str) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
        return self.rig.ask(
            "POST", path, session=self.sessions[who], headers=headers, content=urlencode(fields)
        )

    def get(self, who: str, path: str) -> httpx.Response:
        headers = {"accept": "text/html"}
        return self.rig.ask("GET", path, session=self.sessions[who], headers=headers)

    def opened(self) -> Incident:
        answer = self.post("manager", f"/courts/{COURT}/incidents", **OPENED)
        assert answer.status_code == 303, answer.text
        return self.incident()

    def incident(self) -> Incident:
        with self.rig.store.reading() as db:
            return incidents.of_court(db, COURT)[0]

    def asked(self, machine: object = None) -> list[dict[str, str]]:
        who = machine or self.machine
        path = "/api/v1/requests"
        signed = who.signed("GET", path, self.rig.clock.at)  # type: ignore[attr-defined]
        answer = self.rig.ask("GET", path, headers=signed)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, str]] = answer.json()["requests"]
        return found

    def ask(self) -> str:
        found = self.opened()
        path = f"/courts/{COURT}/incidents/{found.id}/runs"
        assert self.post("manager", path, **{f"machine-{self.machine.id}": "on"}).status_code == 303
        return found.id

    def send(self, *, status: str = "pass", **changes: object) -> str:
        report = self.machine.report(at=self.rig.clock.at, **tcp(status), **changes)
        answer = self.rig.post(self.machine.sealed(report))
        assert answer.status_code == 201, answer.text
        return report.run_id


@pytest.fixture
def office(collector_template: Path, tmp_path: Path) -> Iterator[Office]:
    with rig_in(collector_template, tmp_path / "state") as rig:
        yield Office(rig)


def test_a_court_opens_an_incident_and_the_aoc_sees_it(office: Office) -> None:
    found = office.opened()

    assert (found.number, found.priority, found.state) == ("INC-2026-001", "P2", "open")
    assert found.began_at == NOON - timedelta(hours=1)  # three o'clock in California
    assert OPENED["title"] in office.get("reviewer", "/incidents").text
    assert OPENED["title"] not in office.get("stranger", "/incidents").text
    assert ("incident", "opened") in office.rig.events()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": "x"}, "what is wrong"),
        ({"priority": "P9"}, "choose a priority"),
        ({"began": "2026-11-24T03:00"}, "not in the future"),
        ({"began": "nine"}, "not in the future"),
        ({"text": ""}, "describe it"),
    ],
)
def test_an_incident_with_a_fault_is_not_opened(
    office: Office, change: dict[str, str], words: str
) -> None:
    answer = office.post("manager", f"/courts/{COURT}/incidents", **(OPENED | change))

    assert answer.status_code == 422
    assert words in answer.text
    with office.rig.store.reading() as db:
        assert incidents.of_court(db, COURT) == ()


def test_only_the_workstation_that_is_asked_sees_the_request(office: Office) -> None:
    """A nonce that others know proves nothing."""
    office.ask()
    [found] = office.asked()

    assert found["incident"] == "INC-2026-001"
    assert len(found["nonce"]) == 32
    assert office.asked(office.other) == []
    assert office.rig.ask("GET", "/api/v1/requests").status_code == 401


def test_a_run_under_the_nonce_answers_once_and_is_level_two(office: Office) -> None:
    """Fresh evidence: made after it was asked for, by the workstation that was asked."""
    office.ask()
    [found] = office.asked()
    run_id = office.send(nonce=found["nonce"], incident=found["incident"])
    again = office.send(nonce=found["nonce"])
    told = office.incident().events[-1]
    with office.rig.store.reading() as db:
        [one] = [one for one in machines.of_court(db, COURT) if one.id == office.machine.id]
        fresh = incidents.answering_runs(db, COURT)
        now = office.rig.clock.now()
        held = held_of(db, one, each=5, fresh=fresh, until=now)
        levels = {run.run_id: run.level for run in held.shown.runs}

    assert office.asked() == []
    assert (told.kind, told.run_ids) == ("answered", (run_id,))
    assert (levels[run_id], levels[again]) == (Level.L2, Level.L1)
    assert verify(
        office.rig.url, office.rig.collector.key, office.rig.settings.checkpoint_file
    ).faults == ()  # fmt: skip


@pytest.mark.parametrize("nonce", ["", "0" * 32, "x" * 5000])
def test_a_run_under_another_nonce_answers_nothing(office: Office, nonce: str) -> None:
    office.ask()
    office.send(nonce=nonce)

    assert len(office.asked()) == 1


def test_a_request_runs_out(office: Office) -> None:
    office.ask()
    [found] = office.asked()
    office.rig.clock.forward(days=4)
    office.send(nonce=found["nonce"])

    assert office.asked() == []
    assert [one.kind for one in office.incident().events] == ["opened", "asked"]


def test_another_workstation_cannot_answer(office: Office) -> None:
    office.ask()
    [found] = office.asked()
    report = office.other.report(at=office.rig.clock.at, nonce=found["nonce"])
    assert office.rig.post(office.other.sealed(report)).status_code == 201

    assert len(office.asked()) == 1


def test_the_incident_compares_with_the_accepted_baseline(office: Office) -> None:
    """What was worse for weeks before is not this incident's."""
    accepted = office.send()
    office.rig.store.write(
        lambda tx: decisions.accept(
            tx, COURT, office.machine.id, accepted, who="x", decision_id=None
        )
    )
    office.rig.clock.forward(minutes=1)
    office.send(status="fail")
    office.rig.clock.forward(minutes=1)
    path = f"/courts/{COURT}/incidents/{office.ask()}"
    before = office.get("manager", path).text
    [found] = office.asked()
    office.rig.clock.forward(minutes=1)
    office.send(status="fail", nonce=found["nonce"])
    after = office.get("manager", path).text

    assert "no run since the incident was opened" in before
    assert "1 new faults" in after
    assert "app/tcp.reach" in after
    assert accepted in after


def test_closing_takes_the_aoc_and_keeps_its_evidence(office: Office) -> None:
    office.send()
    incident_id = office.ask()
    path = f"/courts/{COURT}/incidents/{incident_id}"
    [found] = office.asked()
    run_id = office.send(nonce=found["nonce"])
    refused = office.post("manager", path, act="close", text="mended")
    closed = office.post("reviewer", path, act="close", text="the county opened the port")
    last = office.incident().events[-1]
    again = office.post("reviewer", path, act="close", text="again")
    reopened = office.post("reviewer", path, act="reopen", text="it is back", priority="P1")

    assert (refused.status_code, closed.status_code) == (422, 303)
    assert (last.kind, last.run_ids) == ("closed", (run_id,))
    assert again.status_code == 422
    assert reopened.status_code == 303
    assert (office.incident().state, office.incident().priority) == ("open", "P1")


def test_a_stranger_and_an_auditor_change_nothing(office: Office) -> None:
    path = f"/courts/{COURT}/incidents/{office.opened().id}"
    elsewhere = path.replace(COURT, "ca-marin")

    assert office.get("stranger", path).status_code == 404
    assert office.get("stranger", elsewhere).status_code == 404
    assert office.post("stranger", path, text="x").status_code == 404
    assert office.post("auditor", path, text="x").status_code == 403
    assert len(office.incident().events) == 1


def test_scripts_list_incidents_by_role(office: Office) -> None:
    office.opened()

    def listed(who: str) -> list[str]:
        answer = office.rig.ask("GET", "/api/v1/incidents", session=office.sessions[who])
        return [one["number"] for one in answer.json()["incidents"]]

    assert listed("reviewer") == ["INC-2026-001"]
    assert listed("stranger") == []
