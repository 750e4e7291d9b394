"""TCP against real sockets on loopback, and against a router's firewall in namespaces."""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Target
from ccpor_checks.dns.evidence import DnsEvidence
from ccpor_checks.kit.os_errors import error_name
from ccpor_checks.kit.quantile import nearest_rank
from ccpor_checks.tcp import CHECK, TcpEvidence, TcpOptions
from ccpor_checks.tcp.evidence import Try
from ccpor_checks.tcp.rules import judge_reach
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Owner, Status
from ccpor_reporting.rules import Setting
from tests.checks.looking import Looked, looked
from tests.checks.tcp.netns import Lab, lab
from tests.peers import free_port


def connect(host: str, port: int, *addresses: str, **options: Any) -> Looked:
    target = Target(id="t", url=f"tcp://{host}:{port}", scheme="tcp", host=host, port=port)
    earlier = (
        {"dns": DnsEvidence(name=host, source="resolvers", addresses=addresses)}
        if addresses
        else {}
    )
    return looked(CHECK, target, options, earlier=earlier)


@contextlib.contextmanager
def listening(
    on_accept: Callable[[socket.socket], object] | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Listen, and give each connection to *on_accept*; without one nobody accepts at all."""
    with socket.create_server(
        (host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET
    ) as server:
        ended = threading.Event()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while not ended.is_set():
                    connection, _ = server.accept()
                    assert on_accept is not None
                    with connection:
                        on_accept(connection)

        if on_accept:
            threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]
        ended.set()
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)  # ends the accept that waits


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


# --- healthy ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_listening_port_passes_with_its_figures(host: str) -> None:
    """The healthy twin, on both families."""
    with listening(host=host) as port:
        seen = connect(host, port)

    assert seen.statuses == {Status.PASS}
    assert seen.gate is None
    assert (seen.evidence.address, len(seen.evidence.tries)) == (host, 3)
    assert 0 <= seen.evidence.connect_p50_ms <= seen.evidence.connect_p95_ms < 1000
    assert seen.evidence.local_address == host
    assert seen.seconds < 1


@pytest.mark.parametrize("greeting", [b"", b"220 hello\r\n"])
def test_a_greeting_or_a_polite_end_after_accept_is_no_fault(greeting: bytes) -> None:
    """An SSH server speaks first, some servers hang up on a silent client: both listen."""
    with listening(lambda connection: connection.sendall(greeting)) as port:
        seen = connect("127.0.0.1", port)

    assert seen.failed == set()


# --- every reason ----------------------------------------------------------------------------


def test_a_closed_port_is_refused_in_milliseconds() -> None:
    """The host is there and says no: the service is down, not the network."""
    seen = connect("127.0.0.1", free_port())

    assert seen.failed == seen.blocking == {"tcp.reach/refused"}
    assert seen.gate == "t/tcp.reach"
    assert {each.error for each in seen.evidence.tries} == {"ECONNREFUSED"}
    assert seen.attempts == 3
    assert seen.seconds < 0.5


def test_silence_is_dropped_after_one_timeout_not_three() -> None:
    """A full backlog drops the SYN; the tries overlap, so a hundred such targets stay affordable."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = server.getsockname()[1]
        for _ in range(3):  # fills the backlog; the kernel then drops what comes
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        time.sleep(0.05)
        seen = connect("127.0.0.1", port, timeout_s=0.8)

    assert seen.failed == {"tcp.reach/dropped"}
    assert 0.8 <= seen.seconds < 1.8


def test_a_reset_right_after_accept_is_reset() -> None:
    """A balancer without a live server behind it accepts and then throws the connection away."""
    with listening(reset) as port:
        seen = connect("127.0.0.1", port)

    assert seen.failed == {"tcp.reach/reset"}
    assert {each.error for each in seen.evidence.tries} == {"ECONNRESET"}


@pytest.fixture(scope="module")
def network() -> Iterator[Lab]:
    with lab() as made:
        yield made


@pytest.mark.netns
@pytest.mark.parametrize(
    ("address", "fault", "icmp"),
    [
        ("10.66.1.1", "tcp.reach/prohibited", (4, 3, 13, "10.66.0.1")),
        ("10.66.1.2", "tcp.reach/prohibited", (4, 3, 3, "10.66.0.1")),
        ("10.66.1.4", "tcp.reach/dropped", None),
        ("10.66.2.1", "tcp.reach/host-unreachable", (4, 3, 1, "10.66.0.1")),
        ("10.66.3.1", "tcp.reach/network-unreachable", (4, 3, 0, "10.66.0.1")),
        ("10.66.4.1", "tcp.reach/prohibited", None),
        ("10.66.5.1", "tcp.reach/network-unreachable", None),
        ("10.66.0.9", "tcp.reach/host-unreachable", (4, 3, 1, "10.66.0.2")),
        ("10.66.0.1", "tcp.reach/refused", None),
        ("fd66:1::1", "tcp.reach/prohibited", (6, 1, 1, "fd66::1")),
        ("fd66:1::4", "tcp.reach/dropped", None),
        ("2001:db8::1", "tcp.reach/network-unreachable", None),
        # The last one: it is walked to, and then the router sends no errors for a second.
        ("10.66.1.3", "tcp.reach/refused", None),
    ],
)
def test_what_the_network_says_is_the_reason(
    network: Lab, address: str, fault: str, icmp: tuple[int, int, int, str] | None
) -> None:
    """Each goes to somebody else: firewall, router, routing table, host."""
    # 10.66.0.9: nobody answers the neighbour query, which the kernel gives up after three seconds
    timeout_s = 3.5 if address == "10.66.0.9" else 0.7
    seen = network.inside(lambda: connect(address, 443, timeout_s=timeout_s))

    assert seen.failed == {fault}
    # a router may answer fewer tries than it got: RFC 1812 asks it to limit its ICMP errors
    told = {each.icmp for each in seen.evidence.tries if each.icmp}
    if icmp is None:
        assert told == set()
    else:
        assert {(i.version, i.type, i.code, i.sender) for i in told} == {icmp}
        assert icmp[3] in seen.findings["tcp.reach"].summary


# --- several addresses -----------------------------------------------------------------------


def test_the_next_address_is_tried_when_the_first_does_not_connect() -> None:
    """A browser gets through, so the target is reached; the dead address is shown all the same."""
    with listening() as port:
        seen = connect("ccpor.test", port, "127.0.0.2", "127.0.0.1")

    assert seen.failed == set()
    assert seen.evidence.address == "127.0.0.1"
    assert [each.reason for each in seen.evidence.tries] == ["refused"] * 3 + [None] * 3
    assert "127.0.0.2 did not (refused)" in seen.findings["tcp.reach"].summary


def test_every_address_is_tried_once_beside_a_working_one() -> None:
    """A dead one makes some browsers wait; one try each tells, and costs nobody time."""
    with listening() as port:
        seen = connect("ccpor.test", port, "127.0.0.1", "127.0.0.2", "::1")

    assert [each.address for each in seen.evidence.tries] == [
        *["127.0.0.1"] * 3,
        "127.0.0.2",
        "::1",
    ]
    assert seen.failed == set()  # a program of this workstation need not listen on all of loopback
    assert seen.seconds < 0.5


def test_of_many_addresses_both_families_are_tried() -> None:
    """Forty addresses must not cost forty connections, nor hide IPv6."""
    four = [f"127.0.0.{last}" for last in range(2, 9)]
    seen = connect("ccpor.test", free_port(), *four, "::1")

    assert {each.address for each in seen.evidence.tries} == {"127.0.0.2", "127.0.0.3", "::1"}


@pytest.mark.netns
def test_a_missing_ipv6_route_does_not_hide_what_ipv4_said(network: Lab) -> None:
    """Most court networks have no IPv6: the reason to act on is IPv4's."""
    seen = network.inside(
        lambda: connect("ccpor.test", 443, "10.66.1.4", "2001:db8::1", timeout_s=0.5)
    )

    assert seen.failed == {"tcp.reach/dropped"}
    assert {each.reason for each in seen.evidence.tries} == {"dropped", "network-unreachable"}


@pytest.mark.netns
def test_a_name_with_ipv6_alone_and_no_route_is_network_unreachable(network: Lab) -> None:
    """The name resolves, so `dns` passes; it is the missing route that must be named."""
    seen = network.inside(lambda: connect("six.test", 443, "2001:db8::1"))

    assert seen.failed == {"tcp.reach/network-unreachable"}


# --- judging ---------------------------------------------------------------------------------


def seen_with(*outcomes: tuple[str | None, float]) -> TcpEvidence:
    tries = tuple(Try(address="10.0.0.1", reason=reason, ms=ms) for reason, ms in outcomes)
    made = [ms for reason, ms in outcomes if reason is None]
    return TcpEvidence(
        host="x",
        port=443,
        address="10.0.0.1" if made else None,
        tries=tries,
        connect_p50_ms=nearest_rank(made, 50),
        connect_p95_ms=nearest_rank(made, 95),
    )


def said(evidence: TcpEvidence, **options: Any) -> Any:
    from datetime import UTC, datetime

    return judge_reach(
        evidence,
        msgspec.convert(options, TcpOptions),
        Setting(observed_at=datetime(2027, 1, 1, tzinfo=UTC)),
    )


def test_one_lost_try_among_three_passes_and_is_told() -> None:
    """One lost SYN is everyday life, yet the technician should see it."""
    judgement = said(seen_with((None, 10), ("dropped", 3000), (None, 12)))

    assert judgement.status is Status.PASS
    assert "2 of 3 tries answered" in judgement.summary


@pytest.mark.parametrize(
    ("reasons", "reason"),
    [
        (("dropped", "prohibited", "dropped"), "prohibited"),
        (("dropped", "dropped", "host-unreachable"), "host-unreachable"),
        (("refused", "dropped", "refused"), "refused"),
    ],
)
def test_an_answer_says_more_than_silence(reasons: tuple[str, ...], reason: str) -> None:
    """ICMP errors are rate limited, so often only one try gets one."""
    assert said(seen_with(*((each, 5.0) for each in reasons))).reason == reason


def test_a_connection_slower_than_the_limit_did_not_answer_in_time() -> None:
    """`max_ms` is how late an answer may be and still count."""
    slow = said(seen_with((None, 300.0), (None, 320.0)), max_ms=200)
    warned = said(seen_with((None, 300.0), (None, 320.0)), max_ms=[200, 500])

    assert (slow.reason, slow.severity) == ("dropped", None)
    assert (warned.reason, warned.severity) == ("dropped", "warning")
    assert said(seen_with((None, 100.0), (None, 320.0)), max_ms=200).status is Status.PASS


def test_the_nearest_rank_is_a_value_that_was_seen() -> None:
    """RFC 2330: no figure between two measurements is made up."""
    assert nearest_rank([30.0, 10.0, 20.0], 50) == 20.0
    assert nearest_rank([30.0, 10.0, 20.0], 95) == 30.0
    assert nearest_rank([], 95) is None


def test_an_error_has_the_same_name_on_every_system() -> None:
    """A report of a Windows workstation is compared with one of Linux."""
    assert error_name(errno.ECONNREFUSED) == "ECONNREFUSED"
    assert error_name(987654) == "987654"
    assert error_name(None) is None


# --- limits of the workstation, scale ----------------------------------------------------------


def test_a_target_without_a_port_cannot_be_looked_at() -> None:
    """It is the profile's mistake, and must not read as a network fault."""
    with pytest.raises(CannotObserve):
        looked(CHECK, Target(id="t", url="tcp://x", scheme="tcp", host="x"))


def test_two_hundred_refused_targets_end_within_a_second() -> None:
    """A court's port list is long; an unreachable one must not take the afternoon."""
    ports = [free_port() for _ in range(200)]
    outcomes: list[set[str]] = []

    def one(port: int) -> None:
        outcomes.append(connect("127.0.0.1", port).failed)

    started = time.monotonic()
    threads = [threading.Thread(target=one, args=(port,)) for port in ports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert time.monotonic() - started < 2.5
    assert outcomes == [{"tcp.reach/refused"}] * 200


@pytest.mark.parametrize("options", [{"tries": 0}, {"tries": 1.5}, {"timeout_s": 0}, {"try": 3}])
def test_options_that_make_no_sense_are_refused(options: dict[str, Any]) -> None:
    """Zero tries would pass without looking."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, TcpOptions)


def test_the_reasons_are_those_of_the_catalogue() -> None:
    """A reason without words would reach people as a bare code."""
    assert set(CHECK.rules[0].reasons) == set(catalogue()["tcp.reach"].reasons)


@pytest.mark.netns
def test_what_this_workstation_itself_forbids_is_for_court_it(network: Lab) -> None:
    """A rule of the workstation's own must not send the county searching its firewalls."""
    seen = network.inside(lambda: connect("10.66.4.1", 443, timeout_s=0.7))
    elsewhere = network.inside(lambda: connect("10.66.1.1", 443, timeout_s=0.7))

    assert seen.findings["tcp.reach"].owner is Owner.COURT_IT
    assert elsewhere.findings["tcp.reach"].owner is Owner.COUNTY_NETWORK
