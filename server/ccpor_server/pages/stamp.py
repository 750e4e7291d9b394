"""Times and spans as pages show them: local with its zone, UTC beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from ccpor_reporting.checklist.text import age_words


@dataclass(frozen=True, slots=True)
class Stamp:
    """machine: for the datetime attribute; local: what is read; utc: what the tooltip says."""

    machine: str
    local: str
    utc: str
    ago: str


def zone(name: str) -> ZoneInfo:
    """Return the zone called *name*; UTC where this system does not know it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")


def stamp(at: datetime, now: datetime, zone_name: str = "America/Los_Angeles") -> Stamp:
    """Return *at* as a page shows it at *now*."""
    local = at.astimezone(zone(zone_name))
    utc = at.astimezone(UTC)
    hours = max(0.0, (now - at).total_seconds() / 3600)
    return Stamp(
        machine=utc.isoformat(timespec="seconds"),
        local=f"{day(local)}, {_hour(local)} {local:%Z}",
        utc=f"{utc:%Y-%m-%d %H:%M:%S} UTC",
        ago=f"{age_words(hours)} ago",
    )


def _hour(local: datetime) -> str:
    """Return e.g. ``8:34 am``."""
    return f"{local.hour % 12 or 12}:{local:%M} {'am' if local.hour < 12 else 'pm'}"


def day(when: date) -> str:
    """Return e.g. ``1 Mar 2027``."""
    return f"{when.day} {when:%b %Y}"


def days_words(days: int | None) -> str:
    """Return the way to go-live in words."""
    if days is None:
        return "no date agreed"
    if days == 0:
        return "today"
    count = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"in {count}" if days > 0 else f"{count} ago"
