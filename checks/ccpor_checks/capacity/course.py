"""What planned and saturated tests share: the clock, the guard, the live line, the result."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity.estimate import (
    WIRE_OVER_GOODPUT,
    Arrivals,
    Estimate,
    limited_by,
    since_begun,
)
from ccpor_checks.capacity.evidence import (
    CapacityOptions,
    Delay,
    Direction,
    LimitedBy,
    Moment,
    StoppedBy,
    Transfer,
)
from ccpor_checks.capacity.loads import DownLoad, UpLoad, load_of, now_ms
from ccpor_checks.capacity.prober import SLOW_MBIT, Prober
from ccpor_checks.capacity.turn import Turn

TICK_S = 0.05
TELL_S = 0.25
EARLY_MS, LAST_MS = 500.0, 400.0
GUARD_OVER_IDLE_MS, GUARD_S = 150.0, 1.5
MOMENT_MS, MOST_MOMENTS = 250.0, 80
SETTLED_MS, SETTLED_RTTS = 600.0, 8.0


class Course:
    """A running test. Times in ms since it began, rates in Mbit/s."""

    def __init__(
        self,
        load: UpLoad | DownLoad,
        prober: Prober,
        options: CapacityOptions,
        idle: Delay | None,
        ctx: Context,
    ) -> None:
        self.load, self.prober, self.options = load, prober, options
        self.idle, self.ctx = idle, ctx
        self.rtt_ms = idle.p50_ms if idle is not None else 100.0
        self.begun_ms = now_ms()
        self.ended_ms: float | None = None
        self.guard_ms: float | None = None
        self._over_since: float | None = None
        self._told_at = 0.0

    @property
    def at_ms(self) -> float:
        return now_ms() - self.begun_ms

    def begin(self, flows: int) -> None:
        self.begun_ms = now_ms()
        self.load.begin(flows)

    def begin_more(self, flows: int) -> None:
        self.load.begin(flows)

    def arrivals(self) -> Arrivals:
        """Return what arrived, on this test's clock; it begins with it."""
        points = [point._replace(ms=point.ms - self.begun_ms) for point in self.load.points()]
        return Arrivals(since_begun(points))

    def tick(self) -> None:
        """Let a little time pass, and say how far it is.

        Raises:
            TimeoutError: The check's deadline has passed.
            CannotObserve: Nothing arrives, or every flow was closed, before there is a rate.
        """
        self.load.over.wait(TICK_S)
        self.ctx.remaining()  # who is given up has closed connections, which the server did not
        self._watch_delay()
        if self.load.broken >= self.load.streams > 0 and self.at_ms < EARLY_MS:
            status = f" ({self.load.refused})" if self.load.refused else ""
            raise CannotObserve(
                f"the measuring server closed the connections at once{status}; run again later"
            )

    def stopped(self) -> StoppedBy | None:
        """Return what ends any test, whatever it looks for."""
        if self.load.is_spent:
            return "bytes"
        if self.load.broken >= self.load.streams > 0:
            return "target"
        if self.at_ms >= self.options.max_seconds * 1000:
            return "time"
        return None

    @property
    def is_guarded(self) -> bool:
        """Say whether the round trip was too long for too long: others on the line suffer."""
        since = self._over_since
        return since is not None and self.at_ms - since >= GUARD_S * 1000

    @property
    def is_queued(self) -> bool:
        idle = None if self.idle is None else self.idle.min_ms
        return limited_by(idle, self.prober.recent_ms(), None) == "queue"

    def over_idle_ms(self) -> float | None:
        """Return how much longer a round trip takes now than on the idle line."""
        recent = self.prober.recent_ms()
        if recent is None or self.idle is None:
            return None
        return recent - self.idle.p50_ms

    def _watch_delay(self) -> None:
        over = self.over_idle_ms()
        if over is None or over <= GUARD_OVER_IDLE_MS:
            self._over_since = None
        elif self._over_since is None:
            self._over_since = self.at_ms
        if self.is_guarded and over is not None:
            self.guard_ms = round(over, 1)

    def tell(self, arrivals: Arrivals) -> None:
        """Say rate, round trip, and what is left of the time and the bytes; four times a second."""
        now = self.at_ms
        settled = max(SETTLED_MS, SETTLED_RTTS * self.rtt_ms)
        if now > settled and arrivals.mbit(0.0, now) < SLOW_MBIT:
            self.prober.slow_down()
        if now - self._told_at < TELL_S * 1000:
            return
        self._told_at = now
        rate = arrivals.mbit(max(0.0, arrivals.last_ms - 1000), arrivals.last_ms)
        rtt = self.prober.recent_ms()
        left_s = max(0.0, self.options.max_seconds - now / 1000)
        left_mb = max(0.0, self.options.megabytes - self.load.moved / 1e6)
        shown = "" if rtt is None else f", {rtt:.0f} ms"
        self.ctx.tell(
            f"{self.load.direction} {rate:.1f} Mbit/s{shown}, {left_s:.1f} s and {left_mb:.1f} MB "
            "left"
        )

    def end(self, from_ms: float) -> tuple[Arrivals, Delay | None, float | None, float | None]:
        """Cut the load; return arrivals, loaded delay since *from_ms*, the kernel's own two."""
        self.ended_ms = self.at_ms
        srtt_ms, again_pct = self.load.sender()
        self._let_arrive()
        arrivals = self.arrivals()
        self.load.stop()
        since = (self.begun_ms + from_ms) / 1000
        loaded = self.prober.stop(since, (self.begun_ms + self.ended_ms) / 1000)
        return arrivals, loaded, srtt_ms, again_pct

    def _let_arrive(self) -> None:
        """Wait a little for the last bytes where all were sent: else a fast line shows nothing."""
        end = self.at_ms + LAST_MS
        while self.load.is_spent and self.at_ms < end:
            points = self.load.points()
            if points and points[-1].bytes >= self.load.moved:
                return
            self.load.over.wait(TICK_S)

    def nothing(self) -> CannotObserve:
        """Return in words that there is no rate to tell."""
        way, seconds = self.load.direction, (self.ended_ms or self.at_ms) / 1000
        if self.load.is_spent:
            return CannotObserve(
                f"{self.options.megabytes:g} MB were over before a rate could be told ({way}, "
                f"{seconds:.1f} s); allow more by max_megabytes"
            )
        return CannotObserve(f"nothing of the test arrived ({way}, {seconds:.1f} s); run again")

    def moments(self, arrivals: Arrivals) -> tuple[Moment, ...]:
        """Return the course in steps of a quarter second, longer where it took long."""
        whole = self.ended_ms or self.at_ms
        step = max(MOMENT_MS, whole / MOST_MOMENTS)
        found = []
        for place in range(1, min(MOST_MOMENTS, int(whole / step)) + 1):
            since, until = (place - 1) * step, place * step
            rtt = self.prober.between_ms(
                (self.begun_ms + since) / 1000, (self.begun_ms + until) / 1000
            )
            found.append(
                Moment(
                    at_s=round(until / 1000, 3),
                    mbit=round(arrivals.mbit(since, until), 3),
                    rtt_ms=None if rtt is None else round(rtt, 2),
                )
            )
        return tuple(found)

    def why_full(
        self, loaded: Delay | None, srtt_ms: float | None, again_pct: float | None
    ) -> LimitedBy:
        idle = None if self.idle is None else self.idle.min_ms
        seen = [ms for ms in (loaded.p50_ms if loaded else None, srtt_ms) if ms is not None]
        return limited_by(idle, max(seen, default=None), again_pct)


