"""Whatever a stored report holds, diagnosis ends, quickly, and loses and doubles nothing."""

from __future__ import annotations

from time import process_time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ccpor_reporting.contrasts import Answer, Kind
from ccpor_reporting.diagnosis.rulebook import known_faults
from ccpor_reporting.diagnosis.vocabulary import KINDS
from ccpor_reporting.model import Finding, Network, Observation, Owner, Severity, TargetRef
from ccpor_reporting.text import single_line
from tests.reporting.reports import diagnosed, failed, finding, observation, skipped, target

NAMES = ("a", "b", "c", "d")
URLS = (
    "https://10.77.4.10/",
    "ntp://10.77.4.10",
    "tcp://[fd77:4::10]:22",
    "workstation:",
    "https://ccpor.example.org/",
    "tcp://[half",
)
ADDRESSES = st.sampled_from(
    ["10.77.1.1", "10.77.2.2", "10.77.4.10", "fd77:2::2", "", "nonsense", None, 7]
)
ANSWERS: tuple[str, ...] = Answer.__args__  # type: ignore[attr-defined]
odd = st.one_of(st.none(), st.integers(-3, 300), st.text(max_size=5), st.floats(allow_nan=False))
hops = st.fixed_dictionaries(
    {
        "ttl": st.one_of(st.integers(-1, 40), odd),
        "address": ADDRESSES,
        "answer": st.sampled_from([*ANSWERS, "other"]),
    }
)
walks = st.fixed_dictionaries(
    {
        "protocol": st.sampled_from(["tcp", "udp", "icmp", "sctp"]),
        "address": ADDRESSES,
        "port": st.sampled_from([443, 22, 123, None, -1]),
        "hops": st.lists(hops, max_size=4),
        "end": st.sampled_from([*ANSWERS, "other"]),
        "distance": st.sampled_from([None, 1, 2, 3, -4]),
    }
)
contrasts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*KINDS, "by-pigeon"]),
        "what": st.sampled_from(["tcp://10.77.4.10:22", "http://[half", "x", ""]),
        "outcome": st.sampled_from(["works", "unknown", "dropped", "refused", "\x1b[31m"]),
    },
    optional={"address": ADDRESSES, "port": odd, "ms": odd, "detail": st.text(max_size=9)},
)
evidence = st.fixed_dictionaries(
    {},
    optional={
        "about": st.one_of(odd, st.lists(st.sampled_from(["a/tcp.reach", "b/tcp.reach"]))),
        "contrasts": st.one_of(odd, st.lists(st.one_of(contrasts, odd), max_size=4)),
        "walks": st.one_of(odd, st.lists(st.one_of(walks, odd), max_size=4)),
        "tries": st.lists(
            st.fixed_dictionaries(
                {"address": ADDRESSES, "icmp": st.fixed_dictionaries({"sender": ADDRESSES})}
            ),
            max_size=2,
        ),
        "local_address": ADDRESSES,
        "mtu": st.one_of(odd, st.fixed_dictionaries({"said_by": ADDRESSES, "walk": walks})),
        "begins_after": ADDRESSES,
        "loss_up_pct": odd,
        "loss_down_pct": odd,
        "via": odd,
        "answers": st.one_of(odd, st.lists(odd, max_size=2)),
    },
)
observations = st.builds(
    lambda where, check, seen: observation(where, check, evidence=seen),
    st.sampled_from(NAMES),
    st.sampled_from(["contrast", "tcp", "path", "dns", "proxy", "clock"]),
    evidence,
)
observed = st.one_of(
    odd,
    st.dictionaries(
        st.sampled_from(["10.1.1.53", "10.1.1.54", "proxy", "issuer", "offset_s"]),
        st.one_of(odd, st.sampled_from(["timeout", "refused"])),
    ),
)
FAULTS = [fault for fault in known_faults() if not fault.startswith(("scanner.", "capacity."))]
findings = st.builds(
    lambda where, fault, seen, unit, severity: failed(
        where, fault, observed=seen, unit=unit, severity=severity
    ),
    st.sampled_from(NAMES),
    st.sampled_from(FAULTS),
    observed,
    st.sampled_from([None, "s", "%", "days"]),
    st.sampled_from(Severity),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(findings, max_size=8, unique_by=lambda each: each.id),
    st.lists(observations, max_size=6),
    st.lists(st.sampled_from(URLS), min_size=4, max_size=4),
    st.lists(st.sampled_from(["10.77.0.0/16", "fd77::/16", "half"]), max_size=2),
)
def test_any_facts_end_in_causes_that_explain_each_failure_once(
    some: list[Finding], seen: list[Observation], urls: list[str], ranges: list[str]
) -> None:
    """Stored reports of other versions are diagnosed again, and nothing may get lost."""
    targets = tuple(target(name, url) for name, url in zip(NAMES, urls, strict=True))
    found = diagnosed(
        *some,
        targets=targets,
        observations=seen,
        networks=(Network(owner=Owner.VENDOR, addresses=tuple(ranges)),),
    )
    explained = [name for cause in found for name in cause.explains]
    wanted = {each.id for each in some if each.severity is not Severity.INFO}

    assert len(explained) == len(set(explained))
    assert set(explained) == wanted
    assert all(single_line(line) == line for cause in found for line in cause.ticket.split("\n"))
    assert all(cause.fault in FAULTS for cause in found)


