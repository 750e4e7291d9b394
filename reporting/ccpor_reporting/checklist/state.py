"""From what is known of a court to the state of each item: a pure function.

Unknown never becomes met: what is missing is open, what is old is stale. Evidence must stay fresh
until go-live; after it the preparing items keep the state they went live with, unless newer
evidence says worse. With the same evidence, time never makes an item met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from ccpor_reporting.checklist.ledger import Ledger
from ccpor_reporting.checklist.model import (
    Assignment,
    Checklist,
    Decision,
    Declaration,
    DeclarationKind,
    Evidence,
    Facts,
    Item,
    ItemState,
    Kind,
    KnownMachine,
    Level,
    Party,
    Phase,
    Readiness,
    Received,
    State,
    Waiver,
)
from ccpor_reporting.checklist.outcome import Moment, Outcome, worst
from ccpor_reporting.checklist.proof import Court, weigh
from ccpor_reporting.checklist.scope import left_out_because
from ccpor_reporting.checklist.sign_off import weigh_signatures
from ccpor_reporting.checklist.waivers import in_force, whole
from ccpor_reporting.checklist.words import PARTY_WORDS, listed
from ccpor_reporting.model import Status

SETTLED = frozenset({State.MET, State.WAIVED, State.NOT_APPLICABLE})
COVERABLE = frozenset({Status.FAIL, Status.ERROR, Status.SKIP})


def court_checklist(
    checklist: Checklist,
    facts: Facts,
    machines: Iterable[KnownMachine],
    reports: Iterable[Received],
    declarations: Iterable[Declaration],
    *,
    go_live: date | None,
    now: datetime,
    waivers: Iterable[Waiver] = (),
    decisions: Iterable[Decision] = (),
    assignments: Iterable[Assignment] = (),
) -> tuple[ItemState, ...]:
    """Return the state of every item of *checklist*, in its order.

    machines: enrolled and not revoked; reports of others are not counted. The rest as of
    `ledger_checklist`.
    """
    return ledger_checklist(
        checklist,
        facts,
        Ledger.of(machines, reports, now),
        declarations,
        go_live=go_live,
        now=now,
        waivers=waivers,
        decisions=decisions,
        assignments=assignments,
    )


def ledger_checklist(
    checklist: Checklist,
    facts: Facts,
    ledger: Ledger,
    declarations: Iterable[Declaration],
    *,
    go_live: date | None,
    now: datetime,
    waivers: Iterable[Waiver] = (),
    decisions: Iterable[Decision] = (),
    assignments: Iterable[Assignment] = (),
) -> tuple[ItemState, ...]:
    """Return the state of every item of *checklist*, in its order; reports are folded already.

    go_live: the agreed date; without one nothing is due but what is assigned with a date.
    What was granted, signed or assigned after *now* is not known.
    """
    words = sorted((one for one in declarations if one.at <= now), key=lambda one: one.at)
    given = _Given(
        checklist=checklist,
        words=words,
        waivers=in_force(waivers, checklist, now),
        decisions=tuple(sorted((o for o in decisions if o.at <= now), key=lambda one: one.at)),
        assigned={
            one.item: one for one in sorted(assignments, key=lambda one: one.at) if one.at <= now
        },
        go_live=go_live,
    )
    states: dict[str, ItemState] = {}
    for item in sorted(checklist.items, key=lambda one: bool(one.signed)):
        court = Court(checklist, facts, ledger, _moment(item, go_live, now))
        settled = frozenset(name for name, one in states.items() if one.state in SETTLED)
        states[item.id] = _state(item, court, given, settled)
    return tuple(states[item.id] for item in checklist.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Given:
    """What people said and decided; waivers: in force; assigned: the newest of each item."""

    checklist: Checklist
    words: Sequence[Declaration]
    waivers: tuple[Waiver, ...]
    decisions: tuple[Decision, ...]
    assigned: Mapping[str, Assignment]
    go_live: date | None


def _moment(item: Item, go_live: date | None, now: datetime) -> Moment:
    if go_live is None:
        return Moment(now, now, None)
    start = datetime.combine(go_live, time(), UTC)
    last = start + timedelta(days=max(item.due_days, 0) + 1)
    return Moment(now, min(now, last), start)


def _state(item: Item, court: Court, given: _Given, settled: frozenset[str]) -> ItemState:
    now = court.moment.now
    mine = given.assigned.get(item.id)
    due = None if given.go_live is None else given.go_live + timedelta(days=item.due_days)
    if mine is not None and mine.due is not None:
        due = mine.due
    owner = mine.owner if mine is not None else ""
    left_out = left_out_because(item, court.facts.scope)
    if left_out:
        return ItemState(
            item=item,
            state=State.NOT_APPLICABLE,
            why=left_out,
            due=due,
            overdue=False,
            owner=owner,
        )
    said = [one for one in given.words if one.item == item.id]
    latest = {one.party: one for one in said}
    outcome = (
        weigh_signatures(item, court.facts.scope, given.decisions, settled, court.moment)
        if item.signed
        else _outcome(item, court, latest)
    )
    standing = _covered(item, court, latest, outcome, given)
    return ItemState(
        item=item,
        state=standing.state,
        why=standing.why,
        due=due,
        overdue=due is not None and now.date() > due and standing.state not in SETTLED,
        covered=outcome.covered,
        required=outcome.required,
        evidence=(*_words(said, court.moment), *standing.evidence),
        warnings=outcome.warnings,
        gaps=(*outcome.failures, *outcome.gaps),
        under=standing.under,
        waivers=standing.waivers,
        owner=owner,
        level=_level(standing.state, item, standing.evidence),
    )


@dataclass(frozen=True, slots=True)
class _Standing:
    """An item's state with what was waived or left out."""

    state: State
    why: str
    evidence: tuple[Evidence, ...]
    under: State | None = None
    waivers: tuple[str, ...] = ()


