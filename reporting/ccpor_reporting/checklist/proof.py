"""What each kind of proof comes to over all workstations of a court."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ccpor_reporting.checklist.ledger import Ledger
from ccpor_reporting.checklist.load import BLOCKING_TECHNICAL
from ccpor_reporting.checklist.model import (
    Checklist,
    Coverage,
    Evidence,
    Facts,
    Item,
    KnownMachine,
    Level,
    Phase,
    Proof,
    State,
    Waiver,
)
from ccpor_reporting.checklist.needs import START, Tally, View, weigh_machine
from ccpor_reporting.checklist.outcome import Moment, Outcome, worst
from ccpor_reporting.checklist.scope import left_out_because
from ccpor_reporting.checklist.waivers import whole
from ccpor_reporting.checklist.watch import weigh_watch

MOST_NAMED = 5
PREPARING = frozenset({Phase.PLANNING, Phase.IMPLEMENT})


@dataclass(frozen=True, slots=True)
class Court:
    """All that proofs are weighed against."""

    checklist: Checklist
    facts: Facts
    ledger: Ledger
    moment: Moment
    waivers: tuple[Waiver, ...] = ()  # in force; none when the state without them is asked


def weigh(item: Item, court: Court) -> Outcome:
    """Return what the proof of *item* comes to; the item has one."""
    return _weigh(item, item.proof or Proof(), court, item.roles, item.fresh_hours)


def _weigh(
    item: Item, proof: Proof, court: Court, roles: Sequence[str], hours: float | None
) -> Outcome:
    if proof.needs:
        return _weigh_needs(item, proof, court, roles, hours)
    if proof.inventory:
        return _weigh_inventory(proof.inventory, court, hours)
    if proof.baseline:
        return _weigh_baseline(court, hours)
    if proof.watch:
        return weigh_watch(proof, court.ledger, _of_roles(court, roles), court.moment)
    if proof.rerun:
        return _weigh_rerun(item, proof, court, hours)
    return _weigh_identifiers(proof.identifiers or "", court)


def _of_roles(court: Court, roles: Sequence[str]) -> tuple[KnownMachine, ...]:
    return tuple(machine for machine in court.ledger.machines if machine.role in roles)


def declared(court: Court, roles: Sequence[str]) -> Counter[tuple[str, str]]:
    """Return how many workstations each (location, role) has: declared or enrolled, the higher."""
    enrolled = Counter((one.location, one.role) for one in _of_roles(court, roles))
    stated = Counter(
        {
            (place.location, place.role): place.machines
            for place in court.facts.inventory
            if place.role in roles
        }
    )
    return enrolled | stated


def _weigh_needs(
    item: Item, proof: Proof, court: Court, roles: Sequence[str], hours: float | None
) -> Outcome:
    machines = _of_roles(court, roles)
    expected = declared(court, roles)
    if not expected:
        words = ", ".join(roles)
        return Outcome(
            state=State.OPEN, gaps=(f"no workstation is declared or enrolled as {words}",)
        )
    view = View(court.ledger, court.moment, court.moment.since(hours), item, court.waivers)
    tallies = {one.id: weigh_machine(one, proof.needs, view) for one in machines}
    everything = list(tallies.values())
    joined = Outcome(
        state=State.OPEN,
        evidence=tuple(line for tally in everything for line in tally.evidence),
        failures=tuple(said for tally in everything for said in tally.failures),
        warnings=tuple(said for tally in everything for said in tally.warnings),
        waivers=tuple(dict.fromkeys(one for tally in everything for one in tally.waivers)),
    )
    if item.coverage is Coverage.EVERY_LOCATION:
        return _each_location(joined, expected, machines, tallies)
    return _each_machine(joined, expected, machines, tallies)


def _each_machine(
    joined: Outcome,
    expected: Counter[tuple[str, str]],
    machines: Sequence[KnownMachine],
    tallies: dict[str, Tally],
) -> Outcome:
    enrolled = Counter((one.location, one.role) for one in machines)
    absent = [
        f"{location}: {enrolled[location, role]} of {count} declared {role} workstations enrolled"
        for (location, role), count in sorted(expected.items())
        if enrolled[location, role] < count
    ]
    states = [tallies[one.id].state for one in machines] + [State.OPEN for _ in absent]
    return replace(
        joined,
        state=worst(states),
        covered=states.count(State.MET),
        required=expected.total(),
        gaps=(*absent, *(said for one in machines for said in tallies[one.id].gaps)),
    )


def _each_location(
    joined: Outcome,
    expected: Counter[tuple[str, str]],
    machines: Sequence[KnownMachine],
    tallies: dict[str, Tally],
) -> Outcome:
    states, gaps = [], []
    for location in sorted({place for place, _ in expected}):
        here = [tallies[one.id] for one in machines if one.location == location]
        seen = {tally.state for tally in here}
        if State.NOT_MET in seen:
            states.append(State.NOT_MET)
        elif State.MET in seen:
            states.append(State.MET)
        else:
            states.append(State.STALE if State.STALE in seen else State.OPEN)
            gaps += [said for tally in here for said in tally.gaps]
            if not here:
                gaps.append(f"{location} has no enrolled workstation")
    return replace(
        joined,
        state=worst(states),
        covered=states.count(State.MET),
        required=len(states),
        unit="locations",
        gaps=tuple(gaps),
    )


def _reports(court: Court, machines: Sequence[KnownMachine]) -> tuple[Evidence, ...]:
    """Return each workstation's newest report as evidence: that it ran, not what it found."""
    found = []
    for machine in machines:
        if runs := court.ledger.runs(machine):
            newest = runs[-1]
            found.append(
                Evidence(
                    text=f"reported; verdict {newest.verdict}",
                    level=newest.level,
                    at=newest.at,
                    age_hours=court.moment.age_hours(newest.at),
                    status="reported",
                    run_id=newest.run_id,
                    machine=machine.name,
                )
            )
    return tuple(found)


