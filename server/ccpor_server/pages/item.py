"""A person's word on one item: the form, its faults, and what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from ccpor_reporting.checklist.model import DeclarationKind, ItemState, Kind, Party
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.board import Choice
from ccpor_server.pages.court import ItemRow, item_row
from ccpor_server.pages.forms import LONGEST_NOTE, Fault, day_from
from ccpor_server.pages.item_work import ItemWork
from ccpor_server.pages.stamp import day, zone
from ccpor_server.pages.words import PARTIES
from ccpor_server.rights import Right, Role
from ccpor_server.store.people import Person

WORDS = {
    DeclarationKind.MET: "It is done",
    DeclarationKind.NOT_MET: "It is not done, and here is why",
    DeclarationKind.OPEN: "Take back what was said before",
    DeclarationKind.NOT_APPLICABLE: "It does not apply to this court",
}
OFFICE = (DeclarationKind.NOT_APPLICABLE,)
# A sheriff and DOJ have no sign-in: their letter goes to the court, or to the AOC.
FOR_COURT = (Party.COURT, Party.SHERIFF, Party.DOJ)
FOR_OFFICE = (Party.AOC, Party.DOJ)
FOR_SHERIFF = (Party.SHERIFF,)
NEEDS_NOTE = (DeclarationKind.NOT_MET, *OFFICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a person is about to record."""

    kind: DeclarationKind
    party: Party
    note: str
    done_on: date | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPage:
    court_id: str
    court: str
    item: ItemRow
    who: str
    kinds: tuple[Choice, ...]
    parties: tuple[Choice, ...]
    faults: tuple[Fault, ...]
    note: str
    done_on: str
    closed: str | None  # why this person cannot declare anything here
    today: str
    work: ItemWork
    comment: str
    assigned_owner: str
    assigned_due: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    court_id: str
    court: str
    item_id: str
    title: str
    who: str
    lines: tuple[tuple[str, str], ...]
    hidden: tuple[tuple[str, str], ...]


def kinds_for(state: ItemState, person: Person) -> tuple[DeclarationKind, ...]:
    """Return what *person* may say about the item; nothing for a court on a technical one."""
    said: tuple[DeclarationKind, ...] = ()
    again = (DeclarationKind.OPEN,) if has_spoken(state, person) else ()
    spoken_for = state.item.kind is not Kind.TECHNICAL and not state.item.signed
    if spoken_for and parties_for(state, person, attest=True):
        said = (DeclarationKind.MET, DeclarationKind.NOT_MET, *again)
    if not person.may(Right.ATTEST):
        return ()
    if not person.may(Right.WAIVE) or state.item.mandatory:
        return said
    return (*(said or again), *OFFICE)


def has_spoken(state: ItemState, person: Person) -> bool:
    """Return whether a party that *person* speaks for has a word to take back."""
    newest: dict[str, str] = {}
    for line in state.evidence:  # declarations come newest first
        if line.by:
            newest.setdefault(line.by.rpartition(" (")[2].rstrip(")"), line.status)
    mine = {PARTIES[party] for party in parties_for(state, person)}
    return any(newest.get(party, DeclarationKind.OPEN) != DeclarationKind.OPEN for party in mine)


def parties_for(state: ItemState, person: Person, *, attest: bool = False) -> tuple[Party, ...]:
    """Return on whose behalf *person* may speak: two offices sign, so neither for the other."""
    speaks_for: tuple[Party, ...] = FOR_COURT if person.is_of_court else FOR_OFFICE
    if person.role is Role.SHERIFF:
        speaks_for = FOR_SHERIFF
    found = tuple(party for party in state.item.owners if party in speaks_for)
    if attest or person.is_of_court or Party.AOC in found:
        return found
    return (Party.AOC, *found)  # the AOC waives what it does not own


