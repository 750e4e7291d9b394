"""The year through the public API: real keys, signed envelopes, people's words by their forms."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.codec import encode_report
from ccpor_reporting.model import (
    Cause,
    Confidence,
    Finding,
    Report,
    Severity,
    Status,
    Verdict,
)
from ccpor_server.rights import Role
from ccpor_server.store import Transaction, courts
from tests.season.script import Court, Machine, Size, courts_of, year
from tests.server.rig import NOON, Rig, Workstation
from tests.server.sample import Desk, report_of

FORM = "application/x-www-form-urlencoded"
FAILED = {  # what a fault looks like: code, reason, owner by the target's
    "gateway": ("tcp.reach", "dropped", Severity.BLOCKER),
    "names": ("dns.answer", "nxdomain", Severity.BLOCKER),
    "slow": ("dns.latency", "slow", Severity.WARNING),
}


@dataclass(slots=True)
class Sent:
    """One report as its workstation holds it. body: the exact JSON that was signed."""

    body: bytes
    received_at: datetime


@dataclass(slots=True)
class Agent:
    machine: Machine
    station: Workstation
    sent: list[Sent] = field(default_factory=list)


@dataclass(slots=True)
class Season:
    """All that was sent and said, on the senders' side."""

    courts: list[Court]
    agents: dict[str, Agent] = field(default_factory=dict)  # by the workstation's name
    words: list[tuple[str, str, str, str, datetime]] = field(default_factory=list)
    incidents: list[tuple[str, str]] = field(default_factory=list)  # court, title
    answered: int = 0


class Replay:
    """Plays a year into *rig*; its clock goes forward with it."""

    def __init__(self, rig: Rig, size: Size, seed: int, say: Callable[[str], None] = print) -> None:
        self.rig, self.size, self.say = rig, size, say
        self.dice = random.Random(seed)
        self.now = NOON
        self.numbers = 0
        self.season = Season(courts_of(size, NOON, self.dice))
        rig.clock.at = NOON - timedelta(days=365)

    def play(self) -> Season:
        """Return what was sent; the clock then stands at the end of the year."""
        self._begin()
        attested = [
            (one.id, [party.value for party in one.owners if party.value in {"aoc", "court"}])
            for one in our_checklist().items
            if one.kind == "attested" and not one.signed
        ]
        happen = year(self.season.courts, self.size, NOON, self.dice, attested)
        for number, one in enumerate(happen):
            self._forward(one.at)
            getattr(self, f"_{one.kind}")(one.about)
            if number % 2500 == 0:
                self.say(f"  {one.at:%Y-%m-%d}  {number} of {len(happen)}")
        self._forward(NOON)
        return self.season

    def _forward(self, at: datetime) -> None:
        step = (at - self.rig.clock.at).total_seconds()
        if step > 0:
            self.rig.clock.forward(seconds=step)

    def _begin(self) -> None:
        def job(tx: Transaction) -> None:
            for one in self.season.courts:
                courts.put(
                    tx,
                    courts.Court(
                        id=one.id, name=one.name, kind=one.kind, go_live=one.go_live,
                        scope=one.scope, contacts=one.contacts,
                    ),
                )  # fmt: skip
                for (place, role), count in sorted(one.declared.items()):
                    courts.put_location(tx, one.id, place)
                    if count:
                        row = courts.Declared(
                            court=one.id, location=place, role=role, machines=count
                        )
                        courts.declare(tx, row)

        self.rig.store.write(job)
        people = {"aoc": (Role.REVIEWER, None)} | {
            one.id: (Role.COURT_MANAGER, one.id) for one in self.season.courts
        }
        self.people = {
            name: self.rig.person(f"the.{name}", role, court)
            for name, (role, court) in people.items()
        }

    def post(self, who: str, path: str, **fields: str) -> Any:
        headers = {"sec-fetch-site": "same-origin", "content-type": FORM, "accept": "text/html"}
        session = self.rig.session(self.people[who])
        answer = self.rig.ask(
            "POST", path, session=session, headers=headers, content=urlencode(fields)
        )
        assert answer.status_code == 303, (path, fields, answer.status_code, answer.text[:2000])
        return answer

    def _enrol(self, machine: Machine) -> None:
        station = Workstation(machine.court.id, machine.location, machine.role)
        code = self.rig.code(machine.court.id, machine.location, machine.role)
        wish = {"name": machine.name, "os": "Windows 10.0.22631"}
        answer = self.rig.enroll_by_api(code, station.pem, machine=wish)
        assert answer.status_code == 201, answer.text
        station.id = answer.json()["machine_id"]
        self.season.agents[machine.name] = Agent(machine, station)

    def _run(self, about: tuple[Machine, str], **changes: Any) -> None:
        machine, fault = about
        agent = self.season.agents[machine.name]
        self.numbers += 1
        desk = Desk(
            machine.name, machine.court.id, machine.location, machine.role,
            agent.station.signer, agent.station.id,
        )  # fmt: skip
        made = report_of(desk, self.rig.clock.at, number=self.numbers, whole=True)
        body = encode_report(msgspec.structs.replace(_with(made, fault), **changes))
        answer = self.rig.post(agent.station.sealed(msgspec.json.decode(body, type=Report)))
        assert answer.status_code == 201, answer.text
        agent.sent.append(Sent(body, self.rig.clock.at))

    def _word(self, about: tuple[Court, str, str, str]) -> None:
        court, item, party, kind = about
        item_of = our_checklist().item(item)
        assert item_of is not None
        if any(not court.scope.get(one.replace("-", "_")) for one in _needed(item_of.applies)):
            return
        who = "aoc" if party == "aoc" else court.id
        fields = {"kind": kind, "party": party, "note": "as agreed", "confirmed": "yes"}
        self.post(who, f"/courts/{court.id}/items/{item}", **fields)
        self.season.words.append((court.id, item, party, kind, self.rig.clock.at))

    def _incident(self, about: tuple[int, Court, list[Machine]]) -> None:
        number, court, asked = about
        began = (self.rig.clock.at - timedelta(hours=20)).strftime("%Y-%m-%dT%H:%M")
        title = f"Nobody can submit ({number})"
        fields = {"title": title, "priority": f"P{1 + number % 4}", "began": began, "text": "seen"}
        opened = self.post(court.id, f"/courts/{court.id}/incidents", **fields)
        marks = {f"machine-{self.season.agents[one.name].station.id}": "on" for one in asked}
        self.post(court.id, f"{opened.headers['location']}/runs", **marks)
        self.season.incidents.append((court.id, title))

    def _answer(self, about: tuple[Machine, str]) -> None:
        station = self.season.agents[about[0].name].station
        path = "/api/v1/requests"
        signed = station.signed("GET", path, self.rig.clock.at)
        answer = self.rig.ask("GET", path, headers=signed)
        assert answer.status_code == 200, answer.text
        for asked in answer.json()["requests"]:
            self._run(about, nonce=asked["nonce"], incident=asked["incident"])
            self.season.answered += 1


