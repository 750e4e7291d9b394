"""The contrast phase: few questions, the right ones, in their time, whatever a look does."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ccpor_agent import contrasts, other_side
from ccpor_agent.contrasts import phase, running
from ccpor_agent.contrasts.planning import (
    MOST_CONTRASTS,
    MOST_TARGETS,
    MOST_WALKS,
    Comparison,
    Machine,
    plan_contrasts,
)
from ccpor_agent.engine import Seen, Surroundings
from ccpor_agent.plan import Plan, make_plan
from ccpor_agent.profile import parse_profile
from ccpor_agent.scheduler import Stop
from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.contrast import Found, Question
from ccpor_checks.dns.system import Resolver
from ccpor_checks.registry import load
from ccpor_reporting.contrasts import CHECK, UNKNOWN, WORKS, Contrast, ContrastEvidence, Hop, Walk
from ccpor_reporting.model import Finding, Observation, Owner, Severity, Status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HEAD = 'schema = "ccpor-profile/1"\n[location]\ncourt = "ca-test"\nname = "main"\nrole = "clerk"\n'


def plan_of(*targets: str) -> Plan:
    text = HEAD + "".join(f"[[target]]\n{target}\n" for target in targets)
    return make_plan(parse_profile(text, "test.toml", Path.cwd()), load)


def web(name: str, host: str, more: str = "") -> str:
    return f'id = "{name}"\nurl = "https://{host}/"\n{more}'


def failed(
    target: str, fault: str, *, severity: Severity = Severity.BLOCKER, status: Status = Status.FAIL
) -> Finding:
    code, _, reason = fault.partition("/")
    return Finding(
        id=f"{target}/{code}",
        target=target,
        check=code.partition(".")[0],
        code=code,
        status=status,
        severity=severity,
        summary="",
        owner=Owner.DATACENTER,
        reason=reason or None,
    )


def saw(target: str, check: str, **evidence: Any) -> Observation:
    return Observation(
        target=target,
        check=check,
        version=1,
        started_at=NOW,
        duration_ms=1.0,
        attempts=1,
        evidence=evidence,
    )


def tries(**reasons: str | None) -> list[dict[str, Any]]:
    """Return tries of the tcp check by address, dots written as underscores."""
    return [
        {"address": address.replace("_", ".").lstrip("a"), "reason": reason, "ms": 1.0}
        for address, reason in reasons.items()
    ]


def compared(
    plan: Plan,
    findings: Iterable[Finding],
    observations: Iterable[Observation] = (),
    machine: Machine | None = None,
) -> dict[str, Comparison]:
    made = plan_contrasts(plan, tuple(findings), tuple(observations), machine or Machine())
    return {each.target.id: each for each in made}


def asked(comparison: Comparison) -> set[tuple[str, str]]:
    return {(each.kind, each.what) for each in comparison.questions}


def test_forty_targets_behind_one_cut_are_compared_once() -> None:
    """Forty walks would find the routers silent, and say the same thing forty times."""
    names = [f"t{n}" for n in range(40)]
    plan = plan_of(*(web(name, f"10.77.4.{n + 1}") for n, name in enumerate(names)))

    made = compared(plan, [failed(name, "tcp.reach/dropped") for name in names])

    assert list(made) == ["t0"]
    assert made["t0"].about == ("t0/tcp.reach",)


def test_other_faults_networks_and_ports_are_compared_apart() -> None:
    """What differs may have another cause."""
    plan = plan_of(
        web("a", "10.1.1.1"),
        web("alike", "10.1.1.2"),
        web("fault", "10.1.1.3"),
        web("network", "10.1.2.1"),
        web("port", "10.1.1.4:8443"),
        web("six", "[fd77:4::1]"),
        web("six-alike", "[fd77:4::2]"),
    )
    faults = dict.fromkeys((t.id for t in plan.profile.targets), "tcp.reach/dropped")
    faults["fault"] = "tcp.reach/refused"

    made = compared(plan, [failed(*each) for each in faults.items()])

    assert list(made) == ["a", "fault", "network", "port", "six"]


def test_no_more_targets_than_the_limit_blockers_and_other_networks_first() -> None:
    """The bound holds whatever fails, and what stops go-live is explained first."""
    same = [web(f"port{n}", f"10.1.1.1:{8000 + n}") for n in range(8)]
    plan = plan_of(web("mild", "10.9.9.9"), *same, web("far", "10.2.2.2"))
    findings = [failed("mild", "tcp.reach/dropped", severity=Severity.WARNING)]
    findings += [failed(t.id, "tcp.reach/dropped") for t in plan.profile.targets[1:]]

    made = compared(plan, findings)

    assert len(made) == MOST_TARGETS
    assert list(made) == ["port0", "port1", "port2", "port3", "port4", "far"]


def test_nothing_is_compared_for_what_did_not_fail() -> None:
    """A healthy run sends nothing more; an error is ours, not the network's."""
    plan = plan_of(web("a", "10.1.1.1"))
    findings = [
        failed("a", "tcp.reach", status=Status.PASS),
        failed("a", "tls.handshake", status=Status.ERROR),
        failed("a", "tls.validity/expired"),
        failed("a", "tls.trust/revoked", severity=Severity.INFO),
    ]

    assert compared(plan, findings) == {}


