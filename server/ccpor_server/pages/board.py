"""The board: every court on one line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from ccpor_reporting.checklist.model import State
from ccpor_server.board_lines import CourtLine
from ccpor_server.pages.stamp import Stamp, day, days_words, stamp
from ccpor_server.pages.words import COURT_VERDICTS, PHASES, STATES, Mark
from ccpor_server.regions import NAMES, region_of
from ccpor_server.store.desk import SavedView

SHOWN = (State.MET, State.NOT_MET, State.STALE, State.OPEN)
KINDS = {"superior": "superior court", "tribal": "tribal court", "sheriff": "sheriff"}
SORTS = {
    "court": "Court",
    "phase": "Phase",
    "go-live": "Go-live",
    "items": "Items",
    "heard": "Last heard",
    "verdict": "Verdict",
}
DUES = {"overdue": "something is overdue", "14": "something is due in 14 days"}
HEARD = {"3": "not for 3 days", "7": "not for a week", "30": "not for a month"}
FIELDS = ("q", "kind", "region", "phase", "status", "due", "heard", "owner", "sort", "order")
_PHASE_ORDER = tuple(PHASES)
_VERDICT_ORDER = ("not-ready", "unknown", "ready")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What the reader asked to see; the address holds all of it."""

    search: str = ""
    phase: str = ""
    status: str = ""
    kind: str = ""
    region: str = ""
    due: str = ""
    heard: str = ""
    owner: str = ""
    sort: str = "go-live"
    falling: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Heading:
    """aria: ascending, descending or none."""

    text: str
    href: str
    aria: str


@dataclass(frozen=True, slots=True)
class Part:
    """One state's share of a bar. x and width in percent of it."""

    mark: Mark
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    href: str
    name: str
    court_id: str
    sample: bool
    kind: str
    phase: str
    go_live: str | None
    countdown: str
    soon: bool
    parts: tuple[Part, ...]
    applicable: int
    blocking: int
    overdue: int
    heard: Stamp | None
    verdict: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardPage:
    query: Query
    phases: tuple[Choice, ...]
    statuses: tuple[Choice, ...]
    kinds: tuple[Choice, ...]
    regions: tuple[Choice, ...]
    dues: tuple[Choice, ...]
    heards: tuple[Choice, ...]
    owners: tuple[Choice, ...]
    views: tuple[SavedView, ...]
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    total: int
    counted: str
    as_of: Stamp
    address: str  # the query of this board, for its exports
    may_remind: bool


def query_from(given: dict[str, str]) -> Query:
    """Return what *given* (the address's query) asks; what makes no sense is left out."""
    phase, status, kind = given.get("phase", ""), given.get("status", ""), given.get("kind", "")
    sort = given.get("sort", "")
    return Query(
        search=given.get("q", "").strip()[:100],
        phase=phase if phase in PHASES else "",
        status=status if status in COURT_VERDICTS else "",
        kind=kind if kind in KINDS else "",
        region=given.get("region", "") if given.get("region", "") in NAMES else "",
        due=given.get("due", "") if given.get("due", "") in DUES else "",
        heard=given.get("heard", "") if given.get("heard", "") in HEARD else "",
        owner=given.get("owner", "").strip()[:100],
        sort=sort if sort in SORTS else "go-live",
        falling=given.get("order") == "desc",
    )


def board_page(
    lines: Sequence[CourtLine],
    query: Query,
    now: datetime,
    views: Sequence[SavedView] = (),
    *,
    may_remind: bool = False,
) -> BoardPage:
    """Return the board of *lines* as *query* asks for it; *views*: those that its reader saved."""
    kept = selected(lines, query, now)
    owners = sorted({owner for line in lines for owner in line.owners})
    return BoardPage(
        query=query,
        phases=_choices(PHASES, query.phase),
        statuses=_choices({name: mark.word for name, mark in COURT_VERDICTS.items()}, query.status),
        kinds=_choices(KINDS, query.kind),
        regions=_choices(NAMES, query.region),
        dues=_choices(DUES, query.due),
        heards=_choices(HEARD, query.heard),
        owners=_choices({one: one for one in owners}, query.owner),
        views=tuple(views),
        headings=tuple(_heading(name, query) for name in SORTS),
        rows=tuple(_row(line, now) for line in kept),
        total=len(lines),
        counted=_counted(len(kept), len(lines), query),
        as_of=stamp(now, now),
        address=_address(query),
        may_remind=may_remind,
    )


def selected(lines: Sequence[CourtLine], query: Query, now: datetime) -> list[CourtLine]:
    """Return the lines that *query* asks for at *now*, in its order."""
    kept = [line for line in lines if _matches(line, query) and _is_late(line, query, now)]
    kept.sort(key=lambda line: line.court.name.casefold())
    kept.sort(key=lambda line: _order(line, query.sort), reverse=query.falling)
    return kept


