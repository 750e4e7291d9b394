"""What an item's proof came to, before dates, waivers and attestations are weighed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ccpor_reporting.checklist.ledger import Look
from ccpor_reporting.checklist.model import Evidence, KnownMachine, State
from ccpor_reporting.model import Severity, Status

# The worst says the item's state. Missing weighs more than stale: renewing would not suffice.
WEIGHT = {
    State.NOT_APPLICABLE: -1,
    State.MET: 0,
    State.STALE: 1,
    State.OPEN: 2,
    State.NOT_MET: 3,
}


def worst(states: Iterable[State]) -> State:
    return max(states, key=WEIGHT.__getitem__, default=State.OPEN)


@dataclass(frozen=True, slots=True)
class Moment:
    """When evidence is weighed. since: what was seen earlier than this is stale."""

    now: datetime
    counts_from: datetime  # the moment that freshness counts back from
    go_live: datetime | None

    def since(self, hours: float | None) -> datetime | None:
        return None if hours is None else self.counts_from - timedelta(hours=hours)

    def is_stale(self, at: datetime, hours: float | None) -> bool:
        since = self.since(hours)
        return since is not None and at < since

    def age_hours(self, at: datetime) -> float:
        return max(0.0, (self.now - at).total_seconds() / 3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """failures, gaps and warnings are sentences that name the workstation.

    short: what explains the state where the first of them would not; None: the first does.
    """

    state: State
    covered: int = 0
    required: int = 0
    unit: str = "workstations"
    evidence: tuple[Evidence, ...] = ()
    failures: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    short: str | None = None
    waivers: tuple[str, ...] = ()  # ids of those that cover something here


def named(look: Look) -> str:
    """Return a finding as people call it: ``CCPOR gateway, tcp.reach``; its id without a title."""
    return f"{look.title}, {look.finding.code}" if look.title else look.finding.id


def where(machine: KnownMachine) -> str:
    return f"{machine.name} ({machine.location})"


def line(look: Look, moment: Moment, since: datetime | None) -> Evidence:
    """Return the evidence that one look is; what was seen before *since* is stale."""
    finding = look.finding
    return Evidence(
        text=finding.summary,
        level=look.run.level,
        at=look.at,
        age_hours=moment.age_hours(look.at),
        status=finding.status,
        run_id=look.run.run_id,
        machine=look.machine.name,
        finding=finding.id,
        title=look.title,
        observed=finding.observed,
        unit=finding.unit,
        stale=since is not None and look.at < since,
    )


def stops(look: Look) -> bool:
    finding = look.finding
    return finding.status is Status.FAIL and finding.severity is Severity.BLOCKER
