"""A scenario file: what is known of a court on a day, and the states that follow from it.

TOML, one court a file; all but ``expect`` may be left out::

    title = "a waiver of one code on one workstation leaves the other's fault in sight"
    nothing = true              # what is given must change nothing of what is expected
    go_live = 2027-01-15
    scope = { gateway = true }
    [[machine]]                 # id, location (main), role (clerk)
    id = "m1"
    [[report]]                  # on, hours_ago (1), pass, fail, warn, error, skip, not-applicable
    on = "m1"
    fail = ["tcp.reach"]
    [[say]]                     # item, kind (met), party (court), hours_ago, until, done_on, by
    [[waive]]                   # item, until, code, location, machine, hours_ago, withdrawn
    [[sign]]                    # subject, kind, party, by, basis, hours_ago, id, refers_to, workaround
    [[assign]]                  # item, owner, due
    [expect.IM-01]              # state, and any of: why, under, overdue, owner, covered, required, level, waivers
    state = "not-met"

Times count back from noon of 2026-11-23.
"""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import (
    Assignment,
    Decision,
    DecisionKind,
    Declaration,
    DeclarationKind,
    Facts,
    ItemState,
    KnownMachine,
    Level,
    Party,
    Place,
    Received,
    Scope,
    Waiver,
    Workaround,
)
from ccpor_reporting.checklist.state import court_checklist
from tests.reporting.checklist.court import NOW, finding, report

FOLDER = Path(__file__).parent.parent.parent / "checklist_scenarios"
TOP = {
    "title", "now", "go_live", "scope", "inventory", "locations", "oris", "doj_oris", "machine",
    "report", "say", "waive", "sign", "assign", "expect", "nothing",
}  # fmt: skip
STATUSES = {"pass", "fail", "warn", "error", "skip", "not-applicable"}


class ScenarioInvalid(ValueError):
    """A scenario file says something that nobody would read."""


def read(path: Path) -> dict[str, Any]:
    """Return the scenario in *path*; ScenarioInvalid names what is wrong with it."""
    held = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := held.keys() - TOP:
        raise ScenarioInvalid(f"{path.name}: {', '.join(sorted(unknown))} is not known")
    if not held.get("title") or not held.get("expect"):
        raise ScenarioInvalid(f"{path.name}: title and expect are needed")
    return held


def states(held: dict[str, Any]) -> dict[str, ItemState]:
    """Return what the pure function makes of a scenario, by item."""
    now = _moment(held.get("now"))
    machines = tuple(
        KnownMachine(
            id=one["id"],
            name=one["id"].upper(),
            location=one.get("location", "main"),
            role=one.get("role", "clerk"),
        )
        for one in held.get("machine", ())
    )
    found = court_checklist(
        our_checklist(),
        Facts(
            scope=Scope(**{k.replace("-", "_"): v for k, v in held.get("scope", {}).items()}),
            locations=tuple(held.get("locations", ())),
            inventory=tuple(Place(**one) for one in held.get("inventory", ())),
            oris=tuple(held.get("oris", ())),
            doj_oris=tuple(held.get("doj_oris", ())),
        ),
        machines,
        [_report(number, one) for number, one in enumerate(held.get("report", ()))],
        [_word(one) for one in held.get("say", ())],
        go_live=held.get("go_live"),
        now=now,
        waivers=[_waiver(number, one) for number, one in enumerate(held.get("waive", ()))],
        decisions=[_signature(number, one) for number, one in enumerate(held.get("sign", ()))],
        assignments=[
            Assignment(
                item=one["item"],
                owner=one.get("owner", ""),
                due=one.get("due"),
                by="a",
                at=_ago(one),
            )
            for one in held.get("assign", ())
        ],
    )
    return {one.item.id: one for one in found}


def differences(held: dict[str, Any], found: dict[str, ItemState]) -> list[str]:
    """Return where *found* is not what the scenario expects; empty when all is as it says."""
    said = []
    for item, wanted in held["expect"].items():
        state = found.get(item)
        if state is None:
            said.append(f"{item} is not of the checklist")
            continue
        for what, value in wanted.items():
            got = _plain(getattr(state, what))
            fits = value in got if what == "why" else got == value
            if not fits:
                said.append(f"{item}.{what} is {got!r}, expected {value!r} ({state.why})")
    return said


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return getattr(value, "value", value)


def _moment(now: datetime | date | None) -> datetime:
    return now if isinstance(now, datetime) else NOW


def _ago(one: dict[str, Any]) -> datetime:
    return NOW - timedelta(hours=one.get("hours_ago", 1))


def _report(number: int, one: dict[str, Any]) -> Received:
    findings = []
    if unknown := one.keys() - STATUSES - {"on", "hours_ago", "target", "required", "level"}:
        raise ScenarioInvalid(f"report: {', '.join(sorted(unknown))} is not known")
    for status in STATUSES & one.keys():
        for code in one[status]:
            failed = "fail" if status == "warn" else status
            severity = "warning" if status == "warn" else "blocker"
            target = one.get("target", "app")
            findings.append(finding(code, failed, severity=severity, target=target))
    made = report(
        *findings,
        on=one["on"],
        age=timedelta(hours=one.get("hours_ago", 1)),
        run_id=f"run-{number}",
        required=one.get("required", True),
    )
    return Received(
        report=made.report,
        machine_id=made.machine_id,
        received_at=made.received_at,
        level=Level(one.get("level", "L1")),
    )


def _word(one: dict[str, Any]) -> Declaration:
    return Declaration(
        item=one["item"],
        kind=DeclarationKind(one.get("kind", "met")),
        party=Party(one.get("party", "court")),
        by=one.get("by", "r.diaz"),
        at=_ago(one),
        note=one.get("note", "as agreed"),
        done_on=one.get("done_on"),
        until=one.get("until"),
    )


def _waiver(number: int, one: dict[str, Any]) -> Waiver:
    withdrawn = one.get("withdrawn")
    return Waiver(
        id=one.get("id", f"w{number + 1}"),
        item=one["item"],
        reason=one.get("reason", "known"),
        until=one["until"],
        by=one.get("by", "b.approver"),
        at=_ago(one),
        code=one.get("code"),
        location=one.get("location"),
        machine=one.get("machine"),
        withdrawn_at=None if withdrawn is None else NOW - timedelta(hours=withdrawn),
    )


def _signature(number: int, one: dict[str, Any]) -> Decision:
    return Decision(
        id=one.get("id", f"d{number + 1}"),
        subject=one.get("subject", "go-live"),
        kind=DecisionKind(one.get("kind", "go")),
        party=Party(one["party"]),
        by=one.get("by", f"{one['party']}.signer"),
        at=_ago(one),
        note=one.get("note", ""),
        workarounds=tuple(Workaround(**each) for each in one.get("workaround", ())),
        basis=one.get("basis", "b1"),
        seen_root="ab" * 32,
        seen_size=10,
        refers_to=one.get("refers_to"),
    )
