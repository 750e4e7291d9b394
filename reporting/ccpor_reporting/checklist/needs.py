"""One workstation against the codes that an item needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from ccpor_reporting.checklist.ledger import ASSESSED, Ledger, Look
from ccpor_reporting.checklist.model import (
    Bound,
    Evidence,
    Item,
    KnownMachine,
    Need,
    State,
    Waiver,
)
from ccpor_reporting.checklist.outcome import Moment, line, named, stops, where, worst
from ccpor_reporting.checklist.waivers import covering
from ccpor_reporting.model import Severity, Status

START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class View:
    """What is known and when it is weighed; evidence from before *since* is stale.

    waivers: those that count for *item*.
    """

    ledger: Ledger
    moment: Moment
    since: datetime | None
    item: Item
    waivers: tuple[Waiver, ...] = ()

    def age_state(self, look: Look) -> State:
        return State.STALE if self.since is not None and look.at < self.since else State.MET


@dataclass(slots=True)
class Tally:
    """What one workstation shows for one item, filled need by need."""

    states: list[State] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    waivers: list[str] = field(default_factory=list)  # ids of those that cover something

    @property
    def state(self) -> State:
        return worst(self.states)

    def fail(self, sentence: str) -> None:
        self.states.append(State.NOT_MET)
        self.failures.append(sentence)

    def miss(self, sentence: str) -> None:
        self.states.append(State.OPEN)
        self.gaps.append(sentence)


def weigh_machine(machine: KnownMachine, needs: Sequence[Need], view: View) -> Tally:
    """Return what *machine* shows for *needs*."""
    tally = Tally()
    for need in needs:
        waiver = covering(view.waivers, view.item, machine, need.code)
        if waiver is None:
            _weigh_need(tally, machine, need, view)
        else:
            _weigh_waived(tally, machine, need, view, waiver)
    return tally


def _weigh_waived(
    tally: Tally, machine: KnownMachine, need: Need, view: View, waiver: Waiver
) -> None:
    """Weigh a need under a waiver: what is not met is told, and counts as covered."""
    alone = Tally()
    _weigh_need(alone, machine, need, view)
    tally.warnings += alone.warnings
    tally.states.append(State.MET)
    if alone.state is State.MET:
        tally.evidence += alone.evidence
        return
    tally.waivers.append(waiver.id)
    tally.evidence += [
        msgspec.structs.replace(one, waiver=None if one.status == Status.PASS else waiver.id)
        for one in alone.evidence
    ]


def _weigh_need(tally: Tally, machine: KnownMachine, need: Need, view: View) -> None:
    looks = view.ledger.looks(machine, need.code)
    tally.evidence += [line(look, view.moment, view.since) for look in looks]
    required = [look for look in looks if look.required]
    for look in looks:
        if not look.required and look.finding.status is Status.FAIL:
            tally.warnings.append(f"{where(machine)}: {named(look)}: {look.finding.summary}")
    if not required:
        if not need.where_planned:
            tally.miss(f"{where(machine)} has no finding for {need.code}")
        else:
            tally.states.append(State.MET)
        return
    if all(look.finding.status is Status.NOT_APPLICABLE for look in required):
        if need.allow_not_applicable or need.where_planned:
            tally.states += [view.age_state(look) for look in required]
        else:
            tally.miss(f"{where(machine)}: {need.code} does not apply on any target there")
        return
    for look in required:
        _weigh_look(tally, look, need, view)
    for bound in need.bounds:
        if not any(_concerns(bound, look) for look in required):
            tally.miss(
                f"{where(machine)}: no finding for {need.code} was made by {bound.when_value}"
            )


def _weigh_look(tally: Tally, look: Look, need: Need, view: View) -> None:
    finding, place, name = look.finding, where(look.machine), named(look)
    if stops(look):
        tally.fail(f"{place}: {name} failed: {finding.summary}")
        return
    if finding.status in {Status.ERROR, Status.SKIP}:
        tally.miss(f"{place}: {name} was not assessed: {finding.summary}")
        return
    if finding.status is Status.NOT_APPLICABLE:
        return
    if finding.status is Status.FAIL and finding.severity is Severity.WARNING:
        tally.warnings.append(f"{place}: {name}: {finding.summary}")
    for bound in need.bounds:
        if _concerns(bound, look):
            _weigh_bound(tally, look, bound)
    state = view.age_state(look)
    if state is State.STALE:
        tally.gaps.append(f"{place}: {name} was last seen {look.at:%Y-%m-%d}, too long ago")
    elif need.runs > 1 and (seen := view.ledger.times(look, view.since or START)) < need.runs:
        tally.miss(f"{place}: {name} was looked at in {seen} of {need.runs} runs")
    tally.states.append(state)


def _weigh_bound(tally: Tally, look: Look, bound: Bound) -> None:
    name = f"{where(look.machine)}: {named(look)}"
    value = measured(look, bound)
    if value is None:
        tally.miss(f"{name} does not say its {bound.field or 'measured value'} in {bound.unit}")
    elif bound.at_least is not None and value < bound.at_least:
        tally.fail(f"{name} shows {value:g} {bound.unit}, needs {bound.at_least:g}")
    elif bound.at_most is not None and value > bound.at_most:
        tally.fail(f"{name} shows {value:g} {bound.unit}, at most {bound.at_most:g} is met")
    elif bound.exact is not None and value > bound.exact:
        tally.warnings.append(f"{name} shows {value:g} {bound.unit}, more than {bound.exact:g}")


def measured(look: Look, bound: Bound) -> float | None:
    """Return the number that *bound* judges; None when the report does not hold it."""
    value: Any = look.finding.observed
    if bound.field is not None:
        value = _field(look, bound.field)
    if isinstance(value, list | tuple):
        value = len(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    number = float(value) * bound.scale
    return abs(number) if bound.absolute else number


def _concerns(bound: Bound, look: Look) -> bool:
    return bound.when_field is None or _field(look, bound.when_field) == bound.when_value


def _field(look: Look, name: str) -> Any:
    """Return what the check's evidence holds under the dotted *name*; None when it does not."""
    value: Any = look.evidence if look.finding.status in ASSESSED else None
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
