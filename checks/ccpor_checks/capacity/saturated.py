"""All that the line takes, with as few flows and bytes as show it."""

from __future__ import annotations

from ccpor_checks.base import Context
from ccpor_checks.capacity.course import Course, running, transfer
from ccpor_checks.capacity.depth import Depth
from ccpor_checks.capacity.estimate import (
    LEAST_BLOCKS,
    Arrivals,
    Estimate,
    block_ms,
    estimate,
    past_ramp,
)
from ccpor_checks.capacity.evidence import (
    CapacityOptions,
    Delay,
    Direction,
    StoppedBy,
    Transfer,
)
from ccpor_checks.capacity.turn import Turn
from ccpor_reporting.capacity.protocol import MOST_FLOWS

LADDER = (1, 2, 4, 8, 12)
STEP_MS, STEP_RTTS = 500.0, 6
PRECISE = 0.05
LEAST_QUEUE_MS = 10.0
DOUBLING = 1.5  # over two windows of two round trips: slow start has not found the end yet
ALIKE = 0.1
GROWN, GROWN_IN_QUEUE = 1.10, 1.25
LATER_PART = 0.6  # of a step: what its flows did once they had begun
FIRST_OPENED = 4


class Ladder:
    """How many flows, and since when more of them brought nothing. Pure."""

    def __init__(self, rtt_ms: float) -> None:
        self.rtt_ms = rtt_ms
        self.step_ms = max(STEP_MS, STEP_RTTS * rtt_ms)
        self.place = 0
        self.best = 0.0
        self.next_ms = self.step_ms
        self.steady_ms: float | None = None
        self.single: float | None = None
        self.told: Estimate | None = None  # as soon as it was precise

    @property
    def flows(self) -> int:
        return LADDER[self.place]

    def climb(self, arrivals: Arrivals, at_ms: float, *, is_queued: bool) -> bool:
        """Say whether more flows are to begin now (`flows` of them in all).

        is_queued: the line's queue shows that it is full; more flows then only take from others.
        """
        if self.steady_ms is not None or at_ms < self.next_ms or len(arrivals.ms) < 3:
            return False
        end, window = arrivals.last_ms, self.step_ms * LATER_PART
        now = arrivals.mbit(end - window, end)
        grows = now > (GROWN_IN_QUEUE if is_queued else GROWN) * self.best
        if self.place == 0:
            self.single = self._alone(arrivals)
        # flows that lose packets, or that wait for a window, fill a line only together: none is
        # enough before there is a queue
        is_enough = not grows and is_queued
        if is_enough or self.place == len(LADDER) - 1:
            # where more flows brought nothing, the line was full before they came
            since = (
                end - window
                if grows
                else min(end - self.step_ms, past_ramp(arrivals, 0.0, self.rtt_ms))
            )
            self.steady_ms = since
            return False
        self.best = max(self.best, now)
        part = 2 * self.rtt_ms
        doubles = arrivals.mbit(end - part, end) > DOUBLING * arrivals.mbit(
            end - 2 * part, end - part
        )
        self.place = min(len(LADDER) - 1, self.place + (2 if doubles else 1))
        self.next_ms = at_ms + self.step_ms
        return True

    def _alone(self, arrivals: Arrivals) -> float | None:
        """Return what one flow alone got, once that stood still; None: it never did."""
        end, part = arrivals.last_ms, self.step_ms / 4
        first, second = arrivals.mbit(end - 2 * part, end - part), arrivals.mbit(end - part, end)
        if min(first, second) <= 0 or abs(first - second) > ALIKE * max(first, second):
            return None
        return arrivals.mbit(end - 2 * part, end)

    def estimate(self, arrivals: Arrivals) -> Estimate | None:
        """Return the rate. Once it is precise it stays: what follows only looks for the queue's
        depth, and where that runs over, a whole window is lost and nothing arrives for seconds.
        """
        if self.told is not None:
            return self.told
        start = past_ramp(arrivals, self.steady_ms or 0.0, self.rtt_ms)
        found = estimate(arrivals, start, self.rtt_ms)
        if found is not None and found.blocks >= LEAST_BLOCKS and found.half_share <= PRECISE:
            self.told = found
        return found


def saturated(
    turn: Turn, direction: Direction, options: CapacityOptions, idle: Delay | None, ctx: Context
) -> Transfer:
    """Return how much the line carries, or at least how much (`limited_by` none).

    Raises:
        CannotObserve: No connection, or nothing arrived.
        TimeoutError: The check's deadline has passed.
    """
    with running(turn, direction, options, idle, ctx) as course:
        course.load.open(FIRST_OPENED)
        ladder = Ladder(course.rtt_ms)
        course.begin(1)
        stopped = _run(course, ladder, guarded=options.mode != "saturate")
        return _result(course, ladder, direction, stopped)


def _run(course: Course, ladder: Ladder, *, guarded: bool) -> StoppedBy:
    depth = Depth(course.rtt_ms)
    deeper_ms = 0.0
    while True:
        course.tick()
        arrivals = course.arrivals()
        course.tell(arrivals)
        if (stopped := course.stopped()) is not None:
            return stopped
        if guarded and course.is_guarded:
            return "guard"
        if ladder.climb(arrivals, course.at_ms, is_queued=course.is_queued):
            _begin_more(course, ladder.flows - course.load.streams)
        if ladder.steady_ms is None:
            continue
        depth.see(course.at_ms, course.over_idle_ms())
        if arrivals.last_ms - ladder.steady_ms < LEAST_BLOCKS * block_ms(ladder.rtt_ms):
            continue
        ladder.estimate(arrivals)
        if ladder.told is None:
            continue
        has_queue = course.is_queued or depth.deepest_ms > LEAST_QUEUE_MS
        if not has_queue or depth.is_over:
            return "precise"
        # the rate is known, how long its queue makes others wait is not: more flows fill it sooner
        if course.load.streams == MOST_FLOWS:
            if depth.is_known(course.at_ms):
                return "precise"
        elif course.at_ms >= deeper_ms:
            _begin_more(course, min(course.load.streams, MOST_FLOWS - course.load.streams))
            deeper_ms = course.at_ms + ladder.step_ms
            depth.look_again(course.at_ms)


def _begin_more(course: Course, more: int) -> None:
    if more > course.load.ready:
        course.load.open(MOST_FLOWS - course.load.streams - course.load.ready)
    course.begin_more(more)


def _result(course: Course, ladder: Ladder, direction: Direction, stopped: StoppedBy) -> Transfer:
    congestion = course.load.congestion()
    begun = ladder.steady_ms or 0.0
    arrivals, loaded, srtt_ms, again_pct = course.end(begun)
    found = ladder.estimate(arrivals)
    if found is None:
        raise course.nothing()
    single = found.mbit if course.load.streams == 1 else ladder.single
    known = Transfer(
        direction=direction,
        kind="saturated",
        streams=course.load.streams,
        mbit=0,
        low_mbit=0,
        high_mbit=0,
        blocks=0,
        wire_mbit=0,
        single_mbit=None if single is None else round(single, 4),
        seconds=0,
        megabytes=0,
        limited_by=course.why_full(loaded, srtt_ms, again_pct),
        stopped_by=stopped,
        loaded=loaded,
        retransmitted_pct=None if again_pct is None else round(again_pct, 3),
        congestion=congestion,
    )
    return transfer(course, arrivals, found, known)