def _reported(court: Court, machine: KnownMachine, hours: float | None) -> State:
    runs = court.ledger.runs(machine)
    if not runs:
        return State.OPEN
    return State.STALE if court.moment.is_stale(runs[-1].at, hours) else State.MET


def _weigh_inventory(percent: tuple[float, float], court: Court, hours: float | None) -> Outcome:
    stated = {(one.location, one.role): one.machines for one in court.facts.inventory}
    total = sum(stated.values())
    if not total:
        return Outcome(state=State.OPEN, gaps=("no workstation is declared in the inventory",))
    fresh: Counter[tuple[str, str]] = Counter()
    ever: Counter[tuple[str, str]] = Counter()
    for machine in court.ledger.machines:
        said = _reported(court, machine, hours)
        place = (machine.location, machine.role)
        fresh[place] += said is State.MET
        ever[place] += said in {State.MET, State.STALE}
    covered = sum(min(fresh[place], count) for place, count in stated.items())
    spoken = sum(min(ever[place], count) for place, count in stated.items())
    gaps = tuple(
        f"{place[0]}: {min(fresh[place], count)} of {count} declared {place[1]} workstations "
        "reported in time"
        for place, count in sorted(stated.items())
        if fresh[place] < count
    )
    share, spoken_share = 100 * covered / total, 100 * spoken / total
    if share >= percent[1]:
        state = State.MET
    else:
        state = State.STALE if spoken_share >= percent[1] else State.OPEN
    return Outcome(
        state=state,
        covered=covered,
        required=total,
        evidence=_reports(court, court.ledger.machines),
        gaps=() if state is State.MET else gaps,
        warnings=gaps if state is State.MET and share < percent[0] else (),
    )


def _weigh_baseline(court: Court, hours: float | None) -> Outcome:
    machines = court.ledger.machines
    places = {
        *court.facts.locations,
        *(place.location for place in court.facts.inventory),
        *(machine.location for machine in machines),
    }
    if not places:
        return Outcome(state=State.OPEN, gaps=("no location is declared",), unit="locations")
    states, gaps = [], []
    for place in sorted(places):
        said = {_reported(court, one, hours) for one in machines if one.location == place}
        state = next((one for one in (State.MET, State.STALE) if one in said), State.OPEN)
        states.append(state)
        if state is not State.MET:
            gaps.append(f"{place} has no run" + (" that is recent enough" if said else ""))
    return Outcome(
        state=worst(states),
        covered=states.count(State.MET),
        required=len(states),
        unit="locations",
        evidence=_reports(court, machines),
        gaps=tuple(gaps),
    )


