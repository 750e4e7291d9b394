"""Links from what Windows and other systems tell; the doors to them are tested where they are."""

from __future__ import annotations

import struct
import sys
from typing import Any

import msgspec
import pytest

from ccpor_checks.base import CannotObserve, Target
from ccpor_checks.link import CHECK, LinkEvidence, look_at_links, reason_of
from ccpor_checks.link.evidence import Interface, Route, covers, usable
from ccpor_checks.link.linux import ARPHRD_ETHER, INFO_KIND, LINKINFO, MASTER, NAME, Link, carries
from ccpor_checks.link.portable import PortableLinks, with_prefix
from ccpor_checks.link.windows import WindowsLinks
from ccpor_checks.link.windows_calls import (
    AdapterFact,
    CounterFact,
    RadioFact,
    RouteFact,
    WindowsCalls,
    socket_address,
)
from ccpor_reporting.model import Status
from tests.checks.looking import Looked, looked

CARD = AdapterFact(
    guid="{1}", index=4, index6=4, name="Ethernet", description="Intel", kind=6, status=1,
    mtu=1500, speed_bit=1_000_000_000, addresses=("10.9.1.2/24", "fe80::1/64"),
    gateways=("10.9.1.1",),
)  # fmt: skip
RADIO = msgspec.structs.replace(CARD, guid="{2}", index=5, index6=5, name="Wi-Fi", kind=71)
LOOPBACK = msgspec.structs.replace(
    CARD, guid="{0}", index=1, index6=1, name="Loopback Pseudo-Interface 1", kind=24, mtu=2**32 - 1,
    addresses=("127.0.0.1/8", "::1/128"), gateways=(), speed_bit=1_073_741_824,
)  # fmt: skip
DEFAULT = RouteFact(destination="0.0.0.0/0", gateway="10.9.1.1", index=4)
OWN = tuple(  # what Windows lists of every network by itself
    RouteFact(destination=each, gateway="", index=4)
    for each in ("10.9.1.0/24", "10.9.1.2/32", "10.9.1.255/32", "224.0.0.0/4",
                 "255.255.255.255/32", "fe80::/64", "ff00::/8")
)  # fmt: skip


class Told:
    """Windows' answers, given."""

    def __init__(
        self,
        *adapters: AdapterFact,
        routes: tuple[RouteFact, ...] | None = (),
        radios: tuple[RadioFact, ...] = (),
    ) -> None:
        self._adapters, self._routes, self._radios = adapters, routes, radios

    def adapters(self) -> tuple[AdapterFact, ...]:
        return (LOOPBACK, *self._adapters)

    def routes(self) -> tuple[RouteFact, ...] | None:
        return self._routes

    def radios(self) -> tuple[RadioFact, ...]:
        return self._radios

    def counters(self) -> tuple[CounterFact, ...]:
        return (CounterFact(name="Ethernet", rx_errors=1, tx_errors=2, rx_dropped=3, tx_dropped=4),)


def windows(*adapters: AdapterFact, **more: Any) -> LinkEvidence:
    return look_at_links(WindowsLinks(Told(*adapters, **more)))


def changed(card: AdapterFact, **values: Any) -> AdapterFact:
    return msgspec.structs.replace(card, **values)


def test_a_healthy_windows_machine_is_told_whole() -> None:
    """Every number in the evidence is Windows' own."""
    seen = windows(CARD, routes=(DEFAULT, *OWN))

    assert reason_of(seen) is None
    card = seen.interfaces[1]
    assert card == Interface(
        name="Ethernet", kind="wired", up=True, carries=True, addresses=CARD.addresses, mtu=1500,
        speed_mbit=1000, rx_errors=1, tx_errors=2, rx_dropped=3, tx_dropped=4,
    )  # fmt: skip
    assert seen.routes == (
        Route(destination="0.0.0.0/0", gateway="10.9.1.1", interface="Ethernet"),
    )
    assert seen.interfaces[0].mtu is None


