"""A course of STAMP packets at an even pace, and all that their answers say.

A packet that falls behind by more than the gap is counted as late and the later ones move with it:
the pace never turns into a burst, which would be a load of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ccpor_checks.base import Context
from ccpor_checks.kit.arrivals import Way, lost_ways
from ccpor_checks.kit.fine_timer import fine_timer
from ccpor_checks.kit.stamp_session import Answer, StampSession

KNOCKS, KNOCK_S = 5, 1.0
LEAST_WAIT_S, LONGEST_WAIT_S = 1.0, 3.0
TOLD_EACH_S = 1.0


@dataclass(slots=True)
class Course:
    """What the packets met, each by its place: 0 is the first that was sent.

    sizes: of each packet that was sent. answers: the first one to each; what is missing was lost.
    order: the places in the order their answers came. copies: answers beyond the first.
    late: sent later than planned by more than their gap. unsent: that the system did not send.
    counts: the reflector's own, of all answers. before, after: its count before the first packet
    and past the last; None: not known.
    """

    gap_s: float
    sizes: list[int] = field(default_factory=list)
    answers: dict[int, Answer] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    copies: int = 0
    late: int = 0
    unsent: int = 0
    counts: set[int] = field(default_factory=set)
    before: int | None = None
    after: int | None = None
    seconds: float = 0.0

    @property
    def sent(self) -> int:
        return len(self.sizes)

    @property
    def lost(self) -> int:
        return len(self.sizes) - len(self.answers)

    @property
    def untimed(self) -> int:
        """Return how many answers came to packets that were held up while they were sent."""
        return sum(each.ms is None for each in self.answers.values())

    def ways(self) -> dict[int, Way] | None:
        """Return on which way each lost packet was lost; None: its count cannot tell."""
        return lost_ways(
            range(self.sent),
            {place: each.far_number for place, each in self.answers.items()},
            self.counts,
            before=self.before,
            after=self.after,
        )

    def of_size(self, size: int) -> list[int]:
        """Return the places of the packets of *size*."""
        return [place for place, each in enumerate(self.sizes) if each == size]

    def times(self, places: Sequence[int], of: Callable[[Answer], float]) -> list[float | None]:
        """Return *of* the answer at each of *places*; None: there is none, or it is untimed."""
        found: list[float | None] = []
        for place in places:
            each = self.answers.get(place)
            found.append(None if each is None or each.ms is None else of(each))
        return found


@dataclass(slots=True)
class _Running:
    session: StampSession
    course: Course
    ctx: Context
    first: int = 0

    def knock(self) -> int | None:
        """Return the reflector's count in the answer to a packet outside of the course.

        Who says twice that there is no way is believed.
        """
        for attempt in range(KNOCKS):
            asked = self.session.send()
            end = time.perf_counter() + self.ctx.remaining(KNOCK_S)
            while (left := end - time.perf_counter()) > 0:
                for each in self.session.wait(self.ctx.remaining(left)):
                    if each.number == asked:
                        return each.far_number
                    self.note(each)
                if self.session.refused_by:
                    break
            if attempt and self.session.refused_by:
                break
        return None

    def note(self, answer: Answer) -> None:
        place = answer.number - self.first
        if not 0 <= place < self.course.sent:
            return
        self.course.counts.add(answer.far_number)
        if place in self.course.answers:
            self.course.copies += 1
        else:
            self.course.answers[place] = answer
            self.course.order.append(place)

    def collect(self, until: float) -> None:
        while (left := until - time.perf_counter()) > 0:
            for each in self.session.wait(self.ctx.remaining(left)):
                self.note(each)

    def last_answers(self) -> None:
        times = [each.ms for each in self.course.answers.values() if each.ms is not None]
        most = max(times, default=LONGEST_WAIT_S * 1000) / 1000
        until = time.perf_counter() + min(LONGEST_WAIT_S, max(LEAST_WAIT_S, 4 * most))
        while self.course.lost and time.perf_counter() < until:
            self.collect(min(until, time.perf_counter() + 0.05))


def take_course(
    session: StampSession, sizes: Sequence[int], gap_s: float, ctx: Context, *, seconds: float
) -> Course | None:
    """Send a packet of each of *sizes*, *gap_s* apart, for *seconds* at most; return what came.

    None: the reflector answers nothing at all, five packets tried.

    Raises:
        TimeoutError: The check's deadline passed.
    """
    run = _Running(session, Course(gap_s), ctx)
    with fine_timer():
        before = run.knock()
        if before is None:
            return None
        run.course.before, run.first = before, session.number
        began = told = due = time.perf_counter()
        for size in sizes:
            if due - began >= seconds:
                break
            run.collect(due)
            now = time.perf_counter()
            if now - due > gap_s:
                run.course.late += 1
                due = now
            ctx.remaining()
            if session.send(size) is None:
                run.course.unsent += 1
            else:
                run.course.sizes.append(size)
            due += gap_s
            if now - told >= TOLD_EACH_S:
                told = now
                ctx.tell(f"{run.course.sent} of {len(sizes)} packets by UDP")
        run.course.seconds = time.perf_counter() - began
        run.last_answers()
        run.course.after = run.knock()
    return run.course
