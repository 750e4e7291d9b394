"""What each workstation has shown, code by code: the newest finding of each target.

A partial run (``--only``) replaces the findings it holds and no others; a target that the newest
profile of the workstation no longer names is forgotten, so nothing stays failed for ever. Targets
are taken over all runs of that profile: a partial run cannot hide a target.

Reports are folded workstation by workstation (`shown_by`), and of all but the newest findings only
the outcome is kept: a collector holds what thousands of workstations have shown in little memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from ccpor_reporting.checklist.model import KnownMachine, Level, Received
from ccpor_reporting.model import Finding, Report, Status, Verdict

ASSESSED = frozenset({Status.PASS, Status.FAIL})
Outcomes = tuple[tuple[str, str, Status], ...]  # of required targets: finding id, code, status


@dataclass(frozen=True, slots=True)
class Run:
    """A report of which the findings were folded. at: when it was true."""

    run_id: str
    at: datetime
    level: Level
    verdict: Verdict
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Look:
    """One finding as last seen on one workstation. required: its target is a required one.

    title: what the profile calls the target; None when that is only its id. evidence: what the
    check saw; None when it ended before its rules could be judged.
    """

    machine: KnownMachine
    run: Run
    finding: Finding
    required: bool
    title: str | None
    evidence: Mapping[str, Any] | None

    @property
    def at(self) -> datetime:
        return self.run.at


@dataclass(frozen=True, slots=True)
class Shown:
    """All that one workstation has shown. runs: oldest first.

    assessed: by finding id, when it was looked at.
    """

    runs: tuple[Run, ...] = ()
    by_code: Mapping[str, tuple[Look, ...]] = field(default_factory=dict)
    assessed: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)


def shown_by(machine: KnownMachine, reports: Iterable[Received]) -> Shown:
    """Return what *machine* has shown in its *reports*, which may come in any order."""
    held = sorted(reports, key=lambda one: (one.at, one.report.run_id))
    if not held:
        return Shown()
    profile = held[-1].report.profile.sha256
    targets = {
        target.id: target
        for received in held
        if received.report.profile.sha256 == profile
        for target in received.report.targets
    }
    runs = tuple(_run(one) for one in held)
    newest: dict[str, Look] = {}
    assessed: defaultdict[str, list[datetime]] = defaultdict(list)
    for run, received in zip(runs, held, strict=True):
        titles, seen = _titles(received.report), _seen(received.report)
        for one in received.report.findings:
            if one.target in targets:
                newest[one.id] = Look(
                    machine=machine,
                    run=run,
                    finding=one,
                    required=targets[one.target].required,
                    title=titles.get(one.target),
                    evidence=seen.get((one.target, one.check)),
                )
            if one.status in ASSESSED:
                assessed[one.id].append(run.at)
    by_code: defaultdict[str, list[Look]] = defaultdict(list)
    for look in newest.values():
        by_code[look.finding.code].append(look)
    return Shown(
        runs=runs,
        by_code={code: tuple(looks) for code, looks in by_code.items()},
        assessed={name: tuple(when) for name, when in assessed.items()},
    )


def _run(received: Received) -> Run:
    report = received.report
    required = {one.id for one in report.targets if one.required}
    outcomes = tuple(
        (one.id, one.code, one.status) for one in report.findings if one.target in required
    )
    return Run(report.run_id, received.at, received.level, report.verdict, _shared(outcomes))


@lru_cache(maxsize=4096)
def _shared(outcomes: Outcomes) -> Outcomes:
    """Return the same object for the same outcomes: most runs of a workstation are alike."""
    return outcomes


def _titles(report: Report) -> Mapping[str, str]:
    return {one.id: one.title for one in report.targets if one.title and one.title != one.id}


def _seen(report: Report) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Return the evidence by target and check; of several looks the first."""
    return {(one.target, one.check): one.evidence for one in reversed(report.observations)}


class Ledger:
    """All looks of one court's workstations at one moment."""

    def __init__(self, shown: Mapping[KnownMachine, Shown]) -> None:
        self.machines = tuple(shown)
        self._shown = {machine.id: one for machine, one in shown.items()}

    @classmethod
    def of(
        cls, machines: Iterable[KnownMachine], reports: Iterable[Received], now: datetime
    ) -> Ledger:
        """Return the ledger of *machines*; reports that came in after *now* are not known."""
        held: defaultdict[str, list[Received]] = defaultdict(list)
        for received in reports:
            if received.received_at <= now:
                held[received.machine_id].append(received)
        return cls({one: shown_by(one, held.get(one.id, ())) for one in machines})

    def runs(self, machine: KnownMachine) -> Sequence[Run]:
        """Return the runs of *machine*, oldest first."""
        return self._shown[machine.id].runs

    def looks(self, machine: KnownMachine, code: str) -> Sequence[Look]:
        """Return the newest look at *code* for each target of *machine*."""
        return self._shown[machine.id].by_code.get(code, ())

    def times(self, look: Look, since: datetime) -> int:
        """Return in how many runs from *since* on this finding was looked at."""
        seen = self._shown[look.machine.id].assessed.get(look.finding.id, ())
        return sum(at >= since for at in seen)

    def samples(
        self, machine: KnownMachine, codes: Sequence[str], since: datetime
    ) -> Iterator[tuple[datetime, Status]]:
        """Yield when each of *codes* was looked at from *since* on, and what came of it."""
        for run in self.runs(machine):
            if run.at >= since:
                for _, code, status in run.outcomes:
                    if code in codes:
                        yield run.at, status