def _needed(claims: tuple[str, ...]) -> list[str]:
    """Return the answers that an item's claims need, of those with one part."""
    return [one for one in claims if " or " not in one and not one.startswith("not ")]


def _with(report: Report, fault: str) -> Report:
    """Return *report* as a workstation with *fault* would have sent it."""
    if fault == "unseen":  # it could not look at its own patches
        findings = tuple(
            msgspec.structs.replace(one, status=Status.ERROR, summary="not allowed to look")
            if one.code == "workstation.patch"
            else one
            for one in report.findings
        )
        return msgspec.structs.replace(report, findings=findings, verdict=Verdict.UNKNOWN)
    if fault not in FAILED:
        return report
    code, reason, severity = FAILED[fault]
    target = "gateway" if fault == "gateway" else "aoc-datacenter"
    failed = next(one for one in report.findings if (one.target, one.code) == (target, code))
    worse = _failed(failed, reason, severity)
    findings = tuple(worse if one is failed else one for one in report.findings)
    cause = Cause(
        fault=f"{code}/{reason}", target=target, targets=(target,), owner=worse.owner,
        severity=severity, confidence=Confidence.HIGH, summary=worse.summary,
        explains=(worse.id,), evidence=("seen three times",), fix="mend it", ticket="please mend",
    )  # fmt: skip
    verdict = Verdict.NOT_READY if severity is Severity.BLOCKER else Verdict.READY
    return msgspec.structs.replace(report, findings=findings, causes=(cause,), verdict=verdict)


def _failed(one: Finding, reason: str, severity: Severity) -> Finding:
    return msgspec.structs.replace(
        one, status=Status.FAIL, severity=severity, reason=reason, fix="mend it",
        summary=f"{one.code} failed: {reason}",
    )  # fmt: skip
