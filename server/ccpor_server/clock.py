"""The collector's only clock, and the one way times are written.

Everything below `create_app` and the command line takes a `Clock`; tests hold their own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
_WIDTH = len("2026-11-23T15:04:05.000000Z")


def utc_now() -> datetime:
    """Return the time, aware, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - this is the seam


def written(at: datetime) -> str:
    """Return RFC 3339 of one fixed width, so that text order is time order."""
    if at.tzinfo is None:
        raise ValueError(f"{at!r} has no time zone; pass an aware time")
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read(text: str) -> datetime:
    """Return the time that `written` wrote; ValueError for any other form."""
    if len(text) != _WIDTH:
        raise ValueError(f"{text!r} is not a time of this database")
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
