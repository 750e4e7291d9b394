"""Due dates as an iCalendar file (RFC 5545) that a person's own calendar takes."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from ccpor_reporting.checklist.state import SETTLED
from ccpor_server.checklist_state import CourtView

PRODUCT = "-//ccpor-check//readiness//EN"


def calendar_bytes(view: CourtView, now: datetime) -> bytes:
    """Return the court's go-live day and the due day of each item that is left, as all-day events.

    An event's UID stays the same from export to export, so that a calendar moves it and does not
    double it.
    """
    from icalendar import Calendar, Event

    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", f"{view.court.name}: readiness")

    def event(name: str, day: date, summary: str, text: str) -> None:
        one = Event()
        one.add("uid", f"{name}@{view.court.id}.ccpor-check")
        one.add("dtstamp", now)
        one.add("dtstart", day)
        one.add("dtend", day + timedelta(days=1))
        one.add("summary", summary)
        one.add("description", text)
        calendar.add_component(one)

    if view.court.go_live is not None:
        event("go-live", view.court.go_live, f"{view.court.name}: CCPOR go-live", "T-0")
    for state in view.checklist.items:
        if state.due is not None and state.state not in SETTLED:
            summary = f"{state.item.id} due: {state.item.title}"
            event(state.item.id, state.due, summary, f"{state.why}\n{state.item.advice}")
    found: bytes = calendar.to_ical()
    return found
