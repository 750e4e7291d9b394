"""One cut on the way is one cause, other services and owners stay causes of their own."""

from __future__ import annotations

from typing import Any

import pytest

from ccpor_reporting.model import Finding, Json, Observation, Owner, Severity, TargetRef
from ccpor_reporting.render import render
from tests.reporting.reports import (
    diagnosed,
    failed,
    faults,
    finding,
    observation,
    report_of,
    target,
)

HOST = 7  # the last part of this workstation's address


def far(number: int, port: int = 443, **rest: Any) -> TargetRef:
    return target(f"t{number}", f"tcp://10.9.1.{number}:{port}", **rest)


def tried(
    where: str, address: str, reason: str | None, *, sender: str | None = None, port: int = 443
) -> Observation:
    """Return what the tcp check writes of one try."""
    icmp = {"version": 4, "type": 3, "code": 13, "sender": sender} if sender else None
    one = {"address": address, "reason": reason, "ms": 1.0, "local_port": 50123, "icmp": icmp}
    evidence: dict[str, Json] = {
        "host": address,
        "port": port,
        "address": None if reason else address,
        "tries": [one, {**one, "local_port": 50124}],
        "local_address": f"10.1.1.{HOST}",
    }
    return observation(where, "tcp", evidence=evidence)


def names(count: int, start: int = 1) -> tuple[str, ...]:
    return tuple(f"t{number}" for number in range(start, start + count))


@pytest.mark.parametrize("fault", ["dropped", "prohibited", "host-unreachable"])
@pytest.mark.parametrize("count", [3, 40, 100])
def test_one_cut_is_one_cause_however_many_targets(fault: str, count: int) -> None:
    """One firewall rule is one letter to the county, not a hundred."""
    found = diagnosed(
        *(failed(name, f"tcp.reach/{fault}") for name in names(count)),
        finding("t200", "tcp.reach"),
        targets=tuple(far(number) for number in (*range(1, count + 1), 200)),
    )

    assert faults(found) == [(f"tcp.reach/{fault}", names(count))]
    assert f"the way to {count} hosts" in found[0].summary
    assert "t200/tcp.reach" in found[0].ticket
    assert found[0].ticket.count("\n") < 45


def test_two_hosts_may_be_down_by_chance() -> None:
    """Negative control: it takes a third to make it the way."""
    found = diagnosed(
        *(failed(name, "tcp.reach/dropped") for name in names(2)), targets=(far(1), far(2))
    )

    assert [cause.targets for cause in found] == [("t1",), ("t2",)]


def test_each_sender_of_icmp_errors_is_a_cut_of_its_own() -> None:
    """Two firewalls are two rules to change, and each is named."""
    senders = {name: "10.1.1.1" if name in names(3) else "10.2.2.2" for name in names(6)}
    found = diagnosed(
        *(failed(name, "tcp.reach/prohibited") for name in senders),
        targets=tuple(far(number) for number in range(1, 7)),
        observations=[
            tried(name, f"10.9.1.{name[1:]}", "prohibited", sender=who)
            for name, who in senders.items()
        ],
    )

    assert [cause.targets for cause in found] == [names(3), names(3, 4)]
    assert [cause.summary.partition(",")[0] for cause in found] == ["10.1.1.1", "10.2.2.2"]
    assert "answered on the way by 10.1.1.1 (ICMP 3/13)\n" in found[0].ticket


def test_the_network_of_a_silent_cut_is_named() -> None:
    """Whoever looks for the rule looks for a network."""
    (cause,) = diagnosed(
        *(failed(name, "tcp.reach/dropped") for name in names(40)),
        targets=tuple(far(number) for number in range(1, 41)),
        observations=[tried(name, f"10.9.1.{name[1:]}", "dropped") for name in names(40)],
    )

    assert cause.summary == (
        "the way to 40 hosts in 10.9.1.0/26: nothing comes back (seen on 40 targets)"
    )


