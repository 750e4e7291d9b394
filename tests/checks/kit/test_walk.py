"""Walks along a real row of routers, as root and as a user without any right."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit import icmp_windows
from ccpor_checks.kit.walk import walk
from ccpor_reporting.contrasts import Walk
from tests.checks.kit.row import (
    OPEN,
    ROUTERS,
    ROUTERS6,
    WEB,
    WEB6,
    Network,
    as_ordinary_user,
    row,
)

pytestmark = pytest.mark.netns


@pytest.fixture(scope="module")
def healthy() -> Iterator[Network]:
    with row() as net:
        yield net


@pytest.fixture
def net(healthy: Network) -> Iterator[Network]:
    """The same row; what a test forbids at a node is allowed again after it."""
    yield healthy
    for node in ("court_router", "county_edge", "datacenter_router", "datacenter"):
        healthy.clear(node)


def walked(
    net: Network, protocol: str, address: str = WEB, port: int | None = None, **options: float
) -> Walk:
    options = {"wait_s": 0.4, **options}
    context = Context(deadline=time.monotonic() + 20)
    return net.inside("court", lambda: walk(address, port, protocol, context, **options))


def answers(seen: Walk) -> list[tuple[str | None, str]]:
    return [(hop.address, hop.answer) for hop in seen.hops]


def routers(*addresses: str) -> list[tuple[str | None, str]]:
    return [(address, "time-exceeded") for address in addresses]


# --- what answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("protocol", "port", "end"),
    [("tcp", OPEN, "open"), ("udp", None, "refused"), ("icmp", None, "open")],
)
@pytest.mark.parametrize(("address", "way"), [(WEB, ROUTERS), (WEB6, ROUTERS6)])
def test_each_router_and_the_host_are_named(
    net: Network, protocol: str, port: int | None, end: str, address: str, way: tuple[str, ...]
) -> None:
    """The place of a fault can be told only where each place has a name."""
    seen = walked(net, protocol, address, port)

    assert answers(seen) == [*routers(*way), (address, end)]
    assert (seen.end, seen.distance, seen.address, seen.port) == (end, 4, address, port)
    assert [hop.ttl for hop in seen.hops] == [1, 2, 3, 4]
    assert all(hop.rtt_ms is not None and 0 < hop.rtt_ms < 400 for hop in seen.hops)
    assert seen.last is not None
    assert seen.last.address == way[-1]


@pytest.mark.parametrize("address", [WEB, WEB6])
def test_a_reset_names_no_sender(net: Network, address: str) -> None:
    """Anybody on the way can send one: the walk must not claim that it was the host."""
    seen = walked(net, "tcp", address, 81)

    assert answers(seen)[-1] == (None, "refused")
    assert (seen.end, seen.distance, len(seen.hops)) == ("refused", None, 4)


def test_silence_ends_at_the_last_router_that_answered(net: Network) -> None:
    """A firewall that drops is found "at or past" that router."""
    net.nft("county_edge", f"tcp dport {OPEN} drop")
    seen = walked(net, "tcp", WEB, OPEN)

    assert answers(seen) == [*routers(*ROUTERS[:2]), (None, "silent")]
    assert (seen.end, seen.distance) == ("silent", None)


@pytest.mark.parametrize(
    ("rule", "address"),
    [
        ("tcp dport {} reject with icmpx type admin-prohibited", "10.77.2.2"),
        ("tcp dport {} reject with icmpx type port-unreachable", "10.77.2.2"),
        ("tcp dport {} reject with icmpx type admin-prohibited", "fd77:2::2"),
    ],
)
def test_a_filter_that_says_so_is_named(net: Network, rule: str, address: str) -> None:
    """Such a filter names itself: nobody else has to be asked."""
    net.nft("county_edge", rule.format(OPEN))
    seen = walked(net, "tcp", WEB6 if ":" in address else WEB, OPEN)

    assert answers(seen)[2:] == [(address, "prohibited")]
    assert (seen.end, seen.distance) == ("prohibited", None)


def test_a_host_that_is_gone_is_told_by_the_router_before_it(net: Network) -> None:
    """A router that knows of no way says so, and the walk ends with its word."""
    net.run("datacenter_router", "ip", "route", "add", "unreachable", "10.77.4.97/32")
    seen = walked(net, "icmp", "10.77.4.97", wait_s=1.1)
    net.run("datacenter_router", "ip", "route", "del", "unreachable", "10.77.4.97/32")

    assert (seen.end, seen.distance) == ("unreachable", None)
    assert seen.hops[-1].address == ROUTERS[-1]


def test_a_silent_router_is_a_silent_hop_and_not_the_end(net: Network) -> None:
    """Many routers answer nothing, and traffic passes them all the same."""
    net.nft("county_edge", "icmp type time-exceeded drop", hook="output")
    seen = walked(net, "tcp", WEB, OPEN)

    expected = [*routers(*ROUTERS), (WEB, "open")]
    expected[1] = (None, "silent")
    assert answers(seen) == expected
    assert (seen.hops[1].sent, seen.hops[1].answered) == (2, 0)
    assert seen.distance == 4


def test_several_packets_each_are_counted(net: Network) -> None:
    """How many of them a hop answers is what tells loss from a limit on answers."""
    net.nft(
        "county_edge",
        "icmp type time-exceeded limit rate over 1/hour burst 1 packets drop",
        hook="output",
    )
    seen = walked(net, "tcp", WEB, OPEN, each=3)

    assert [(hop.sent, hop.answered) for hop in seen.hops] == [(3, 3), (3, 1), (3, 3), (3, 3)]


def test_no_more_hops_than_asked_for(net: Network) -> None:
    """A question about the first router costs one packet."""
    seen = walked(net, "tcp", WEB, OPEN, most_hops=1)

    assert answers(seen) == routers(ROUTERS[0])
    assert (seen.end, seen.distance) == ("silent", None)


def test_nearer_hops_can_be_left_out(net: Network) -> None:
    """What has been asked once need not be asked by each protocol: routers limit their answers."""
    seen = walked(net, "icmp", first_hop=3)
    silent = walked(net, "icmp", "10.77.4.96", first_hop=3, most_hops=5)

    assert [hop.ttl for hop in seen.hops] == [3, 4]
    assert answers(seen) == [*routers(ROUTERS[2]), (WEB, "open")]
    assert (seen.end, seen.distance) == ("open", 4)
    assert [hop.ttl for hop in silent.hops] == [3, 4]


def test_silent_hops_need_not_be_asked_again(net: Network) -> None:
    """Where only the end counts, nobody waits for a router that answers nothing."""
    net.nft("county_edge", "icmp type time-exceeded drop", hook="output")
    started = time.monotonic()
    seen = walked(net, "tcp", WEB, OPEN, wait_s=10.0, again=False)

    assert [(hop.sent, hop.answered) for hop in seen.hops] == [(1, 1), (1, 0), (1, 1), (1, 1)]
    assert time.monotonic() - started < 5


def test_a_short_path_costs_few_packets(net: Network) -> None:
    """A court's lines are small, and a burst of thirty looks like a scan."""
    net.run("court_router", "nft", "add", "table", "inet", "lab")
    net.run("court_router", "nft", "add", "counter", "inet", "lab", "syn")
    net.nft("court_router", "tcp flags syn counter name syn", hook="prerouting")
    walked(net, "tcp", WEB, 81)

    listed = net.run("court_router", "nft", "list", "counter", "inet", "lab", "syn").stdout
    assert 4 <= int(listed.split("packets")[1].split()[0]) <= 12