def test_a_silent_port_is_walked_to_and_compared_with_what_the_profile_names() -> None:
    plan = plan_of(
        web("a", "10.1.1.1", 'contrast = ["ssh://10.1.1.1", "icmp://10.1.1.1", "snmp://10.1.1.1"]')
    )

    made = compared(plan, [failed("a", "tcp.reach/dropped")], machine=Machine(asks_collector=True))

    assert asked(made["a"]) == {
        ("walk", "a walk by tcp to 10.1.1.1:443"),
        ("walk", "a walk by icmp to 10.1.1.1"),
        ("link", "this workstation's links"),
        ("tcp", "ssh://10.1.1.1"),
        ("tcp", "icmp://10.1.1.1"),
        ("through-proxy", "https://10.1.1.1/"),
        ("other-side", "tcp of a, from the collector"),
    }


def test_a_refusing_host_is_not_walked_to() -> None:
    """It answered: the way there is open."""
    plan = plan_of(web("a", "10.1.1.1", 'contrast = ["tcp://10.1.1.1:22"]'))

    made = compared(plan, [failed("a", "tcp.reach/refused")])

    assert asked(made["a"]) == {
        ("tcp", "tcp://10.1.1.1:22"),
        ("through-proxy", "https://10.1.1.1/"),
    }


def test_what_the_run_has_seen_is_not_looked_at_again() -> None:
    """Neither a contrast that is a target of its own, nor a walk that the check has made."""
    plan = plan_of(
        web("a", "10.1.1.1", 'contrast = ["tcp://10.1.1.1:22", "tls://10.1.1.1:8443"]'),
        'id = "shell"\nurl = "tcp://10.1.1.1:22"',
        'id = "shut"\nurl = "tcp://10.1.1.1:8443"',
    )
    walk = Walk(protocol="tcp", address="10.1.1.1", port=443, hops=(), end="silent")
    observations = [
        saw("a", "tcp", tries=tries(a10_1_1_1="dropped"), walks=msgspec.to_builtins([walk])),
        saw("shell", "tcp", address="10.1.1.1", tries=tries(a10_1_1_1=None)),
    ]
    findings = [
        failed("a", "tcp.reach/dropped"),
        failed("shell", "tcp.reach", status=Status.PASS),
        failed("shut", "tcp.reach/refused"),
    ]

    one = compared(plan, findings, observations)["a"]

    assert [(c.what, c.outcome, c.detail) for c in one.known] == [
        ("tcp://10.1.1.1:22", WORKS, "seen in this run at shell"),
        ("tls://10.1.1.1:8443", "refused", "seen in this run at shut"),
    ]
    assert asked(one) == {
        ("walk", "a walk by icmp to 10.1.1.1"),
        ("link", "this workstation's links"),
        ("through-proxy", "https://10.1.1.1/"),
    }


