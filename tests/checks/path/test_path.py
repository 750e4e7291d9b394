"""The path check through real networks: what passes, each fault, and what it cannot see."""

from __future__ import annotations

import pytest

from ccpor_checks.base import CannotObserve
from ccpor_reporting.model import Severity, Status
from tests.checks.looking import Looked
from tests.checks.path.looks import WEB, WEB6, Case, all_of
from tests.lab.network import NOWHERE, Network

pytestmark = [pytest.mark.netns, pytest.mark.timeout(300)]


def no_icmp_errors(net: Network) -> None:
    """A firewall in the county that thinks ICMP is only for attackers."""
    net.nft("county_edge", "icmp type destination-unreachable drop", hook="output")
    net.nft("county_edge", "icmpv6 type packet-too-big drop", hook="output")


def lose(net: Network, rule: str) -> None:
    """Lose one of five packets that *rule* names, in one direction."""
    net.nft("county_edge", f"{rule} numgen random mod 100 < 20 drop")


CASES = {
    "healthy": Case(
        urls=[
            f"icmp://{WEB}",
            f"icmp://{WEB6}",
            f"tcp://{WEB}:80",
            f"stamp://{WEB}:862",
            f"stamp://{WEB6}:863",
        ]
    ),
    "nobody": Case(urls=[f"icmp://{WEB}", f"tcp://{WEB}:80"], nobody=True),
    "black hole": Case(line={"mtu": 1380}, fault=no_icmp_errors, urls=[f"tcp://{WEB}:80"]),
    "lossy": Case(line={"delay_ms": 5, "loss_pct": 5}, urls=[f"icmp://{WEB}", f"tcp://{WEB}:80"]),
    "slow": Case(line={"delay_ms": 130}, urls=[f"icmp://{WEB}"]),
}


@pytest.fixture(scope="module")
def seen() -> dict[str, dict[str, Looked | CannotObserve]]:
    return all_of(CASES)


@pytest.mark.parametrize("url", CASES["healthy"].urls)
def test_a_healthy_path_passes_in_every_way(seen, url: str) -> None:
    """No fault, no finding: by echo, by the very port, by a reflector, on both versions of IP."""
    look = seen["healthy"][url]

    assert look.failed == set(), look.findings
    assert look.findings["path.loss"].status is look.findings["path.mtu"].status is Status.PASS
    assert set(look.findings) == {"path.loss", "path.latency", "path.jitter", "path.mtu"}
    assert look.evidence.method == url.partition(":")[0]
    assert (look.evidence.lost, look.evidence.mtu.bytes, look.evidence.mtu.probes) == (0, 1500, 1)
    assert {walk.distance for walk in look.evidence.walks} == {4}


def test_the_reflectors_own_time_is_not_the_paths(seen) -> None:
    """The second reflector keeps each packet for 5 ms; RFC 8762 gives both its times."""
    look = seen["healthy"][f"stamp://{WEB6}:863"]

    assert look.evidence.rtt_min_ms < 5


@pytest.mark.parametrize("url", CASES["nobody"].urls)
def test_an_ordinary_user_sees_the_same(seen, url: str) -> None:
    """The agent runs without rights; where echoes are allowed nothing is missing."""
    look = seen["nobody"][url]

    assert look.failed == set(), look.findings
    assert look.evidence.method == url.partition(":")[0]
    assert {walk.distance for walk in look.evidence.walks} == {4}


def test_a_black_hole_is_found_without_any_icmp(seen) -> None:
    """Login works, the upload hangs: the ticket nobody can solve; exact size and place are told."""
    look = seen["black hole"][f"tcp://{WEB}:80"]
    finding = look.findings["path.mtu"]

    assert look.blocking == {"path.mtu/black-hole"}
    assert finding.observed == 1380
    assert "larger than 1380 bytes vanish without a word" in finding.summary
    assert look.evidence.mtu.walk.last.address == "10.77.2.2"
    assert look.evidence.mtu.method == "tcp"