def _weigh_rerun(item: Item, proof: Proof, court: Court, hours: float | None) -> Outcome:
    outcomes: list[tuple[str, Outcome]] = []
    for other in _again(item, proof, court.checklist):
        if other.proof is None or left_out_because(other, court.facts.scope):
            continue
        roles = (proof.rerun_as,) if proof.rerun_as else other.roles
        limits = [limit for limit in (hours, other.fresh_hours) if limit is not None]
        oldest = min(limits, default=None)
        outcome = _weigh(other, other.proof, court, roles, oldest)
        waiver = whole(court.waivers, other)
        if waiver is not None and outcome.state is not State.MET:
            outcome = replace(outcome, state=State.MET, failures=(), gaps=(), waivers=(waiver.id,))
        outcomes.append((other.id, outcome))
    if not outcomes:
        return Outcome(state=State.OPEN, gaps=("nothing to repeat applies to this court",))
    return Outcome(
        state=worst(outcome.state for _, outcome in outcomes),
        covered=sum(outcome.state is State.MET for _, outcome in outcomes),
        required=len(outcomes),
        unit="items",
        evidence=_once(outcomes),
        failures=tuple(f"{name}: {_brief(one.failures)}" for name, one in outcomes if one.failures),
        gaps=tuple(f"{name}: {_brief(one.gaps)}" for name, one in outcomes if one.gaps),
        short=_repeated(proof, outcomes),
        warnings=tuple(f"{name}: {said}" for name, one in outcomes for said in one.warnings),
        waivers=tuple(dict.fromkeys(name for _, one in outcomes for name in one.waivers)),
    )


def _brief(sentences: Sequence[str]) -> str:
    """Return the first of *sentences* and how many follow; the item itself has all of them."""
    more = len(sentences) - 1
    return sentences[0] + (f" (and {more} more)" if more else "")


def _repeated(proof: Proof, outcomes: Sequence[tuple[str, Outcome]]) -> str:
    """Return which items to look at, without repeating what each of them says."""
    left = [name for name, one in outcomes if one.state is not State.MET]
    kind = "blocking items" if proof.rerun == (BLOCKING_TECHNICAL,) else "items"
    said = f"{len(outcomes) - len(left)} of {len(outcomes)} {kind} are repeated"
    shown = ", ".join(left[:MOST_NAMED]) + (" …" if len(left) > MOST_NAMED else "")
    return f"{said}; see {shown}" if left else said


def _once(outcomes: Sequence[tuple[str, Outcome]]) -> tuple[Evidence, ...]:
    kept: dict[tuple[str | None, str | None], Evidence] = {}
    for _, outcome in outcomes:
        for line in outcome.evidence:
            kept.setdefault((line.run_id, line.finding), line)
    return tuple(kept.values())


def _again(item: Item, proof: Proof, checklist: Checklist) -> tuple[Item, ...]:
    if proof.rerun == (BLOCKING_TECHNICAL,):
        return tuple(
            other
            for other in checklist.items
            if other.blocking and other.proof and other.phase in PREPARING and other.id != item.id
        )
    return tuple(other for other in checklist.items if other.id in proof.rerun)


def _weigh_identifiers(pattern: str, court: Court) -> Outcome:
    oris, approved = court.facts.oris, court.facts.doj_oris
    if not oris or not approved:
        lacking = "the court's ORIs are" if not oris else "the list that DOJ approved is"
        return Outcome(state=State.OPEN, gaps=(f"{lacking} not entered",), unit="ORIs")
    failures = [f"{ori} is not of the form of an ORI" for ori in oris if not _fits(pattern, ori)]
    failures += [f"{ori} is not on DOJ's list" for ori in oris if ori not in approved]
    failures += [f"{ori} is on DOJ's list and not entered" for ori in approved if ori not in oris]
    evidence = tuple(
        Evidence(
            text=f"ORI {ori} entered",
            level=Level.L0,
            at=START,
            age_hours=0.0,
            status="declared",
        )
        for ori in oris
    )
    return Outcome(
        state=State.NOT_MET if failures else State.MET,
        covered=sum(_fits(pattern, ori) and ori in approved for ori in oris),
        required=len(set(oris) | set(approved)),
        unit="ORIs",
        evidence=evidence,
        failures=tuple(failures),
    )


def _fits(pattern: str, ori: str) -> bool:
    return re.fullmatch(pattern, ori) is not None
