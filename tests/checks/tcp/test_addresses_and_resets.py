"""Resets that somebody forges on the way, and names with an address that is dead: in a row of routers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import Target
from ccpor_checks.dns.evidence import DnsEvidence
from ccpor_checks.tcp import CHECK, TcpEvidence
from ccpor_checks.tcp.evidence import OpenPort, Try
from ccpor_checks.tcp.forged import forged
from ccpor_reporting.contrasts import Answer, Hop, Walk
from ccpor_reporting.model import Finding, Owner, Severity, Status
from tests.checks.kit.row import (
    COURT,
    LAST_ROUTER,
    OPEN,
    WEB,
    WEB6,
    Network,
    as_ordinary_user,
    row,
)
from tests.checks.looking import Looked, looked

pytestmark = pytest.mark.netns

CLOSED = 81
NOBODY = "10.77.4.99"
ALIKE = (f"tcp://ccpor.test:{OPEN}",)
RESET = f"tcp dport {CLOSED} reject with tcp reset"
SILENCED = "meta l4proto {{ udp, icmp }} drop"


@pytest.fixture(scope="module")
def quick() -> Iterator[Network]:
    with row() as net:
        yield net


@pytest.fixture(scope="module")
def far() -> Iterator[Network]:
    """The county's line takes 20 ms each way, as to a datacenter in another city."""
    with row(delay_ms=20) as net:
        yield net


@pytest.fixture(autouse=True)
def allowed_again(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    for name in {"quick", "far"} & set(request.fixturenames):
        for node in ("court_router", "county_edge", "datacenter_router", "datacenter"):
            request.getfixturevalue(name).clear(node)


def reached(
    net: Network, port: int, *addresses: str, contrast: tuple[str, ...] = (), **options: Any
) -> Looked:
    target = Target(
        id="t",
        url=f"tcp://ccpor.test:{port}",
        scheme="tcp",
        host="ccpor.test",
        port=port,
        contrast=contrast,
    )
    earlier = {"dns": DnsEvidence(name="ccpor.test", source="resolvers", addresses=addresses)}
    return net.inside("court", lambda: looked(CHECK, target, options, earlier=earlier))


def finding(seen: Looked) -> Finding:
    return seen.findings["tcp.reach"]


def protocols(seen: Looked) -> list[tuple[str, int | None]]:
    return [(walk.protocol, walk.port) for walk in seen.evidence.walks]


# --- a reset that is not the host's ------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "hook", "where", "where6"),
    [
        ("county_edge", "forward", "at or past 10.77.2.2", "at or past fd77:2::2"),
        ("county_edge", "prerouting", "at or past 10.77.1.1", "at or past fd77:1::1"),
        ("court_router", "forward", "at or past 10.77.1.1", "at or past fd77:1::1"),
        ("court_router", "prerouting", "at the first hop", "at the first hop"),
    ],
)
def test_a_reset_from_a_router_on_the_way_is_told_by_its_distance(
    quick: Network, node: str, hook: str, where: str, where6: str
) -> None:
    """ "Refused" sends the datacenter looking for a dead service that runs."""
    quick.nft(node, RESET, hook=hook)

    for address, words in ((WEB, where), (WEB6, where6)):
        seen = reached(quick, CLOSED, address)
        assert seen.failed == seen.blocking == {"tcp.reach/reset"}
        assert f"reset on the way, {words} (3 of 3 tries)" in finding(seen).summary
        assert finding(seen).owner is Owner.COUNTY_NETWORK
        assert protocols(seen) == [("tcp", CLOSED), ("icmp", None)]
        assert seen.seconds < 5


@pytest.mark.parametrize(
    ("rule", "told"), [("icmp type echo-request drop", "udp"), ("meta l4proto udp drop", "icmp")]
)
def test_one_protocol_that_passes_is_enough(quick: Network, rule: str, told: str) -> None:
    """Some firewalls let no echo pass, others no UDP."""
    quick.nft("county_edge", RESET)
    quick.nft("county_edge", rule)
    seen = reached(quick, CLOSED, WEB)

    assert seen.failed == {"tcp.reach/reset"}
    assert seen.evidence.walks[-1].protocol == told
    assert seen.evidence.walks[-1].hops[0].ttl == 3  # what is nearer was asked before


