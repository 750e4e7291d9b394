"""The page on which go-live and close-out are signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ccpor_reporting.checklist.basis import Changed
from ccpor_reporting.checklist.model import Party, State
from ccpor_reporting.checklist.sign_off import undone_by
from ccpor_reporting.checklist.state import SETTLED
from ccpor_server.pages.forms import Fault
from ccpor_server.pages.sign_off_desk import KINDS, SUBJECTS, Asked, Desk, needed, speaks_for
from ccpor_server.pages.stamp import Stamp, day, stamp
from ccpor_server.pages.words import DECLARED, PARTIES, STATES, Mark
from ccpor_server.store.people import Person

MOST_WORKAROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRow:
    """A party that must sign; signature: what stands of it."""

    party: str
    mark: Mark
    by: str
    at: Stamp | None
    note: str
    workarounds: tuple[str, ...]
    same: bool  # it signed the checklist as it is now
    undo_href: str | None
    undone_by: str  # who has asked to undo it so far


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    id: str
    title: str
    href: str
    mark: Mark
    why: str
    blocking: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOffPage:
    court_id: str
    court: str
    subject: str
    subjects: tuple[tuple[str, str, bool], ...]  # address, word, this one
    parties: tuple[PartyRow, ...]
    outcome: Mark
    why: str
    counts: tuple[tuple[Mark, int], ...]
    left: tuple[OpenItem, ...]
    changed: tuple[Changed, ...]
    changed_since: str
    basis: str
    size: int
    root: str
    later: int  # entries since the root was signed first
    speaks_for: str | None
    kinds: tuple[tuple[str, str], ...]
    typed: Mapping[str, str]
    rows: range
    faults: tuple[Fault, ...]
    confirming: tuple[tuple[str, str], ...]
    hidden: tuple[tuple[str, str], ...]
    history: tuple[tuple[Mark, str, Stamp, str], ...]
    as_of: Stamp


def sign_off_page(
    desk: Desk,
    person: Person,
    now: datetime,
    given: Mapping[str, str],
    *,
    faults: tuple[Fault, ...] = (),
    confirming: Asked | None = None,
) -> SignOffPage:
    """Return the page; *given* is what was typed, *confirming* what is about to be signed."""
    view, base = desk.view, f"/courts/{desk.view.court.id}"
    state = next(one for one in view.checklist.items if one.item.id == desk.item.id)
    party, (size, root) = speaks_for(person, desk), desk.seen
    return SignOffPage(
        court_id=view.court.id,
        court=view.court.name,
        subject=desk.subject,
        subjects=tuple(
            (f"{base}/sign-off/{name}", word, name == desk.subject)
            for name, word in SUBJECTS.items()
        ),
        parties=tuple(_party_row(one, desk, party, now) for one in needed(desk)),
        outcome=STATES[state.state],
        why=state.why,
        counts=tuple(
            (STATES[one], view.checklist.readiness.counts[one])
            for one in State
            if view.checklist.readiness.counts[one]
        ),
        left=_left(desk, base),
        changed=tuple(desk.before),
        changed_since=PARTIES[desk.other.party] if desk.other else "",
        basis=desk.basis,
        size=size,
        root=root,
        later=desk.head.size - size,
        speaks_for=PARTIES[party] if party else None,
        kinds=tuple((kind.value, word) for kind, word in KINDS.items()),
        typed=given,
        rows=range(MOST_WORKAROUNDS),
        faults=faults,
        confirming=_lines(confirming, person, party, size, root) if confirming and party else (),
        hidden=tuple((name, value) for name, value in given.items() if name != "confirmed"),
        history=_history(desk, now),
        as_of=stamp(now, now, view.court.time_zone),
    )


def _left(desk: Desk, base: str) -> tuple[OpenItem, ...]:
    last = desk.item.due_days
    return tuple(
        OpenItem(
            id=one.item.id,
            title=one.item.title,
            href=f"{base}/items/{one.item.id}",
            mark=STATES[one.state],
            why=one.why,
            blocking=one.item.blocking,
        )
        for one in desk.view.checklist.items
        if one.state not in SETTLED and not one.item.signed and one.item.due_days <= last
    )


def _party_row(party: Party, desk: Desk, mine: Party | None, now: datetime) -> PartyRow:
    signature = desk.signed.get(party)
    if signature is None:
        return PartyRow(
            party=PARTIES[party],
            mark=STATES[State.OPEN],
            by="",
            at=None,
            note="",
            workarounds=(),
            same=True,
            undo_href=None,
            undone_by="",
        )
    asked = undone_by(desk.said, signature)
    base = f"/courts/{desk.view.court.id}/sign-off/{desk.subject}"
    return PartyRow(
        party=PARTIES[party],
        mark=DECLARED[signature.kind.value],
        by=signature.by,
        at=stamp(signature.at, now, desk.view.court.time_zone),
        note=signature.note,
        workarounds=tuple(
            f"{one.item} until {day(one.until)}: {one.text}" for one in signature.workarounds
        ),
        same=signature.basis == desk.basis,
        undo_href=f"{base}/{signature.id}/undo" if party is mine else None,
        undone_by=", ".join(asked),
    )


def _lines(
    asked: Asked, person: Person, party: Party, size: int, root: str
) -> tuple[tuple[str, str], ...]:
    lines = [("You sign", KINDS[asked.kind]), ("For", PARTIES[party])]
    lines += [
        (f"Workaround for {one.item}", f"until {day(one.until)}: {one.text}")
        for one in asked.workarounds
    ]
    return (
        *lines,
        ("Note", asked.note or "none"),
        ("Your name", person.name),
        ("The log you saw", f"{size} entries, root {root}"),
    )


def _history(desk: Desk, now: datetime) -> tuple[tuple[Mark, str, Stamp, str], ...]:
    zone = desk.view.court.time_zone
    return tuple(
        (
            DECLARED[one.kind.value],
            f"{one.by} ({PARTIES[one.party]})",
            stamp(one.at, now, zone),
            one.note,
        )
        for one in reversed(desk.said)
        if one.subject == desk.subject
    )
