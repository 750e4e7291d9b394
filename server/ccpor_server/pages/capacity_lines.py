"""Measured lines in the store: what the newest reports of a court say of capacity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ccpor_reporting.capacity.model import Line, line_of
from ccpor_reporting.capacity.reading import Quality, Seen, read
from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.model import Observation, Report
from ccpor_server.held_reports import signed_report
from ccpor_server.store import machines, reports

CHECK = "capacity"
EACH = 12  # newest reports of a workstation that are looked through
MOST = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredLine:
    """One measurement. key: names it in an address."""

    key: str
    run_id: str
    machine: str
    location: str
    target: str
    at: datetime
    line: Line
    trusted: bool  # nobody was too busy to measure it


def measured_lines(db: sa.Connection, court_id: str) -> tuple[MeasuredLine, ...]:
    """Return a court's measurements that name an upload rate, newest first, one a line."""
    found: dict[tuple[str, str], MeasuredLine] = {}
    for machine in machines.of_court(db, court_id):
        for stored in reports.newest_of(db, machine.id, each=EACH):
            report = signed_report(stored.envelope, machine.public_key)
            for one in _lines(report) if report else ():
                found.setdefault((machine.id, one.target), one)
    return tuple(sorted(found.values(), key=lambda one: one.at, reverse=True)[:MOST])


def _lines(report: Report) -> list[MeasuredLine]:
    titles = {one.id: one.title or one.id for one in report.targets}
    found = []
    for seen in report.observations:
        line = line_seen(seen)
        if line is None:
            continue
        found.append(
            MeasuredLine(
                key=f"{report.run_id}:{seen.target}",
                run_id=report.run_id,
                machine=report.machine.name,
                location=report.location.name,
                target=titles.get(seen.target, seen.target),
                at=seen.started_at,
                line=line,
                trusted=read(seen.evidence).words.too_busy is None,
            )
        )
    return found


def line_seen(observation: Observation) -> Line | None:
    """Return the line that *observation* measured for orders, which go up; None: it did not."""
    if observation.check != CHECK:
        return None
    seen = read(observation.evidence)
    up = seen.transfer("up")
    if up is None:
        return None
    return line_of(_sample(observation, seen, up.low_mbit, is_least=up.limited_by == "none"))


def _sample(observation: Observation, seen: Seen, mbit: float, *, is_least: bool) -> Sample:
    return Sample(
        at=observation.started_at,
        local_hour=0.0,
        local_day="",
        up_mbit=mbit,
        up_is_lower_bound=is_least,
        rtt_ms=seen.idle.p50_ms if seen.idle else None,
        loss_up=_loss_up(seen.quality) if seen.quality else None,
    )


def _loss_up(quality: Quality) -> float | None:
    """Return the share of packets lost on the way up, of all sizes; None: nobody could tell."""
    sent = sum(one.sent for one in quality.losses)
    lost = [one.lost if one.lost_up is None else one.lost_up for one in quality.losses]
    return min(1.0, sum(lost) / sent) if sent else None
