"""Workstations: the matrix of workstations and checks, and the list with its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccpor_reporting.checklist.model import Received
from ccpor_reporting.model import Finding
from ccpor_server.checklist_state import CourtView
from ccpor_server.consistency import judged_verdict, skew_s
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import (
    CONTRADICTS,
    NOT_SEEN,
    VERDICTS,
    Mark,
    skew_mark,
    worst_mark,
)
from ccpor_server.store.people import Person

# Checks that a run makes, in its order; others that a report holds come after them.
ORDER = ("link", "dns", "tcp", "path", "proxy", "tls", "http", "ssh", "sftp", "clock")
SILENT_AFTER = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cell:
    mark: Mark
    said: str  # "3 pass, 1 fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    name: str
    place: str
    href: str | None
    verdict: Mark
    doubts: tuple[Mark, ...]
    cells: tuple[Cell, ...]
    heard: Stamp | None
    silent: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    checks: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRow:
    id: str
    name: str
    os: str
    location: str
    role: str
    key: str
    enrolled: Stamp
    heard: Stamp | None
    revoked: Stamp | None
    report_href: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredRow:
    location: str
    role: str
    declared: int
    enrolled: int
    enough: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    href: str
    machine: str
    verdict: Mark
    doubts: tuple[Mark, ...]
    reason: str
    received: Stamp
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinesPage:
    court_id: str
    name: str
    matrix: Matrix
    machines: tuple[MachineRow, ...]
    declared: tuple[DeclaredRow, ...]
    reports: tuple[ReportRow, ...]
    may_revoke: bool
    as_of: Stamp


def matrix(view: CourtView, now: datetime) -> Matrix:
    """Return each enrolled workstation's newest report, check by check."""
    newest = view.newest
    seen = {one.check for received in newest.values() for one in received.report.findings}
    checks = (*(name for name in ORDER if name in seen), *sorted(seen - set(ORDER)))
    rows = []
    for machine in view.machines:
        if machine.revoked_at is not None:
            continue
        received_one = newest.get(machine.id)
        at = machine.last_heard_at
        rows.append(
            MatrixRow(
                name=machine.name,
                place=f"{machine.location}, {machine.role}",
                href=f"/reports/{received_one.report.run_id}" if received_one else None,
                verdict=_verdict(received_one) if received_one else NOT_SEEN,
                doubts=doubts(received_one) if received_one else (),
                cells=tuple(_cell(received_one, check) for check in checks),
                heard=stamp(at, now, view.court.time_zone) if at else None,
                silent=received_one is None or now - received_one.at > SILENT_AFTER,
            )
        )
    return Matrix(checks, tuple(rows))


def _verdict(received: Received) -> Mark:
    return VERDICTS[judged_verdict(received.report)[0]]


def doubts(received: Received) -> tuple[Mark, ...]:
    """Return what makes a signed report hard to believe: its own verdict, its clock."""
    skew = skew_mark(skew_s(received.report, received.received_at))
    said = CONTRADICTS if judged_verdict(received.report)[1] else None
    return tuple(mark for mark in (said, skew) if mark)


def _cell(received: Received | None, check: str) -> Cell:
    findings = [one for one in received.report.findings if one.check == check] if received else []
    return Cell(worst_mark(findings), _said(findings))


def _said(findings: list[Finding]) -> str:
    counted: dict[str, int] = {}
    for one in findings:
        word = worst_mark((one,)).word
        counted[word] = counted.get(word, 0) + 1
    return ", ".join(f"{count} {word}" for word, count in counted.items()) or "not in the report"


def machines_page(
    view: CourtView, recent: Sequence[Received], person: Person, now: datetime
) -> MachinesPage:
    """Return all of a court's workstations, revoked ones too, and its *recent* reports."""
    zone = view.court.time_zone
    return MachinesPage(
        court_id=view.court.id,
        name=view.court.name,
        matrix=matrix(view, now),
        machines=tuple(
            MachineRow(
                id=one.id,
                name=one.name,
                os=one.os,
                location=one.location,
                role=one.role,
                key=one.key_id[:16],
                enrolled=stamp(one.enrolled_at, now, zone),
                heard=stamp(one.last_heard_at, now, zone) if one.last_heard_at else None,
                revoked=stamp(one.revoked_at, now, zone) if one.revoked_at else None,
                report_href=f"/reports/{one.last_run_id}" if one.last_run_id else None,
            )
            for one in view.machines
        ),
        declared=tuple(_declared(view)),
        reports=tuple(_report_rows(view, recent, now)),
        may_revoke=person.role == "administrator",
        as_of=stamp(now, now, zone),
    )


def _declared(view: CourtView) -> list[DeclaredRow]:
    rows = []
    for place in view.inventory:
        enrolled = sum(
            one.revoked_at is None and (one.location, one.role) == (place.location, place.role)
            for one in view.machines
        )
        rows.append(
            DeclaredRow(
                location=place.location,
                role=place.role,
                declared=place.machines,
                enrolled=enrolled,
                enough=enrolled >= place.machines,
            )
        )
    return rows


def _report_rows(view: CourtView, recent: Sequence[Received], now: datetime) -> list[ReportRow]:
    names = {one.id: one.name for one in view.machines}
    return [
        ReportRow(
            href=f"/reports/{one.report.run_id}",
            machine=names.get(one.machine_id, "?"),
            verdict=_verdict(one),
            doubts=doubts(one),
            reason=one.report.reason.value,
            received=stamp(one.received_at, now, view.court.time_zone),
            findings=len(one.report.findings),
        )
        for one in recent
    ]
