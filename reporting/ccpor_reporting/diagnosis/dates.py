"""Whether a wrong clock makes a good certificate look expired or not yet valid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

from ccpor_reporting.model import Finding, Json

DAY_S = 86_400.0
UNIT_S = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, "d": DAY_S, "days": DAY_S, "day": DAY_S}


def hidden_by_clock(clock: Finding, validity: Finding, at: datetime) -> bool:
    """Say whether at the true time the certificate is inside its dates: within the offset."""
    offset_s, gap_s = _offset_s(clock), _outside_s(validity, at)
    return offset_s is not None and gap_s is not None and gap_s <= abs(offset_s)


def _offset_s(clock: Finding) -> float | None:
    value, unit = _number(clock.observed, ("offset_s", "offset_ms")), clock.unit
    if value is None:
        return None
    if isinstance(clock.observed, Mapping):
        unit = "s" if "offset_s" in clock.observed else "ms"
    return value * UNIT_S[unit] if unit in UNIT_S else None


def _outside_s(validity: Finding, at: datetime) -> float | None:
    """Return how far outside its dates the certificate is seen, in seconds; None if not said."""
    observed = validity.observed
    if isinstance(observed, Mapping):
        observed = next(
            (observed[k] for k in ("not_after", "not_before", "days_left") if k in observed), None
        )
    if isinstance(observed, str):
        moment = _moment(observed)
        return abs((at - moment).total_seconds()) if moment else None
    number = _number(observed, ())
    if number is None:
        return None
    # Whole days are rounded away from us: -1 may be a second or a day.
    return abs(number) * UNIT_S.get(validity.unit or "days", DAY_S)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.combine(date.fromisoformat(text[:10]), datetime.min.time())
        except ValueError:
            return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(value: Json, keys: Sequence[str]) -> float | None:
    if isinstance(value, Mapping):
        value = next((value[key] for key in keys if key in value), None)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)