@pytest.mark.parametrize(
    ("adapters", "routes", "reason"),
    [
        ((), (), "no-interface"),
        ((changed(CARD, status=2),), (DEFAULT,), "no-interface"),
        ((changed(CARD, addresses=("169.254.3.4/16",)),), OWN, "no-address"),
        ((changed(CARD, addresses=()),), (), "no-address"),
        ((CARD,), OWN, "no-route"),
        ((CARD, changed(RADIO, status=2)), (changed_route := RouteFact(
            destination="0.0.0.0/0", gateway="10.9.1.1", index=5),), "no-route"),
        ((CARD,), (DEFAULT,), None),
        ((CARD,), (RouteFact(destination="10.0.0.0/8", gateway="10.9.1.1", index=4),), None),
        ((CARD,), None, None),
        ((changed(CARD, gateways=()),), None, "no-route"),
    ],
)  # fmt: skip
def test_each_lack_has_its_reason(
    adapters: tuple[AdapterFact, ...], routes: tuple[RouteFact, ...] | None, reason: str | None
) -> None:
    """The deepest one: a machine without an address is not told about its routes."""
    assert reason_of(windows(*adapters, routes=routes)) == reason


@pytest.mark.parametrize(
    ("told", "cipher"), [(4, "CCMP"), (0, "none"), (257, "WEP"), (77, "77"), (None, None)]
)
def test_a_wireless_cipher_is_named_where_windows_tells_it(
    told: int | None, cipher: str | None
) -> None:
    """The checklist asks for an encrypted radio; the network's name is nobody's business."""
    radio = RadioFact(guid="{2}", joined=True, cipher=told)
    (_, card) = windows(RADIO, radios=(radio,), routes=(DEFAULT,)).interfaces

    assert card.kind == "wireless"
    assert card.wireless is not None
    assert (card.wireless.joined, card.wireless.cipher) == (True, cipher)


def test_elsewhere_the_doors_say_that_this_is_not_windows() -> None:
    """The module loads on every system."""
    if sys.platform == "win32":
        pytest.skip("this is Windows")
    for call in (WindowsCalls().adapters, WindowsCalls().routes, WindowsCalls().radios):
        with pytest.raises(CannotObserve, match="on this system"):
            call()


@pytest.mark.parametrize(
    ("blob", "address"),
    [
        (struct.pack("<HH4s8x", 2, 0, bytes([10, 9, 1, 2])), "10.9.1.2"),
        (struct.pack("<HHI16sI", 23, 0, 0, bytes([0xFD]) + bytes(14) + b"\1", 0), "fd00::1"),
        (bytes(28), ""),
        (b"\2", ""),
    ],
)
def test_a_windows_socket_address_is_read(blob: bytes, address: str) -> None:
    """Both families; another one is no address."""
    if address or len(blob) > 8:
        assert socket_address(blob) == address


# --- the rule --------------------------------------------------------------------------------


class Silent:
    """A system that does not tell."""

    def interfaces(self) -> tuple[Interface, ...]:
        raise PermissionError(1, "not permitted")

    def routes(self) -> list[Route]:
        raise AssertionError("not asked any more")


def test_a_system_that_does_not_tell_is_an_inability() -> None:
    """A sandbox without netlink: nobody knows, and it is not the network's fault."""
    with pytest.raises(CannotObserve, match="outside of a sandbox"):
        look_at_links(Silent())


def test_this_machine_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real system's side: at least a loopback, and never a crash."""
    target = Target(id="pc", url="workstation:", scheme="workstation")
    seen: Looked = looked(CHECK, target)

    assert {each.kind for each in seen.evidence.interfaces} >= {"loopback"}
    assert seen.statuses <= {Status.PASS, Status.FAIL}


