"""DNS against a real BIND and a server that lies by name."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Target
from ccpor_checks.dns import CHECK, DnsOptions, look
from ccpor_checks.dns.system import Machine, nameservers_in, resolver_from
from ccpor_checks.kit.hosts_file import addresses_in
from ccpor_reporting.faults import catalogue
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked
from tests.peers import free_port
from tests.peers.bind import Bind, bind
from tests.peers.fault_dns import FaultDns, fault_dns

Dns = Callable[..., Looked]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bind]:
    with bind(tmp_path_factory.mktemp("bind")) as running:
        yield running


@pytest.fixture(scope="module")
def liar() -> Iterator[FaultDns]:
    with fault_dns() as running:
        yield running


@pytest.fixture
def unheard() -> str:
    return f"127.0.0.1:{free_port(socket.SOCK_DGRAM)}"


def ask(name: str, *resolvers: str, machine: Machine | None = None, **options: Any) -> Looked:
    target = Target(id="t", url=f"tcp://{name}:1", scheme="tcp", host=name, port=1)
    run = partial(look, machine=machine) if machine else None
    return looked(CHECK, target, {"resolvers": resolvers, **options}, run=run)


def machine(hosts: str = "", *resolvers: str) -> Machine:
    return Machine(lambda: hosts, lambda: tuple(map(resolver_from, resolvers)))


# --- healthy ---------------------------------------------------------------------------------


def test_a_healthy_name_passes_every_rule(named: Bind) -> None:
    """The healthy twin: a finding other than a pass here would cry wolf at every court."""
    seen = ask("www.ok.test", named.resolver, named.resolver6, expected=["127.0.0.0/8", "::1"])

    assert seen.statuses == {Status.PASS}
    assert set(seen.findings) == {"dns.answer", "dns.address", "dns.agreement", "dns.latency"}
    assert seen.evidence.addresses == ("127.0.0.1", "::1")
    assert seen.gate is None


def test_a_name_with_ipv6_alone_satisfies_both_record_types(named: Bind) -> None:
    """One of the records suffices; whether IPv6 goes anywhere is for `tcp` to say."""
    seen = ask("six.ok.test", named.resolver)

    assert seen.failed == set()
    assert seen.evidence.addresses == ("::1",)


def test_an_alias_is_followed_to_its_address(named: Bind) -> None:
    """Most services are named by CNAME."""
    seen = ask("far.ok.test", named.resolver)

    assert seen.failed == set()
    assert seen.evidence.addresses == ("127.0.0.1", "::1")
    assert seen.evidence.answers[0].records[0].aliases == ("alias.ok.test", "www.ok.test")


def test_a_truncated_answer_is_fetched_by_tcp(named: Bind) -> None:
    """Sixty addresses do not fit into a datagram; the real server sends them by TCP."""
    seen = ask("many.ok.test", named.resolver)

    assert seen.failed == set()
    assert len(seen.evidence.addresses) == 61
    assert seen.evidence.answers[0].records[0].over_tcp


def test_only_the_rules_that_the_profile_asks_for_are_planned(named: Bind) -> None:
    """No `expected`, one resolver, no limit: nothing is said of them."""
    seen = ask("www.ok.test", named.resolver, max_ms=None)

    assert set(seen.findings) == {"dns.answer"}


# --- every reason of dns.answer --------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nobody.ok.test", "dns.answer/nxdomain"),
        ("lost.ok.test", "dns.answer/nxdomain"),
        ("text.ok.test", "dns.answer/no-address"),
        ("loop1.ok.test", "dns.answer/no-address"),
        ("www.broken.test", "dns.answer/servfail"),
        ("www.somebody-else.test", "dns.answer/refused"),
    ],
)
def test_what_bind_says_of_a_name_is_the_reason(named: Bind, name: str, fault: str) -> None:
    """Each reason has another owner, so a real server's own words must be told apart."""
    seen = ask(name, named.resolver)

    assert seen.failed == seen.blocking == {fault}
    assert seen.gate == "t/dns.answer"


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("servfail.x", "dns.answer/servfail"),
        ("notimp.x", "dns.answer/servfail"),
        ("formerr.x", "dns.answer/servfail"),
        ("refused.x", "dns.answer/refused"),
        ("nxdomain.x", "dns.answer/nxdomain"),
        ("empty.x", "dns.answer/no-address"),
        ("loop.x", "dns.answer/no-address"),
        ("hidden.x", "dns.answer/no-address"),
        ("drop.x", "dns.answer/timeout"),
        ("badid.x", "dns.answer/timeout"),
        ("garbage.x", "dns.answer/timeout"),
        ("wrongq.x", "dns.answer/timeout"),
        ("slow900.x", "dns.answer/timeout"),
    ],
)
def test_a_fault_of_the_server_is_named_and_never_hangs(
    liar: FaultDns, name: str, fault: str
) -> None:
    """A forged or broken answer is no answer; the wait for a better one has its end."""
    timeout_s = 0.6 if fault.endswith("timeout") else 3
    seen = ask(name, liar.resolver, timeout_s=timeout_s)

    assert seen.failed == seen.blocking == {fault}
    assert seen.seconds < timeout_s + 2


