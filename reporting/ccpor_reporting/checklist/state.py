"""From what is known of a court to the state of each item: a pure function.

Unknown never becomes met: what is missing is open, what is old is stale. Evidence must stay fresh
until go-live; after it the preparing items keep the state they went live with, unless newer
evidence says worse. With the same evidence, time never makes an item met.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from ccpor_reporting.checklist.ledger import Ledger
from ccpor_reporting.checklist.model import (
    Checklist,
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
)
from ccpor_reporting.checklist.outcome import Moment, Outcome, worst
from ccpor_reporting.checklist.proof import Court, weigh
from ccpor_reporting.checklist.scope import left_out_because

SETTLED = frozenset({State.MET, State.WAIVED, State.NOT_APPLICABLE})
PARTY_WORDS = {
    Party.AOC: "AOC",
    Party.COURT: "court",
    Party.SHERIFF: "sheriff",
    Party.DOJ: "California DOJ",
}


def court_checklist(
    checklist: Checklist,
    facts: Facts,
    machines: Iterable[KnownMachine],
    reports: Iterable[Received],
    declarations: Iterable[Declaration],
    *,
    go_live: date | None,
    now: datetime,
) -> tuple[ItemState, ...]:
    """Return the state of every item of *checklist*, in its order.

    machines: enrolled and not revoked; reports of others are not counted.
    go_live: the agreed date; without one nothing is due.
    """
    ledger = Ledger(machines, reports, now)
    words = sorted((one for one in declarations if one.at <= now), key=lambda one: one.at)
    states = []
    for item in checklist.items:
        said = [one for one in words if one.item == item.id]
        court = Court(checklist, facts, ledger, _moment(item, go_live, now))
        states.append(_state(item, court, said, go_live))
    return tuple(states)


def _moment(item: Item, go_live: date | None, now: datetime) -> Moment:
    if go_live is None:
        return Moment(now, now, None)
    start = datetime.combine(go_live, time(), UTC)
    last = start + timedelta(days=max(item.due_days, 0) + 1)
    return Moment(now, min(now, last), start)


def _state(
    item: Item, court: Court, said: Sequence[Declaration], go_live: date | None
) -> ItemState:
    now = court.moment.now
    due = None if go_live is None else go_live + timedelta(days=item.due_days)
    left_out = left_out_because(item, court.facts.scope)
    if left_out:
        return ItemState(
            item=item, state=State.NOT_APPLICABLE, why=left_out, due=due, overdue=False
        )
    latest = {one.party: one for one in said}
    outcome = _outcome(item, court, latest)
    state, why = outcome.state, _why(item, outcome)
    if state is State.MET and item.kind is Kind.ATTESTED:
        why = "attested by " + _names(item, latest)
    aoc = latest.get(Party.AOC)
    if state is not State.MET and aoc is not None:
        if aoc.kind is DeclarationKind.WAIVED and aoc.until and aoc.until >= now.date():
            state, why = State.WAIVED, f"waived by {aoc.by} until {aoc.until}: {aoc.note}"
        elif aoc.kind is DeclarationKind.NOT_APPLICABLE:
            state, why = State.NOT_APPLICABLE, f"left out by {aoc.by}: {aoc.note}"
    return ItemState(
        item=item,
        state=state,
        why=why,
        due=due,
        overdue=due is not None and now.date() > due and state not in SETTLED,
        covered=outcome.covered,
        required=outcome.required,
        evidence=(*_words(said, court.moment), *outcome.evidence),
        warnings=outcome.warnings,
        gaps=(*outcome.failures, *outcome.gaps),
    )


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
            who = _listed(absent, "and" if item.all_owners else "or")
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


def _listed(words: Sequence[str], joint: str) -> str:
    """Return e.g. ``court, sheriff and AOC``."""
    first, last = words[:-1], words[-1]
    return f"{', '.join(first)} {joint} {last}" if first else last


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
        case one if outcome.short and one is not State.MET:
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
