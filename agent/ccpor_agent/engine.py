"""Runs a plan: every planned finding comes out exactly once, whatever a check does.

A check runs in a daemon thread under its own deadline. What it returns, raises or fails to return
becomes an observation and findings; nothing a check does ends the run or reaches the screen.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

import msgspec

from ccpor_agent.plan import Key, Node, Plan
from ccpor_agent.scheduler import Job, Stop, run_jobs
from ccpor_checks.base import CannotObserve, Context, NotApplicable, Sign, TargetFailed
from ccpor_reporting.judging import INTERNAL, NOT_APPLICABLE, Judged, judge, not_observed, skipped
from ccpor_reporting.model import Ending, Finding, Observation, Severity, UtcTime
from ccpor_reporting.rules import Setting

DEFAULT_THREADS = 128  # checks wait; a waiting thread costs about 50 kB
DEFAULT_LIMIT_S = 300.0
PARTING_S = 1.0
DEADLINE, TARGET_FAILED, CANNOT_OBSERVE = "deadline", "target-failed", "cannot-observe"

log = logging.getLogger(__name__)


def _nowhere(_line: str) -> None: ...


def _not_enrolled(_method: str, _path: str) -> None: ...


class View(Protocol):
    """Who watches a run; the live block on a terminal, or nobody."""

    def began(self, target: str, check: str) -> None: ...

    def says(self, target: str, check: str, words: str) -> None:
        """Take what a running check does now; called from its thread."""

    def ended(self, target: str, check: str) -> None: ...

    def tick(self) -> None: ...


class Unseen:
    """Nobody watches."""

    def began(self, target: str, check: str) -> None: ...

    def says(self, target: str, check: str, words: str) -> None: ...

    def ended(self, target: str, check: str) -> None: ...

    def tick(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a run saw, in the order of the plan."""

    observations: tuple[Observation, ...]
    findings: tuple[Finding, ...]
    interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a run takes from outside: time, folders, and who watches."""

    now: Callable[[], UtcTime]
    threads: int = DEFAULT_THREADS
    limit_s: float = DEFAULT_LIMIT_S
    state_dir: Path | None = None
    journal: Callable[[str], object] = _nowhere  # gets each result as it comes, one JSON line
    view: View = field(default_factory=Unseen)
    stop: Stop = field(default_factory=Stop)
    sign: Sign = _not_enrolled
    save_scan: Path | None = None  # where the person wants the scanned pages


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looked:
    observation: Observation
    judged: Judged
    evidence: msgspec.Struct | None


def run_plan(plan: Plan, around: Surroundings) -> Seen:
    """Run *plan* and return what it saw; never raises for what a check does."""
    work = _Work(plan, around)
    jobs = [
        Job(
            key=node.key,
            needs=node.needs,
            seconds=node.budget_s,
            lock=node.check.lock,
            alone=node.check.alone,
        )
        for node in plan.nodes
    ]
    run_jobs(
        jobs,
        work,
        threads=max(1, around.threads),
        limit_s=around.limit_s,
        stop=around.stop,
        tick=around.view.tick,
    )
    work.part()
    return work.seen()


class _Work:
    """Knows what the scheduler's keys are; all of it but `_look` runs in the main thread."""

    def __init__(self, plan: Plan, around: Surroundings) -> None:
        self._plan, self._around = plan, around
        self._nodes = {node.key: node for node in plan.nodes}
        self._contexts: dict[Key, Context] = {}
        self._started: dict[Key, datetime] = {}
        self._begun: dict[Key, float] = {}  # on the monotonic clock
        self._evidence: dict[str, dict[str, msgspec.Struct]] = defaultdict(dict)  # by target
        self._gates: dict[Key, str] = {}
        self._findings: dict[Key, tuple[Finding, ...]] = {}
        self._observations: dict[Key, Observation] = {}
        self._closers: list[threading.Thread] = []

    def _give_up(self, context: Context) -> None:
        closer = threading.Thread(target=_break, args=(context,), name="closer", daemon=True)
        closer.start()
        self._closers.append(closer)

    def part(self) -> None:
        """Wait a moment for those given up: one may be taking away what it put at its target."""
        end = monotonic() + PARTING_S
        for closer in self._closers:
            closer.join(max(0.0, end - monotonic()))

    def seen(self) -> Seen:
        keys = [node.key for node in self._plan.nodes]
        return Seen(
            observations=tuple(self._observations[k] for k in keys if k in self._observations),
            findings=tuple(each for key in keys for each in self._findings[key]),
            interrupted=self._around.stop.is_set,
        )

    def begin(self, key: Key, deadline: float) -> Callable[[], _Looked] | None:
        node = self._nodes[key]
        if gate := self._closed_gate(node):
            self._skip(node, gate)
            return None
        context = Context(
            deadline=deadline,
            now=self._around.now,
            earlier=dict(self._evidence[key[0]]),
            base_dir=self._plan.profile.base_dir,
            go_live=self._plan.profile.go_live,
            state_dir=self._around.state_dir,
            tell=lambda words: self._around.view.says(*key, words),
            sign=self._around.sign,
            keep=self._around.save_scan,
        )
        self._contexts[key] = context
        self._started[key] = self._around.now()
        self._begun[key] = monotonic()
        self._around.view.began(*key)
        started = self._started[key]
        return lambda: _look(node, context, started)

    def finish(self, key: Key, result: _Looked) -> None:
        node = self._nodes[key]
        if result.evidence is not None:
            self._evidence[key[0]][key[1]] = result.evidence
        self._keep(node, result.judged, result.observation)

    def abandon(self, key: Key) -> None:
        node, context = self._nodes[key], self._contexts[key]
        # A closer may itself block; it must not stop the run.
        self._give_up(context)
        seconds = monotonic() - self._begun[key]
        detail = (
            f"no answer within {node.budget_s:.3g} s, left behind"
            if seconds >= node.budget_s
            else f"not ended within the run's deadline of {self._around.limit_s:g} s, left behind"
        )
        ending = Ending(kind=DEADLINE, detail=detail)
        log.warning("check.abandoned", extra={"target": key[0], "check": key[1]})
        judged = _judge(node, None, ending, self._setting(node, self._started[key]))
        self._keep(node, judged, self._observed(node, context, ending, seconds))

    def drop(self, key: Key) -> None:
        node = self._nodes[key]
        if gate := self._closed_gate(node):
            self._skip(node, gate)
            return
        if context := self._contexts.get(key):
            self._give_up(context)
        why = (
            "interrupted before it ended"
            if self._around.stop.is_set
            else f"not reached within the run's deadline of {self._around.limit_s:g} s"
        )
        self._not_looked_at(node, why)

    def _closed_gate(self, node: Node) -> str | None:
        return next((self._gates[need] for need in node.needs if need in self._gates), None)

    def _skip(self, node: Node, gate: str) -> None:
        findings = tuple(skipped(node.check_id, rule, node.ref, gate) for rule in node.rules)
        self._keep(node, Judged(findings, gate), None)

    def _not_looked_at(self, node: Node, why: str) -> None:
        findings = tuple(not_observed(node.check_id, rule, node.ref, why) for rule in node.rules)
        stops = [rule.severity is Severity.BLOCKER for rule in node.rules]
        gate = findings[stops.index(True)].id if any(stops) else None
        self._keep(node, Judged(findings, gate), None)

    def _keep(self, node: Node, judged: Judged, observation: Observation | None) -> None:
        self._findings[node.key] = judged.findings
        if judged.gate:
            self._gates[node.key] = judged.gate
        if observation is not None:
            self._observations[node.key] = observation
        self._write_down(judged.findings, observation)
        self._around.view.ended(*node.key)

    def _write_down(self, findings: tuple[Finding, ...], observation: Observation | None) -> None:
        line = json.dumps(msgspec.to_builtins({"observation": observation, "findings": findings}))
        self._around.journal(line + "\n")

    def _setting(self, node: Node, started: datetime) -> Setting:
        return setting_of(self._plan, node, started)

    def _observed(
        self, node: Node, context: Context, ending: Ending, seconds: float
    ) -> Observation:
        return _observation(
            node, context, self._started[node.key], seconds, plain={}, ending=ending
        )


