"""Signatures on go-live and close-out: who must sign, what stands, and what it comes to.

A party's newest signature stands until two of its people have undone it. All must have signed the
same checklist, told by its digest; a workaround whose day is over counts as not done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from ccpor_reporting.checklist.model import (
    Decision,
    DecisionKind,
    Evidence,
    Item,
    Level,
    Party,
    Scope,
    State,
)
from ccpor_reporting.checklist.outcome import Moment, Outcome
from ccpor_reporting.checklist.words import PARTY_WORDS, listed

GOES = frozenset({DecisionKind.GO, DecisionKind.GO_WITH_WORKAROUNDS})
PEOPLE_TO_UNDO = 2


def parties(item: Item, scope: Scope) -> tuple[Party, ...]:
    """Return who must sign *item*; the sheriff unless the scope leaves law enforcement out."""
    without = scope.sheriff_enters is False and scope.lea_extranet is False
    return tuple(one for one in item.owners if not (one is Party.SHERIFF and without))


def undone_by(decisions: Sequence[Decision], signature: Decision) -> tuple[str, ...]:
    """Return who of the party has asked to undo *signature*, each person once."""
    return tuple(
        dict.fromkeys(
            one.by
            for one in decisions
            if one.kind is DecisionKind.UNDO
            and one.refers_to == signature.id
            and one.party is signature.party
        )
    )


def standing(decisions: Sequence[Decision], subject: str) -> dict[Party, Decision]:
    """Return the signature of each party that stands on *subject*; *decisions* oldest first.

    After an undo nothing stands: an older signature does not come back.
    """
    newest: dict[Party, Decision] = {}
    for one in decisions:
        if one.subject == subject and one.kind is not DecisionKind.UNDO:
            newest[one.party] = one
    return {
        party: one
        for party, one in newest.items()
        if len(undone_by(decisions, one)) < PEOPLE_TO_UNDO
    }


def weigh_signatures(
    item: Item, scope: Scope, decisions: Sequence[Decision], settled: frozenset[str], moment: Moment
) -> Outcome:
    """Return what the signatures on *item* come to.

    settled: ids of the items that are met, waived or do not apply; their workarounds are over.
    """
    needed = parties(item, scope)
    signed = standing(decisions, item.signed)
    refused = [signed[one] for one in needed if one in signed and signed[one].kind not in GOES]
    going = [signed[one] for one in needed if one in signed and signed[one].kind in GOES]
    failures = [f"{_name(one)} says no-go: {one.note}" for one in refused]
    failures += _past_due(going, settled, moment.now.date())
    gaps = _missing(needed, signed) + _differing(going)
    state = State.OPEN if gaps else State.MET
    if failures:
        state = State.NOT_MET
    return Outcome(
        state=state,
        covered=len(going),
        required=len(needed),
        unit="signatures",
        evidence=tuple(_evidence(one, moment) for one in reversed(decisions) if _on(one, item)),
        failures=tuple(failures),
        gaps=tuple(gaps),
        warnings=tuple(
            f"workaround for {one.item} until {one.until}: {one.text}"
            for signature in going
            for one in signature.workarounds
            if one.item not in settled
        ),
        short=_signed_words(going) if state is State.MET else None,
    )


def _on(one: Decision, item: Item) -> bool:
    return one.subject == item.signed


def _missing(needed: Sequence[Party], signed: Mapping[Party, Decision]) -> list[str]:
    absent = [PARTY_WORDS[one] for one in needed if one not in signed]
    return [f"not signed yet by {listed(absent, 'and')}"] if absent else []


def _differing(going: Sequence[Decision]) -> list[str]:
    if len({(one.basis, one.seen_root) for one in going}) < 2:
        return []
    newest = max(going, key=lambda one: one.at)
    same = (newest.basis, newest.seen_root)
    others = [PARTY_WORDS[one.party] for one in going if (one.basis, one.seen_root) != same]
    return [
        f"the checklist changed after {listed(others, 'and')} signed; sign again what "
        f"{PARTY_WORDS[newest.party]} signed"
    ]


def _past_due(going: Sequence[Decision], settled: frozenset[str], today: date) -> list[str]:
    found = {
        (one.item, one.until): one.text
        for signature in going
        for one in signature.workarounds
        if one.until < today and one.item not in settled
    }
    return [
        f"the workaround for {name} ended on {until} and {name} is not met: {text}"
        for (name, until), text in sorted(found.items())
    ]


def _name(one: Decision) -> str:
    return f"{one.by} ({PARTY_WORDS[one.party]})"


def _signed_words(going: Sequence[Decision]) -> str:
    return "signed by " + ", ".join(_name(one) for one in going)


def _evidence(one: Decision, moment: Moment) -> Evidence:
    said = one.note or "no note"
    return Evidence(
        text=f"{said}; saw the log at {one.seen_size} entries, root {one.seen_root[:12]}",
        level=Level.L0,
        at=one.at,
        age_hours=moment.age_hours(one.at),
        status=one.kind.value,
        by=_name(one),
    )
