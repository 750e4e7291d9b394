"""One court: where it stands, what blocks it, and every item with its evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from ccpor_reporting.checklist.model import Evidence, ItemState, Kind, Phase, State
from ccpor_reporting.checklist.state import SETTLED
from ccpor_reporting.checklist.text import met_words
from ccpor_reporting.model import Status
from ccpor_reporting.text import value_words
from ccpor_server.checklist_state import CourtView
from ccpor_server.pages.board import KINDS as COURT_KINDS
from ccpor_server.pages.board import Choice, Part, parts
from ccpor_server.pages.machines import Matrix, matrix
from ccpor_server.pages.stamp import Stamp, day, days_words, stamp
from ccpor_server.pages.words import (
    COURT_VERDICTS,
    DECLARED,
    KINDS,
    PARTIES,
    PHASES,
    STATES,
    STATUSES,
    Mark,
)
from ccpor_server.rights import Right
from ccpor_server.store.people import Person

LEVELS = {
    "L0": "a person's word",
    "L1": "measured and signed by the workstation",
    "L2": "confirmed from the other side",
    "L3": "witnessed",
}
VIEWS = {
    "": "all items",
    "left": "what is left",
    "blocking": "what blocks go-live",
    "technical": "filled by reports",
    "attested": "attested by people",
}
MOST_BLOCKERS = 6
MOST_EVIDENCE = 8  # of an item on the court's page; the item's own page has all
DUE = {
    Phase.PLANNING: "60 days before go-live",
    Phase.IMPLEMENT: "30 days before go-live",
    Phase.GO_LIVE: "on the day",
    Phase.POST_GO_LIVE: "within 30 days after",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    mark: Mark
    source: str
    href: str | None
    text: str
    observed: str
    by: str
    level: str
    level_words: str
    at: Stamp
    stale: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    id: str
    title: str
    mark: Mark
    why: str
    blocking: bool
    kind: str
    owners: str
    due: str | None
    overdue: bool
    criterion: str
    advice: str
    gaps: tuple[str, ...]
    warnings: tuple[str, ...]
    evidence: tuple[EvidenceRow, ...]
    more: int  # pieces of evidence that are not shown here
    attest_href: str | None
    attest_text: str
    owner: str
    level: str
    level_words: str
    under: str  # the state without its waiver
    coverage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseBlock:
    name: str
    anchor: str
    due: str
    step: str  # done, now or later
    met: str  # "8 of 15 met, 2 waived or n/a"
    items: tuple[ItemRow, ...]
    folded: tuple[ItemRow, ...]  # neither of the present phase nor blocking


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtPage:
    court_id: str
    name: str
    kind: str
    verdict: Mark
    go_live: str | None
    countdown: str
    parts: tuple[Part, ...]
    applicable: int
    blocking: int
    blockers: tuple[ItemRow, ...]
    owed: tuple[tuple[str, int], ...]
    phases: tuple[PhaseBlock, ...]
    views: tuple[Choice, ...]
    counted: str
    matrix: Matrix
    heard: Stamp | None
    as_of: Stamp
    version: int
    manage_href: str | None
    sample: bool
    waived: int
    may_open: bool
    may_plan: bool


def court_page(view: CourtView, person: Person, asked: str, now: datetime) -> CourtPage:
    """Return the page of one court; *asked* is which items to show."""
    court, ready = view.court, view.checklist.readiness
    asked = asked if asked in VIEWS else ""
    items = view.checklist.items
    shown = [one for one in items if _asked(one, asked)]
    blockers = [one for one in items if one.item.id in ready.blocking_open]
    worst_first = (State.NOT_MET, State.STALE, State.OPEN)
    blockers.sort(key=lambda one: (worst_first.index(one.state), not one.overdue))
    counts = dict(ready.counts)
    heard = view.last_heard_at
    return CourtPage(
        court_id=court.id,
        name=court.name,
        kind=COURT_KINDS.get(court.kind, court.kind),
        verdict=COURT_VERDICTS[ready.verdict],
        go_live=day(court.go_live) if court.go_live else None,
        countdown=days_words(ready.days_to_go_live),
        parts=parts(counts),
        applicable=sum(counts.values()) - counts[State.NOT_APPLICABLE],
        blocking=len(blockers),
        blockers=tuple(item_row(one, view, now, most=0) for one in blockers[:MOST_BLOCKERS]),
        owed=_owed(items),
        phases=tuple(_phase(phase, shown, view, now, whole=bool(asked)) for phase in Phase),
        views=tuple(Choice(value, text, value == asked) for value, text in VIEWS.items()),
        counted=f"{len(shown)} of {len(items)} items",
        matrix=matrix(view, now),
        heard=stamp(heard, now, court.time_zone) if heard else None,
        as_of=stamp(now, now, court.time_zone),
        version=view.checklist.checklist_version,
        sample=court.sample,
        waived=counts[State.WAIVED],
        may_open=person.may(Right.INCIDENT),
        may_plan=person.may(Right.PLAN),
        manage_href=f"/admin/courts/{court.id}" if person.role == "administrator" else None,
    )


def _asked(one: ItemState, asked: str) -> bool:
    match asked:
        case "left":
            return one.state not in SETTLED
        case "blocking":
            return one.item.blocking and one.state not in SETTLED
        case "technical":
            return one.item.kind is not Kind.ATTESTED
        case "attested":
            return one.item.kind is not Kind.TECHNICAL
        case _:
            return True


def _owed(items: Sequence[ItemState]) -> tuple[tuple[str, int], ...]:
    """Return how many items that are left each party owes, most first."""
    owed = Counter(
        PARTIES[party] for one in items if one.state not in SETTLED for party in one.item.owners
    )
    return tuple(owed.most_common())


def _phase(
    phase: Phase, shown: Sequence[ItemState], view: CourtView, now: datetime, *, whole: bool
) -> PhaseBlock:
    """Return one phase; unless *whole*, what neither is due now nor blocks go-live is folded."""
    every = [one for one in view.checklist.items if one.item.phase is phase]
    order = list(Phase)
    here = order.index(Phase(view.checklist.readiness.phase))
    place = order.index(phase)
    step = "now" if place == here else ("done" if place < here else "later")
    blocking = set(view.checklist.readiness.blocking_open)
    asked = [one for one in shown if one.item.phase is phase]
    front = [one for one in asked if whole or step == "now" or one.item.id in blocking]
    return PhaseBlock(
        name=PHASES[phase],
        anchor=phase.value,
        due=DUE[phase],
        step=step,
        met=met_words(every),
        items=tuple(item_row(one, view, now) for one in front),
        folded=tuple(item_row(one, view, now) for one in asked if one not in front),
    )


def item_row(
    one: ItemState, view: CourtView, now: datetime, *, most: int | None = MOST_EVIDENCE
) -> ItemRow:
    """Return one item as its line and its opened body show it.

    most: how many pieces of evidence, those first that keep it from being met; None: all, as held.
    """
    shown = one.evidence if most is None else sorted(one.evidence, key=_tells_less)[:most]
    item = one.item
    joint = " and " if item.all_owners else " or "
    return ItemRow(
        id=item.id,
        title=item.title,
        mark=STATES[one.state],
        why=one.why,
        blocking=item.blocking,
        kind=KINDS[item.kind],
        owners=joint.join(PARTIES[party] for party in item.owners),
        due=day(one.due) if one.due else None,
        overdue=one.overdue,
        criterion=item.criterion,
        advice=item.advice,
        gaps=one.gaps,
        warnings=one.warnings,
        evidence=tuple(evidence_row(line, view.court.time_zone, now) for line in shown),
        more=len(one.evidence) - len(shown),
        attest_href=f"/courts/{view.court.id}/items/{item.id}",
        attest_text="Open",
        owner=one.owner,
        level=one.level.value if one.level else "",
        level_words=LEVELS[one.level] if one.level else "",
        under=STATES[one.under].word if one.under else "",
        coverage=f"{one.covered} of {one.required}" if one.required else "",
    )


def _tells_less(line: Evidence) -> bool:
    return line.status == Status.PASS and not line.stale


def evidence_row(line: Evidence, zone: str, now: datetime) -> EvidenceRow:
    """Return one piece of evidence with the way to its report and finding."""
    mark = DECLARED.get(line.status) or STATUSES.get(Status(line.status), DECLARED["declared"])
    href = None
    if line.run_id:
        href = f"/reports/{line.run_id}"
        if line.finding:
            href += "#" + quote(line.finding)
    source = line.finding or ("newest report" if line.run_id else "declaration")
    if line.finding and line.title:
        source = f"{line.title}, {line.finding.rpartition('/')[2]}"
    return EvidenceRow(
        mark=mark,
        source=f"{line.machine}: {source}" if line.machine else source,
        href=href,
        text=line.text,
        observed=value_words(line.observed, line.unit),
        by=line.by or "",
        level=line.level.value,
        level_words=LEVELS[line.level],
        at=stamp(line.at, now, zone),
        stale=line.stale,
    )
