"""Names and connections by Winsock: its own error numbers, the same faults."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ccpor_checks import dns, tcp
from ccpor_checks.base import Target
from ccpor_checks.dns.system import system_resolvers
from tests.checks.looking import Looked, looked
from tests.peers import free_port
from tests.peers.fault_dns import FaultDns, fault_dns


@pytest.fixture(scope="module")
def liar() -> Iterator[FaultDns]:
    with fault_dns() as running:
        yield running


def asked(name: str, liar: FaultDns, timeout_s: float = 5.0) -> Looked:
    target = Target(id="t", url=f"tcp://{name}:1", scheme="tcp", host=name, port=1)
    return looked(dns.CHECK, target, {"resolvers": [liar.resolver], "timeout_s": timeout_s})


def reached(port: int) -> Looked:
    target = Target(
        id="t", url=f"tcp://127.0.0.1:{port}", scheme="tcp", host="127.0.0.1", port=port
    )
    return looked(tcp.CHECK, target, {"tries": 2, "timeout_s": 5.0})


def test_a_name_is_answered(liar: FaultDns) -> None:
    """The healthy twin of the faults below."""
    seen = asked("good.example", liar)

    assert seen.failed == set()
    assert seen.evidence.addresses == ("127.0.0.1",)


@pytest.mark.parametrize("fault", ["nxdomain", "servfail", "refused", "no-address"])
def test_a_servers_no_is_named(liar: FaultDns, fault: str) -> None:
    """Return codes are the protocol's and not the system's."""
    name = "empty" if fault == "no-address" else fault

    assert asked(f"{name}.example", liar).blocking == {f"dns.answer/{fault}"}


def test_a_silent_server_is_a_timeout(liar: FaultDns) -> None:
    """WSAETIMEDOUT never shows here: the deadline is ours."""
    assert asked("drop.example", liar, timeout_s=0.5).blocking == {"dns.answer/timeout"}


def test_the_systems_resolvers_come_from_the_registry() -> None:
    """Where the profile names none, the ones that Windows asks; the lane's setup wrote this one."""
    assert [resolver.address for resolver in system_resolvers()] == ["127.0.0.1"]


def test_an_open_port_is_reached() -> None:
    """The healthy twin of the faults below."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reached(server.getsockname()[1]).failed == set()


def test_a_closed_port_refuses() -> None:
    """WSAECONNREFUSED is 10061 here."""
    assert reached(free_port()).failed == {"tcp.reach/refused"}
