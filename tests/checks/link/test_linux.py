"""Links as a real kernel has them: each test makes a network of its own and breaks it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccpor_checks.base import Target
from ccpor_checks.link import CHECK, LinkEvidence, look_at_links, reason_of
from ccpor_reporting.model import Status
from tests.agent.program import command, environment, write_profile
from tests.checks.looking import looked
from tests.lab.namespaces import PATH, Namespace, refused
from tests.peers import lacking

pytestmark = pytest.mark.netns

HEALTHY = (
    "link add eth0 type veth peer name far",
    "link set far up",
    "link set eth0 up",
    "addr add 10.9.1.2/24 dev eth0",
    "route add default via 10.9.1.1",
)


class Machine:
    """A workstation whose network is what a test makes of it."""

    def __init__(self) -> None:
        self.space = Namespace({})
        self.ip("link set lo up")

    def ip(self, *commands: str) -> None:
        for each in commands:
            done = subprocess.run(
                self.space.command(["ip", *each.split()]),
                env={**os.environ, "PATH": PATH},
                capture_output=True,
                text=True,
                timeout=20,
                check=False,
            )
            if done.returncode:
                lacking(f"ip {each}: {done.stderr.strip()}")

    def look(self, *addresses: str) -> LinkEvidence:
        return self.space.inside(lambda: look_at_links(addresses=addresses))


@pytest.fixture
def machine() -> Iterator[Machine]:
    if why := refused():
        lacking(why)
    made = Machine()
    yield made
    made.space.close()


def test_a_healthy_machine_passes_with_what_it_has(machine: Machine) -> None:
    """One card, one address, one way out; and all that the card says of itself."""
    machine.ip(*HEALTHY, "link set eth0 mtu 1400")
    seen = machine.look()

    assert reason_of(seen) is None
    (card,) = (each for each in seen.interfaces if each.name == "eth0")
    assert (card.up, card.carries, card.mtu) == (True, True, 1400)
    assert "10.9.1.2/24" in card.addresses
    assert (card.speed_mbit, card.duplex) == (10_000, "full")
    assert (card.rx_errors, card.tx_errors, card.wireless) == (0, 0, None)
    (route,) = seen.routes
    assert (route.destination, route.gateway, route.interface) == ("0.0.0.0/0", "10.9.1.1", "eth0")


def test_ipv6_alone_is_enough(machine: Machine) -> None:
    """A network without IPv4 is a network."""
    machine.ip(*HEALTHY[:3], "addr add fd09::2/64 dev eth0 nodad", "route add default via fd09::1")

    assert reason_of(machine.look()) is None


@pytest.mark.parametrize(
    "commands",
    [
        (),
        ("link add eth0 type veth peer name far", "link set far up"),
        ("link add eth0 type veth peer name far", "link set eth0 up"),
        (*HEALTHY, "link set far down"),
    ],
    ids=["loopback alone", "switched off", "no cable", "cable pulled"],
)
def test_without_an_interface_that_is_up(machine: Machine, commands: tuple[str, ...]) -> None:
    """Switched off, unplugged, or none there: the address alone, kept by hand, proves nothing."""
    machine.ip(*commands)

    assert reason_of(machine.look()) == "no-interface"


@pytest.mark.parametrize("address", [None, "169.254.7.8/16", "fe80::5/64"])
def test_without_an_address_from_the_network(machine: Machine, address: str | None) -> None:
    """What an interface gives itself when nobody answers is no address of the court's network."""
    machine.ip(*HEALTHY[:3])
    if address:
        machine.ip(f"addr add {address} dev eth0")

    assert reason_of(machine.look()) == "no-address"


def test_without_a_way_out(machine: Machine) -> None:
    """An address alone reaches the next desk, not the datacenter."""
    machine.ip(*HEALTHY[:4])
    seen = machine.look("192.0.2.5")

    assert reason_of(seen) == "no-route"
    assert seen.target_on_link is False