def item_page(
    view: CourtView,
    state: ItemState,
    person: Person,
    now: datetime,
    *,
    work: ItemWork,
    given: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
) -> ItemPage:
    """Return the form; *given* is what was typed before."""
    typed = given or {}
    kinds, parties = kinds_for(state, person), parties_for(state, person)
    closed = None
    if not kinds:
        closed = (
            "This item is filled by signed reports. Run ccpor-check on the workstations; "
            "only the AOC can waive it."
            if state.item.kind is Kind.TECHNICAL
            else "Only the AOC can attest this item."
        )
        if state.item.signed:
            closed = "This item is filled by the signatures of all parties on the sign-off page."
    chosen_kind = typed.get("kind", "")  # nobody declares by leaving things as they were
    chosen_party = typed.get("party") or (parties[0].value if parties else "")
    return ItemPage(
        court_id=view.court.id,
        court=view.court.name,
        item=item_row(state, view, now, most=None),
        who=person.name,
        kinds=tuple(Choice(one.value, WORDS[one], one.value == chosen_kind) for one in kinds),
        parties=tuple(
            Choice(one.value, PARTIES[one], one.value == chosen_party) for one in parties
        ),
        faults=faults,
        note=typed.get("note", ""),
        done_on=typed.get("done_on", ""),
        closed=closed,
        today=now.date().isoformat(),
        work=work,
        comment=typed.get("comment", ""),
        assigned_owner=typed.get("owner", work.owner),
        assigned_due=typed.get("due", work.due),
    )


def word_from(
    given: Mapping[str, str], state: ItemState, person: Person, today: date
) -> tuple[Word | None, tuple[Fault, ...]]:
    """Return the word that a form holds, or every fault of it."""
    faults: list[Fault] = []
    kinds = {one.value: one for one in kinds_for(state, person)}
    parties = {one.value: one for one in parties_for(state, person)}
    kind, party = kinds.get(given.get("kind", "")), parties.get(given.get("party", ""))
    note = given.get("note", "")
    if kind is None:
        faults.append(Fault("kind", "choose what you declare"))
    if party is None:
        faults.append(Fault("party", "choose on whose behalf you speak"))
    if len(note) > LONGEST_NOTE:
        faults.append(Fault("note", f"shorten the note to {LONGEST_NOTE} characters"))
    if kind in NEEDS_NOTE and not note:
        faults.append(Fault("note", "say why: this declaration needs a note"))
    if kind in OFFICE and party is not Party.AOC:
        faults.append(Fault("party", "only the AOC leaves an item out"))
    done_on = _day(given.get("done_on", ""), "done_on", faults)
    if done_on and done_on > today:
        faults.append(Fault("done_on", "the day it was done cannot lie in the future"))
    if faults or kind is None or party is None:
        return None, tuple(faults)
    return Word(
        kind=kind,
        party=party,
        note=note,
        done_on=done_on if kind is DeclarationKind.MET else None,
        until=None,
    ), ()


def _day(text: str, field: str, faults: list[Fault]) -> date | None:
    try:
        return day_from(text)
    except ValueError:
        faults.append(Fault(field, f"“{text[:30]}” is not a date; use year-month-day"))
        return None


def confirm_page(
    view: CourtView, state: ItemState, person: Person, word: Word, now: datetime
) -> ConfirmPage:
    """Return what the person is about to record, in full, before it stands for ever."""
    lines = [
        ("Item", f"{state.item.id} {state.item.title}"),
        ("Court", view.court.name),
        ("You declare", WORDS[word.kind]),
        ("On behalf of", PARTIES[word.party]),
    ]
    if word.kind is DeclarationKind.MET:
        today = now.astimezone(zone(view.court.time_zone)).date()
        done_on = day(word.done_on) if word.done_on else f"{day(today)}, today"
        lines.append(("Done on", done_on))
    lines.append(("Note", word.note or "none"))
    lines.append(("Your name", person.name))
    hidden = [
        ("kind", word.kind.value),
        ("party", word.party.value),
        ("note", word.note),
        ("done_on", word.done_on.isoformat() if word.done_on else ""),
        ("confirmed", "yes"),
    ]
    return ConfirmPage(
        court_id=view.court.id,
        court=view.court.name,
        item_id=state.item.id,
        title=state.item.title,
        who=person.name,
        lines=tuple(lines),
        hidden=tuple(hidden),
    )