def setting_of(plan: Plan, node: Node, observed_at: datetime) -> Setting:
    """Return when and against what the evidence of *node* is judged."""
    return Setting(observed_at=observed_at, go_live=plan.profile.go_live, host=node.target.host)


def _look(node: Node, context: Context, started: datetime) -> _Looked:
    """Run one check and judge it, in a worker thread; raises nothing."""
    begun = monotonic()
    setting = Setting(observed_at=started, go_live=context.go_live, host=node.target.host)
    plain: dict[str, Any] = {}
    evidence, ending = None, None
    try:
        evidence = node.check.run(node.target, node.options, context)
        if not isinstance(evidence, node.check.evidence):
            raise TypeError(f"run returned {type(evidence).__name__}")
        plain = msgspec.to_builtins(evidence)
        judged = _checked(_judge(node, evidence, None, setting))
    except TargetFailed as exc:
        evidence, plain = None, _plain(exc.evidence)
        ending = Ending(
            kind=TARGET_FAILED, detail=str(exc.detail), code=str(exc.code), reason=str(exc.reason)
        )
    except CannotObserve as exc:
        evidence, ending = None, Ending(kind=CANNOT_OBSERVE, detail=str(exc))
    except NotApplicable as exc:
        evidence, ending = None, Ending(kind=NOT_APPLICABLE, detail=str(exc))
    except TimeoutError:
        seconds = monotonic() - begun
        evidence = None
        ending = Ending(kind=DEADLINE, detail=f"no answer within {seconds:.3g} s")
    except BaseException as exc:  # a broken check must not end the run
        names = {"target": node.target.id, "check": node.check_id}
        log.error("check.crashed", extra=names, exc_info=exc)
        detail = f"our bug in the check {node.check_id} ({type(exc).__name__}), see the log"
        evidence, ending = None, Ending(kind=INTERNAL, detail=detail)
    if ending is not None:
        judged = _judge(node, None, ending, setting)
    seconds = monotonic() - begun
    log.info(
        "check.finished",
        extra={"target": node.target.id, "check": node.check_id, "ms": round(seconds * 1000)},
    )
    observation = _observation(node, context, started, seconds, plain=plain, ending=ending)
    return _Looked(observation=observation, judged=judged, evidence=evidence)