@pytest.mark.parametrize(
    ("seen", "questions", "known"),
    [
        ({"a10_1_1_1": "dropped"}, {("other-family", "tcp://[fd00::1]:443")}, set()),
        (
            {"a10_1_1_1": "dropped", "fd00::1": "network-unreachable"},
            set(),
            {("tcp://[fd00::1]:443", "network-unreachable")},
        ),
    ],
    ids=["not tried yet", "tried by the check"],
)
def test_the_other_version_of_ip_is_compared(
    seen: dict[str, str | None], questions: set[Any], known: set[Any]
) -> None:
    """IPv4 broken while IPv6 works is another ticket than a host that is down."""
    plan = plan_of(web("a", "a.example"))
    observations = [
        saw("a", "dns", addresses=["10.1.1.1", "fd00::1"]),
        saw("a", "tcp", address=None, tries=tries(**seen)),
    ]

    one = compared(plan, [failed("a", "tcp.reach/dropped")], observations)["a"]

    assert {each for each in asked(one) if each[0] == "other-family"} == questions
    assert {(c.what, c.outcome) for c in one.known} == known


def test_a_name_that_is_not_found_is_asked_for_elsewhere_and_tried_by_address() -> None:
    """The expected address works: only the name is wrong. Another resolver knows it: whose fault."""
    plan = plan_of(
        web("a", "a.example", '[target.dns]\nresolvers = ["10.0.0.1"]\nexpected = ["10.1.1.1"]'),
        web("b", "b.example", '[target.dns]\nresolvers = ["10.0.0.1:53", "10.0.0.2:5353"]'),
    )
    answers = [{"resolver": "10.0.0.1", "reason": "nxdomain"}]

    made = compared(
        plan,
        [failed("a", "dns.answer/nxdomain")],
        [saw("a", "dns", addresses=[], answers=answers)],
        Machine(resolvers=(Resolver("10.9.0.1", "10.9.0.1"),)),
    )

    assert asked(made["a"]) == {
        ("by-address", "tcp://10.1.1.1:443"),
        ("other-resolver", "10.9.0.1"),
        ("other-resolver", "10.0.0.2:5353"),
    }


def test_names_at_one_silent_resolver_are_compared_once_names_that_are_unknown_each() -> None:
    """Silence is the resolver's; "no such name" is about that one name."""
    plan = plan_of(*(web(name, f"{name}.example") for name in ("a", "b", "c", "d")))

    def answered(target: str, reason: str) -> Observation:
        answers = [{"resolver": "10.0.0.1", "reason": reason}]
        return saw(target, "dns", addresses=[], answers=answers)

    reasons = {"a": "timeout", "b": "timeout", "c": "nxdomain", "d": "nxdomain"}
    made = compared(
        plan,
        [failed(name, f"dns.answer/{reason}") for name, reason in reasons.items()],
        [answered(*each) for each in reasons.items()],
        Machine(resolvers=(Resolver("10.0.0.9", "10.0.0.9"),)),
    )

    # without resolvers of its own in the profile, a target has asked the system's already
    assert asked(made["a"]) == {
        ("link", "this workstation's links"),
        ("walk", "a walk by udp to 10.0.0.1:53"),
        ("walk", "a walk by icmp to 10.0.0.1"),
    }
    assert list(made) == ["a"]


@pytest.mark.parametrize(
    ("fault", "check", "table"),
    [
        ("tls.handshake/timeout", "tls", ""),
        ("http.answer/timeout", "http", ""),
        ("http.upload/cut", "http", "[target.http]\nupload_kb = 600"),
        ("order.upload/failed", "order", ""),
    ],
)
def test_what_stopped_half_way_is_repeated_with_small_segments(
    fault: str, check: str, table: str
) -> None:
    plan = plan_of(web("a", "a.example", table))
    observations = [saw("a", "tcp", address="10.1.1.1", tries=tries(a10_1_1_1=None))]

    one = compared(plan, [failed("a", fault)], observations)["a"]

    (question,) = one.questions
    assert (question.kind, question.check) == ("small-segments", check)
    assert question.addresses == ("10.1.1.1",)


