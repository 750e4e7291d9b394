"""The engine: whatever checks do, the plan comes back, each finding once, in time."""

from __future__ import annotations

import io
import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccpor_agent import scheduler
from ccpor_agent.engine import Seen, Surroundings, Unseen, run_plan
from ccpor_agent.plan import Plan
from ccpor_agent.scheduler import Stop
from ccpor_checks.base import Context, Target
from ccpor_reporting.model import Status
from tests.agent import fake_checks as fake

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RUNS = (
    fake.passes,
    fake.fails,
    fake.target_failed,
    fake.cannot,
    fake.not_applicable,
    fake.times_out,
    fake.crashes,
    fake.exits,
    fake.interrupts,
    fake.hangs,
    fake.hangs_with_a_broken_closer,
    fake.wrong_type,
    fake.nothing,
)


def seen_by(plan: Plan, **around: Any) -> Seen:
    return run_plan(plan, Surroundings(now=lambda: NOW, **around))


def statuses(seen: Seen) -> dict[str, str]:
    return {finding.id: finding.status.value for finding in seen.findings}


@pytest.fixture(autouse=True)
def _short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hung check is left behind after its budget and 50 ms: the tests need no second."""
    monkeypatch.setattr(scheduler, "GRACE_S", 0.05)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any targets, any graph of checks without a circle, any behaviour."""
    names = [f"c{n}" for n in range(draw(st.integers(1, 5)))]
    checks = [
        fake.check(
            name,
            draw(st.sampled_from(RUNS)),
            needs=draw(st.lists(st.sampled_from(names[:n]), unique=True)) if n else (),
            rules=draw(st.integers(1, 3)),
            judge=fake.JUDGES[draw(st.sampled_from(sorted(fake.JUDGES)))],
            staged=draw(st.booleans()),
            lock=draw(st.sampled_from([None, None, "uplink"])),
            budget_s=0.02,
        )
        for n, name in enumerate(names)
    ]
    chains = {
        f"t{n}": draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
        for n in range(draw(st.integers(1, 3)))
    }
    return fake.planned(chains, *checks)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=plans(), threads=st.integers(1, 6), limit_s=st.sampled_from([0.05, 0.3, 20.0]))
def test_every_planned_finding_comes_exactly_once_and_in_time(
    plan: Plan, threads: int, limit_s: float
) -> None:
    """A finding that is lost reads as "nothing wrong"; one that is doubled cannot be waived."""
    begun = time.monotonic()

    seen = seen_by(plan, threads=threads, limit_s=limit_s)

    assert [finding.id for finding in seen.findings] == list(plan.finding_ids)
    assert time.monotonic() - begun < limit_s + 1.0


@pytest.mark.parametrize(
    ("run", "stage", "kind"),
    [
        (fake.passes, "pass", None),
        (fake.fails, "fail", None),
        (fake.target_failed, "fail", "target-failed"),
        (fake.cannot, "error", "cannot-observe"),
        (fake.times_out, "error", "deadline"),
        (fake.hangs, "error", "deadline"),
        (fake.hangs_with_a_broken_closer, "error", "deadline"),
        (fake.crashes, "error", "internal"),
        (fake.exits, "error", "internal"),
        (fake.interrupts, "error", "internal"),
        (fake.wrong_type, "error", "internal"),
        (fake.nothing, "error", "internal"),
    ],
)
def test_each_ending_has_its_own_name(run: fake.Run, stage: str, kind: str | None) -> None:
    """Whether the world, the machine or we are at fault decides who must act."""
    seen = seen_by(fake.planned({"t": ["a"]}, fake.check("a", run)))

    (observation,) = seen.observations
    follows = "pass" if stage == "pass" else "skip"
    assert statuses(seen) == {"t/a.stage": stage, "t/a.rule1": follows}
    assert (observation.ending.kind if observation.ending else None) == kind


@pytest.mark.parametrize("judge", ["explodes", "says nothing", "shows an object"])
def test_a_rule_that_errs_is_our_bug_and_never_a_pass(judge: str) -> None:
    """A comparison that raises has proved nothing."""
    seen = seen_by(fake.planned({"t": ["a"]}, fake.check("a", judge=fake.JUDGES[judge])))

    assert statuses(seen) == {"t/a.stage": "error", "t/a.rule1": "skip"}


def test_what_our_bug_said_never_reaches_the_report() -> None:
    """An exception's text may hold a password; the log has it, the report names its class."""
    seen = seen_by(fake.planned({"t": ["a"]}, fake.check("a", fake.crashes)))

    assert "hunter2" not in repr(seen)
    assert "ValueError" in seen.findings[0].summary


def test_a_skip_names_the_root_of_the_chain() -> None:
    """Three steps down, the person must still read which step failed first."""
    checks = (
        fake.check("a", fake.fails, rules=1),
        fake.check("b", needs=["a"], rules=1),
        fake.check("c", needs=["b"], rules=1),
    )

    seen = seen_by(fake.planned({"t": ["a", "b", "c"]}, *checks))

    assert {f.id: f.because for f in seen.findings if f.status is Status.SKIP} == {
        "t/b.stage": "t/a.stage",
        "t/c.stage": "t/a.stage",
    }


