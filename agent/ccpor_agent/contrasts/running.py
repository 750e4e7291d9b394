"""Makes the planned comparisons, all at once and within their time; every one gets an answer."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import msgspec

from ccpor_agent.contrasts.planning import Comparison
from ccpor_agent.engine import Surroundings
from ccpor_agent.plan import Plan
from ccpor_agent.scheduler import Job, run_jobs
from ccpor_checks.base import Context
from ccpor_checks.contrast import Found, Question, look, unknown
from ccpor_reporting.contrasts import CHECK, VERSION, Contrast, ContrastEvidence, Walk
from ccpor_reporting.model import Observation, UtcTime

WALKS_AT_ONCE = 4  # routers answer a few packets a second; more at once would find them silent
LATE = "no time was left for it"

Key = tuple[str, int]  # target id, position of the question

log = logging.getLogger(__name__)


def run_contrasts(
    plan: Plan, wanted: Sequence[Comparison], around: Surroundings, seconds: float
) -> tuple[Observation, ...]:
    """Return an observation for each of *wanted*, made within *seconds*."""
    work = _Looks(plan, wanted, around)
    run_jobs(
        work.jobs(),
        work,
        threads=max(1, around.threads),
        limit_s=seconds,
        stop=around.stop,
        tick=around.view.tick,
    )
    return work.observations()


@dataclass(slots=True)
class _Open:
    """One comparison under way: its answers so far, by the position of their question."""

    wanted: Comparison
    began_at: UtcTime
    begun: float
    answers: dict[int, Found] = field(default_factory=dict)
    observation: Observation | None = None


class _Looks:
    """What the scheduler's keys are; all of it but the looks runs in the main thread."""

    def __init__(self, plan: Plan, wanted: Sequence[Comparison], around: Surroundings) -> None:
        self._plan, self._around = plan, around
        self._open = {each.target.id: _Open(each, around.now(), monotonic()) for each in wanted}
        self._contexts: dict[Key, Context] = {}
        for target, each in self._open.items():
            around.view.began(target, CHECK)
            self._close_if_done(target, each)

    def jobs(self) -> list[Job[Key]]:
        """Return the questions as jobs: walks first, those by ICMP after them, as they end soon."""
        keys = [
            (target, position)
            for target, each in self._open.items()
            for position in range(len(each.wanted.questions))
        ]
        asked = {key: self._question(key) for key in keys}
        walks = [key for key in keys if asked[key].kind == "walk"]
        walks.sort(key=lambda key: asked[key].protocol == "icmp")
        turns = {key: f"walk {n % WALKS_AT_ONCE}" for n, key in enumerate(walks)}
        others = [key for key in keys if key not in turns]
        return [
            Job(key=key, seconds=asked[key].seconds, lock=turns.get(key))
            for key in (*walks, *others)
        ]

    def observations(self) -> tuple[Observation, ...]:
        return tuple(each.observation for each in self._open.values() if each.observation)

    def begin(self, key: Key, deadline: float) -> Callable[[], Found]:
        question = self._question(key)
        context = Context(
            deadline=deadline,
            now=self._around.now,
            base_dir=self._plan.profile.base_dir,
            go_live=self._plan.profile.go_live,
            state_dir=self._around.state_dir,
        )
        self._contexts[key] = context
        state = self._around.state_dir
        return lambda: _looked(key, question, context, state)

    def finish(self, key: Key, result: Found) -> None:
        self._settle(key, result)

    def abandon(self, key: Key) -> None:
        context = self._contexts[key]
        threading.Thread(target=context.abandon, name="closer", daemon=True).start()
        self._settle(key, unknown(self._question(key), "no answer in time, left behind"))

    def drop(self, key: Key) -> None:
        if context := self._contexts.get(key):
            threading.Thread(target=context.abandon, name="closer", daemon=True).start()
        self._settle(key, unknown(self._question(key), LATE))

    def _question(self, key: Key) -> Question:
        target, position = key
        return self._open[target].wanted.questions[position]

    def _settle(self, key: Key, found: Found) -> None:
        target, position = key
        each = self._open[target]
        each.answers[position] = found
        self._close_if_done(target, each)

    def _close_if_done(self, target: str, each: _Open) -> None:
        if len(each.answers) < len(each.wanted.questions):
            return
        self._around.view.ended(target, CHECK)
        found = [each.answers[position] for position in range(len(each.answers))]
        evidence = ContrastEvidence(
            about=each.wanted.about,
            contrasts=each.wanted.known + tuple(c for c in found if isinstance(c, Contrast)),
            walks=tuple(w for w in found if isinstance(w, Walk)),
        )
        if not (evidence.contrasts or evidence.walks):
            return  # there was nothing to compare with
        each.observation = Observation(
            target=target,
            check=CHECK,
            version=VERSION,
            started_at=each.began_at,
            duration_ms=round((monotonic() - each.begun) * 1000, 3),
            attempts=1,
            evidence=msgspec.to_builtins(evidence),
        )
        line = json.dumps(msgspec.to_builtins({"observation": each.observation, "findings": ()}))
        self._around.journal(line + "\n")


def _looked(key: Key, question: Question, context: Context, state: Path | None) -> Found:
    """Make one comparison, in a worker thread; raises nothing."""
    try:
        if question.kind == "other-side":
            return _other_side(question, state, context)
        return look(question, context)
    except BaseException as exc:  # a broken look must not end the run
        log.error("contrast.crashed", extra={"target": key[0], "kind": question.kind}, exc_info=exc)
        return unknown(question, f"our bug in this look ({type(exc).__name__}), see the log")


def _other_side(question: Question, state: Path | None, context: Context) -> Contrast | None:
    from ccpor_agent.other_side import ask

    if state is None or question.target is None:
        return None
    seconds = context.remaining(question.seconds)
    return ask(state, question.target.id, seconds, check=question.check)
