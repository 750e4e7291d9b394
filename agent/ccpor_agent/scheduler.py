"""When each piece of work runs: needs first, longest way first, and nobody waits for a hung one.

Threads are daemons: one that is stuck past its deadline is written off and never joined. The main
thread alone decides; workers only hand in what they found.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

# A wait for a lock is not interrupted on Windows: Ctrl-C is seen when the slice ends.
SLICE_S = 0.25
GRACE_S = 1.0  # a check that raises its own TimeoutError at its deadline still gets to say so

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")
K_contra = TypeVar("K_contra", bound=Hashable, contravariant=True)
R_any = TypeVar("R_any")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[K]):
    """One piece of work. seconds: its budget; lock: jobs of the same name never overlap.

    alone: it waits until nothing else runs or can begin, and nothing begins beside it.
    """

    key: K
    needs: tuple[K, ...] = ()
    seconds: float = 0.0
    lock: str | None = None
    alone: bool = False


class Work(Protocol[K_contra, R_any]):
    """What the scheduler asks of the one who knows what the work is."""

    def begin(self, key: K_contra, deadline: float) -> Callable[[], R_any] | None:
        """Return what a thread should run, never raising; None where nothing is to be run."""

    def finish(self, key: K_contra, result: R_any) -> None:
        """Take what the thread returned."""

    def abandon(self, key: K_contra) -> None:
        """Take note that the deadline passed; break what blocks if that is possible."""

    def drop(self, key: K_contra) -> None:
        """Take note that the run ended before this one could start or end."""


@dataclass(slots=True)
class Stop:
    """Ends a run early; safe to set from a signal handler."""

    is_set: bool = False
    _wake: Callable[[], object] = field(default=lambda: None)

    def set(self) -> None:
        self.is_set = True
        self._wake()

    def wakes(self, wake: Callable[[], object]) -> None:
        self._wake = wake


def run_jobs(
    jobs: Iterable[Job[K]],
    work: Work[K, R],
    *,
    threads: int,
    limit_s: float,
    stop: Stop | None = None,
    tick: Callable[[], object] = lambda: None,
) -> None:
    """Run *jobs* to their end or to *limit_s*; every key is finished, abandoned or dropped once.

    tick: called at least every quarter of a second while waiting, for a live view.
    """
    _Run(jobs, work, threads=threads, limit_s=limit_s, stop=stop or Stop(), tick=tick).run()


class _Run(Generic[K, R]):
    def __init__(
        self,
        jobs: Iterable[Job[K]],
        work: Work[K, R],
        *,
        threads: int,
        limit_s: float,
        stop: Stop,
        tick: Callable[[], object],
    ) -> None:
        self._jobs = {job.key: job for job in jobs}
        self._rank = _ranks(self._jobs)
        self._order = {key: position for position, key in enumerate(self._jobs)}
        self._work, self._free, self._stop, self._tick = work, threads, stop, tick
        self._end = time.monotonic() + limit_s
        self._inbox: SimpleQueue[tuple[K, R] | None] = SimpleQueue()
        self._ready: list[tuple[float, int, K]] = []
        self._live: dict[K, float] = {}  # keys that run, and when they are given up
        self._locks: set[str] = set()
        self._graph = TopologicalSorter({key: job.needs for key, job in self._jobs.items()})
        self._idle: list[SimpleQueue[Callable[[], None]]] = []

    def run(self) -> None:
        self._graph.prepare()
        self._stop.wakes(lambda: self._inbox.put(None))
        while self._graph.is_active():
            if self._stop.is_set or time.monotonic() >= self._end:
                self._drop_all()
                return
            self._begin_ready()
            if self._live:
                self._wait()

    def _begin_ready(self) -> None:
        """Begin what may begin; what settles at once makes others ready, so go round again."""
        settled = True
        while settled:
            for key in self._graph.get_ready():
                heappush(self._ready, (-self._rank[key], self._order[key], key))
            settled = self._begin_together()
            if self._ready and not self._live and not settled:
                settled = self._begin(heappop(self._ready)[2])  # all that is left waits to be alone

    def _begin_together(self) -> bool:
        """Begin all that may run beside others; True where one settled without a thread."""
        if any(self._jobs[key].alone for key in self._live):
            return False
        held: list[tuple[float, int, K]] = []
        settled = False
        while self._ready:
            entry = heappop(self._ready)
            job = self._jobs[entry[2]]
            if not self._free or job.alone or job.lock in self._locks:
                held.append(entry)
            else:
                settled |= self._begin(entry[2])
        self._ready = held  # in order already: it was filled from the least on
        return settled

    def _begin(self, key: K) -> bool:
        """Start *key* in a thread; True where it settled without one."""
        job = self._jobs[key]
        deadline = min(time.monotonic() + job.seconds, self._end)
        call = self._work.begin(key, deadline)
        if call is None:
            self._graph.done(key)
            return True
        self._free -= 1
        if job.lock:
            self._locks.add(job.lock)
        self._live[key] = min(deadline + GRACE_S, self._end)
        self._hand_over(key, call)
        return False

    def _hand_over(self, key: K, call: Callable[[], R]) -> None:
        box: SimpleQueue[Callable[[], None]]
        if self._idle:
            box = self._idle.pop()
        else:
            box = SimpleQueue()
            threading.Thread(target=_serve, args=(box,), name="check", daemon=True).start()

        def work() -> None:
            result = call()
            self._idle.append(box)  # before the answer: whoever reads it may want a thread
            self._inbox.put((key, result))

        box.put(work)

    def _wait(self) -> None:
        """Take one answer, or give up whatever is late."""
        now = time.monotonic()
        first = min(*self._live.values(), self._end)
        try:
            answer = self._inbox.get(timeout=max(0.0, min(first - now, SLICE_S)))
        except Empty:
            answer = None
        if answer is not None and answer[0] in self._live:
            self._settle(answer[0])
            self._work.finish(*answer)
        now = time.monotonic()
        for key in [key for key, late in self._live.items() if late <= now < self._end]:
            self._settle(key)
            self._work.abandon(key)
        self._tick()

    def _settle(self, key: K) -> None:
        del self._live[key]
        self._free += 1
        self._locks.discard(self._jobs[key].lock or "")
        self._graph.done(key)

    def _drop_all(self) -> None:
        """End the run: answers already in count, the rest is dropped in the order of the plan."""
        self._take_answers()
        live, self._live = self._live, {}
        late = time.monotonic() >= self._end and not self._stop.is_set
        for key in live:
            self._graph.done(key)
            (self._work.abandon if late else self._work.drop)(key)
        rest = {entry[2] for entry in self._ready}
        while self._graph.is_active():
            rest |= set(self._graph.get_ready())
            for key in sorted(rest, key=self._order.__getitem__):
                self._work.drop(key)
                self._graph.done(key)
            rest = set()

    def _take_answers(self) -> None:
        while True:
            try:
                answer = self._inbox.get_nowait()
            except Empty:
                return
            if answer is not None and answer[0] in self._live:
                self._settle(answer[0])
                self._work.finish(*answer)


def _serve(box: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        box.get()()


def _ranks(jobs: Mapping[K, Job[K]]) -> dict[K, float]:
    """Return the seconds of the longest way that starts at each job."""
    after: dict[K, list[K]] = {key: [] for key in jobs}
    for job in jobs.values():
        for need in job.needs:
            after[need].append(job.key)
    order = list(TopologicalSorter({key: job.needs for key, job in jobs.items()}).static_order())
    rank: dict[K, float] = {}
    for key in reversed(order):
        rank[key] = jobs[key].seconds + max((rank[each] for each in after[key]), default=0.0)
    return rank
