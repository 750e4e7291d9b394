"""What the messages say: plain text, one subject a message, only about courts that one may read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import msgspec

from ccpor_reporting.checklist.model import ItemState
from ccpor_server.board_lines import CourtLine
from ccpor_server.store.incidents import Incident, IncidentEvent
from ccpor_server.store.people import Account

MOST_LISTED = 15
FOOT = "You get this because your account at the collector names this address."


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person. key: a second one of the same key is never written."""

    key: str
    kind: str
    court: str | None
    recipient: str
    subject: str
    body: str


def _written(
    to: Account, key: str, subject: str, lines: Iterable[str], *, court: str | None = None
) -> Message:
    body = "\n".join([*lines, "", FOOT]) + "\n"
    return Message(
        key=f"{key}:{to.id}",
        kind=key.partition(":")[0],
        court=court,
        recipient=to.email or "",
        subject=subject.replace("\n", " ").replace("\r", " ")[:200],
        body=body,
    )


def _link(base: str, path: str) -> str:
    return f"{base}{path}" if base else f"(on the collector's page {path})"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _listed(lines: Sequence[str]) -> list[str]:
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], *([f"  … and {more} more"] if more > 0 else [])]


def week_of(now: datetime) -> str:
    """Return the ISO week: a message of the week has it in its key."""
    year, week, _ = now.isocalendar()
    return f"{year}-{week:02}"


def digest(to: Account, lines: Sequence[CourtLine], now: datetime, base: str) -> Message:
    """Return the week's digest: how many courts stand where, and which need a look."""
    week = week_of(now)
    words = ("not-ready", "unknown", "ready")
    counts = {word: sum(one.readiness.verdict == word for one in lines) for word in words}
    needing = [one for one in lines if one.overdue or one.readiness.verdict == "not-ready"]
    said = [
        f"{_counted(counts['ready'], 'court')} ready, {counts['unknown']} not known yet, "
        f"{counts['not-ready']} not ready.",
        "",
        *_listed(
            [
                f"  {one.court.name}: {len(one.readiness.blocking_open)} blocking left, "
                f"{one.overdue} overdue"
                for one in needing
            ]
        ),
        "",
        _link(base, "/"),
    ]
    subject = f"CCPOR readiness, week {week}: {_counted(len(needing), 'court')} to look at"
    return _written(to, f"digest:{week}", subject, said)


def due(
    to: Account, line: CourtLine, left: Sequence[ItemState], now: datetime, base: str
) -> Message:
    """Return what is overdue or due soon at one court."""
    said = [
        f"  {one.item.id} {one.item.title}: "
        + (f"overdue since {one.due}" if one.due and one.due < now.date() else f"due {one.due}")
        + (f", {one.owner}" if one.owner else "")
        for one in left
    ]
    subject = f"{line.court.name}: {_counted(len(left), 'item')} overdue or due soon"
    body = [f"{subject}.", "", *_listed(said), "", _link(base, f"/courts/{line.court.id}")]
    return _written(to, f"due:{line.court.id}:{week_of(now)}", subject, body, court=line.court.id)


def regression(to: Account, line: CourtLine, day: date, base: str) -> Message:
    """Return that a court that was ready on *day* is so no more."""
    court = line.court
    subject = f"{court.name} was ready, and is so no more"
    body = [
        f"{subject}: ready on {day}, {line.readiness.verdict} now.",
        f"Blocking items left: {', '.join(line.readiness.blocking_open) or 'none'}.",
        "",
        _link(base, f"/courts/{court.id}?show=blocking"),
    ]
    return _written(to, f"regression:{court.id}:{day}", subject, body, court=court.id)


def silence(to: Account, line: CourtLine, since: datetime | None, base: str) -> Message:
    """Return that nothing was heard from a court whose go-live is near."""
    court, when = line.court, f"{since:%Y-%m-%d}" if since else "ever"
    subject = f"{court.name}: nothing heard since {when}" if since else f"{court.name}: never heard"
    body = [
        f"No workstation of {court.name} has sent a report since {when}."
        if since
        else f"No workstation of {court.name} has sent a report yet.",
        "Run ccpor-check on one of them, or look whether its schedule still runs.",
        "",
        _link(base, f"/courts/{court.id}/machines"),
    ]
    return _written(to, f"silence:{court.id}:{when}", subject, body, court=court.id)


def incident(to: Account, name: str, found: Incident, event: IncidentEvent, base: str) -> Message:
    """Return that an incident was opened, or closed."""
    subject = f"{found.number} {found.priority} {event.kind} at {name}: {found.title}"
    body = [
        subject,
        f"Began {found.began_at:%Y-%m-%d %H:%M} UTC; {event.kind} {event.at:%Y-%m-%d %H:%M} UTC.",
        "",
        _link(base, f"/courts/{found.court}/incidents/{found.id}"),
    ]
    key = f"incident:{found.id}:{event.kind}:{event.at:%Y%m%d%H%M%S}"
    return _written(to, key, subject, body, court=found.court)


def reminder(to: Account, line: CourtLine, day: date, who: str, base: str) -> Message:
    """Return a person's reminder of what is left."""
    court, left = line.court, len(line.readiness.blocking_open)
    subject = f"{court.name}: {_counted(left, 'blocking item')} left before go-live"
    body = [
        f"{who} asks you to look at the readiness checklist of {court.name}.",
        f"Blocking items left: {', '.join(line.readiness.blocking_open) or 'none'}.",
        f"Go-live: {court.go_live or 'no date yet'}.",
        "",
        _link(base, f"/courts/{court.id}?show=blocking"),
    ]
    return _written(to, f"ask:{court.id}:{day}", subject, body, court=court.id)
