"""Holds what the cells showed against the bar: pure arithmetic and tables, no measuring."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, median

import msgspec

from tests.lab.capacity.cells import Measured
from tests.lab.capacity.collateral import Cost
from tests.lab.capacity.decisions import Decision

NEAR, FAR = (0.97, 1.03), (0.95, 1.05)  # estimate over truth
NEAR_SHARE = 0.90
PACED = (0.97, 1.03)  # achieved over asked
QUEUE_SEEN = (0.90, 1.20)  # loaded excess over the queue
LEAST_QUEUE_MS = 100.0
MOST_BYTES = 0.25  # ours over iperf3's
RIGHT_SHARE, LONGEST_DECISION_S = 0.98, 5.0
MOST_TAKEN, MOST_RISE_MS = 0.10, 50.0


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion: whether it is met, and in how many of how many cases."""

    name: str
    met: bool
    good: int
    of: int
    words: str = ""
    missed: tuple[str, ...] = ()

    def text(self) -> str:
        mark = "ok  " if self.met else "MISS"
        missed = f"; not in {', '.join(self.missed)}" if self.missed else ""
        return f"{mark} {self.name}: {self.good} of {self.of}{self.words and ', ' + self.words}{missed}"


def within(value: float | None, bounds: tuple[float, float]) -> bool:
    return value is not None and bounds[0] <= value <= bounds[1]


def counted(
    name: str, judged: Iterable[tuple[str, bool]], share: float = 1.0, words: str = ""
) -> Line:
    """Return the line of a criterion that *share* of the cases must meet; none looked at meets nothing."""
    each = list(judged)
    missed = tuple(case for case, good in each if not good)
    good = len(each) - len(missed)
    met = bool(each) and good >= share * len(each) - 1e-9
    return Line(name=name, met=met, good=good, of=len(each), words=words, missed=missed)


def idle_is_true(one: Measured) -> bool:
    off = one.rtt_off_ms
    return off is not None and abs(off) <= max(1.0, 0.05 * one.cell.rtt_ms)


def score(found: Sequence[Measured]) -> list[Line]:
    """Return a line for each criterion of the forty cells."""
    clean = [one for one in found if one.cell.loss_pct == 0]
    # flows that lose packets on the way do not fill a queue
    deep = [one for one in clean if one.cell.queue_ms >= LEAST_QUEUE_MS]
    ratios = [one.estimate for one in clean if one.estimate is not None]
    spread = f"{min(ratios):.3f}–{max(ratios):.3f}, median {median(ratios):.3f}" if ratios else ""
    lines = [
        counted(
            "saturated estimate 0.97–1.03 of the truth, loss-free, in 90 %",
            ((one.cell.name, within(one.estimate, NEAR)) for one in clean),
            NEAR_SHARE,
            spread,
        ),
        counted(
            "saturated estimate 0.95–1.05 of the truth, loss-free, in all",
            ((one.cell.name, within(one.estimate, FAR)) for one in clean),
        ),
        counted(
            "never more than 1.05 of the truth, loss or not",
            ((one.cell.name, (one.estimate or 9) <= FAR[1]) for one in found),
        ),
        counted(
            "planned test reaches 0.97–1.03 of what was asked",
            ((one.cell.name, within(one.paced, PACED)) for one in found),
            words=_spread([one.paced for one in found]),
        ),
        counted(
            "least idle round trip within max(1 ms, 5 %)",
            ((one.cell.name, idle_is_true(one)) for one in found),
        ),
        counted(
            "loaded excess 0.9–1.2 of the queue, loss-free, queues of 100 ms and more",
            ((one.cell.name, within(one.queue_seen, QUEUE_SEEN)) for one in deep),
            words=_spread([one.queue_seen for one in deep]),
        ),
    ]
    beside = [one for one in found if one.iperf3 and one.iperf3.megabytes]
    return lines + ([bytes_line(beside)] if beside else [])


def bytes_line(beside: Sequence[Measured]) -> Line:
    """Return how our bytes compare with iperf3's: of the default test, a mean over the cells."""
    default = [share(one, one.planned.megabytes if one.planned else None) for one in beside]
    both = [share(one, one.megabytes) for one in beside]
    ours = sum(one.megabytes for one in beside)
    theirs = sum(one.iperf3.megabytes for one in beside if one.iperf3)
    average = mean(default)
    words = (
        f"mean {average:.2f} by default; with the saturating test {mean(both):.2f}, "
        f"{ours:.0f} of {theirs:.0f} MB in all"
    )
    return Line(
        name="bytes of the default test at most 1/4 of iperf3's, on average",
        met=average <= MOST_BYTES,
        good=sum(one <= MOST_BYTES for one in default),
        of=len(default),
        words=words,
    )