def _judge(node: Node, evidence: Any, ending: Ending | None, setting: Setting) -> Judged:
    return judge(
        check=node.check_id,
        rules=node.rules,
        staged=node.check.staged,
        target=node.ref,
        options=node.options,
        evidence=evidence,
        ending=ending,
        setting=setting,
    )


def _checked(judged: Judged) -> Judged:
    """Return *judged* if JSON can hold it and the types are right; a rule of others may err."""
    findings = msgspec.convert(msgspec.to_builtins(judged.findings), tuple[Finding, ...])
    return Judged(findings, judged.gate)


def _plain(evidence: Any) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = msgspec.to_builtins(dict(evidence), str_keys=True)
    except TypeError:
        return {}
    return plain


def _observation(
    node: Node,
    context: Context,
    started: datetime,
    seconds: float,
    *,
    plain: dict[str, Any],
    ending: Ending | None,
) -> Observation:
    return Observation(
        target=node.target.id,
        check=node.check_id,
        version=node.check.version,
        started_at=started,
        duration_ms=round(seconds * 1000, 3),
        attempts=context.attempts,
        evidence=plain,
        ending=ending,
    )


def _break(context: Context) -> None:
    """Run the closers of a check that is given up; what they raise is the check's own affair."""
    try:
        context.abandon()
    except BaseException as exc:  # a closer belongs to the check
        log.error("check.closer_crashed", exc_info=exc)