def test_a_service_that_refuses_stays_a_cause_of_its_own() -> None:
    """Three programs of three owners need three people; a warning must not borrow a blocker."""
    found = diagnosed(
        failed("a", "tcp.reach/refused", owner=Owner.DATACENTER),
        failed("b", "tcp.reach/refused", owner=Owner.VENDOR),
        failed("c", "tcp.reach/refused", owner=Owner.COURT_IT, severity=Severity.WARNING),
        targets=tuple(
            target(name, f"tcp://127.0.0.1:{port}") for port, name in enumerate("abc", 1)
        ),
    )

    assert [(c.targets, c.owner, c.severity.value) for c in found] == [
        (("a",), Owner.DATACENTER, "blocker"),
        (("b",), Owner.VENDOR, "blocker"),
        (("c",), Owner.COURT_IT, "warning"),
    ]


@pytest.mark.parametrize("fault", ["refused", "reset"])
def test_two_targets_of_one_service_and_owner_are_one_cause(fault: str) -> None:
    """The same port asked twice is the same program."""
    found = diagnosed(
        failed("a", f"tcp.reach/{fault}"),
        failed("b", f"tcp.reach/{fault}"),
        targets=(target("a", "https://h.example.org/a"), target("b", "tls://h.example.org:443")),
    )

    assert [cause.targets for cause in found] == [("a", "b")]


def routeless_dns(where: str, error: str = "ENETUNREACH") -> Observation:
    records = [{"record": "A", "reason": "timeout", "error": error}]
    answers = [{"resolver": "10.1.1.53", "reason": "timeout", "records": records}]
    return observation(where, "dns", evidence={"answers": answers})


def routeless_clock(where: str) -> Observation:
    return observation(
        where,
        "clock",
        evidence={"address": "10.1.1.5", "port": 123},
        ending={
            "kind": "target-failed",
            "code": "clock.server",
            "reason": "timeout",
            "detail": "no answer from 10.1.1.5 port 123 (UDP): ENETUNREACH",
        },
    )


OFFLINE: tuple[Finding, ...] = (
    failed("name", "dns.answer/timeout", observed={"10.1.1.53": "timeout"}),
    failed("time", "clock.server/timeout"),
    failed("t1", "tcp.reach/network-unreachable"),
)


def test_no_route_at_all_is_one_cause_for_all_that_met_it() -> None:
    """The missing gateway is court IT's; the county's name server is not to blame."""
    (cause,) = diagnosed(
        *OFFLINE,
        observations=[
            routeless_dns("name"),
            routeless_clock("time"),
            tried("t1", "10.9.1.1", "network-unreachable"),
        ],
    )

    assert (cause.fault, cause.owner) == ("tcp.reach/network-unreachable", Owner.COURT_IT)
    assert set(cause.explains) == {"t1/tcp.reach", "name/dns.answer", "time/clock.server"}


@pytest.mark.parametrize(
    "observations",
    [
        [],
        [routeless_dns("name", "EHOSTUNREACH"), tried("t1", "10.9.1.1", "network-unreachable")],
        [routeless_dns("name"), tried("t1", "fd00::1", "network-unreachable")],
    ],
    ids=["no evidence", "another errno", "only IPv6 has no route"],
)
def test_a_missing_route_explains_only_what_met_it(observations: list[Observation]) -> None:
    """Without IPv6 a name server may still be silent over IPv4."""
    found = diagnosed(*OFFLINE, observations=observations)

    assert sorted(cause.fault for cause in found) == [
        "clock.server/timeout",
        "dns.answer/timeout",
        "tcp.reach/network-unreachable",
    ]


def test_a_router_without_the_way_is_not_this_workstation() -> None:
    """The ICMP error says who lacks the route."""
    (cause,) = diagnosed(
        failed("t1", "tcp.reach/network-unreachable"),
        observations=[tried("t1", "10.9.1.1", "network-unreachable", sender="10.1.1.1")],
    )

    assert cause.summary.startswith("10.1.1.1, on the way: ")


def test_a_finding_with_words_of_its_own_keeps_them() -> None:
    """Answered too late is not "nothing comes back", and no firewall is to be opened."""
    late = "answered after 812 ms, too late to count"
    (cause,) = diagnosed(failed("web", "tcp.reach/dropped", late, fix="Find what slows the way."))

    assert cause.summary == f"web.example.org:443: {late}"
    assert cause.fix == "Find what slows the way."