@pytest.mark.parametrize("over_tcp", ["closed", "closes", "silent"])
def test_a_truncated_answer_without_tcp_is_a_timeout_in_time(over_tcp: Any) -> None:
    """A firewall that lets only UDP 53 pass is common; the check must not wait for ever."""
    with fault_dns(over_tcp=over_tcp) as server:
        seen = ask("trunc.x", server.resolver, timeout_s=0.8)

    assert seen.failed == {"dns.answer/timeout"}
    assert seen.evidence.answers[0].records[0].over_tcp
    assert seen.seconds < 2


def test_nobody_listening_is_told_from_silence_at_once(unheard: str) -> None:
    """ICMP port unreachable: the resolver's address is wrong, and nothing is gained by waiting."""
    seen = ask("www.x", unheard, timeout_s=5)

    assert seen.failed == {"dns.answer/no-resolver"}
    assert seen.evidence.answers[0].records[0].error == "ECONNREFUSED"
    assert seen.seconds < 1


def test_no_resolver_configured_is_no_resolver() -> None:
    """A workstation without a name server resolves nothing, whatever the network does."""
    seen = ask("www.x", machine=machine())

    assert seen.failed == {"dns.answer/no-resolver"}


# --- what must not be a fault ----------------------------------------------------------------


def test_one_lost_datagram_is_sent_again(liar: FaultDns) -> None:
    """One lost packet is everyday life; the second try is shown as an attempt."""
    seen = ask("once.again", liar.resolver, records=["A"], max_ms=1200)

    assert seen.failed == set()  # not even "slow": what was lost took no time
    assert seen.attempts == 2


def test_the_true_answer_is_found_behind_garbage_and_a_wrong_id(liar: FaultDns) -> None:
    """Somebody else's datagram must neither be believed nor end the wait."""
    seen = ask("noise.x", liar.resolver, records=["A"])

    assert seen.failed == set()
    assert seen.evidence.answers[0].records[0].discarded == 2


def test_a_server_that_ignores_aaaa_still_gives_the_address(liar: FaultDns) -> None:
    """Old load balancers drop AAAA; the name has an address all the same."""
    seen = ask("nov6.x", liar.resolver, timeout_s=1)

    assert seen.failed == set()
    assert seen.evidence.addresses == ("127.0.0.1",)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("drop.x", "timeout"), ("refused.x", "refused"), ("servfail.x", "servfail")],
)
def test_one_dead_resolver_among_working_ones_is_a_warning(
    liar: FaultDns, name: str, reason: str
) -> None:
    """Users notice it as slowness only: worth telling, no reason to stop the chain."""
    with fault_dns(honest=True) as healthy:
        seen = ask(name, liar.resolver, healthy.resolver, timeout_s=1)

    assert seen.failed == {f"dns.answer/{reason}"}
    assert seen.blocking == set()
    assert seen.gate is None
    assert seen.evidence.addresses == ("127.0.0.1",)
    assert liar.resolver in seen.findings["dns.answer"].summary


def test_a_resolver_that_does_not_listen_beside_a_working_one_is_a_warning(
    named: Bind, unheard: str
) -> None:
    """The same, where ICMP says at once that nobody is there."""
    seen = ask("www.ok.test", unheard, named.resolver)

    assert seen.failed == {"dns.answer/no-resolver"}
    assert seen.blocking == set()


# --- the other codes -------------------------------------------------------------------------


def test_an_address_outside_the_expected_range_fails(named: Bind) -> None:
    """A name that leads elsewhere is a hijack or an old record; both stop a go-live."""
    seen = ask("four.ok.test", named.resolver, expected=["10.8.0.0/16", "2001:db8::/32"])

    assert seen.failed == seen.blocking == {"dns.address/unexpected-address"}


def test_resolvers_that_disagree_are_shown_with_what_each_says(named: Bind, liar: FaultDns) -> None:
    """Half the workstations reach another server: the symptom comes and goes."""
    with fault_dns(address="127.0.0.9") as other:
        seen = ask("four.ok.test", named.resolver, other.resolver)

    assert seen.failed == {"dns.agreement/resolvers-disagree"}
    assert seen.blocking == set()
    assert seen.findings["dns.agreement"].observed == {
        named.resolver: ["127.0.0.1"],
        other.resolver: ["127.0.0.9"],
    }


@pytest.mark.parametrize("name", ["nxdomain.x", "empty.x"])
def test_a_resolver_that_denies_what_another_says_disagrees(liar: FaultDns, name: str) -> None:
    """It is alive, so `dns.answer` passes; whoever asks it first is told that there is no CCPOR."""
    with fault_dns(honest=True) as healthy:
        seen = ask(name, healthy.resolver, liar.resolver, expected=["127.0.0.0/8"])

    assert seen.failed == {"dns.agreement/resolvers-disagree"}
    assert seen.blocking == set()