def test_an_open_port_beside_it_replaces_what_a_filter_silences(quick: Network) -> None:
    """Where nothing but TCP passes, a walk to a port that is open tells how far the host is."""
    quick.nft("county_edge", RESET)
    quick.nft("county_edge", SILENCED.format())
    seen = reached(quick, CLOSED, WEB, contrast=ALIKE)

    assert seen.failed == {"tcp.reach/reset"}
    assert protocols(seen) == [("tcp", CLOSED), ("tcp", OPEN)]


def test_where_nothing_tells_the_reset_stays_the_hosts(quick: Network) -> None:
    """Silence is no proof that somebody forges."""
    quick.nft("county_edge", RESET)
    quick.nft("county_edge", SILENCED.format())
    seen = reached(quick, CLOSED, WEB)

    assert seen.failed == {"tcp.reach/refused"}
    assert protocols(seen) == [("tcp", CLOSED), ("icmp", None), ("udp", None)]
    assert seen.seconds < 8


@pytest.mark.parametrize("silenced", [False, True])
def test_a_reset_from_directly_before_the_host_is_told_by_its_time(
    far: Network, silenced: bool
) -> None:
    """No hop lies between, but the line does: the host cannot answer that quickly."""
    far.nft("county_edge", RESET)
    if silenced:
        far.nft("county_edge", SILENCED.format())
    seen = reached(far, CLOSED, LAST_ROUTER, contrast=ALIKE)
    blind = reached(far, CLOSED, LAST_ROUTER)

    assert seen.failed == {"tcp.reach/reset"}
    assert "reset on the way, at or past 10.77.2.2, after" in finding(seen).summary
    assert f"port {OPEN} of the same host takes" in finding(seen).summary
    assert len(seen.evidence.open_port.connect_ms) >= 3
    assert blind.failed == {"tcp.reach/refused"}


def test_one_try_asked_for_is_enough_to_compare_times(far: Network) -> None:
    """The comparison needs three resets: it fetches what the profile's `tries` does not give."""
    far.nft("county_edge", RESET)
    seen = reached(far, CLOSED, LAST_ROUTER, contrast=ALIKE, tries=1)

    assert seen.failed == {"tcp.reach/reset"}
    assert len(seen.evidence.tries) == 3


# --- a closed port: the healthy control --------------------------------------------------------


@pytest.mark.parametrize("address", [WEB, WEB6, LAST_ROUTER, "10.77.1.1"])
@pytest.mark.parametrize("contrast", [(), ALIKE, ("tcp://ccpor.test:82", "icmp://[bad")])
def test_a_closed_port_stays_refused(far: Network, address: str, contrast: tuple[str, ...]) -> None:
    """The host itself says no, near or far, whatever the profile compares with."""
    seen = reached(far, CLOSED, address, contrast=contrast)

    assert seen.failed == {"tcp.reach/refused"}
    assert "refused by the host itself (3 of 3 tries)" in finding(seen).summary
    assert seen.evidence.walks[0].end == "refused"


def test_a_silent_router_before_the_host_makes_no_forger(quick: Network) -> None:
    """A hop that never answers stands at the reset's distance in no walk's words."""
    quick.nft("datacenter_router", "icmp type time-exceeded drop", hook="output")
    assert reached(quick, CLOSED, WEB).failed == {"tcp.reach/refused"}

    quick.nft("datacenter", "icmp type destination-unreachable drop", hook="output")
    assert reached(quick, CLOSED, WEB).failed == {"tcp.reach/refused"}


def test_nothing_is_walked_on_this_workstation_itself(quick: Network) -> None:
    """No router stands between: two hundred of these must stay quick."""
    for address in ("127.0.0.1", "::1", COURT):
        seen = reached(quick, CLOSED, address, contrast=ALIKE)
        assert (seen.failed, seen.evidence.walks) == ({"tcp.reach/refused"}, ())
        assert seen.seconds < 0.5


