"""Work that must be alone: it waits for all others, and all others wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ccpor_agent.scheduler import Job, run_jobs


class Watched:
    """Work of 20 ms each that notes what ran beside it."""

    def __init__(self, settled: frozenset[str] = frozenset()) -> None:
        self.order: list[str] = []
        self.beside: dict[str, set[str]] = {}
        self.dropped: list[str] = []
        self._settled = settled
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, key: str, deadline: float) -> Callable[[], None] | None:
        self.order.append(key)
        return None if key in self._settled else lambda: self._work(key)

    def _work(self, key: str) -> None:
        with self._lock:
            self._running.add(key)
            for one in self._running:
                self.beside.setdefault(one, set()).update(self._running)
        time.sleep(0.02)
        with self._lock:
            self._running.discard(key)

    def finish(self, key: str, result: None) -> None: ...

    def abandon(self, key: str) -> None: ...

    def drop(self, key: str) -> None:
        self.dropped.append(key)


def jobs(*alone: str, needs: dict[str, tuple[str, ...]] | None = None) -> list[Job[str]]:
    keys = ["m1", "a", "b", "m2", "c", "d"]
    given = needs or {}
    return [Job(key=k, needs=given.get(k, ()), seconds=1, alone=k in alone) for k in keys]


def test_what_must_be_alone_comes_last_and_one_by_one() -> None:
    work = Watched()

    run_jobs(jobs("m1", "m2"), work, threads=8, limit_s=20)

    assert work.order[-2:] == ["m1", "m2"]
    assert work.beside["m1"] == {"m1"}
    assert work.beside["m2"] == {"m2"}
    assert len(work.beside["a"]) > 1, "the others should have run beside each other"


def test_it_waits_for_chains_that_are_still_to_begin_too() -> None:
    work = Watched()

    run_jobs(jobs("m1", needs={"b": ("a",), "c": ("b",), "d": ("c",)}), work, threads=8, limit_s=20)

    assert work.order[-1] == "m1"
    assert work.beside["m1"] == {"m1"}


def test_what_needs_it_comes_after_it() -> None:
    work = Watched()

    run_jobs(jobs("m1", needs={"d": ("m1",)}), work, threads=8, limit_s=20)

    assert work.order[-2:] == ["m1", "d"]
    assert work.dropped == []


def test_one_that_settles_at_once_holds_nobody_up() -> None:
    work = Watched(settled=frozenset({"m1", "a"}))

    run_jobs(jobs("m1", "m2"), work, threads=8, limit_s=20)

    assert sorted(work.order) == ["a", "b", "c", "d", "m1", "m2"]
    assert work.order[-1] == "m2"


def test_the_end_of_the_run_drops_it() -> None:
    work = Watched()

    run_jobs(jobs("m1"), work, threads=1, limit_s=0.03)

    assert "m1" in work.dropped