@pytest.mark.parametrize("url", CASES["lossy"].urls)
def test_a_line_that_loses_one_in_twenty_each_way_is_found(seen, url: str) -> None:
    """Beyond the blocking limit by far; the loss lies past the county's edge, never before it."""
    look = seen["lossy"][url]

    assert look.blocking == {"path.loss/lossy"}, look.findings
    assert look.evidence.begins_after in {None, "10.77.1.1", "10.77.2.2"}
    assert 3 < look.findings["path.loss"].observed < 25


def test_a_long_round_trip_is_slow_and_nothing_else(seen) -> None:
    """260 ms: beyond 200 ms a page of twenty trips takes five seconds."""
    look = seen["slow"][f"icmp://{WEB}"]

    assert look.blocking == {"path.latency/slow"}, look.findings
    assert look.evidence.begins_after == "10.77.2.2"
    assert 255 < look.findings["path.latency"].observed < 400


def own_interface(net: Network) -> None:
    net.mtu("court", "eth0", 1300)


def clamp(net: Network) -> None:
    net.nft("county_edge", "tcp flags syn tcp option maxseg size set 1300")


def echo_police(net: Network) -> None:
    rate = "limit rate over 10/second burst 5 packets drop"
    net.nft("county_edge", f"icmp type echo-request {rate}")


def no_large_echo(net: Network) -> None:
    net.nft("county_edge", "icmp type echo-request meta length > 1052 drop")


def no_echo(net: Network) -> None:
    net.nft("datacenter", "icmp type echo-request drop", hook="input")


def no_echo_no_udp(net: Network) -> None:
    no_echo(net)
    net.nft("datacenter", "meta l4proto udp drop", hook="input")


def cut(net: Network) -> None:
    net.nft("county_edge", f"ip daddr {WEB} drop")


def no_answer_at_all(net: Network) -> None:
    net.nft("court", "ip daddr 10.77.0.0/16 drop", hook="output")


def up_loss(net: Network) -> None:
    lose(net, "udp dport 862")


def down_loss(net: Network) -> None:
    lose(net, "udp sport {862, 863}")


def uneven(net: Network) -> None:
    net.line(delay_ms=60, jitter_ms=60)


def all_icmp(net: Network) -> None:
    for hook in ("output", "forward"):
        net.nft("county_edge", "meta l4proto {icmp, icmpv6} drop", hook=hook)


QUIET = {"route": False}
SLOW_CASES = {
    "hardly lossy": Case(
        line={"delay_ms": 20, "loss_pct": 0.2, "jitter_ms": 8},
        urls=[f"icmp://{WEB}", f"tcp://{WEB}:80", f"stamp://{WEB}:862"],
    ),
    "up": Case(fault=up_loss, urls=[f"stamp://{WEB}:862"], options=QUIET),
    "down": Case(fault=down_loss, urls=[f"stamp://{WEB}:862", f"stamp://{WEB}:863"], options=QUIET),
    "uneven": Case(line={"tun": True}, fault=uneven, urls=[f"icmp://{WEB}"]),
    "own interface": Case(fault=own_interface, urls=[f"tcp://{WEB}:80"], options=QUIET),
    "clamp": Case(fault=clamp, urls=[f"tcp://{WEB}:80"], options=QUIET),
    "policed": Case(fault=echo_police, urls=[f"icmp://{WEB}"]),
    "no large echo": Case(fault=no_large_echo, urls=[f"icmp://{WEB}"], options=QUIET),
    "no echo": Case(fault=no_echo, urls=[f"icmp://{WEB}"], options=QUIET),
    "nothing, but there": Case(fault=no_echo_no_udp, urls=[f"icmp://{WEB}", f"stamp://{WEB}:862"]),
    "cut": Case(fault=cut, urls=[f"icmp://{WEB}"]),
    "nowhere": Case(urls=[f"icmp://{NOWHERE}"]),
    "own firewall": Case(fault=no_answer_at_all, urls=[f"icmp://{WEB}"]),
    "no reflector": Case(urls=[f"stamp://{WEB}:999"]),
    "no ping": Case(line={"ping": False}, nobody=True, urls=[f"icmp://{WEB}"], options=QUIET),
    "no ping, no udp": Case(
        line={"ping": False}, nobody=True, fault=no_echo_no_udp, urls=[f"icmp://{WEB}"]
    ),
}
WAYS = (f"tcp://{WEB}:80", f"icmp://{WEB}", f"stamp://{WEB}:862")
WAYS6 = tuple(way.replace(WEB, WEB6) for way in WAYS)
SIZES = (576, 1280, 1400, 1420, 1492, 1500)
KINDS = {"answered": None, "errors dropped": no_icmp_errors}
MTU_CASES = {
    f"{size} {kind}": Case(
        line={"mtu": size},
        urls=[*WAYS, *(WAYS6 if size == 1280 else ())],
        options=QUIET,
        **({"fault": fault} if fault else {}),
    )
    for size in SIZES
    for kind, fault in KINDS.items()
}
MTU_CASES["1337 all icmp dropped"] = Case(
    line={"mtu": 1337}, fault=all_icmp, urls=[f"tcp://{WEB}:80"], options=QUIET
)


