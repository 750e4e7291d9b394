"""The few faults that explain all the others: facts in, causes out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccpor_reporting.diagnosis import causes
from ccpor_reporting.model import (
    Confidence,
    Finding,
    Owner,
    Severity,
    Status,
)
from tests.reporting.reports import (
    AT,
    HOSTILE,
    LOCATION,
    MACHINE,
    PACIFIC,
    RETEST,
    diagnosed,
    failed,
    faults,
    finding,
    observation,
    rich_report,
    skipped,
    target,
)


def test_a_healthy_run_has_no_cause() -> None:
    """A false alarm costs a court a day."""
    assert diagnosed(finding("web", "dns.answer"), finding("web", "tcp.reach")) == ()


def test_a_fault_explains_every_skip_behind_it_at_any_depth() -> None:
    """Twelve lines of red are one thing to do."""
    (cause,) = diagnosed(
        finding("web", "dns.answer"),
        failed("web", "tcp.reach/refused"),
        skipped("web", "tls.handshake", "web/tcp.reach"),
        skipped("web", "tls.trust", "web/tls.handshake"),
        skipped("web", "http.answer", "web/tls.trust"),
        skipped("other", "http.answer", "other/tcp.reach"),
    )

    assert cause.explains == (
        "web/tcp.reach",
        "web/tls.handshake",
        "web/tls.trust",
        "web/http.answer",
    )


def test_skips_that_point_at_each_other_do_not_hang_it() -> None:
    """Stored reports are judged again; a damaged one must end too."""
    found = diagnosed(
        failed("web", "tcp.reach/refused"),
        skipped("web", "tls.trust", "web/tls.name"),
        skipped("web", "tls.name", "web/tls.trust"),
    )

    assert [cause.explains for cause in found] == [("web/tcp.reach",)]


def test_forty_failures_from_one_cut_make_one_cause() -> None:
    """One silent name server: one call to the county, not forty tickets."""
    names = [f"t{number}" for number in range(40)]
    findings = [
        each
        for name in names
        for each in (
            failed(name, "dns.answer/timeout", observed={"10.1.1.53": "timeout"}),
            skipped(name, "tcp.reach", f"{name}/dns.answer"),
        )
    ]

    (cause,) = diagnosed(*findings)

    assert (cause.fault, cause.owner) == ("dns.answer/timeout", Owner.COUNTY_NETWORK)
    assert cause.targets == tuple(names)
    assert len(cause.explains) == 80
    assert cause.summary == (
        "name server 10.1.1.53: the name server did not answer in time (seen on 40 targets)"
    )
    assert cause.ticket.count("\n") < 40


def test_a_name_server_that_answers_for_others_is_not_the_place() -> None:
    """A server that is silent about two names only leaves two causes: the names."""
    silent = {"10.1.1.53": "timeout"}
    found = diagnosed(
        failed("one", "dns.answer/timeout", observed=silent),
        failed("two", "dns.answer/timeout", observed=silent),
        finding("good", "dns.answer", expected="an address of good", observed=["192.0.2.1"]),
    )

    assert faults(found) == [
        ("dns.answer/timeout", ("one",)),
        ("dns.answer/timeout", ("two",)),
    ]


def test_one_dead_name_server_among_working_ones_is_one_warning() -> None:
    """Every target sees the same dead server; it is still one server."""
    seen = {"10.1.1.53": "timeout", "10.1.1.54": ["192.0.2.1"]}
    found = diagnosed(
        *(
            failed(name, "dns.answer/timeout", observed=seen, severity=Severity.WARNING)
            for name in ("one", "two", "three")
        )
    )

    assert faults(found) == [("dns.answer/timeout", ("one", "two", "three"))]
    assert found[0].severity is Severity.WARNING


def test_a_cause_does_not_say_that_nothing_works_where_something_does() -> None:
    """With one of two name servers dead, "no name server answers here" would be untrue."""
    (cause,) = diagnosed(
        failed(
            "web",
            "dns.answer/no-resolver",
            "10.1.1.53 does not listen (10.1.1.54 answered)",
            observed={"10.1.1.53": "no-resolver", "10.1.1.54": ["192.0.2.1"]},
            severity=Severity.WARNING,
        )
    )

    assert cause.summary == "this workstation: 10.1.1.53 does not listen (10.1.1.54 answered)"


HOST = (
    target("web", "https://ccpor.example.org/login"),
    target("api", "https://ccpor.example.org:8443/"),
    target("far", "https://far.example.org/"),
)


@pytest.mark.parametrize(
    ("fault", "seen", "line"),
    [
        (
            "proxy.reach/refused",
            {"via": "http://10.0.0.8:3128"},
            "TCP from this workstation to http://10.0.0.8:3128",
        ),
        (
            "path.loss/lossy",
            {"method": "icmp", "address": "203.0.113.7"},
            "ICMP from this workstation to 203.0.113.7",
        ),
        (
            "path.mtu/black-hole",
            {"method": "tcp", "address": "203.0.113.7"},
            "TCP from this workstation to web.example.org:443",
        ),
    ],
)
def test_every_ticket_of_the_network_names_both_ends(
    fault: str, seen: dict[str, Any], line: str
) -> None:
    """Whoever reads it must be able to find the packets."""
    check = fault.partition(".")[0]
    (cause,) = diagnosed(
        failed("web", fault),
        observations=(observation("web", check, evidence=seen),),
    )

    assert f"Connection:\n  - {line}\n" in cause.ticket


def test_a_ticket_says_when_the_way_leads_through_a_proxy() -> None:
    """The owner of the target sees the proxy's address, not this workstation's."""
    (cause,) = diagnosed(
        failed("web", "http.answer/closed"),
        observations=(observation("web", "proxy", evidence={"via": "http://10.0.0.8:3128"}),),
    )

    wanted = "TCP from this workstation through http://10.0.0.8:3128 to web.example.org:443"
    assert f"Connection:\n  - {wanted}\n" in cause.ticket


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("dns.answer/nxdomain", [("web", "api"), ("far",)]),
        ("tcp.reach/dropped", [("web", "api"), ("far",)]),
        ("path.latency/slow", [("web", "api"), ("far",)]),
        ("path.mtu/black-hole", [("web", "api", "far")]),
        ("tcp.reach/network-unreachable", [("web", "api", "far")]),
        ("http.content/captive-portal", [("web", "api", "far")]),
        ("clock.offset/ahead", [("web", "api", "far")]),
        ("tls.validity/expired", [("web",), ("api",), ("far",)]),
        ("http.status/unexpected-status", [("web",), ("api",), ("far",)]),
    ],
)
def test_the_same_fault_is_one_cause_where_it_is_one_place(
    fault: str, expected: list[tuple[str, ...]]
) -> None:
    """A host down is one thing; three old certificates are three renewals."""
    found = diagnosed(*(failed(t.id, fault) for t in HOST), targets=HOST)

    assert [cause.targets for cause in found] == expected


def test_two_targets_at_one_port_share_their_certificate() -> None:
    """Two pages of one server need one renewal."""
    both = (target("a", "https://x.example.org/a"), target("b", "tls://x.example.org:443"))
    found = diagnosed(
        failed("a", "tls.validity/expired"), failed("b", "tls.validity/expired"), targets=both
    )

    assert [cause.targets for cause in found] == [("a", "b")]


def test_one_inspecting_device_is_one_cause_over_many_hosts() -> None:
    """The county's firewall opens all traffic, not one host's."""
    device = {"issuer": "CN=County Inspection CA"}
    found = diagnosed(
        *(failed(t.id, "tls.trust/intercepted", observed=device) for t in HOST), targets=HOST
    )

    assert [(cause.targets, cause.owner) for cause in found] == [
        (("web", "api", "far"), Owner.COUNTY_NETWORK)
    ]


def test_a_fault_that_only_informs_is_no_cause() -> None:
    """Causes are what people act on."""
    assert diagnosed(failed("web", "tls.trust/revoked", severity=Severity.INFO)) == ()


def test_a_warning_can_be_a_cause() -> None:
    """It does not block, yet somebody should mend it."""
    (cause,) = diagnosed(failed("web", "http.latency/slow", severity=Severity.WARNING))

    assert (cause.fault, cause.severity) == ("http.latency/slow", Severity.WARNING)


def test_causes_come_blockers_first_then_by_reach_then_along_the_chain() -> None:
    """The first line is what to do first."""
    found = diagnosed(
        failed("warned", "dns.latency/slow", severity=Severity.WARNING),
        failed("late", "http.status/unexpected-status"),
        failed("early", "dns.answer/nxdomain"),
        failed("wide", "tls.handshake/not-tls"),
        skipped("wide", "tls.trust", "wide/tls.handshake"),
    )

    assert [cause.target for cause in found] == ["wide", "early", "late", "warned"]


@pytest.mark.parametrize(
    ("clock", "offset_s", "validity", "observed", "unit", "expected"),
    [
        ("ahead", -400 * 86400.0, "expired", -30, "days", ["clock.offset/ahead"]),
        ("ahead", -3600.0, "expired", -30, "days", ["clock.offset/ahead", "tls.validity/expired"]),
        (
            "behind",
            4e8,
            "not-yet-valid",
            "2030-01-01T00:00:00+00:00",
            None,
            ["clock.offset/behind"],
        ),
        (
            "behind",
            3600.0,
            "not-yet-valid",
            "2030-01-01T00:00:00+00:00",
            None,
            ["clock.offset/behind", "tls.validity/not-yet-valid"],
        ),
        (
            "behind",
            4e8,
            "expired",
            -30,
            "days",
            ["clock.offset/behind", "tls.validity/expired"],
        ),
        ("ahead", -4e8, "expired", None, None, ["clock.offset/ahead", "tls.validity/expired"]),
    ],
)
def test_a_wrong_clock_explains_a_certificate_only_within_its_offset(
    clock: str, offset_s: float, validity: str, observed: Any, unit: str | None, expected: list[str]
) -> None:
    """A clock two minutes off does not excuse a certificate that ended last month."""
    found = diagnosed(
        failed("time", f"clock.offset/{clock}", observed=offset_s, unit="s"),
        failed("web", f"tls.validity/{validity}", observed=observed, unit=unit),
        at=datetime(2026, 11, 23, tzinfo=UTC),
    )

    assert sorted(cause.fault for cause in found) == expected


def test_a_clock_that_explains_a_blocker_blocks_and_is_less_certain() -> None:
    """A warning that stops a blocker is worth a blocker; the link between them is our conclusion."""
    (cause,) = diagnosed(
        failed(
            "time",
            "clock.offset/ahead",
            observed=-90 * 86400.0,
            unit="s",
            severity=Severity.WARNING,
        ),
        failed("web", "tls.validity/expired", observed=-30, unit="days"),
        skipped("web", "http.answer", "web/tls.validity"),
    )

    assert (cause.severity, cause.confidence) == (Severity.BLOCKER, Confidence.MEDIUM)
    assert cause.explains == ("time/clock.offset", "web/tls.validity", "web/http.answer")
    assert cause.targets == ("time", "web")


def test_no_network_connection_explains_what_could_not_be_reached() -> None:
    """The cable is out: nobody needs to look at name servers."""
    found = diagnosed(
        failed("pc", "link.up/no-address"),
        failed("web", "dns.answer/timeout", observed={"10.1.1.53": "timeout"}),
        failed("pc", "workstation.disk/too-small", severity=Severity.WARNING),
    )

    assert faults(found) == [
        ("link.up/no-address", ("pc", "web")),
        ("workstation.disk/too-small", ("pc",)),
    ]


def test_an_open_port_beside_a_silent_one_is_evidence_and_makes_us_sure() -> None:
    """Silence alone may be a dead host; with port 22 open it is a firewall."""
    targets = (
        target("web", "https://h.example.org/"),
        target("shell", "ssh://h.example.org"),
        target("else", "tcp://g.example.org:25"),
    )
    silent = failed("web", "tcp.reach/dropped", "nothing came back")
    alone = diagnosed(silent, targets=targets)[0]
    beside = diagnosed(
        silent, finding("shell", "tcp.reach"), finding("else", "tcp.reach"), targets=targets
    )[0]

    assert (alone.confidence, beside.confidence) == (Confidence.MEDIUM, Confidence.HIGH)
    assert beside.evidence == (
        "web: nothing came back",
        "port 22 of the same host does answer",
        "the host is up: a filter drops this port, on the way or on the host itself",
    )


def test_the_summary_is_one_sentence_of_where_and_what() -> None:
    """It is the subject of a letter."""
    (cause,) = diagnosed(
        failed("web", "tls.validity/expired"), failed("web", "dns.answer/nxdomain")
    )[1:]

    assert cause.summary == "web.example.org:443: the certificate has expired"


def test_a_ticket_has_all_that_its_owner_needs() -> None:
    """Whoever gets it has never heard of us and must act without a call back."""
    where = (target("gate", "tls://gate.example.org:8443", title="Gateway", owner=Owner.GATEWAY),)
    cause = diagnosed(
        finding("gate", "dns.answer", summary="gate.example.org is 203.0.113.77"),
        failed(
            "gate",
            "tcp.reach/dropped",
            "203.0.113.77 port 8443: nothing came back within 3 s",
            expected="a connection within 3 s",
        ),
        skipped("gate", "tls.trust", "gate/tcp.reach"),
        targets=where,
    )[0]

    assert cause.ticket == (
        "Subject: CCPOR, ca-sonoma santa-rosa: gate.example.org:8443: nothing comes back\n"
        "\n"
        "To: county network\n"
        "From: court ca-sonoma, location santa-rosa, workstation SR-SCAN-03 (scan-station)\n"
        "What fails: tcp.reach/dropped\n"
        "  - Gateway (gate): tls://gate.example.org:8443\n"
        "Connection:\n"
        "  - TCP from this workstation to gate.example.org:8443\n"
        "Seen at: 2026-11-23 17:04:05 UTC = 2026-11-23 09:04:05 -08:00 local time\n"
        "What we saw:\n"
        "  - gate: 203.0.113.77 port 8443: nothing came back within 3 s"
        " (wanted: a connection within 3 s)\n"
        "  - 1 more question was not asked because of this\n"
        "What works:\n"
        "  - gate/dns.answer: gate.example.org is 203.0.113.77\n"
        "What we ask you to do: Allow TCP from this workstation to this host and port in every "
        "firewall on the way, and check that the host is up. "
        "Here: TCP from this workstation to gate.example.org:8443.\n"
        "How to test again, on this workstation: "
        "ccpor-check run --profile santa-rosa.toml --only gate\n"
        "  (exit code 1: it still fails; "
        "exit code 3 there only means that the rest was left out)\n"
    )


@pytest.mark.parametrize(
    ("local", "said"),
    [
        (None, "2026-11-23 17:04:05 UTC (the workstation's local time is not known)"),
        (UTC, "2026-11-23 17:04:05 UTC = 2026-11-23 17:04:05 +00:00 local time"),
    ],
)
def test_a_ticket_gives_both_times_even_where_they_are_equal(local: Any, said: str) -> None:
    """Whoever reads it elsewhere cannot know that they are equal."""
    cause = diagnosed(failed("web", "http.answer/timeout"), local=local)[0]

    assert f"Seen at: {said}\n" in cause.ticket


def test_a_hostile_banner_cannot_add_lines_to_a_ticket() -> None:
    """The ticket is pasted into mail and terminals."""
    cause = diagnosed(failed("web", "http.status/unexpected-status", HOSTILE, observed=HOSTILE))[0]

    assert not any(line.startswith("READY") for line in cause.ticket.splitlines())
    assert all(line.isprintable() for line in cause.ticket.rstrip("\n").split("\n"))


def test_a_check_from_outside_has_causes_too() -> None:
    """Its faults stand in no catalogue of ours; its own words do."""
    theirs = Finding(
        id="web/acme.thing",
        target="web",
        check="acme",
        code="acme.thing",
        status=Status.FAIL,
        severity=Severity.BLOCKER,
        summary="the thing is broken",
        owner=Owner.VENDOR,
        reason="broken",
    )

    (cause,) = diagnosed(theirs)

    assert (cause.fault, cause.owner) == ("acme.thing/broken", Owner.VENDOR)
    assert cause.summary == "web.example.org:443: the thing is broken"
    assert cause.fix


@pytest.mark.parametrize(
    "url", ["", "https://[half", "https://h:99999/", "sane:fujitsu", "workstation:"]
)
def test_any_url_can_be_diagnosed(url: str) -> None:
    """A stored report is shown whatever stands in it."""
    (cause,) = diagnosed(
        failed("it", "scanner.ready/jammed"), targets=(target("it", url, title="The scanner"),)
    )

    assert cause.summary == "The scanner: paper is stuck in the scanner, or its cover is open"


def test_a_finding_of_a_target_that_is_not_listed_is_diagnosed() -> None:
    """Older reports may lack a target."""
    found = causes(
        [failed("lost", "tcp.reach/refused")],
        (),
        at=AT,
        local=None,
        machine=MACHINE,
        location=LOCATION,
        retest=RETEST,
    )

    assert faults(found) == [("tcp.reach/refused", ("lost",))]


ALL = rich_report().findings


@given(st.lists(st.integers(0, len(ALL) - 1), unique=True))
def test_every_failed_finding_that_costs_something_is_explained_once(some: list[int]) -> None:
    """Nothing that failed may be missing from what to do, and nothing be counted twice."""
    kept = [ALL[at] for at in some]
    explained = [name for cause in diagnosed(*kept) for name in cause.explains]
    wanted = {f.id for f in kept if f.status is Status.FAIL and f.severity is not Severity.INFO}

    assert len(explained) == len(set(explained))
    assert wanted <= set(explained)


def test_time_may_be_in_any_zone() -> None:
    """The caller's clock may be local."""
    early = diagnosed(failed("web", "http.answer/timeout"), at=AT.astimezone(PACIFIC))[0]

    assert "2026-11-23 17:04:05 UTC" in early.ticket
    assert timedelta(hours=-8) == PACIFIC.utcoffset(None)
