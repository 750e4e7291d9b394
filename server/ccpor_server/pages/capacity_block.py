"""What a report says of its line's capacity: a paragraph, plots, and every number behind them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ccpor_reporting.capacity.reading import Delay, Seen, Transfer, read
from ccpor_reporting.capacity.words import (
    Figure,
    counted,
    figures,
    interval,
    mbit,
    ms,
    percent,
    spoken,
)
from ccpor_reporting.model import Observation, Report
from ccpor_server.pages import plots
from ccpor_server.pages.capacity_lines import CHECK
from ccpor_server.pages.words import Mark, finding_mark

TITLES = {"up": "Sending", "down": "Receiving"}
MOST_ROWS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseBlock:
    """One test over time. rows: second, rate, round trip; about evenly picked."""

    title: str
    plot: Markup
    rows: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityBlock:
    target: str
    title: str
    paragraph: str
    judged: tuple[tuple[Mark, str], ...]
    figures: tuple[Figure, ...]
    courses: tuple[CourseBlock, ...]
    waiting: Markup
    waits: tuple[tuple[str, ...], ...]  # where, n, least, median, p95, p99
    losses: tuple[tuple[str, ...], ...]  # size, sent, lost, loss, interval
    unreadable: tuple[str, ...]


def capacity_blocks(report: Report) -> tuple[CapacityBlock, ...]:
    """Return one block for each line that the report measured."""
    return tuple(
        _block(one, report) for one in report.observations if one.check == CHECK and one.evidence
    )


def _block(one: Observation, report: Report) -> CapacityBlock:
    seen = read(one.evidence)
    titles = {known.id: known.title for known in report.targets}
    return CapacityBlock(
        target=one.target,
        title=titles.get(one.target) or one.target,
        paragraph=spoken(seen),
        judged=tuple(
            (finding_mark(found), found.summary)
            for found in report.findings
            if (found.target, found.check) == (one.target, one.check)
        ),
        figures=figures(seen),
        courses=tuple(
            block for each in seen.transfers if (block := _course(each, seen.idle)) is not None
        ),
        waiting=plots.waiting(seen),
        waits=_waits(seen),
        losses=_losses(seen),
        unreadable=seen.unreadable,
    )


def _course(one: Transfer, idle: Delay | None) -> CourseBlock | None:
    plot = plots.course(one, idle)
    if not plot:
        return None
    every = -(-len(one.course) // MOST_ROWS)
    return CourseBlock(
        title=f"{TITLES[one.direction]} over time",
        plot=plot,
        rows=tuple(
            (
                f"{moment.at_s:.2f}",
                "" if moment.mbit is None else mbit(moment.mbit),
                "" if moment.rtt_ms is None else ms(moment.rtt_ms),
            )
            for moment in one.course[::every]
        ),
    )


def _waits(seen: Seen) -> tuple[tuple[str, ...], ...]:
    rows = [("idle line", seen.idle)]
    rows += [(f"while {TITLES[one.direction].lower()}", one.loaded) for one in seen.transfers]
    return tuple(
        (name, _n(one), ms(one.min_ms), ms(one.p50_ms), ms(one.p95_ms), ms(one.p99_ms))
        for name, one in rows
        if one is not None
    )


def _n(one: Delay) -> str:
    return f"{one.samples}, {one.lost} lost" if one.lost else str(one.samples)


def _losses(seen: Seen) -> tuple[tuple[str, ...], ...]:
    return tuple(
        (
            counted(one.size_bytes, "byte"),
            str(one.sent),
            str(one.lost),
            percent(one.pct),
            interval(one),
        )
        for one in (seen.quality.losses if seen.quality else ())
    )