@pytest.fixture(scope="module")
def far_seen() -> dict[str, dict[str, Looked | CannotObserve]]:
    return all_of(SLOW_CASES | MTU_CASES)


@pytest.mark.slow
@pytest.mark.parametrize("case", MTU_CASES)
def test_the_largest_packet_is_found_exactly(far_seen, case: str) -> None:
    """To the byte, within fourteen sizes, by every method, with and without ICMP's help."""
    size = int(case.split(maxsplit=1)[0])
    fault = {"path.mtu/black-hole"} if "dropped" in case and size < 1500 else set()
    if size < 1400 and not fault:
        fault = {"path.mtu/too-small"}

    for url, look in far_seen[case].items():
        mtu = look.evidence.mtu
        assert (mtu.bytes, mtu.exact) == (size, True), (url, mtu)
        assert mtu.probes <= 14, (url, mtu)
        assert look.failed == fault, (url, look.findings)
        severity = Severity.BLOCKER if size < 1400 else Severity.WARNING
        assert not fault or look.findings["path.mtu"].severity is severity
        if fault == {"path.mtu/too-small"}:
            assert mtu.said_by in {"10.77.2.2", "fd77:2::2"}, url


@pytest.mark.slow
@pytest.mark.parametrize("url", SLOW_CASES["hardly lossy"].urls)
def test_a_packet_lost_now_and_then_is_no_finding(far_seen, url: str) -> None:
    """One of thirty lost proves nothing about one in a hundred: more packets are asked first."""
    assert far_seen["hardly lossy"][url].failed == set()


@pytest.mark.slow
def test_a_loss_on_the_way_there_is_told_from_one_on_the_way_back(far_seen) -> None:
    """The county looks at the wrong direction else."""
    up = far_seen["up"][f"stamp://{WEB}:862"]
    down = far_seen["down"][f"stamp://{WEB}:862"]

    assert up.blocking == down.blocking == {"path.loss/lossy"}
    assert up.evidence.loss_up_pct > 5 > up.evidence.loss_down_pct
    assert down.evidence.loss_down_pct > 5 > down.evidence.loss_up_pct
    assert "on the way back" in down.findings["path.loss"].summary


@pytest.mark.slow
def test_a_reflector_without_a_count_of_its_own_tells_no_direction(far_seen) -> None:
    """It copies our numbers (RFC 8762, stateless): a guess would blame the wrong side."""
    look = far_seen["down"][f"stamp://{WEB}:863"]

    assert look.blocking == {"path.loss/lossy"}
    assert look.evidence.loss_up_pct is None
    assert look.evidence.loss_down_pct is None


@pytest.mark.slow
def test_an_uneven_path_is_unsteady(far_seen) -> None:
    """Up to 120 ms apart, where 50 ms block."""
    look = far_seen["uneven"][f"icmp://{WEB}"]

    assert "path.jitter/unsteady" in look.blocking
    assert "path.loss/lossy" not in look.failed


@pytest.mark.slow
def test_a_small_packet_size_of_this_workstation_is_the_courts_own(far_seen) -> None:
    """Nobody in the county can mend it."""
    look = far_seen["own interface"][f"tcp://{WEB}:80"]
    finding = look.findings["path.mtu"]

    assert look.failed == {"path.mtu/too-small"}
    assert (finding.observed, finding.owner) == (1300, "court-it")