def test_silence_is_not_walked_here(quick: Network) -> None:
    """Forty targets behind one cut would walk forty times: a run walks a few of them later."""
    quick.nft("county_edge", f"tcp dport {CLOSED} drop")
    seen = reached(quick, CLOSED, WEB, timeout_s=0.5, tries=1)

    assert (seen.failed, seen.evidence.walks) == ({"tcp.reach/dropped"}, ())
    assert seen.seconds < 1.5


def test_a_silent_firewall_that_forges_is_told_by_the_host_beyond_it(quick: Network) -> None:
    """It answers no packet that ends at it, yet the host answers from farther away."""
    quick.nft("county_edge", RESET, hook="prerouting")
    quick.nft("county_edge", "icmp type time-exceeded drop", hook="output")
    seen = reached(quick, CLOSED, WEB)

    assert seen.failed == {"tcp.reach/reset"}
    assert "at or past 10.77.1.1" in finding(seen).summary


AS_USER = f"""
import json
from ccpor_checks.base import Target
from ccpor_checks.tcp import CHECK
from tests.checks.looking import looked
def look(port):
    target = Target(id="t", url=f"tcp://{WEB}:{{port}}", scheme="tcp", host="{WEB}", port=port)
    return sorted(looked(CHECK, target).failed)
print(json.dumps([look({CLOSED}), look({CLOSED + 1}), look({OPEN})]))
"""


def test_a_user_without_rights_tells_them_apart(quick: Network) -> None:
    """The clerk's account sees as much as root."""
    quick.nft("county_edge", RESET)

    assert as_ordinary_user(quick, AS_USER) == [
        ["tcp.reach/reset"],
        ["tcp.reach/refused"],
        [],
    ]


# --- names with a dead address -----------------------------------------------------------------


def warned(seen: Looked) -> str:
    """Return the summary of the one warning that leaves the way open."""
    assert seen.gate is None
    assert seen.blocking == set()
    assert finding(seen).severity is Severity.WARNING
    return finding(seen).summary


@pytest.mark.parametrize(
    ("rule", "reason", "words"),
    [
        ("drop", "dropped", "does not answer"),
        ("reject with tcp reset", "reset", "is reset"),
        ("reject with icmpx type admin-prohibited", "prohibited", "is forbidden on the way"),
    ],
)
def test_broken_ipv6_beside_ipv4_is_a_warning(
    quick: Network, rule: str, reason: str, words: str
) -> None:
    """Browsers hide it behind a delay, other programs fail: it must be seen, and not block."""
    quick.nft("county_edge", f"ip6 daddr {WEB6} tcp dport {OPEN} {rule}")
    seen = reached(quick, OPEN, WEB6, WEB, timeout_s=0.6)

    assert seen.failed == {f"tcp.reach/{reason}"}
    assert warned(seen) == f"IPv6 is broken: {WEB6} port {OPEN} {words}, IPv4 ({WEB}) works"
    assert "AAAA" in str(finding(seen).fix)
    assert seen.evidence.address == WEB


def test_broken_ipv4_beside_ipv6_is_a_warning(quick: Network) -> None:
    quick.nft("county_edge", f"ip daddr {WEB} drop")
    seen = reached(quick, OPEN, WEB6, WEB, timeout_s=0.6)

    assert warned(seen).startswith(f"IPv4 is broken: {WEB} port {OPEN} does not answer")
    assert seen.evidence.address == WEB6


@pytest.mark.parametrize("order", [(WEB, NOBODY), (NOBODY, WEB)])
def test_one_dead_address_of_two_is_a_warning(quick: Network, order: tuple[str, str]) -> None:
    """Every second visitor waits for it."""
    seen = reached(quick, OPEN, *order, timeout_s=0.6)

    assert seen.failed == {"tcp.reach/dropped"}
    assert f"1 of 2 addresses do not work: {NOBODY} does not answer" in warned(seen)
    assert finding(seen).observed == {NOBODY: "dropped"}
    assert seen.evidence.address == WEB


def test_a_workstation_without_ipv6_is_healthy(quick: Network) -> None:
    """Most courts have none; the AAAA record does not concern them."""
    quick.run("court", "ip", "-6", "route", "del", "default")
    here = reached(quick, OPEN, WEB6, WEB)
    quick.run("court", "ip", "-6", "route", "add", "default", "via", "fd77:1::1")
    farther = reached(quick, OPEN, "2001:db8::1", WEB)  # the county has no way for it

    for seen in here, farther:
        assert {each.reason for each in seen.evidence.tries} == {None, "network-unreachable"}
        assert seen.statuses == {Status.PASS}
        assert seen.evidence.address == WEB