def test_what_a_proxy_may_spoil_is_compared_with_the_way_past_it() -> None:
    """Small segments would end at the proxy and say nothing."""
    plan = plan_of(web("a", "a.example"))
    observations = [saw("a", "proxy", via="http://10.1.1.3:3128", direct="works")]

    one = compared(plan, [failed("a", "tls.handshake/reset")], observations)["a"]

    assert [(c.kind, c.outcome) for c in one.known] == [("direct", WORKS)]
    assert one.questions == ()


def test_a_refused_certificate_is_not_repeated_but_asked_of_the_other_side() -> None:
    plan = plan_of(web("a", "10.1.1.1"))

    one = compared(
        plan, [failed("a", "tls.trust/intercepted")], machine=Machine(asks_collector=True)
    )["a"]

    assert asked(one) == {("other-side", "tls of a, from the collector")}


def test_a_silent_time_server_is_walked_to_by_datagrams() -> None:
    plan = plan_of('id = "clock"\nurl = "ntp://10.1.1.123"\ncontrast = ["ntp://10.1.1.124"]')

    one = compared(plan, [failed("clock", "clock.server/timeout")])["clock"]

    assert asked(one) == {
        ("walk", "a walk by udp to 10.1.1.123:123"),
        ("walk", "a walk by icmp to 10.1.1.123"),
        ("link", "this workstation's links"),
        ("tcp", "ntp://10.1.1.124"),
    }


@pytest.mark.parametrize("seen", [{}, {"direct": "works", "direct_address": "10.1.1.1"}], ids=str)
def test_a_proxy_that_fails_is_compared_with_the_way_past_it(seen: dict[str, Any]) -> None:
    """A silent proxy is walked to; the way past it is tried where the check has not."""
    plan = plan_of(
        web("a", "a.example", '[target.proxy]\nmode = "url"\nurl = "http://10.1.1.3:3128"')
    )
    observations = [saw("a", "proxy", via="http://10.1.1.3:3128", **seen)]

    one = compared(plan, [failed("a", "proxy.reach/dropped")], observations)["a"]

    direct = {("direct", "tcp://a.example:443")}
    assert {("direct", c.what) for c in one.known} == (direct if seen else set())
    assert asked(one) == {
        ("walk", "a walk by tcp to 10.1.1.3:3128"),
        ("walk", "a walk by icmp to 10.1.1.3"),
        ("link", "this workstation's links"),
        *(set() if seen else direct),
    }


def test_one_target_has_no_more_contrasts_than_the_limit() -> None:
    many = ", ".join(f'"tcp://10.1.1.1:{port}"' for port in range(8000, 8010))
    plan = plan_of(web("a", "10.1.1.1", f"contrast = [{many}]"))

    one = compared(plan, [failed("a", "tcp.reach/dropped")])["a"]

    others = [each for each in one.questions if each.kind != "walk"]
    assert len(others) == MOST_CONTRASTS
    assert {each.kind for each in others} == {"link", "through-proxy", "tcp"}


def test_the_links_are_looked_at_once_and_never_for_this_machine_itself() -> None:
    plan = plan_of(web("here", "127.0.0.1"), web("a", "10.1.1.1"), web("b", "10.2.1.1"))
    faults = ("here", "a", "b")

    made = compared(plan, [failed(name, "tcp.reach/dropped") for name in faults])

    assert [
        name for name, each in made.items() if any(q.kind == "link" for q in each.questions)
    ] == ["a"]
    assert asked(made["here"]) == {("through-proxy", "https://127.0.0.1/")}, "no way to walk"


# How they are made