# --- limits ------------------------------------------------------------------------------------


def test_a_router_that_answers_one_a_second_is_asked_again() -> None:
    """Linux sends a burst of six errors, then one a second: the seventh walk must not be blind."""
    with row(icmp_ratelimit=True) as limited:
        seen = [walked(limited, "icmp", wait_s=1.1) for _ in range(8)]

    assert [answers(each) for each in seen] == [[*routers(*ROUTERS), (WEB, "open")]] * 8
    assert max(hop.sent for each in seen for hop in each.hops) == 2


def test_many_walks_at_once_each_find_their_way(net: Network) -> None:
    """Each hears only the answers to its own packets."""
    seen: list[Walk] = []
    wanted = [("udp", None), ("icmp", None), ("tcp", OPEN), ("tcp", 81)] * 3

    def one(protocol: str, port: int | None) -> None:
        seen.append(walked(net, protocol, WEB, port))

    threads = [threading.Thread(target=one, args=each) for each in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((each.protocol, each.end) for each in seen) == sorted(
        [("udp", "refused"), ("icmp", "open"), ("tcp", "open"), ("tcp", "refused")] * 3
    )
    assert {tuple(answers(each)[:3]) for each in seen} == {tuple(routers(*ROUTERS))}


def test_an_unfinished_walk_is_not_handed_out(net: Network) -> None:
    """Hops that nobody waited for would read as silent."""
    net.nft("county_edge", f"tcp dport {OPEN} drop")
    short = Context(deadline=time.monotonic() + 0.2)

    with pytest.raises(TimeoutError):
        net.inside("court", lambda: walk(WEB, OPEN, "tcp", short))


@pytest.mark.parametrize(
    ("kind", "answer"), [("prohibit", "prohibited"), ("unreachable", "unreachable")]
)
@pytest.mark.parametrize("protocol", ["tcp", "udp", "icmp"])
def test_what_this_workstation_forbids_itself_is_its_own_word(
    net: Network, kind: str, answer: str, protocol: str
) -> None:
    """No packet left: nobody on the way is to be blamed."""
    net.run("court", "ip", "route", "replace", kind, "198.51.100.0/24")
    seen = walked(net, protocol, "198.51.100.1", 80 if protocol == "tcp" else None)

    assert (seen.end, seen.last, len(seen.hops)) == (answer, None, 1)


def test_a_tcp_walk_needs_a_port(net: Network) -> None:
    with pytest.raises(CannotObserve):
        walked(net, "tcp", WEB, None)


# --- rights ------------------------------------------------------------------------------------

AS_USER = """
import json, time
from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.kit.walk import walk
seen = {}
for protocol, port in ("tcp", 8080), ("udp", None), ("icmp", None):
    try:
        done = walk("10.77.4.10", port, protocol, Context(deadline=time.monotonic() + 5))
        seen[protocol] = [hop.address for hop in done.hops]
    except CannotObserve as exc:
        seen[protocol] = "cannot"
print(json.dumps(seen))
"""


def test_a_user_without_rights_walks_by_tcp_and_udp(net: Network) -> None:
    """A clerk's account is what the tool runs under; echoes need the system's consent."""
    way = [*ROUTERS, WEB]
    allowed = as_ordinary_user(net, AS_USER)
    groups = net.run("court", "sysctl", "-n", "net.ipv4.ping_group_range").stdout.split()
    net.run("court", "sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    refused = as_ordinary_user(net, AS_USER)
    by_root = walked(net, "icmp"), walked(net, "icmp", WEB6)
    net.run("court", "sysctl", "-qw", f"net.ipv4.ping_group_range={' '.join(groups)}")

    assert allowed == {"tcp": way, "udp": way, "icmp": way}
    assert refused == {"tcp": way, "udp": way, "icmp": "cannot"}
    assert [each.distance for each in by_root] == [4, 4]  # by a raw socket


# --- the Windows side, as far as it can be read anywhere --------------------------------------


def test_a_reply_of_windows_is_read() -> None:
    """The structures are packed in ways that only their documentation tells."""
    four = socket.inet_aton("10.0.0.1") + (11013).to_bytes(4, "little") + bytes(64)
    six = bytes(6) + socket.inet_pton(socket.AF_INET6, "fd00::1") + bytes(4)
    six += bytes(2) + (11013).to_bytes(4, "little") + bytes(64)

    assert icmp_windows.read(four, six=False) == (11013, "10.0.0.1")
    assert icmp_windows.read(six, six=True) == (11013, "fd00::1")