def test_two_working_addresses_are_as_quick_as_one(far: Network) -> None:
    """The other family is tried meanwhile; the system's first choice stays the address."""
    seen = reached(far, OPEN, WEB6, WEB)

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.address == WEB6
    assert [each.address for each in seen.evidence.tries] == [*[WEB6] * 3, WEB]
    assert seen.seconds < 1


# --- judging -----------------------------------------------------------------------------------


def way(
    protocol: Any, port: int | None, *answers: tuple[str | None, Answer], sent: int = 4
) -> Walk:
    hops = tuple(
        Hop(ttl=ttl, address=address, answer=answer, sent=sent, answered=1)
        for ttl, (address, answer) in enumerate(answers, 1)
    )
    last = hops[-1]
    mine = last.address == WEB
    return Walk(
        protocol=protocol,
        address=WEB,
        port=port,
        hops=hops,
        end="silent" if last.answer == "time-exceeded" else last.answer,
        distance=last.ttl if mine else None,
    )


R1, R2 = ("10.77.1.1", "time-exceeded"), ("10.77.2.2", "time-exceeded")
SILENT = (None, "silent")
TO_PORT = way("tcp", CLOSED, R1, (None, "refused"))


def told(*walks: Walk, resets: tuple[float, ...] = (), opened: tuple[float, ...] = ()) -> bool:
    evidence = TcpEvidence(
        host="x",
        port=CLOSED,
        address=None,
        tries=tuple(Try(address=WEB, reason="refused", ms=ms) for ms in resets),
        walks=walks,
        open_port=OpenPort(address=WEB, port=OPEN, connect_ms=opened) if opened else None,
    )
    again = msgspec.json.decode(msgspec.json.encode(evidence), type=TcpEvidence)
    return forged(again) is not None


def test_only_what_stands_beyond_the_reset_shows_a_forger() -> None:
    """A wrong "forged" sends the county searching its firewalls for nothing."""
    host = (WEB, "refused")

    assert told(TO_PORT, way("udp", None, R1, R2))
    assert told(TO_PORT, way("tcp", OPEN, R1, SILENT, (WEB, "open")))
    assert told(TO_PORT, way("icmp", None, R1, SILENT, (WEB, "open")))
    assert not told(TO_PORT, way("icmp", None, R1, SILENT, (WEB, "open"), sent=2))  # lost, perhaps
    assert not told(TO_PORT, way("udp", None, R1, host))
    assert not told(TO_PORT, way("udp", None, R1, SILENT))
    assert not told(TO_PORT, way("udp", None, R1, SILENT, SILENT))
    # The host sends few "port unreachable" a second: an answer to a later packet is no distance.
    assert not told(TO_PORT, way("udp", None, R1, SILENT, host))
    # The address may stand at a router that passes some ports on: then that is the host.
    assert not told(TO_PORT, way("udp", None, R1, (WEB, "time-exceeded"), (WEB, "refused")))
    assert not told(TO_PORT)
    assert not told()


@pytest.mark.parametrize(
    ("resets", "opened", "shown"),
    [
        ((1.0, 2.0, 3.0), (20.0, 21.0, 22.0), True),
        ((1.0, 2.0, 11.0), (20.0, 21.0, 22.0), False),
        ((0.2, 0.2, 0.2), (5.0, 5.0, 5.0), False),
        ((0.2, 0.2, 0.2), (5.3, 5.4, 5.5), True),
        ((1.0, 2.0), (20.0, 21.0, 22.0), False),
        ((1.0, 2.0, 3.0), (20.0, 21.0), False),
        ((40.0, 41.0, 42.0), (20.0, 21.0, 22.0), False),
    ],
)
def test_a_reset_is_too_quick_for_the_host_by_half_and_five_milliseconds(
    resets: tuple[float, ...], opened: tuple[float, ...], shown: bool
) -> None:
    """Within a building half a millisecond is noise."""
    assert told(TO_PORT, resets=resets, opened=opened) == shown