@settings(max_examples=60, deadline=None)
@given(st.lists(findings, max_size=8, unique_by=lambda each: each.id), st.randoms())
def test_the_order_of_the_findings_does_not_change_what_is_found(
    some: list[Finding], dice: Any
) -> None:
    """Checks end in any order; the letters must be the same."""
    targets = tuple(target(name, f"https://{name}.example.org/") for name in NAMES)
    mixed = list(some)
    dice.shuffle(mixed)

    def told(each: list[Finding]) -> set[tuple[str, frozenset[str]]]:
        return {(c.fault, frozenset(c.explains)) for c in diagnosed(*each, targets=targets)}

    assert told(some) == told(mixed)


KIND: Kind = "tcp"


def crowd(
    fault: str, count: int = 500
) -> tuple[list[Finding], tuple[TargetRef, ...], list[Observation]]:
    """Return *count* targets with ten findings each, of which one failed and six are skipped."""
    names = [f"t{number}" for number in range(count)]
    some: list[Finding] = []
    for name in names:
        some += [
            finding(name, "dns.answer"),
            finding(name, "dns.latency"),
            finding(name, "dns.agreement"),
        ]
        some.append(failed(name, fault))
        behind = ("tls.trust", "tls.name", "tls.validity", "tls.key", "http.status", "http.latency")
        some += [skipped(name, code, f"{name}/{fault.partition('/')[0]}") for code in behind]
    targets = tuple(
        target(name, f"https://10.{number // 250}.{number % 250}.9/")
        for number, name in enumerate(names)
    )
    hop = {"ttl": 1, "address": "10.77.1.1", "answer": "time-exceeded"}
    seen = [
        observation(
            name,
            "contrast",
            evidence={
                "about": [f"{name}/tcp.reach"],
                "contrasts": [{"kind": KIND, "what": "tcp://10.1.1.1:22", "outcome": "works"}],
                "walks": [
                    {
                        "protocol": "tcp",
                        "address": "10.1.1.1",
                        "port": 443,
                        "hops": [hop],
                        "end": "silent",
                    }
                ],
            },
        )
        for name in names[:40]
    ]
    return some, targets, seen


def test_five_hundred_targets_take_well_under_a_second() -> None:
    """The diagnosis must not be what a technician waits for; counted in time of this process."""
    for fault in (
        "tcp.reach/dropped",
        "tcp.reach/refused",
        "dns.answer/timeout",
        "path.loss/lossy",
    ):
        some, targets, seen = crowd(fault)
        took = []
        for _ in range(3):
            begun = process_time()
            found = diagnosed(*some, targets=targets, observations=seen)
            took.append(process_time() - begun)
        assert sum(len(cause.explains) for cause in found) == 500 * 7
        assert min(took) < 1.0, (fault, took)