def test_different_addresses_that_are_all_expected_agree(named: Bind) -> None:
    """Two datacenters behind one name are meant so."""
    with fault_dns(address="127.0.0.9") as other:
        seen = ask("four.ok.test", named.resolver, other.resolver, expected=["127.0.0.0/8"])

    assert seen.failed == set()


@pytest.mark.parametrize(("limit", "blocks"), [([50, 5000], False), ([10, 50], True), (50, True)])
def test_a_slow_resolver_costs_what_the_limit_says(
    liar: FaultDns, limit: Any, blocks: bool
) -> None:
    """A pair warns first and blocks later; a single number blocks."""
    seen = ask("slow120.x", liar.resolver, max_ms=limit)

    assert seen.failed == {"dns.latency/slow"}
    assert bool(seen.blocking) is blocks


def test_the_worst_resolver_decides_the_latency(liar: FaultDns, named: Bind) -> None:
    """The second resolver is the one users get when the first is busy."""
    seen = ask("slow120.ok.test", named.resolver, liar.resolver, max_ms=50)

    assert "dns.latency/slow" in seen.failed


# --- this workstation's own names ------------------------------------------------------------


def test_the_hosts_file_counts_before_the_systems_resolvers(unheard: str) -> None:
    """Applications here use it, so it is what the other checks must use."""
    seen = ask("CCPOR.example.org", machine=machine("10.1.2.3 ccpor.example.org # ours", unheard))

    assert seen.failed == set()
    assert (seen.evidence.source, seen.evidence.addresses) == ("hosts-file", ("10.1.2.3",))


def test_a_named_resolver_is_asked_whatever_the_hosts_file_says(named: Bind) -> None:
    """The profile asks about that resolver, not about this workstation."""
    seen = ask("www.ok.test", named.resolver, machine=machine("10.1.2.3 www.ok.test"))

    assert seen.evidence.addresses == ("127.0.0.1", "::1")


def test_localhost_is_loopback_without_a_resolver() -> None:
    """RFC 6761: it never leaves the workstation."""
    seen = ask("localhost", machine=machine())

    assert seen.failed == set()
    assert (seen.evidence.source, seen.evidence.addresses) == (
        "localhost",
        ("127.0.0.1", "::1"),
    )


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_address_needs_no_resolver(address: str) -> None:
    """Nothing to resolve is nothing to fail."""
    seen = ask(address, machine=machine())

    assert seen.statuses == {Status.PASS}
    assert seen.evidence.addresses == (address,)


def test_an_address_outside_the_expected_range_fails_even_when_written() -> None:
    """`expected` is a promise about where the traffic goes."""
    seen = ask("192.0.2.7", expected=["10.0.0.0/8"])

    assert seen.failed == {"dns.address/unexpected-address"}


# --- reading what people write ---------------------------------------------------------------


def test_resolv_conf_is_read_as_the_c_library_reads_it() -> None:
    """Three at most; comments, options and lines that are no address are passed over."""
    text = "# nameserver 9.9.9.9\nsearch a.b\nnameserver 10.0.0.1\nnameserver junk\n nameserver ::1\nnameserver 10.0.0.3\n"

    assert [each.address for each in nameservers_in(text)] == ["10.0.0.1", "::1"]


def test_a_hosts_line_gives_every_name_on_it() -> None:
    """hosts(5): several names a line, comments, both families."""
    text = "::1 localhost ip6-localhost\n127.0.0.1\tlocalhost  b # c\nbad b\n10.0.0.1 b.\n"

    assert addresses_in(text, "B") == ("127.0.0.1", "10.0.0.1")
    assert addresses_in(text, "c") == ()


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("10.0.0.1", "10.0.0.1", 53),
        ("10.0.0.1:5353", "10.0.0.1", 5353),
        ("::1", "::1", 53),
        ("[::1]", "::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
    ],
)
def test_a_resolver_is_written_with_or_without_its_port(text: str, address: str, port: int) -> None:
    """The contract's two forms, and their IPv6 twins."""
    assert (resolver_from(text).address, resolver_from(text).port) == (address, port)


@pytest.mark.parametrize(
    "options",
    [
        {"resolvers": ["dns.example.org"]},
        {"resolvers": ["10.0.0.1:0"]},
        {"expected": ["10.0.0.0/33"]},
        {"records": []},
        {"records": ["MX"]},
        {"timeout_s": 0},
        {"resolver": "10.0.0.1"},
    ],
)
def test_options_that_could_never_be_asked_are_refused(options: dict[str, Any]) -> None:
    """A typing mistake must be told before the go-live day, not skipped."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, DnsOptions)


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".test"])
def test_a_name_that_no_query_can_hold_is_not_looked_at(name: str) -> None:
    """It is the profile's mistake: no word about the network may come of it."""
    with pytest.raises(CannotObserve):
        ask(name, "127.0.0.1")


def test_the_reasons_are_those_of_the_catalogue() -> None:
    """A reason without words would reach people as a bare code."""
    assert {rule.code: set(rule.reasons) for rule in CHECK.rules} == {
        rule.code: set(catalogue()[rule.code].reasons) for rule in CHECK.rules
    }
