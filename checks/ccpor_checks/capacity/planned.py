"""The planned load: what the court needs at its busiest, times 1.25, offered evenly.

The line stays usable for others: where it carries this much, no queue builds up.
"""

from __future__ import annotations

from ccpor_checks.base import Context
from ccpor_checks.capacity.course import Course, running, transfer
from ccpor_checks.capacity.estimate import (
    LEAST_BLOCKS,
    Arrivals,
    Estimate,
    block_ms,
    estimate,
    past_loan,
)
from ccpor_checks.capacity.evidence import (
    PACED_OVER_REQUIRED,
    CapacityOptions,
    Delay,
    Direction,
    StoppedBy,
    Transfer,
)
from ccpor_checks.capacity.turn import Turn

MOST_STREAMS = 12
RAMP_MS, LONGEST_RAMP_MS, RAMP_RTTS = 500.0, 2000.0, 10
MEASURED_MS, ANSWER_MS = 4000.0, 4900.0  # past the ramp; from the first byte, where that is sooner
SURE_MS = 3000.0  # past the ramp: a token bucket's burst is spent by then
REACHED = 0.97  # of what was asked
SHORT, SHORT_MS, QUEUED_MS = 0.9, 1000.0, 100.0  # received so little for so long: the answer is no
LONGEST_SHORT_MS = 2000.0
SOME_QUEUE_MS = 25.0


class Judge:
    """Says when the answer is known; pure but for the round trips it is handed."""

    def __init__(self, need_mbit: float, rtt_ms: float) -> None:
        self.need, self.asked = need_mbit, need_mbit * PACED_OVER_REQUIRED
        self.rtt_ms = rtt_ms
        self.ramp_ms = min(LONGEST_RAMP_MS, max(RAMP_MS, RAMP_RTTS * rtt_ms))
        enough = LEAST_BLOCKS * block_ms(rtt_ms) + 50
        self.measured_ms = max(min(MEASURED_MS, ANSWER_MS - self.ramp_ms), enough)

    def start_ms(self, arrivals: Arrivals) -> float:
        return arrivals.first_ms + self.ramp_ms

    def estimate(self, arrivals: Arrivals) -> Estimate | None:
        least = LEAST_BLOCKS * block_ms(self.rtt_ms)
        return estimate(arrivals, past_loan(arrivals, self.start_ms(arrivals), least), self.rtt_ms)

    def is_answered(self, arrivals: Arrivals, at_ms: float, over_idle_ms: float | None) -> bool:
        """Say whether there is an answer. *at_ms*: now, on the clock of *arrivals*."""
        start = self.start_ms(arrivals)
        past = at_ms - start
        if past < SHORT_MS:
            return False
        end = arrivals.last_ms
        queued = over_idle_ms or 0.0
        last = arrivals.mbit(max(start, end - SHORT_MS), end)
        if past >= self.measured_ms:
            return True
        found = self.estimate(arrivals)
        if queued > QUEUED_MS and last < SHORT * self.asked:
            # others suffer: no longer than until the interval says so, too
            is_plain = found is not None and found.high < REACHED * self.need
            return is_plain or past >= LONGEST_SHORT_MS
        if found is None or found.blocks < LEAST_BLOCKS:
            return False
        if past >= SURE_MS and found.low >= REACHED * self.asked:
            return True
        # Lost packets slow a flow down for a while: without a queue it gets its whole time
        is_too_little = found.high < REACHED * self.need and queued > SOME_QUEUE_MS
        return is_too_little and past >= SURE_MS


def planned(
    turn: Turn, direction: Direction, options: CapacityOptions, idle: Delay | None, ctx: Context
) -> Transfer:
    """Return what the line did with the planned load, on as many flows as are planned at once.

    Raises:
        CannotObserve: No connection, or nothing arrived.
        TimeoutError: The check's deadline has passed.
    """
    streams = min(MOST_STREAMS, options.load.streams)  # one where no workload is written
    need = options.needed_mbit
    asked = need * PACED_OVER_REQUIRED
    with running(turn, direction, options, idle, ctx, each_mbit=asked / streams) as course:
        course.load.open(streams)
        judge = Judge(need, course.rtt_ms)
        course.begin(streams)
        stopped = _run(course, judge)
        return _result(course, judge, direction, stopped)


def _run(course: Course, judge: Judge) -> StoppedBy:
    while True:
        course.tick()
        arrivals = course.arrivals()
        course.tell(arrivals)
        if (stopped := course.stopped()) is not None:
            return stopped
        if course.is_guarded:
            return "guard"
        if arrivals.ms and judge.is_answered(arrivals, course.at_ms, course.over_idle_ms()):
            return "answered"


def _result(course: Course, judge: Judge, direction: Direction, stopped: StoppedBy) -> Transfer:
    congestion = course.load.congestion()
    arrivals, loaded, srtt_ms, again_pct = course.end(judge.ramp_ms)
    found = judge.estimate(arrivals) or estimate(arrivals, 0.0, judge.rtt_ms)
    if found is None:
        raise course.nothing()
    reached = found.mbit >= REACHED * judge.asked
    known = Transfer(
        direction=direction,
        kind="planned",
        streams=course.load.streams,
        asked_mbit=round(judge.asked, 4),
        mbit=0,
        low_mbit=0,
        high_mbit=0,
        blocks=0,
        wire_mbit=0,
        single_mbit=round(found.mbit, 4) if course.load.streams == 1 else None,
        seconds=0,
        megabytes=0,
        limited_by="none" if reached else course.why_full(loaded, srtt_ms, again_pct),
        stopped_by=stopped,
        loaded=loaded,
        retransmitted_pct=None if again_pct is None else round(again_pct, 3),
        congestion=congestion,
    )
    return transfer(course, arrivals, found, known)