def share(one: Measured, megabytes: float | None) -> float:
    """Return *megabytes* over iperf3's; a test that was not made counts as all of them."""
    if megabytes is None or one.iperf3 is None or not one.iperf3.megabytes:
        return 1.0
    return megabytes / one.iperf3.megabytes


def decided(found: Sequence[Decision]) -> list[Line]:
    slowest = max((one.seconds for one in found), default=0.0)
    whole = max((one.whole_s for one in found), default=0.0)
    return [
        counted(
            "decision right in 98 %",
            ((one.name, one.right) for one in found),
            RIGHT_SHARE,
        ),
        counted(
            "decision within 5 s of the first byte",
            ((one.name, 0 < one.seconds <= LONGEST_DECISION_S) for one in found),
            words=f"{slowest:.1f} s at most, {whole:.1f} s with its connections",
        ),
    ]


def spared(found: Sequence[Cost]) -> list[Line]:
    judged = [one for one in found if one.case.judged]
    bulk = [one for one in judged if one.case.who == "bulk"]
    small = [one for one in judged if one.case.who == "ask"]
    most = max((one.taken for one in bulk), default=1.0)
    rise = max((one.rise_ms for one in small), default=0.0)
    return [
        counted(
            "a bulk transfer beside ours loses at most 10 %",
            ((one.case.name, not one.trouble and one.taken <= MOST_TAKEN) for one in bulk),
            words=f"{most:.1%} at most",
        ),
        counted(
            "the p95 of small requests rises by at most 50 ms",
            ((one.case.name, not one.trouble and one.rise_ms <= MOST_RISE_MS) for one in small),
            words=f"{rise:+.1f} ms at most",
        ),
    ]


def table(found: Sequence[Measured]) -> str:
    """Return a row for each cell: ours, then the others beside it, as ratios to the truth."""
    head = (
        f"{'Mbit/s':>6} {'ms':>3} {'way':4} {'queue':>5} {'loss':>4} | {'satur.':>6} {'by':5} {'n':>2} {'s':>4} "
        f"{'MB':>6} | {'paced':>5} {'MB':>5} | {'idle ms':>7} {'queue':>5} | {'iperf3':>6} {'MB':>6} | {'10 MB':>5}"
    )
    return "\n".join([head, *(_row(one) for one in found)])


def _row(one: Measured) -> str:
    cell, full = one.cell, one.saturated
    limit = {"queue": "queue", "loss": "loss", "none": "≥"}[full.limited_by] if full else ""
    peers = (one.iperf3, one.post)
    theirs = [peer.mbit / one.truth_mbit if peer and peer.mbit else None for peer in peers]
    notes = [f"asked {one.tries} times"] if one.tries > 1 else []
    notes += [f"the line lost {one.line_lost:.0f}"] if one.line_lost else []
    notes += [one.trouble] if one.trouble else []
    return (
        f"{cell.mbit:6g} {cell.rtt_ms:3g} {cell.direction:4} {cell.queue_ms:5g} {cell.loss_pct:4g} | "
        f"{_number(one.estimate, 6)} {limit:5} {full.streams if full else 0:2} {full.seconds if full else 0:4.1f} "
        f"{_number(full.megabytes if full else None, 6, 2)} | {_number(one.paced, 5)} "
        f"{_number(one.planned.megabytes if one.planned else None, 5, 2)} | "
        f"{_number(one.idle.min_ms if one.idle else None, 7, 2)} {_number(one.queue_seen, 5, 2)} | "
        f"{_number(theirs[0], 6)} {_number(one.iperf3.megabytes if one.iperf3 else None, 6, 1)} | "
        f"{_number(theirs[1], 5)} {'; '.join(notes)}"
    ).rstrip()


def _number(value: float | None, width: int, digits: int = 3) -> str:
    return f"{'–':>{width}}" if value is None else f"{value:{width}.{digits}f}"


def _spread(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{min(known):.3f}–{max(known):.3f}" if known else ""
