"""Connections, names, links and walks: each outcome that diagnosis may read."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ccpor_checks.contrast import Question, look
from ccpor_reporting.contrasts import UNKNOWN, WORKS, Contrast, Walk
from tests.agent.program import black_hole as silent_port
from tests.agent.program import listening
from tests.checks.contrast.conftest import Ask, found
from tests.lab.network import WEB, Network, network
from tests.peers import free_port, lacking
from tests.peers.fake_ntp import FakeNtp, fake_ntp
from tests.peers.fault_dns import FaultDns, fault_dns
from tests.peers.fault_tls import reset, serving

HERE = ("127.0.0.1",)


@pytest.fixture(scope="module")
def dns() -> Iterator[FaultDns]:
    with fault_dns() as running:
        yield running


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    try:
        made = network()
        with made as running:
            running.nft("county_edge", "tcp dport 443 drop")
            running.nft("county_edge", "tcp dport 8443 reject with icmpx admin-prohibited")
            yield running
    except PermissionError as exc:
        lacking(str(exc))


# Connections


def test_a_port_that_answers_works(ask: Ask) -> None:
    with listening() as port:
        contrast = ask("tcp", host="127.0.0.1", addresses=HERE, port=port)

    assert (contrast.outcome, contrast.address, contrast.port) == (WORKS, "127.0.0.1", port)
    assert contrast.ms is not None


def test_a_closed_port_is_refused_at_once(ask: Ask) -> None:
    contrast = ask("tcp", host="127.0.0.1", addresses=HERE, port=free_port(), seconds=30.0)

    assert (contrast.outcome, contrast.detail) == ("refused", "ECONNREFUSED")


def test_a_silent_port_is_dropped_within_its_time(ask: Ask) -> None:
    with silent_port() as port:
        contrast = ask("tcp", host="127.0.0.1", addresses=HERE, port=port, seconds=0.3)

    assert contrast.outcome == "dropped"


def test_a_reset_right_after_accept_is_one(ask: Ask) -> None:
    """A proxy that accepts and then hangs up is no open port."""
    with serving(reset) as port:
        contrast = ask("tcp", host="127.0.0.1", addresses=HERE, port=port)

    assert contrast.outcome == "reset"


def test_the_second_address_of_a_name_may_be_the_one_that_works(ask: Ask) -> None:
    with listening() as port:
        contrast = ask("direct", host="x", addresses=("127.0.0.2", "127.0.0.1"), port=port)

    assert (contrast.outcome, contrast.address) == (WORKS, "127.0.0.1")


def test_a_name_without_address_says_so(ask: Ask) -> None:
    contrast = ask("direct", host="no such name", port=443)

    assert contrast.outcome == "no-address"


@pytest.mark.netns
def test_a_router_that_forbids_is_named(net: Network, ask: Ask) -> None:
    contrast = net.inside("court", lambda: ask("tcp", host=WEB, addresses=(WEB,), port=8443))

    assert contrast.outcome == "prohibited"
    assert "says 10.77.2.2" in contrast.detail


@pytest.mark.netns
def test_an_echo_tells_whether_the_host_lives(net: Network, ask: Ask) -> None:
    alive = net.inside("court", lambda: ask("tcp", host=WEB, addresses=(WEB,), protocol="icmp"))
    gone = net.inside(
        "court",
        lambda: ask("tcp", host="10.77.4.99", addresses=("10.77.4.99",), protocol="icmp"),
    )

    assert (alive.outcome, gone.outcome) == (WORKS, "dropped")


def test_a_time_server_is_asked_for_the_time(ask: Ask) -> None:
    with fake_ntp() as server:
        works = ask("tcp", addresses=HERE, port=server.port, protocol="ntp")
    with fake_ntp(FakeNtp(kiss=b"DENY")) as server:
        refuses = ask("tcp", addresses=HERE, port=server.port, protocol="ntp")

    assert (works.outcome, refuses.outcome) == (WORKS, "refused")


# Names


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("good.test", WORKS),
        ("nxdomain.test", "nxdomain"),
        ("servfail.test", "servfail"),
        ("refused.test", "refused"),
    ],
)
def test_another_resolver_is_asked_for_the_same_name(
    dns: FaultDns, ask: Ask, name: str, outcome: str
) -> None:
    contrast = ask("other-resolver", what=dns.resolver, host=name, records=("A", "AAAA"))

    assert (contrast.outcome, contrast.what) == (outcome, dns.resolver)
    assert contrast.address == "127.0.0.1"


def test_a_resolver_that_is_not_there_is_none(ask: Ask) -> None:
    nobody = f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"

    contrast = ask("other-resolver", what=nobody, host="good.test", records=("A", "AAAA"))

    assert contrast.outcome == "no-resolver"


def test_a_name_that_cannot_be_asked_for_is_unknown(dns: FaultDns, ask: Ask) -> None:
    contrast = ask("other-resolver", what=dns.resolver, host="a..b", records=("A",))

    assert contrast.outcome == UNKNOWN
    assert "cannot be asked for" in contrast.detail


# This workstation


@pytest.mark.netns
def test_the_links_of_this_workstation(net: Network, ask: Ask) -> None:
    assert net.inside("court", lambda: ask("link")).outcome == WORKS
    net.run("gateway", "ip", "link", "set", "eth0", "down")
    assert net.inside("gateway", lambda: ask("link")).outcome == "no-interface"


# Walks


@pytest.mark.netns
def test_a_walk_names_the_last_router_and_its_twin_the_distance(net: Network) -> None:
    """Between the last hop that answers and the host, the cut has its place."""

    def walked(protocol: str, port: int | None) -> Walk:
        question = Question(
            kind="walk",
            what="walk",
            host=WEB,
            addresses=(WEB,),
            port=port,
            protocol=protocol,  # type: ignore[arg-type]
        )
        walk = net.inside("court", lambda: found(question))
        assert isinstance(walk, Walk)
        return walk

    cut, echoed = walked("tcp", 443), walked("icmp", None)

    assert (cut.end, cut.distance, cut.last and cut.last.address) == ("silent", None, "10.77.2.2")
    assert (echoed.end, echoed.distance) == ("open", 4)


@pytest.mark.netns
def test_without_the_right_to_send_echoes_datagrams_walk(net: Network) -> None:
    """An ordinary user gets the same answer by another protocol."""
    net.run("court", "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    question = Question(kind="walk", what="w", host=WEB, addresses=(WEB,), protocol="icmp")
    try:
        walk = net.inside("court", lambda: found(question))
    finally:
        net.run("court", "sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")

    assert isinstance(walk, Walk)
    assert (walk.end, walk.distance) in {("refused", 4), ("open", 4)}


def test_a_walk_to_a_name_without_address_is_unknown() -> None:
    contrast = found(Question(kind="walk", what="w", host="no such name", port=1))

    assert isinstance(contrast, Contrast)
    assert (contrast.kind, contrast.outcome) == ("walk", UNKNOWN)


def test_every_kind_has_its_look() -> None:
    """A kind that is planned and not looked at would be our bug at a court, on its worst day."""
    from typing import get_args

    from ccpor_checks.contrast import LOOKS
    from ccpor_reporting.contrasts import Kind

    assert set(LOOKS) == set(get_args(Kind)) - {"other-side"}  # the agent asks the collector
    assert callable(look)