def _is_late(line: CourtLine, query: Query, now: datetime) -> bool:
    """Return whether the line is as late, as silent and of the owner that *query* asks for."""
    if query.due == "overdue" and not line.overdue:
        return False
    soon = now.date() + timedelta(days=14)
    if query.due == "14" and not (line.overdue or (line.next_due and line.next_due <= soon)):
        return False
    if query.heard:
        since = now - timedelta(days=int(query.heard))
        if line.last_heard_at is not None and line.last_heard_at >= since:
            return False
    return not query.owner or query.owner in line.owners


def _filters(query: Query) -> dict[str, str]:
    return {
        "q": query.search,
        "kind": query.kind,
        "region": query.region,
        "phase": query.phase,
        "status": query.status,
        "due": query.due,
        "heard": query.heard,
        "owner": query.owner,
    }


def _address(query: Query) -> str:
    """Return what of *query* stands in an address; its order, too, where it is not the usual."""
    asked = _filters(query)
    asked |= {"sort": "" if query.sort == "go-live" else query.sort}
    asked |= {"order": "desc" if query.falling else ""}
    return urlencode({name: value for name, value in asked.items() if value})


def _counted(shown: int, total: int, query: Query) -> str:
    filters = []
    if query.search:
        filters.append(f"named like “{query.search}”")
    if query.kind:
        filters.append(f"kind {KINDS[query.kind]}")
    if query.region:
        filters.append(f"of {NAMES[query.region]}")
    if query.phase:
        filters.append(f"in phase {PHASES[query.phase]}")
    if query.status:
        filters.append(COURT_VERDICTS[query.status].word)
    if query.due:
        filters.append(DUES[query.due])
    if query.heard:
        filters.append(f"heard {HEARD[query.heard]}")
    if query.owner:
        filters.append(f"with items of {query.owner}")
    said = f"{shown} of {total} court{'' if total == 1 else 's'}"
    return f"{said}: {', '.join(filters)}" if filters else said


def _matches(line: CourtLine, query: Query) -> bool:
    court, ready = line.court, line.readiness
    sought = query.search.casefold()
    return (
        (not sought or sought in court.name.casefold() or sought in court.id.casefold())
        and (not query.phase or ready.phase == query.phase)
        and (not query.status or ready.verdict == query.status)
        and (not query.kind or court.kind == query.kind)
        and (not query.region or region_of(court) == query.region)
    )


def _order(line: CourtLine, sort: str) -> tuple[float | str, ...]:
    ready = line.readiness
    match sort:
        case "phase":
            return (_PHASE_ORDER.index(ready.phase),)
        case "go-live":  # the next one first; those that are live, then those without a date
            days = ready.days_to_go_live
            return (2, 0) if days is None else (int(days < 0), abs(days))
        case "items":
            return (_share(line),)
        case "heard":
            heard = line.last_heard_at
            return (-heard.timestamp() if heard else 0.0,)
        case "verdict":
            return (_VERDICT_ORDER.index(ready.verdict),)
        case _:
            return (line.court.name.casefold(),)


def _share(line: CourtLine) -> float:
    counts = line.readiness.counts
    applicable = sum(counts.values()) - counts[State.NOT_APPLICABLE]
    return counts[State.MET] / applicable if applicable else 0.0


def _choices(words: dict[str, str], chosen: str) -> tuple[Choice, ...]:
    return tuple(Choice(value, text, value == chosen) for value, text in words.items())


def _heading(sort: str, query: Query) -> Heading:
    here = query.sort == sort
    asked = {
        **_filters(query),
        "sort": sort,
        "order": "desc" if here and not query.falling else "",
    }
    aria = "none"
    if here:
        aria = "descending" if query.falling else "ascending"
    link = urlencode({name: value for name, value in asked.items() if value})
    return Heading(SORTS[sort], f"/?{link}", aria)


def parts(counts: dict[str, int]) -> tuple[Part, ...]:
    """Return the bar of the items that apply: met first, what is missing last."""
    total = sum(count for state, count in counts.items() if state != State.NOT_APPLICABLE)
    found, x = [], 0.0
    for state in (State.MET, State.WAIVED, State.NOT_MET, State.STALE, State.OPEN):
        width = 100 * counts[state] / total if total else 0.0
        if counts[state] or state in SHOWN:
            found.append(Part(STATES[state], counts[state], round(x, 2), round(width, 2)))
        x += width
    return tuple(found)


def _row(line: CourtLine, now: datetime) -> Row:
    court, ready = line.court, line.readiness
    days, heard = ready.days_to_go_live, line.last_heard_at
    counts = dict(ready.counts)
    return Row(
        href=f"/courts/{court.id}",
        name=court.name,
        court_id=court.id,
        sample=court.sample,
        kind=KINDS.get(court.kind, court.kind),
        phase=PHASES[ready.phase],
        go_live=day(court.go_live) if court.go_live else None,
        countdown=days_words(days),
        soon=days is not None and 0 <= days <= 30,
        parts=parts(counts),
        applicable=sum(counts.values()) - counts[State.NOT_APPLICABLE],
        blocking=len(ready.blocking_open),
        overdue=line.overdue,
        heard=stamp(heard, now, court.time_zone) if heard else None,
        verdict=COURT_VERDICTS[ready.verdict],
    )
