"""When to try again: what each answer of the collector means for the report that was sent.

Source: Prometheus remote-write 2.0 (which statuses may be retried), RFC 9110 section 10.2.3
(Retry-After), "full jitter" backoff (delay uniform between zero and a doubling ceiling).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIRST_S, LONGEST_S = 2.0, 600.0
REFUSED_PAUSE_S = 3600.0  # 401 and 403: somebody must act, so once an hour is enough
LONGEST_RETRY_AFTER_S = 3600.0  # a mad or hostile value must not silence a workstation for days
BUSY = frozenset({429, 503})
UNREADABLE = frozenset({400, 413, 415, 422})
UNWELCOME = frozenset({401, 403})


class Meaning(enum.Enum):
    """What an answer's status can mean before its body is looked at."""

    KEPT = "kept"  # 200, 201: only a valid receipt in the body makes it so
    CONFLICT = "conflict"  # 409: done with a receipt for the same bytes, else never
    UNREADABLE = "unreadable"  # sending the same bytes again cannot help
    UNWELCOME = "unwelcome"  # the key is unknown or revoked: slowly
    BUSY = "busy"  # wait as told, try nothing else now
    NOT_DELIVERED = "not-delivered"  # redirects, sign-in pages, 204, 404, 5xx: try again


def meaning_of(status: int) -> Meaning:
    """Return what HTTP *status* means for a report."""
    if status in {200, 201}:
        return Meaning.KEPT
    if status == 409:
        return Meaning.CONFLICT
    if status in UNREADABLE:
        return Meaning.UNREADABLE
    if status in UNWELCOME:
        return Meaning.UNWELCOME
    return Meaning.BUSY if status in BUSY else Meaning.NOT_DELIVERED


def backoff_s(failures: int, uniform: Callable[[float, float], float]) -> float:
    """Return how long to wait after *failures* in a row (1 or more): full jitter, 2 s to 10 min."""
    ceiling = min(LONGEST_S, FIRST_S * 2.0 ** min(failures - 1, 16))
    return uniform(0.0, ceiling)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, at most an hour; None if it has none.

    now: Unix time. Both forms are read: seconds and an HTTP date.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        asked = float(text[:9])
    else:
        try:
            at = parsedate_to_datetime(text)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        asked = (at - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(asked, 0.0), LONGEST_RETRY_AFTER_S)