@pytest.mark.slow
def test_a_clamped_segment_size_is_a_warning_at_most(far_seen) -> None:
    """Clamping is the usual cure of a small tunnel: TCP works, the search ends there."""
    look = far_seen["clamp"][f"tcp://{WEB}:80"]

    assert look.blocking == set()
    assert "limited by the far end's MSS" in look.findings["path.mtu"].summary


@pytest.mark.slow
def test_a_limit_on_echoes_is_no_loss(far_seen) -> None:
    """Firewalls answer ten echoes a second; the line behind them loses nothing."""
    look = far_seen["policed"][f"icmp://{WEB}"]

    assert look.failed == set(), look.findings
    assert "when sent fast" in look.evidence.not_used[0]


@pytest.mark.slow
def test_large_echoes_kept_away_are_no_black_hole(far_seen) -> None:
    """A guard against the "ping of death" lets every other packet of that size pass."""
    look = far_seen["no large echo"][f"icmp://{WEB}"]

    assert look.failed == set(), look.findings
    assert (look.evidence.mtu.method, look.evidence.mtu.bytes) == ("udp", 1500)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["no echo", "no ping"])
def test_without_echoes_udp_to_a_closed_port_tells_the_same(far_seen, case: str) -> None:
    """Where the host or this user's rights forbid echoes; and the words say so."""
    look = far_seen[case][f"icmp://{WEB}"]

    assert look.failed == set(), look.findings
    assert (look.evidence.method, look.evidence.sent) == ("udp", 20)
    assert "ICMP echo requests" in look.findings["path.loss"].summary


@pytest.mark.slow
@pytest.mark.parametrize("url", SLOW_CASES["nothing, but there"].urls)
def test_a_host_that_answers_no_echo_is_not_lost(far_seen, url: str) -> None:
    """It is there, its closed ports say so: we could not look, which is not 100 % loss."""
    outcome = far_seen["nothing, but there"][url]

    assert isinstance(outcome, CannotObserve)
    assert "though it is there" in str(outcome)


@pytest.mark.slow
def test_silence_past_a_router_is_all_lost_at_or_past_it(far_seen) -> None:
    """Everything up to the county's edge answers, then nothing: that is no question of rights."""
    look = far_seen["cut"][f"icmp://{WEB}"]
    skipped = {code for code, f in look.findings.items() if f.status is Status.SKIP}

    assert look.blocking == {"path.loss/lossy"}
    assert skipped == {"path.latency", "path.jitter", "path.mtu"}
    assert "at or past 10.77.2.2" in look.findings["path.loss"].summary


@pytest.mark.slow
def test_an_address_that_nobody_has_is_named_by_the_last_router(far_seen) -> None:
    """The router in front of that network says "host unreachable"."""
    look = far_seen["nowhere"][f"icmp://{NOWHERE}"]

    assert look.blocking == {"path.loss/lossy"}
    assert look.evidence.begins_after == "10.77.3.2"


@pytest.mark.slow
def test_where_not_even_the_first_router_answers_nothing_is_claimed(far_seen) -> None:
    """This workstation's own firewall may be what is in the way."""
    outcome = far_seen["own firewall"][f"icmp://{WEB}"]

    assert isinstance(outcome, CannotObserve)


@pytest.mark.slow
def test_a_missing_reflector_is_no_loss(far_seen) -> None:
    """The port answers "unreachable": the path is fine, the service is not there to measure with."""
    outcome = far_seen["no reflector"][f"stamp://{WEB}:999"]

    assert isinstance(outcome, CannotObserve)
    assert "nobody answers on that port" in str(outcome)


@pytest.mark.slow
def test_without_any_way_to_look_the_words_say_how_to_allow_one(far_seen) -> None:
    """An ordinary user, no ping, no answers to UDP: the technician is told what to switch."""
    outcome = far_seen["no ping, no udp"][f"icmp://{WEB}"]

    assert isinstance(outcome, CannotObserve)
    assert "net.ipv4.ping_group_range" in str(outcome)