@contextlib.contextmanager
def running(
    turn: Turn,
    direction: Direction,
    options: CapacityOptions,
    idle: Delay | None,
    ctx: Context,
    *,
    each_mbit: float | None = None,
) -> Iterator[Course]:
    """Give a course with its prober asking and its load ready to be opened; both end with it."""
    try:
        load = load_of(direction, turn, ctx, each_mbit=each_mbit, budget=options.megabytes * 1e6)
    except OSError as exc:
        ctx.remaining()
        raise CannotObserve(
            f"no connection to the measuring server came about ({type(exc).__name__})"
        ) from exc
    try:
        with Prober(turn, ctx, idle.by if idle is not None else None) as prober:
            prober.start()
            prober.wait_for_first()
            yield Course(load, prober, options, idle, ctx)
    finally:
        load.stop()


def transfer(course: Course, arrivals: Arrivals, found: Estimate, known: Transfer) -> Transfer:
    """Return *known* with what every test leaves: rates, time, bytes, course, who paced."""
    load = course.load
    return msgspec.structs.replace(
        known,
        mbit=round(found.mbit, 4),
        low_mbit=round(found.low, 4),
        high_mbit=round(found.high, 4),
        blocks=found.blocks,
        wire_mbit=round(found.mbit * WIRE_OVER_GOODPUT, 4),
        streams=load.streams,
        seconds=round((course.ended_ms or 0.0) / 1000, 3),
        megabytes=round(load.moved / 1e6, 4),
        course=course.moments(arrivals),
        paced_by=load.paced_by if known.kind == "planned" else None,
        guard_ms=course.guard_ms if known.stopped_by == "guard" else None,
        too_busy=_too_busy(course),
    )


def _too_busy(course: Course) -> str | None:
    if course.prober.is_too_busy:
        return (
            "this workstation had no time to measure (its clock ticks came over 50 ms late); close "
            "other programs and run again"
        )
    if course.load.far_busy:
        return "the measuring server had no time to count what arrived; run again later"
    return None