class Watched:
    """A view that notes what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str, str]] = []

    def began(self, target: str, check: str) -> None:
        self.said.append(("began", target, check))

    def ended(self, target: str, check: str) -> None:
        self.said.append(("ended", target, check))

    def tick(self) -> None: ...


def phase_of(
    plan: Plan, *findings: Finding, seconds: float = 20.0, **around: Any
) -> tuple[Seen, list[Any]]:
    """Run the phase over *findings*; return what was seen and the journal's lines."""
    lines: list[str] = []
    surroundings = Surroundings(now=lambda: NOW, journal=lines.append, **around)
    seen = Seen(observations=(), findings=findings, interrupted=False)
    after = contrasts.with_contrasts(
        plan, seen, surroundings, seconds=seconds, asks_collector=False
    )
    return after, [json.loads(line) for line in lines]


def evidence(seen: Seen) -> ContrastEvidence:
    (observation,) = seen.observations
    return msgspec.convert(observation.evidence, ContrastEvidence)


def answering(monkeypatch: pytest.MonkeyPatch, answers: Any) -> None:
    monkeypatch.setattr(running, "look", answers)


def worked(question: Question, _ctx: Context) -> Found:
    if question.kind == "walk":
        hop = Hop(ttl=1, address="10.0.0.1", answer="time-exceeded")
        return Walk(protocol="tcp", address="10.1.1.1", port=443, hops=(hop,), end="silent")
    if question.kind == "through-proxy":
        return None
    return Contrast(kind=question.kind, what=question.what, outcome=WORKS)


A = ("a", "tcp.reach/dropped")


@pytest.fixture
def plan() -> Plan:
    return plan_of(web("a", "10.1.1.1", 'contrast = ["tcp://10.1.1.1:22"]'))


def test_the_contrasts_become_one_observation_told_to_journal_and_view(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, worked)
    view = Watched()

    seen, lines = phase_of(plan, failed(*A), view=view)

    (observation,) = seen.observations
    found = evidence(seen)
    assert (observation.target, observation.check, observation.version) == ("a", CHECK, 1)
    assert found.about == ("a/tcp.reach",)
    assert [(each.kind, each.outcome) for each in found.contrasts] == [
        ("link", WORKS),
        ("tcp", WORKS),
    ]
    assert [each.last.address for each in found.walks if each.last] == ["10.0.0.1"] * 2
    assert lines == [{"observation": json.loads(msgspec.json.encode(observation)), "findings": []}]
    assert view.said == [("began", "a", CHECK), ("ended", "a", CHECK)]


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (ValueError("secret"), "our bug in this look (ValueError), see the log"),
        (SystemExit(0), "our bug in this look (SystemExit), see the log"),
    ],
    ids=["crash", "exit"],
)
def test_a_look_that_breaks_costs_its_own_answer_only(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, ending: BaseException, words: str
) -> None:
    """The failure that was found must reach the report whatever its explanation does."""

    def broken(question: Question, ctx: Context) -> Found:
        if question.kind == "tcp":
            raise ending
        return worked(question, ctx)

    answering(monkeypatch, broken)

    found = evidence(phase_of(plan, failed(*A))[0])

    assert [(c.kind, c.outcome, c.detail) for c in found.contrasts if c.kind == "tcp"] == [
        ("tcp", UNKNOWN, words)
    ]
    assert len(found.walks) == 2


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every connection hangs until its closer runs or the test ends; the rest works."""
    gone = threading.Event()

    def hangs(question: Question, ctx: Context) -> Found:
        if question.kind == "tcp":
            ctx.on_abandon(gone.set)
            gone.wait(60)
        return worked(question, ctx)

    answering(monkeypatch, hangs)
    yield
    gone.set()


@pytest.mark.usefixtures("hanging")
def test_the_phase_ends_in_its_time_and_keeps_what_has_come(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phase, "PHASE_S", 0.6)
    begun = time.monotonic()

    found = evidence(phase_of(plan, failed(*A))[0])

    assert time.monotonic() - begun < 5
    assert [(c.kind, c.outcome) for c in found.contrasts] == [("link", WORKS), ("tcp", UNKNOWN)]


@pytest.mark.usefixtures("hanging")
def test_a_person_may_end_the_phase(plan: Plan) -> None:
    """Ctrl-C while it explains: what was seen is kept, and the run is called interrupted."""
    stop = Stop()
    threading.Timer(0.2, stop.set).start()

    seen, lines = phase_of(plan, failed(*A), stop=stop)

    assert seen.interrupted
    assert len(lines) == 1


@pytest.mark.parametrize("seconds", [0.0, 0.2, -1.0])
def test_no_time_left_no_phase(plan: Plan, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """The deadline of the run is the person's."""
    answering(monkeypatch, worked)

    seen, lines = phase_of(plan, failed(*A), seconds=seconds)

    assert (seen.observations, lines, seen.interrupted) == ((), [], False)