@pytest.mark.parametrize(
    "route",
    [
        "route add 10.77.0.0/16 via 10.9.1.1",
        "route add 10.77.0.0/16 dev eth0",
        "route add default dev eth0",
        "route add default nexthop via 10.9.1.1 nexthop via 10.9.1.3",
        "route add default via 10.9.1.1 table 77",
        "route add default via inet6 fe80::1 dev eth0",
    ],
)
def test_any_route_beyond_the_own_network_is_a_way_out(machine: Machine, route: str) -> None:
    """A closed court network has no default route; VPN clients keep theirs in tables of their own."""
    machine.ip(*HEALTHY[:4], route)

    assert reason_of(machine.look("10.77.4.10")) is None


@pytest.mark.parametrize("route", ["unreachable default", "blackhole 10.0.0.0/8"])
def test_a_route_to_nowhere_is_no_way_out(machine: Machine, route: str) -> None:
    """It says that there is none."""
    machine.ip(*HEALTHY[:4], f"route add {route}")

    assert reason_of(machine.look()) == "no-route"


def test_a_target_on_the_own_network_needs_no_route(machine: Machine) -> None:
    """A scanner or a test bench beside the workstation."""
    machine.ip(*HEALTHY[:4])

    assert reason_of(machine.look("10.9.1.77")) is None


def test_bridges_for_containers_lead_nowhere(machine: Machine) -> None:
    """Docker's bridge is up with an address while the cable is out: that is not a network."""
    container = Namespace({})
    machine.ip(
        "link add docker0 type bridge",
        "link add vethab type veth peer name inner",
        f"link set inner netns /proc/{os.getpid()}/fd/{container.net}",
        "link set vethab master docker0",
        "link set vethab up",
        "link set docker0 up",
        "addr add 172.17.0.1/16 dev docker0",
        "link add eth0 type veth peer name far",
        "link set eth0 up",
        "addr add 10.9.1.2/24 dev eth0",
    )
    seen = machine.look()
    container.close()

    by_name = {each.name: each for each in seen.interfaces}
    assert (by_name["docker0"].kind, by_name["docker0"].carries) == ("virtual", False)
    assert by_name["vethab"].carries is False
    assert reason_of(seen) == "no-interface"


def test_a_tunnel_with_the_default_route_passes(machine: Machine) -> None:
    """A VPN client's own interface has neither carrier nor gateway."""
    machine.ip(
        *HEALTHY[:4],
        "route add 198.51.100.7/32 via 10.9.1.1",
        "tuntap add vpn0 mode tun",
        "link set vpn0 up",
        "addr add 10.200.0.2/32 dev vpn0",
        "route add default dev vpn0",
    )
    seen = machine.look()

    assert reason_of(seen) is None
    assert {each.kind for each in seen.interfaces if each.name == "vpn0"} == {"tunnel"}


def test_idle_adapters_beside_a_working_one_give_no_finding(machine: Machine) -> None:
    """Every office machine has some: bridges that are down, cards without a cable."""
    machine.ip(
        *HEALTHY,
        "link add eth1 type veth peer name far1",
        "link set eth1 up",
        "link add docker0 type bridge",
        "addr add 172.17.0.1/16 dev docker0",
    )
    target = Target(id="pc", url="workstation:", scheme="workstation")
    seen = machine.space.inside(lambda: looked(CHECK, target))

    assert seen.statuses == {Status.PASS}
    assert seen.findings["link.up"].summary == (
        "eth0 is up and leads to 0.0.0.0/0 by way of 10.9.1.1"
    )


@pytest.mark.parametrize(("out", "code"), [(True, 0), (False, 1)])
def test_a_whole_run_says_ready_or_names_the_fault(
    machine: Machine, tmp_path: Path, out: bool, code: int
) -> None:
    """`checks = ["link"]` on the workstation's own target, through the real program."""
    machine.ip(*(HEALTHY if out else HEALTHY[:4]))
    asks = 'id = "pc"\nurl = "workstation:"\nchecks = ["link"]'
    profile = write_profile(tmp_path / "p.toml", [asks])
    ran = subprocess.run(
        machine.space.command(command("run", "--no-upload", "--json", "--profile", profile)),
        env={**environment(), "PATH": PATH},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    told = json.loads(ran.stdout)
    assert ran.returncode == code, ran.stderr
    assert [each["fault"] for each in told["causes"]] == ([] if out else ["link.up/no-route"])
