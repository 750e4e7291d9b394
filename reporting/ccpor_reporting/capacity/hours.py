"""The verdict over several runs: the worst court hour decides, and a few runs prove nothing.

A line is judged for court hours, `OPENS` to `CLOSES` o'clock on the workstation's clock, Monday
to Friday. One trusted run that shows a line too slow for the load is a verdict at once; in time
is said after `RUNS_NEEDED` runs on `DAYS_NEEDED` court days in all three `BANDS`, since lines
differ by the hour.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import msgspec

from ccpor_reporting.capacity.model import (
    REPLAY_HIGH,
    REPLAY_LOW,
    Line,
    Prediction,
    line_of,
    predict,
)
from ccpor_reporting.capacity.planner import advice
from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.capacity.workload import Load

OPENS, CLOSES = 8, 17
BANDS = ((8, 10), (12, 13), (15, 17))
RUNS_NEEDED, DAYS_NEEDED = 5, 2
FRESH = timedelta(days=14)  # as the checklist asks of its network items
SATURDAY = 5

State = Literal["in-time", "too-slow", "not-yet", "inconclusive"]


class HoursVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the runs of the last two weeks say about the busiest hour.

    worst: the run whose line is the slowest for this load, with its line and prediction; None
        where no run counts.
    missing: what is still to be done before "in time" may be said, in words for people.
    doubt: why the newest run proves nothing, where it does not.
    """

    state: State
    worst: Sample | None = None
    line: Line | None = None
    prediction: Prediction | None = None
    runs: int = 0  # that count
    days: int = 0  # court days that they fell on
    missing: tuple[str, ...] = ()
    doubt: str | None = None
    helps: str | None = None  # too slow: what would help, in words


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    sample: Sample
    line: Line
    prediction: Prediction
    doubt: str | None


def judged(load: Load, samples: Sequence[Sample]) -> HoursVerdict:
    """Return whether *load*'s orders arrive in time in every court hour, by *samples*.

    samples: oldest first; the last is the run of now. What is later than it or older than `FRESH`
    does not count, nor do runs outside court hours and those that found no rate.
    """
    runs = [_run(load, sample, line) for sample, line in _counting(samples)]
    trusted = [run for run in runs if run.doubt is None]
    worst = max(trusted, key=_slowness, default=None)
    if worst and not worst.prediction.within(load.max_order_seconds_p95):
        return _verdict("too-slow", worst, trusted, helps=advice(load, worst.line))
    missing = _missing([run.sample for run in trusted])
    if runs and (doubt := runs[-1].doubt) and runs[-1].sample is samples[-1]:
        return _verdict("inconclusive", worst or runs[-1], trusted, missing=missing, doubt=doubt)
    return _verdict("not-yet" if missing else "in-time", worst, trusted, missing=missing)


def is_court_hour(sample: Sample) -> bool:
    """Say whether *sample* was taken while courts are open."""
    try:
        day = date.fromisoformat(sample.local_day)
    except ValueError:
        return False
    return day.weekday() < SATURDAY and OPENS <= sample.local_hour < CLOSES


def band(sample: Sample) -> tuple[int, int] | None:
    """Return the band of the day that *sample* fell into."""
    found = (each for each in BANDS if each[0] <= sample.local_hour < each[1])
    return next(found, None)


def _counting(samples: Sequence[Sample]) -> list[tuple[Sample, Line]]:
    if not samples:
        return []
    now = _utc(samples[-1].at)
    by_time = {_utc(each.at): each for each in samples}  # the same run twice counts once
    return [
        (sample, line)
        for at, sample in sorted(by_time.items())
        if now - FRESH <= at <= now and is_court_hour(sample) and (line := line_of(sample))
    ]


def _run(load: Load, sample: Sample, line: Line) -> _Run:
    prediction = predict(load, line)
    slow = not prediction.within(load.max_order_seconds_p95)
    return _Run(sample=sample, line=line, prediction=prediction, doubt=_doubt(sample, slow=slow))


def _doubt(sample: Sample, *, slow: bool) -> str | None:
    ratio = sample.replay_ratio
    if ratio is not None and not REPLAY_LOW <= ratio <= REPLAY_HIGH:
        return (
            f"the test orders took {ratio:.2g} times what the measured line explains: something "
            "that was not measured (a proxy, an inspecting firewall, a busy disk) changes the time"
        )
    if slow and sample.up_is_lower_bound:
        return (
            f"the line carries at least {sample.up_mbit:.3g} Mbit/s, which would not do, and "
            "nobody knows how much more: measure with --saturate"
        )
    return None


def _slowness(run: _Run) -> float:
    return float("inf") if run.prediction.at_most_s is None else run.prediction.at_most_s


def _verdict(
    state: State,
    worst: _Run | None,
    trusted: Sequence[_Run],
    *,
    missing: tuple[str, ...] = (),
    doubt: str | None = None,
    helps: str | None = None,
) -> HoursVerdict:
    return HoursVerdict(
        state=state,
        worst=worst.sample if worst else None,
        line=worst.line if worst else None,
        prediction=worst.prediction if worst else None,
        runs=len(trusted),
        days=len({run.sample.local_day for run in trusted}),
        missing=missing,
        doubt=doubt,
        helps=helps,
    )


def _missing(counted: Sequence[Sample]) -> tuple[str, ...]:
    """Return in words which runs are still to be made; empty: none."""
    seen = {band(sample) for sample in counted}
    wanted = [f"between {low} and {high} h" for low, high in BANDS if (low, high) not in seen]
    days = len({sample.local_day for sample in counted})
    more_days = DAYS_NEEDED - days if days else DAYS_NEEDED - 1  # the first run is on some day
    runs = max(RUNS_NEEDED - len(counted), len(wanted), more_days, 0)
    if not runs:
        return ()
    parts = [f"one {each}" for each in wanted]
    if more_days > 0:
        day = "another court day" if counted else "a second court day"
        parts.append(f"one on {day}" if len(parts) < runs else f"one of them on {day}")
    said = f"{runs} more {'run' if runs == 1 else 'runs'} in court hours"
    if runs == 1:
        parts = [part.removeprefix("one ").removeprefix("of them ") for part in parts]
    return (f"{said}: {', '.join(parts)}" if parts else said,)


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
