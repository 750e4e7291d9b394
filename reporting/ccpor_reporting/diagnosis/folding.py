"""Which fault explains another that it did not stop: each rule returns fewer suspects.

A rule must have a reason that would convince the owner of the folded fault; where it cannot tell,
it leaves both standing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.suspect import Suspect
from ccpor_reporting.model import Finding, Json

Fold = Callable[[Sequence[Suspect], Facts], list[Suspect]]

DAY_S = 86_400.0
UNIT_S = {"s": 1.0, "ms": 0.001, "min": 60.0, "h": 3600.0, "d": DAY_S, "days": DAY_S, "day": DAY_S}
CLOCK_HIDES = {  # a clock that runs so makes a good certificate look like this
    "clock.offset/ahead": "tls.validity/expired",
    "clock.offset/behind": "tls.validity/not-yet-valid",
}
BEHIND_THE_LINK = ("clock.server/", "dns.answer/", "tcp.reach/", "proxy.reach/")


def dead_link(suspects: Sequence[Suspect], _known: Facts) -> list[Suspect]:
    """No working network connection explains everything that could not be reached."""
    link = next((s for s in suspects if s.first.code == "link.up"), None)
    return _fold(
        suspects,
        link,
        lambda fault: fault.startswith(BEHIND_THE_LINK),
        lambda other: f"{other.first.id}: nothing can be reached without a network connection",
    )


def wrong_clock(suspects: Sequence[Suspect], known: Facts) -> list[Suspect]:
    """A wrong clock makes good certificates look expired or not yet valid."""
    kept = list(suspects)
    for fault, hidden in CLOCK_HIDES.items():
        clock = next((s for s in kept if s.first.fault == fault), None)
        offset_s = _offset_s(clock.first) if clock else None
        if clock is None or offset_s is None:
            continue
        for other in [s for s in kept if s.first.fault == hidden]:
            gap_s = _outside_s(other.first, known.at)
            # Within the offset: at the true time this certificate is inside its dates.
            if gap_s is not None and gap_s <= abs(offset_s):
                why = f"{other.first.id}: the dates are good at the true time, this clock is wrong"
                taken = clock.taking(other, why)
                kept = [taken if s is clock else s for s in kept if s is not other]
                clock = taken
    return kept


def _fold(
    suspects: Sequence[Suspect],
    into: Suspect | None,
    applies: Callable[[str], bool],
    why: Callable[[Suspect], str],
) -> list[Suspect]:
    if into is None:
        return list(suspects)
    taken, rest = into, []
    for other in suspects:
        if other is not into and applies(other.first.fault or ""):
            taken = taken.taking(other, why(other))
        elif other is not into:
            rest.append(other)
    return [taken, *rest]


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


FOLDINGS: tuple[Fold, ...] = (dead_link, wrong_clock)