def test_no_more_walks_at_a_time_than_routers_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A router that answers six packets a second looks silent to twelve walks at once."""
    plan = plan_of(*(web(f"t{n}", f"10.1.{n}.1") for n in range(6)))
    assert running.WALKS_AT_ONCE < MOST_WALKS == 8
    at_once, most, guard = 0, 0, threading.Lock()

    def counted(question: Question, ctx: Context) -> Found:
        nonlocal at_once, most
        if question.kind != "walk":
            return worked(question, ctx)
        with guard:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)  # long enough for the others to begin
        with guard:
            at_once -= 1
        return worked(question, ctx)

    answering(monkeypatch, counted)

    seen, _lines = phase_of(plan, *(failed(f"t{n}", "tcp.reach/dropped") for n in range(6)))

    assert most == running.WALKS_AT_ONCE
    walks = [msgspec.convert(o.evidence, ContrastEvidence).walks for o in seen.observations]
    assert [len(each) for each in walks] == [2, 2, 1, 1, 1, 1]


def test_a_bug_in_planning_costs_the_explanation_only(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccpor_agent.contrasts import planning

    def broken(*_arguments: Any) -> None:
        raise KeyError

    monkeypatch.setattr(planning, "plan_contrasts", broken)

    seen, _lines = phase_of(plan, failed(*A))

    assert seen.observations == ()
    assert [each.id for each in seen.findings] == ["a/tcp.reach"]


def test_the_collector_is_asked_up_to_the_check_that_failed(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = Contrast(kind="other-side", what="tcp of a, from the collector", outcome=WORKS)
    heard: list[Any] = []

    def ask(state: Path, target: str, seconds: float, *, check: str) -> Contrast:
        heard.append((state, target, check))
        assert 0 < seconds <= phase.WITH_COLLECTOR_S
        return said

    monkeypatch.setattr(other_side, "ask", ask)
    monkeypatch.setattr(phase, "_is_enrolled", lambda _state: True)
    answering(monkeypatch, worked)
    around = Surroundings(now=lambda: NOW, state_dir=tmp_path)
    seen = Seen(observations=(), findings=(failed(*A),), interrupted=False)

    def told(*, asks_collector: bool) -> tuple[Contrast, ...]:
        after = contrasts.with_contrasts(
            plan, seen, around, seconds=9.0, asks_collector=asks_collector
        )
        return evidence(after).contrasts

    assert said in told(asks_collector=True)
    assert heard == [(tmp_path, "a", "tcp")]
    assert said not in told(asks_collector=False)
    assert len(heard) == 1, "a person who does not want to talk to the collector is not overruled"


def test_what_cannot_be_looked_at_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walk that this account may not make is coverage, not silence."""
    from ccpor_checks.contrast import look, walks

    def forbidden(_question: Question, _ctx: Context) -> Found:
        raise CannotObserve("this account may not send echoes")

    monkeypatch.setattr(walks, "look", forbidden)
    question = Question(kind="walk", what="a walk by icmp to 10.1.1.1", addresses=("10.1.1.1",))

    found = look(question, Context(deadline=time.monotonic() + 5))

    assert isinstance(found, Contrast)
    assert (found.kind, found.outcome, found.detail) == (
        "walk",
        UNKNOWN,
        "this account may not send echoes",
    )