def _covered(
    item: Item, court: Court, latest: dict[Party, Declaration], outcome: Outcome, given: _Given
) -> _Standing:
    why = _why(item, outcome)
    if outcome.state is State.MET and item.kind is Kind.ATTESTED and not item.signed:
        why = "attested by " + _names(item, latest)
    plain = _Standing(outcome.state, why, outcome.evidence)
    if outcome.state is State.MET or item.mandatory:
        return plain
    aoc = latest.get(Party.AOC)
    if aoc is not None and aoc.kind is DeclarationKind.NOT_APPLICABLE:
        left_out = f"left out by {aoc.by}: {aoc.note}"
        return _Standing(State.NOT_APPLICABLE, left_out, outcome.evidence, outcome.state)
    if (
        aoc is not None
        and aoc.kind is DeclarationKind.WAIVED
        and aoc.until
        and aoc.until >= court.moment.now.date()
    ):
        why = f"waived by {aoc.by} until {aoc.until}: {aoc.note}"
        return _Standing(State.WAIVED, why, outcome.evidence, outcome.state)
    return _waived(item, court, latest, plain, given)


def _waived(
    item: Item,
    court: Court,
    latest: dict[Party, Declaration],
    plain: _Standing,
    given: _Given,
) -> _Standing:
    """Return the item under its waivers: waived only when they cover all that keeps it from met."""
    every = whole(given.waivers, item)
    if every is not None:
        why = f"waived by {every.by} until {every.until}: {every.reason}"
        evidence = tuple(
            msgspec.structs.replace(one, waiver=every.id) if one.status in COVERABLE else one
            for one in plain.evidence
        )
        return _Standing(State.WAIVED, why, evidence, plain.state, (every.id,))
    if not given.waivers or item.signed or item.kind is Kind.ATTESTED:
        return plain
    again = _outcome(item, replace(court, waivers=given.waivers), latest)
    if not again.waivers:
        return plain
    if again.state is not State.MET:  # what is left is told, not what is covered already
        why = _why(item, again)
        return _Standing(again.state, why, again.evidence, plain.state, again.waivers)
    used = [one for one in given.waivers if one.id in again.waivers]
    first = min(used, key=lambda one: one.until)
    more = f" (and {len(used) - 1} more)" if len(used) > 1 else ""
    why = f"waived by {first.by} until {first.until}: {first.reason}{more}"
    return _Standing(State.WAIVED, why, again.evidence, plain.state, again.waivers)


def _level(state: State, item: Item, evidence: Sequence[Evidence]) -> Level | None:
    """Return the lowest level that a met item rests on; None where nothing holds it up."""
    if state is not State.MET:
        return None
    levels = [one.level for one in evidence if not one.stale]
    if item.kind is not Kind.TECHNICAL:
        levels.append(Level.L0)
    return min(levels, default=Level.L0)


def _outcome(item: Item, court: Court, latest: dict[Party, Declaration]) -> Outcome:
    if item.kind is Kind.TECHNICAL:
        return weigh(item, court)
    attested = _attested(item, latest, court.moment)
    if item.kind is Kind.ATTESTED:
        return attested
    measured = weigh(item, court)
    return Outcome(
        state=worst((measured.state, attested.state)),
        covered=measured.covered,
        required=measured.required,
        unit=measured.unit,
        evidence=measured.evidence,
        failures=(*attested.failures, *measured.failures),
        gaps=(*attested.gaps, *measured.gaps),
        warnings=measured.warnings,
        waivers=measured.waivers,
    )


