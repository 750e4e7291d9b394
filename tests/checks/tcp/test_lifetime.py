"""Whether a reset has passed fewer routers than the host's own answers, seen without any right."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from ccpor_checks.base import Context, Target
from ccpor_checks.tcp import CHECK
from ccpor_checks.tcp.lifetime import reset_lives_longer
from tests.checks.looking import looked
from tests.lab.namespaces import refused
from tests.lab.network import WEB, Network, network
from tests.peers import lacking

pytestmark = pytest.mark.netns
SIX = "fd77:4::10"
HOPS = 4
FORGES = "tcp dport 443 reject with tcp reset"


@pytest.fixture(scope="module")
def net() -> Iterator[Network]:
    """A row of networks whose far host listens on port 80 and nowhere else."""
    if why := refused():
        lacking(why)
    with network() as row:
        listener = row.inside("datacenter", _listening)
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        try:
            yield row
        finally:
            listener.close()


@pytest.fixture
def row(net: Network) -> Iterator[Network]:
    yield net
    for node in ("court_router", "county_edge", "datacenter_router", "datacenter"):
        net.clear(node)


def _listening() -> socket.socket:
    return socket.create_server(("::", 80), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)


def _accept(listener: socket.socket) -> None:
    while True:
        try:
            listener.accept()[0].close()
        except OSError:
            return


def _longer(row: Network, address: str) -> bool | None:
    ctx = Context(deadline=time.monotonic() + 20)
    return row.inside(
        "court",
        lambda: reset_lives_longer(address, refused=443, opened=80, hops=HOPS, rtt_s=0.05, ctx=ctx),
    )


@pytest.mark.parametrize("address", [WEB, SIX])
@pytest.mark.parametrize("node", ["county_edge", "datacenter_router"])
def test_a_reset_of_a_router_has_more_life_left(row: Network, node: str, address: str) -> None:
    """The router before the host is one hop nearer: neither time nor a walk tells it apart."""
    row.nft(node, FORGES)

    assert _longer(row, address) is True


@pytest.mark.parametrize("address", [WEB, SIX])
def test_a_reset_of_the_host_itself_has_not(row: Network, address: str) -> None:
    """A closed port, and the host's own packet filter, are the host's own word."""
    assert _longer(row, address) is False

    row.nft("datacenter", FORGES, hook="input")

    assert _longer(row, address) is False


def test_without_an_open_port_nothing_is_claimed(row: Network) -> None:
    """There is nothing to compare with."""
    row.nft("datacenter", "tcp dport 80 drop", hook="input")

    assert _longer(row, WEB) is None


def test_nothing_is_claimed_where_the_system_shows_nothing(
    row: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has no such option; the first hop has nothing before it."""
    ctx = Context(deadline=time.monotonic() + 20)
    asked = {"refused": 443, "opened": 80, "rtt_s": 0.05, "ctx": ctx}

    assert reset_lives_longer(WEB, hops=1, **asked) is None  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "platform", "win32")
    assert reset_lives_longer(WEB, hops=HOPS, **asked) is None  # type: ignore[arg-type]


def test_the_check_calls_the_last_routers_reset_a_reset(row: Network) -> None:
    """The firewall directly before the host is the one that datacenters have."""
    target = Target(
        id="web",
        url=f"tcp://{WEB}:443",
        scheme="tcp",
        host=WEB,
        port=443,
        contrast=(f"tcp://{WEB}:80",),
    )
    closed = row.inside("court", lambda: looked(CHECK, target))
    row.nft("datacenter_router", FORGES)
    forged = row.inside("court", lambda: looked(CHECK, target))

    assert closed.findings["tcp.reach"].reason == "refused"
    assert forged.findings["tcp.reach"].reason == "reset"
    assert "at or past 10.77.3.2" in forged.findings["tcp.reach"].summary