def test_the_portable_side_agrees_with_this_machines_own() -> None:
    """It stands in where there is no netlink; psutil and one unsent datagram must say the same."""
    own, portable = look_at_links(), look_at_links(PortableLinks())

    up = {each.name for each in own.interfaces if each.up and each.kind != "loopback"}
    assert {each.name for each in portable.interfaces if each.up} >= up
    assert bool(portable.routes) == any(route.is_default for route in own.routes)


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("10.1.2.3/8", True),
        ("fd00::1/64", True),
        ("2001:db8::1/128", True),
        ("169.254.1.1/16", False),
        ("fe80::1/64", False),
        ("127.0.0.1/8", False),
        ("0.0.0.0/0", False),
        ("224.0.0.1/4", False),
        ("nonsense", False),
    ],
)
def test_only_an_address_of_the_network_counts(address: str, good: bool) -> None:
    """RFC 3927: what an interface gives itself leads no further than its cable."""
    assert usable(address) is good


def test_a_target_is_covered_by_an_interface_that_is_up() -> None:
    """By the address alone; a name that nobody looked up covers nothing."""
    card = Interface(name="e", kind="wired", up=True, carries=True, addresses=("10.1.2.3/24",))

    assert covers((card,), "10.1.2.250")
    assert not covers((card,), "10.1.3.1")
    assert not covers((card,), "fd00::1")
    assert not covers((card,), "ccpor.example.org")
    assert not covers((msgspec.structs.replace(card, up=False),), "10.1.2.250")


@pytest.mark.parametrize(
    ("address", "mask", "together"),
    [
        ("10.1.2.3", "255.255.255.0", "10.1.2.3/24"),
        ("fe80::1%en0", "ffff:ffff:ffff:ffff::", "fe80::1/64"),
        ("10.1.2.3", None, "10.1.2.3/32"),
        ("fd00::1", "odd", "fd00::1/128"),
    ],
)
def test_a_mask_becomes_a_prefix(address: str, mask: str | None, together: str) -> None:
    """psutil tells masks, and sometimes none."""
    assert with_prefix(address, mask) == together


def links(*told: tuple[str, str, str]) -> list[Link]:
    """Return links by name, kind and the name of what they are part of."""
    numbers = {name: position for position, (name, _, _) in enumerate(told, 1)}

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack("=HH", 4 + len(value), kind) + value

    made = []
    for name, kind, master in told:
        attributes_of = {NAME: name.encode() + b"\0"}
        if kind:
            attributes_of[LINKINFO] = attribute(INFO_KIND, kind.encode())
        if master:
            attributes_of[MASTER] = numbers[master].to_bytes(4, sys.byteorder)
        made.append(Link(numbers[name], ARPHRD_ETHER, 0, attributes_of))
    return made


@pytest.mark.parametrize(
    ("told", "leading"),
    [
        ([("eth0", "", "")], {"eth0"}),
        ([("eth0", "veth", "")], {"eth0"}),  # a container's own
        ([("br0", "bridge", ""), ("eth0", "", "br0")], {"br0"}),
        ([("br0", "bridge", ""), ("b", "bond", "br0"), ("eth0", "", "b")], {"br0"}),
        ([("virbr0", "bridge", ""), ("vnet0", "tun", "virbr0")], set()),
        ([("docker0", "bridge", ""), ("v", "veth", "docker0")], set()),
        ([("docker0", "bridge", "")], set()),
        ([("bond0", "bond", ""), ("eth0", "", "bond0"), ("eth1", "", "bond0")], {"bond0"}),
        ([("vrf1", "vrf", ""), ("eth0", "", "vrf1")], {"vrf1", "eth0"}),
        ([("eth0", "", ""), ("eth0.7", "vlan", "")], {"eth0", "eth0.7"}),
        ([("dummy0", "dummy", ""), ("ifb0", "ifb", "")], set()),
        ([("wg0", "wireguard", ""), ("tun0", "tun", "")], {"wg0", "tun0"}),
    ],
)
def test_only_what_may_lead_out_is_taken_for_a_network(
    told: list[tuple[str, str, str]], leading: set[str]
) -> None:
    """A host of containers or machines has many interfaces that end within itself."""
    made = links(*told)

    assert {each.name for each in made if carries(each, made)} == leading
