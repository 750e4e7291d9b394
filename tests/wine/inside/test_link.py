"""Links by the real iphlpapi and wlanapi: structures, prefixes, gateways, routes."""

from __future__ import annotations

from ccpor_checks.base import Target
from ccpor_checks.link import CHECK, look_at_links, reason_of
from ccpor_checks.link.evidence import leading_out
from ccpor_checks.link.windows import WindowsLinks
from ccpor_checks.link.windows_calls import WindowsCalls
from ccpor_reporting.model import Status
from tests.checks.looking import looked


def test_windows_tells_adapters_with_addresses_and_prefixes() -> None:
    """Every structure is walked as Windows lays it out: a wrong offset shows here."""
    adapters = WindowsCalls().adapters()

    loopback = [each for each in adapters if each.kind == 24]
    assert any("127.0.0.1/8" in each.addresses for each in loopback)
    assert all(each.name and each.guid.startswith("{") for each in adapters)
    assert all(each.mtu > 0 for each in adapters)


def test_the_counters_belong_to_those_adapters() -> None:
    """psutil names adapters as people do; so does iphlpapi."""
    names = {each.name for each in WindowsCalls().adapters()}

    assert {each.name for each in WindowsCalls().counters()} & names


def test_the_route_table_names_the_adapters_gateway() -> None:
    """Two calls, one truth: the default route's next hop is a gateway of its adapter."""
    calls = WindowsCalls()
    routes = calls.routes()
    gateways = {gateway for each in calls.adapters() for gateway in each.gateways}

    assert routes is not None
    defaults = {each.gateway for each in routes if each.destination == "0.0.0.0/0"}
    assert defaults
    assert gateways & defaults or not gateways
    kept = leading_out(WindowsLinks().routes(), WindowsLinks().interfaces())
    assert [each for each in kept if each.is_default]


def test_a_machine_without_a_radio_has_none() -> None:
    """The WLAN service may not run: that is no fault of the wired card."""
    assert WindowsCalls().radios() == ()


def test_the_whole_check_passes_on_this_connected_machine() -> None:
    """Wine shows the network of the machine below it."""
    target = Target(id="pc", url="workstation:", scheme="workstation")

    assert reason_of(look_at_links()) is None
    assert looked(CHECK, target).statuses == {Status.PASS}