def _attested(item: Item, latest: dict[Party, Declaration], moment: Moment) -> Outcome:
    """Return what people's word comes to: every owner's where all are needed, else any one's."""
    states: dict[Party, State] = {}
    failures, gaps = [], []
    for party in item.owners:
        word = latest.get(party)
        if word is None or word.kind not in {DeclarationKind.MET, DeclarationKind.NOT_MET}:
            states[party] = State.OPEN
        elif word.kind is DeclarationKind.NOT_MET:
            states[party] = State.NOT_MET
            failures.append(f"{word.by} ({PARTY_WORDS[party]}) says it is not done: {word.note}")
        elif moment.is_stale(_done(word), item.fresh_hours):
            states[party] = State.STALE
            gaps.append(f"attested for {_done(word):%Y-%m-%d}, too long ago")
        else:
            states[party] = State.MET
    met = [party for party, state in states.items() if state is State.MET]
    every = item.all_owners or State.NOT_MET in states.values()
    state = worst(states.values()) if every else min(states.values(), key=_best_first)
    if state is not State.MET:
        absent = [PARTY_WORDS[party] for party, one in states.items() if one is State.OPEN]
        if absent:
            who = listed(absent, "and" if item.all_owners else "or")
            nobody = len(absent) == len(item.owners)
            gaps.append(
                f"nobody has declared this yet ({who})" if nobody else f"not declared yet by {who}"
            )
    required = len(item.owners) if item.all_owners else 1
    return Outcome(
        state=state,
        covered=min(len(met), required),
        required=required,
        unit="attestations",
        failures=tuple(failures),
        gaps=tuple(gaps),
    )


def _names(item: Item, latest: dict[Party, Declaration]) -> str:
    """Return whose word it is, as ``r.diaz (court)``; nobody's word is left out."""
    return ", ".join(
        f"{latest[party].by} ({PARTY_WORDS[party]})"
        for party in item.owners
        if party in latest and latest[party].kind is DeclarationKind.MET
    )


def _best_first(state: State) -> int:
    return (State.MET, State.STALE, State.OPEN, State.NOT_MET).index(state)


def _done(word: Declaration) -> datetime:
    """Return when it was done, by the person's word; never later than the word was given."""
    if word.done_on is None:
        return word.at
    return min(word.at, datetime.combine(word.done_on, time(), UTC))


def _words(said: Sequence[Declaration], moment: Moment) -> tuple[Evidence, ...]:
    """Return the declarations as evidence, newest first: all of them, as nothing is deleted."""
    return tuple(
        Evidence(
            text=one.note or "no note",
            level=Level.L0,
            at=one.at,
            age_hours=moment.age_hours(one.at),
            status=one.kind,
            by=f"{one.by} ({PARTY_WORDS[one.party]})",
        )
        for one in reversed(said)
    )


def _why(item: Item, outcome: Outcome) -> str:
    seen = f"{outcome.covered} of {outcome.required} {outcome.unit}"
    more = len(outcome.failures) - 1 if outcome.failures else len(outcome.gaps) - 1
    tail = f" (and {more} more)" if more > 0 else ""
    match outcome.state:
        case one if outcome.short and (item.signed or one is not State.MET):
            return outcome.short
        case State.MET:
            count = len(outcome.warnings)
            noted = f", with {count} warning{'' if count == 1 else 's'}" if count else ""
            return f"{seen} show it{noted}"
        case State.NOT_MET:
            return outcome.failures[0] + tail
        case State.STALE:
            return f"{seen} have recent evidence; {outcome.gaps[0]}{tail}"
        case _ if outcome.required and item.kind is not Kind.ATTESTED:
            return f"{seen} show it; {outcome.gaps[0]}{tail}"
        case _:
            return outcome.gaps[0] + tail


def phase_on(today: date, go_live: date | None) -> Phase:
    """Return the phase a court is in: planning until 60 days before go-live, implement until 30."""
    if go_live is None or (days := (go_live - today).days) > 60:
        return Phase.PLANNING
    if days > 30:
        return Phase.IMPLEMENT
    return Phase.GO_LIVE if days >= 0 else Phase.POST_GO_LIVE


def readiness(states: Sequence[ItemState], *, go_live: date | None, today: date) -> Readiness:
    """Return a court on one line.

    verdict: *not-ready* once a blocking item up to go-live is not met, *unknown* while one is open
    or stale, *ready* when all are met, waived or do not apply.
    """
    counts = Counter(one.state for one in states)
    unsettled = [one for one in states if one.item.blocking and one.state not in SETTLED]
    before = [one for one in unsettled if one.item.due_days <= 0]
    is_live = go_live is not None and today > go_live
    if any(one.state is State.NOT_MET for one in before):
        verdict = "not-ready"
    else:
        verdict = "unknown" if before or not states else "ready"
    return Readiness(
        phase=phase_on(today, go_live),
        go_live=go_live,
        days_to_go_live=None if go_live is None else (go_live - today).days,
        counts={state.value: counts[state] for state in State},
        blocking_open=tuple(one.item.id for one in (unsettled if is_live else before)),
        verdict=verdict,
    )
