"""A court on paper: reports and workstations for checklist tests, every fact an argument."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import (
    Declaration,
    Facts,
    ItemState,
    KnownMachine,
    Received,
    State,
)
from ccpor_reporting.checklist.state import court_checklist
from ccpor_reporting.model import (
    Agent,
    Coverage,
    Finding,
    Location,
    Machine,
    Observation,
    Owner,
    ProfileRef,
    Report,
    RunReason,
    Severity,
    Status,
    TargetRef,
    Verdict,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GO_LIVE = date(2027, 1, 15)
NOTHING_DECLARED = Facts()

# What the evidence must hold besides a pass, by code: check, observed, evidence, unit.
MEASURED: dict[str, tuple[Any, dict[str, Any], str | None]] = {
    "dns.answer": (None, {"source": "resolvers", "answers": [{}, {}]}, None),
    "http.upload": (12000, {}, "kB"),
    "clock.offset": (0.02, {}, "s"),
    "path.latency": (20.0, {"rtts_ms": [20.0] * 100}, "ms"),
    "scanner.sample": (None, {"pages": 12}, None),
    "scanner.driver": (None, {"driver": {"folders": ["C:\\Capture"]}}, None),
}


def machine(name: str = "m1", location: str = "main", role: str = "scan-station") -> KnownMachine:
    return KnownMachine(id=name, name=name.upper(), location=location, role=role)


def finding(
    code: str, status: str = "pass", *, severity: str = "blocker", target: str = "app"
) -> Finding:
    observed, _, unit = MEASURED.get(code, (None, {}, None))
    return Finding(
        id=f"{target}/{code}",
        target=target,
        check=code.split(".", maxsplit=1)[0],
        code=code,
        status=Status(status),
        severity=Severity(severity),
        summary=f"{code} {status}",
        owner=Owner.COURT_IT,
        reason="some-reason" if status == "fail" else None,
        observed=observed,
        unit=unit,
    )


def report(
    *findings: Finding,
    on: str = "m1",
    age: timedelta = timedelta(hours=1),
    received: timedelta | None = None,
    run_id: str = "run-1",
    evidence: dict[str, dict[str, Any]] | None = None,
    required: bool = True,
    profile: str = "a" * 64,
) -> Received:
    """Return a report that ended *age* before NOW; `evidence` is by check, else what meets it."""
    at = NOW - age
    found: dict[str, dict[str, Any]] = {}
    for one in findings:
        found.setdefault(one.check, {}).update(MEASURED.get(one.code, (None, {}, None))[1])
    found.update(evidence or {})
    targets = dict.fromkeys(one.target for one in findings) or {"app": None}
    return Received(
        machine_id=on,
        received_at=NOW - (age if received is None else received),
        report=Report(
            run_id=run_id,
            reason=RunReason.SCHEDULED,
            location=Location(court="ca-test", name="main", role="scan-station"),
            machine=Machine(name=on, os="Linux", id=on),
            agent=Agent(version="0", checks={}),
            profile=ProfileRef(id="p", version=1, sha256=profile),
            started_at=at,
            finished_at=at,
            targets=tuple(
                TargetRef(
                    id=name, title=name, url="tcp://h:1", why="", owner=Owner.DATACENTER,
                    required=required,
                )
                for name in targets
            ),
            observations=tuple(
                Observation(
                    target=name, check=check, version=1, started_at=at, duration_ms=1.0,
                    attempts=1, evidence=seen,
                )
                for name in targets
                for check, seen in found.items()
            ),
            findings=findings,
            causes=(),
            coverage=Coverage(planned=len(findings), assessed=len(findings), excluded=0),
            verdict=Verdict.READY,
        ),
    )  # fmt: skip


def states(
    *reports: Received,
    machines: tuple[KnownMachine, ...] = (),
    facts: Facts = NOTHING_DECLARED,
    declarations: tuple[Declaration, ...] = (),
    now: datetime = NOW,
    go_live: date | None = GO_LIVE,
) -> dict[str, ItemState]:
    found = court_checklist(
        our_checklist(),
        facts,
        machines or (machine(),),
        reports,
        declarations,
        go_live=go_live,
        now=now,
    )
    return {one.item.id: one for one in found}


def in_state(found: dict[str, ItemState], state: State) -> set[str]:
    return {name for name, one in found.items() if one.state is state}