def test_a_question_without_sense_is_not_applicable_and_stops_nobody() -> None:
    """Behind a proxy the name and the port are the proxy's; the page must still be looked at."""
    known: list[str] = []

    def note(_target: Target, _options: fake.Ask, ctx: Context) -> fake.Saw:
        known.extend(ctx.earlier)
        return fake.Saw()

    checks = (
        fake.check("a"),
        fake.check("b", fake.not_applicable, needs=["a"]),
        fake.check("c", note, needs=["b"]),
    )
    seen = seen_by(fake.planned({"t": ["a", "b", "c"]}, *checks))

    assert statuses(seen) == {
        "t/a.stage": "pass",
        "t/a.rule1": "pass",
        "t/b.stage": "not-applicable",
        "t/b.rule1": "not-applicable",
        "t/c.stage": "pass",
        "t/c.rule1": "pass",
    }
    assert known == ["a"]
    (ending,) = [each.ending for each in seen.observations if each.ending]
    assert (ending.kind, ending.detail) == ("not-applicable", "goes through the proxy")


def test_a_check_sees_the_evidence_of_earlier_ones_on_its_target_only() -> None:
    """The tcp check connects to what dns found, and never to another target's address."""
    known: dict[str, list[str]] = {}

    def note(target: Target, _options: fake.Ask, ctx: Context) -> fake.Saw:
        known[target.id] = sorted(ctx.earlier)
        return fake.Saw()

    checks = (fake.check("a"), fake.check("b", note, needs=["a"]))
    seen_by(fake.planned({"t": ["a", "b"], "u": ["b"]}, *checks))

    assert known == {"t": ["a"], "u": []}


def test_checks_of_one_lock_never_overlap() -> None:
    """Two bandwidth tests at once would each measure half a line."""
    inside, most = [0], [0]
    guard = threading.Lock()

    def busy(_target: Target, _options: fake.Ask, _ctx: Context) -> fake.Saw:
        with guard:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        with guard:
            inside[0] -= 1
        return fake.Saw()

    seen_by(
        fake.planned(
            {f"t{n}": ["a"] for n in range(6)}, fake.check("a", busy, lock="uplink", budget_s=5)
        )
    )

    assert most == [1]


def test_the_run_ends_at_its_own_deadline() -> None:
    """A technician who asked for a minute gets an answer after a minute."""
    plan = fake.planned(
        {f"t{n}": ["a", "b"] for n in range(4)},
        fake.check("a", fake.hangs, rules=1, budget_s=30),
        fake.check("b", needs=["a"], rules=1),
    )
    begun = time.monotonic()

    seen = seen_by(plan, threads=2, limit_s=0.3)

    assert time.monotonic() - begun < 1.0
    assert {f.status.value for f in seen.findings if f.check == "a"} == {"error"}
    assert {f.status.value for f in seen.findings if f.check == "b"} <= {"skip", "error"}


def test_an_early_stop_keeps_what_was_seen_and_names_the_rest_interrupted() -> None:
    """Ctrl-C after forty seconds of looking must not throw the forty seconds away."""
    stop = Stop()
    plan = fake.planned(
        {"t": ["a", "b"]},
        fake.check("a", rules=1),
        fake.check("b", fake.hangs, rules=1, needs=["a"], budget_s=30),
    )

    class Person(Unseen):
        """Presses Ctrl-C as soon as the second check is under way."""

        def began(self, target: str, check: str) -> None:
            if check == "b":
                stop.set()

    seen = seen_by(plan, stop=stop, view=Person())

    assert seen.interrupted
    assert statuses(seen) == {"t/a.stage": "pass", "t/b.stage": "error"}
    assert seen.findings[1].summary.startswith("interrupted")


def test_an_answer_that_came_with_the_stop_still_counts() -> None:
    """What was seen was seen, even if Ctrl-C came in the same moment."""
    stop = Stop()
    both_done = threading.Barrier(2)

    def together(_target: Target, _options: fake.Ask, _ctx: Context) -> fake.Saw:
        both_done.wait(5)
        return fake.Saw()

    class StopsAtTheFirst(Unseen):
        def ended(self, target: str, check: str) -> None:
            time.sleep(0.2)  # the other answer is in the queue by then
            stop.set()

    plan = fake.planned({"t": ["a"], "u": ["a"]}, fake.check("a", together, rules=1, budget_s=10))

    seen = seen_by(plan, stop=stop, view=StopsAtTheFirst())

    assert statuses(seen) == {"t/a.stage": "pass", "u/a.stage": "pass"}


def test_the_journal_has_each_result_as_it_comes() -> None:
    """If the process is killed, the journal is all that is left of the look."""
    journal = io.StringIO()

    seen_by(
        fake.planned({"t": ["a", "b"]}, fake.check("a"), fake.check("b", fake.crashes)),
        journal=journal.write,
    )

    lines = [json.loads(line) for line in journal.getvalue().splitlines()]
    assert {line["observation"]["check"] for line in lines} == {"a", "b"}


def test_a_hung_check_does_not_take_a_thread_from_the_others() -> None:
    """With one thread, the second target is still looked at once the first is given up."""
    checks = (
        fake.check("a", fake.hangs, rules=1, budget_s=0.05),
        fake.check("b", rules=1),
    )

    seen = seen_by(fake.planned({"t": ["a"], "u": ["b"]}, *checks), threads=1)

    assert statuses(seen) == {"t/a.stage": "error", "u/b.stage": "pass"}
