"""What each workstation has shown, code by code: the newest finding of each target.

A partial run (``--only``) replaces the findings it holds and no others; a target that the newest
profile of the workstation no longer names is forgotten, so nothing stays failed for ever. Targets
are taken over all runs of that profile: a partial run cannot hide a target.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccpor_reporting.checklist.model import KnownMachine, Received
from ccpor_reporting.model import Finding, Observation, Status

ASSESSED = frozenset({Status.PASS, Status.FAIL})


@dataclass(frozen=True, slots=True)
class Look:
    """One finding as last seen on one workstation. required: its target is a required one."""

    machine: KnownMachine
    received: Received
    finding: Finding
    required: bool

    @property
    def at(self) -> datetime:
        return self.received.at

    @property
    def observation(self) -> Observation | None:
        """What the check saw; None when it ended before its rules could be judged."""
        wanted = (self.finding.target, self.finding.check)
        for seen in self.received.report.observations:
            if (seen.target, seen.check) == wanted:
                return seen
        return None


class Ledger:
    """All looks of one court's workstations at one moment; reports from later are not known."""

    def __init__(
        self, machines: Iterable[KnownMachine], reports: Iterable[Received], now: datetime
    ) -> None:
        self.machines = tuple(machines)
        held: defaultdict[str, list[Received]] = defaultdict(list)
        for received in reports:
            if received.received_at <= now:
                held[received.machine_id].append(received)
        self._held = {
            name: sorted(some, key=lambda one: (one.at, one.report.run_id))
            for name, some in held.items()
        }
        self._looks = {one.id: self._by_code(one) for one in self.machines}

    def held(self, machine: KnownMachine) -> Sequence[Received]:
        """Return the reports of *machine*, oldest first."""
        return self._held.get(machine.id, ())

    def looks(self, machine: KnownMachine, code: str) -> Sequence[Look]:
        """Return the newest look at *code* for each target of *machine*."""
        return self._looks.get(machine.id, {}).get(code, ())

    def runs(self, look: Look, since: datetime) -> int:
        """Return in how many reports from *since* on this finding was looked at."""
        return sum(
            1
            for received in self.held(look.machine)
            if received.at >= since
            for finding in received.report.findings
            if finding.id == look.finding.id and finding.status in ASSESSED
        )

    def samples(
        self, machine: KnownMachine, codes: Sequence[str], since: datetime
    ) -> Iterator[Look]:
        """Yield every look at *codes* from *since* on, not only the newest."""
        for received in self.held(machine):
            if received.at >= since:
                required = {one.id for one in received.report.targets if one.required}
                for finding in received.report.findings:
                    if finding.code in codes and finding.target in required:
                        yield Look(machine, received, finding, required=True)

    def _by_code(self, machine: KnownMachine) -> Mapping[str, tuple[Look, ...]]:
        held = self.held(machine)
        if not held:
            return {}
        profile = held[-1].report.profile.sha256
        targets = {
            target.id: target.required
            for received in held
            if received.report.profile.sha256 == profile
            for target in received.report.targets
        }
        newest: dict[str, Look] = {}
        for received in held:
            for finding in received.report.findings:
                if finding.target in targets:
                    required = targets[finding.target]
                    newest[finding.id] = Look(machine, received, finding, required)
        by_code: defaultdict[str, list[Look]] = defaultdict(list)
        for look in newest.values():
            by_code[look.finding.code].append(look)
        return {code: tuple(looks) for code, looks in by_code.items()}