def test_late_answers_of_many_hosts_are_no_cut() -> None:
    """Each has a number of its own."""
    found = diagnosed(
        *(
            failed(name, "tcp.reach/dropped", "late", observed=812.0, fix="Find what slows it.")
            for name in names(4)
        ),
        targets=tuple(far(number) for number in range(1, 5)),
    )

    assert len(found) == 4


def test_a_ticket_names_both_ends_of_the_connection() -> None:
    """A firewall's owner searches a log by addresses and ports."""
    (cause,) = diagnosed(
        failed("t1", "tcp.reach/dropped"),
        targets=(far(1),),
        observations=[tried("t1", "10.9.1.1", "dropped")],
    )
    ends = "TCP from 10.1.1.7 port 50123, 50124 to 10.9.1.1 port 443"

    assert f"Connection:\n  - {ends}\nSeen at:" in cause.ticket
    assert " Here: TCP from 10.1.1.7 to 10.9.1.1 port 443.\n" in cause.ticket


def test_a_ticket_about_many_targets_names_every_destination() -> None:
    """A rule for the first eight leaves the others cut off."""
    (cause,) = diagnosed(
        *(failed(name, "tcp.reach/dropped") for name in names(40)),
        targets=tuple(far(number) for number in range(1, 41)),
        observations=[tried(name, f"10.9.1.{name[1:]}", "dropped") for name in names(40)],
    )

    assert all(f"10.9.1.{number} port 443" in cause.ticket for number in range(1, 41))


def test_what_works_is_told_nearest_first() -> None:
    """Another port of the same host narrows it down most; the workstation has a network anyhow."""
    cause = diagnosed(
        failed("t1", "tcp.reach/dropped"),
        finding("other", "tcp.reach", summary="far away"),
        finding("near", "tcp.reach", summary="same network"),
        finding("same", "tcp.reach", summary="same host"),
        targets=(
            far(1),
            target("other", "tcp://198.51.100.1:25"),
            target("near", "tcp://10.9.1.77:25"),
            target("same", "tcp://10.9.1.1:22"),
        ),
        observations=[
            tried("t1", "10.9.1.1", "dropped"),
            tried("near", "10.9.1.77", None),
            tried("other", "198.51.100.1", None),
        ],
    )[0]

    assert (
        "What works:\n"
        "  - same/tcp.reach: same host\n"
        "  - near/tcp.reach: same network\n"
        "  - other/tcp.reach: far away\n"
    ) in cause.ticket


def test_a_ticket_does_not_claim_what_nothing_shows() -> None:
    """Where nothing works, it says so in plain words."""
    (cause,) = diagnosed(failed("t1", "tcp.reach/dropped"), targets=(far(1),))

    assert "What works:\n  - nothing that was looked at in this run\n" in cause.ticket


@pytest.mark.parametrize(
    "evidence",
    [
        {"tries": None},
        {"tries": [None, 3, {}]},
        {"tries": [{"address": "not one", "icmp": []}]},
        {"tries": [{"address": "10.9.1.1", "icmp": {"sender": 5}}], "local_address": {}},
    ],
)
def test_odd_evidence_is_diagnosed(evidence: Json) -> None:
    """Stored reports of other versions are diagnosed again."""
    found = diagnosed(
        failed("t1", "tcp.reach/dropped"),
        targets=(far(1),),
        observations=[observation("t1", "tcp", evidence=evidence)],
    )

    assert faults(found) == [("tcp.reach/dropped", ("t1",))]


@pytest.mark.parametrize(("kind", "line"), [("text", "Place   10.2.2.2"), ("html", "<dd>10.2.2.2")])
def test_the_place_is_shown_where_the_summary_does_not_name_it(kind: str, line: str) -> None:
    """Whoever reads the page looks for the router first."""
    report = report_of(
        (failed("t1", "tcp.reach/prohibited"),),
        (far(1),),
        observations=(tried("t1", "10.9.1.1", "prohibited", sender="10.2.2.2"),),
    )

    assert report.causes[0].place == "10.2.2.2"
    assert line in render(report, kind, width=100)


def test_a_place_that_the_summary_names_is_not_told_twice() -> None:
    """Negative control: the same line twice is noise."""
    report = report_of(
        (failed("pc", "workstation.disk/too-small"),), (target("pc", "workstation:"),)
    )

    assert report.causes[0].place == "this workstation"
    assert "Place" not in render(report, "text", width=100)
