"""The SNMP check against a real net-snmp whose tables change while it runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccpor_reporting.model import Severity, Status
from tests.checks.snmp.places import V3, asked
from tests.peers.snmpd import Cells, Snmpd, interface, printer

ALL = ("snmp.answer", "snmp.duplex", "snmp.errors", "snmp.utilisation", "snmp.device")


@contextmanager
def moving(device: Snmpd, still: Cells, **each_tick: int) -> Iterator[None]:
    """Add *each_tick* to counters of port 1 every 50 ms; keys are ``if_14`` or ``ifx_6``."""
    stop, tick = threading.Event(), 0

    def move() -> None:
        nonlocal tick
        while not stop.wait(0.05):
            tick += 1
            moved = dict(still)
            for key, step in each_tick.items():
                table, column = key.split("_")
                name = f"{'31.1.1.1' if table == 'ifx' else '2.2.1'}.{column}.1"
                kind, value = still[name]
                top = 2**64 if kind == "counter64" else 2**32
                moved[name] = kind, str((int(value) + tick * step) % top)
            device.shows(moved)

    device.shows(still)
    mover = threading.Thread(target=move)
    mover.start()
    try:
        yield
    finally:
        stop.set()
        mover.join()


@pytest.mark.parametrize("who", [{}, V3], ids=["v2c", "v3"])
def test_a_healthy_device_has_no_finding(device: Snmpd, secrets: Path, who: dict[str, str]) -> None:
    """The daily case: nothing to say, and nothing made up."""
    device.shows(interface(1, "eth0"), interface(2, "eth1"), printer())

    seen = asked(device, secrets, **who)

    assert {code: seen.findings[code].status for code in ALL} == dict.fromkeys(ALL, Status.PASS)
    assert seen.evidence.description == "Acme switch 24"
    assert [each.name for each in seen.evidence.interfaces] == ["eth0", "eth1"]
    assert seen.evidence.supplies[0].left_pct == 80


@pytest.mark.parametrize(
    ("user", "auth", "priv"),
    [("legacy", "SHA", "DES"), ("strong", "SHA-512", "AES-256"), ("signed", "MD5", None)],
)
def test_every_kind_of_user_is_let_in(
    device: Snmpd, secrets: Path, user: str, auth: str, priv: str | None
) -> None:
    """Old devices know only DES; the newest want more than AES-128."""
    device.shows(interface(1, "eth0"))
    with_priv = {"priv": priv, "priv_file": "priv"} if priv else {}

    seen = asked(device, secrets, user=user, auth=auth, auth_file="auth", **with_priv)

    assert seen.findings["snmp.answer"].status is Status.PASS, seen.findings["snmp.answer"].summary


def test_half_duplex_blocks_on_a_fast_line_and_warns_on_a_slow_one(
    device: Snmpd, secrets: Path
) -> None:
    """At 10 Mbit/s it is the age of the device; from 100 on two ends disagree."""
    half = {"10.7.2.1.19.1": ("integer", "2")}
    device.shows(interface(1, "eth0", mbit=100), half)
    fast = asked(device, secrets)
    device.shows(interface(1, "eth0", mbit=10), half)
    slow = asked(device, secrets)

    assert fast.blocking == {"snmp.duplex/half-duplex"}
    assert "eth0" in fast.findings["snmp.duplex"].summary
    assert (slow.failed, slow.blocking) == ({"snmp.duplex/half-duplex"}, set())


def test_duplex_that_is_not_told_is_no_pass(device: Snmpd, secrets: Path) -> None:
    """Without the table it does not apply; a value that the device does not know is unknown."""
    whole = interface(1, "eth0")
    device.shows(whole, {"10.7.2.1.19.1": ("integer", "1")})
    unknown = asked(device, secrets)
    device.shows({name: cell for name, cell in whole.items() if not name.startswith("10.7")})
    lacking = asked(device, secrets)

    assert unknown.findings["snmp.duplex"].status is Status.ERROR
    assert lacking.findings["snmp.duplex"].status is Status.NOT_APPLICABLE


def test_errors_are_a_share_of_the_packets(device: Snmpd, secrets: Path) -> None:
    """A bad cable: some packets in a hundred arrive broken."""
    with moving(device, interface(1, "eth0"), ifx_7=100, if_14=3):
        seen = asked(device, secrets, sample_s=0.5)

    assert seen.blocking == {"snmp.errors/interface-errors"}
    assert 1 < float(str(seen.findings["snmp.errors"].observed)) < 8
    assert "eth0" in seen.findings["snmp.errors"].summary


def test_packets_thrown_away_warn(device: Snmpd, secrets: Path) -> None:
    """A full queue or a filter is no broken cable."""
    with moving(device, interface(1, "eth0"), ifx_11=100, if_19=3):
        seen = asked(device, secrets, sample_s=0.5)

    assert (seen.failed, seen.blocking) == ({"snmp.errors/interface-errors"}, set())


@pytest.mark.parametrize(
    ("start", "wide"), [("1000", True), (str(2**64 - 10_000), True), (str(2**32 - 10_000), False)]
)
def test_a_full_line_is_told(device: Snmpd, secrets: Path, start: str, wide: bool) -> None:
    """Counters of 64 bits, and of 32 where there are no others; both begin again at their end."""
    cells = interface(1, "eth0", mbit=100)
    if wide:
        cells["31.1.1.1.6.1"] = ("counter64", start)
    else:
        cells = {name: cell for name, cell in cells.items() if cell[0] != "counter64"}
        cells["2.2.1.10.1"] = ("counter", start)
    with moving(device, cells, **({"ifx_6": 600_000} if wide else {"if_10": 600_000})):
        seen = asked(device, secrets, sample_s=0.5, max_utilisation_pct=[20, 30])

    assert seen.blocking == {"snmp.utilisation/busy"}
    assert seen.evidence.interfaces[0].traffic.bits == (64 if wide else 32)


def test_a_line_of_unknown_speed_is_unknown_where_the_profile_names_it(
    device: Snmpd, secrets: Path
) -> None:
    """Virtual adapters have no speed; one that the profile asks for is no pass without it."""
    device.shows(interface(1, "eth0"), interface(2, "veth7", mbit=0))

    assert asked(device, secrets).findings["snmp.utilisation"].status is Status.PASS
    named = asked(device, secrets, interfaces=["veth7"])
    assert named.findings["snmp.utilisation"].status is Status.ERROR


@pytest.mark.parametrize("reset", ["discontinuity", "back"])
def test_counters_that_began_again_are_unknown(device: Snmpd, secrets: Path, reset: str) -> None:
    """A cleared counter would read as eighteen quintillion octets."""
    cells = interface(1, "eth0")
    cells["31.1.1.1.6.1"] = ("counter64", "5000000000")
    steps = {"ifx_19": 1} if reset == "discontinuity" else {"ifx_6": -1_000_000}
    with moving(device, cells, **steps):
        seen = asked(device, secrets, sample_s=0.5)

    assert seen.findings["snmp.utilisation"].status is Status.ERROR
    assert seen.failed == set()


def test_a_named_interface_is_found_by_any_of_its_names(device: Snmpd, secrets: Path) -> None:
    """People write what stands on the port, in the config, or in the maker's tool."""
    device.shows(interface(1, "eth0"), interface(2, "eth1", mbit=100))
    for name in ("eth1", "port 2", "uplink 2"):
        seen = asked(device, secrets, interfaces=[name])
        assert [each.index for each in seen.evidence.interfaces] == [2]
        assert seen.failed == set()


def test_a_named_interface_that_does_not_exist_is_told_with_those_that_do(
    device: Snmpd, secrets: Path
) -> None:
    """The name is misspelt more often than the port is gone."""
    device.shows(interface(1, "eth0"), interface(2, "eth1"))

    seen = asked(device, secrets, interfaces=["eth7"])

    assert seen.blocking == {"snmp.answer/no-such-object"}
    assert "it has eth0, eth1" in seen.findings["snmp.answer"].summary


def test_a_named_interface_that_is_down_is_the_devices_fault(device: Snmpd, secrets: Path) -> None:
    """An unused port may be down; one that the profile names may not."""
    device.shows(interface(1, "eth0"), interface(2, "eth1"), {"2.2.1.8.2": ("integer", "2")})

    assert asked(device, secrets).failed == set()
    seen = asked(device, secrets, interfaces=["eth1"])
    assert seen.blocking == {"snmp.device/down"}
    assert seen.findings["snmp.errors"].status is Status.SKIP


FAULTS = {
    "jam": ({"25.3.5.1.2.1": ("octet", "04 00")}, "needs-attention", True, "paper jam"),
    "no-paper": ({"25.3.5.1.2.1": ("octet", "40 00")}, "needs-attention", True, "no paper"),
    "door": ({"25.3.5.1.2.1": ("octet", "08 00")}, "needs-attention", True, "cover is open"),
    "cover": ({"43.6.1.1.3.1.1": ("integer", "3")}, "needs-attention", False, "front door"),
    "toner-low": ({"43.11.1.1.9.1.1": ("integer", "200")}, "needs-attention", False, "4 %"),
    "toner-empty": ({"43.11.1.1.9.1.1": ("integer", "0")}, "needs-attention", False, "used up"),
    "no-toner": ({"25.3.5.1.2.1": ("octet", "10 00")}, "needs-attention", True, "no toner"),
    "tray": ({"43.8.2.1.10.1.1": ("integer", "0")}, "needs-attention", False, "no paper"),
    "alert": (
        {
            "43.18.1.1.2.1.5": ("integer", "3"),
            "43.18.1.1.7.1.5": ("integer", "8"),
            "43.18.1.1.8.1.5": ("string", "Jam in area C"),
        },
        "needs-attention",
        True,
        "Jam in area C",
    ),
    "warning-alert": (
        {"43.18.1.1.2.1.5": ("integer", "4"), "43.18.1.1.7.1.5": ("integer", "1104")},
        "needs-attention",
        False,
        "toner is low",
    ),
    "down": ({"25.3.2.1.5.1": ("integer", "5")}, "down", True, "Acme MFP 9 is down"),
    "offline": ({"25.3.5.1.2.1": ("octet", "02 00")}, "down", True, "offline"),
    "jam-and-down": (
        {"25.3.2.1.5.1": ("integer", "5"), "25.3.5.1.2.1": ("octet", "04")},
        "needs-attention",
        True,
        "paper jam",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_printers_trouble_is_told_in_words(device: Snmpd, secrets: Path, fault: str) -> None:
    """The clerk should know what to take along to the printer."""
    cells, reason, blocks, words = FAULTS[fault]
    device.shows(printer(), cells)

    seen = asked(device, secrets)

    found = seen.findings["snmp.device"]
    assert seen.failed == {f"snmp.device/{reason}"}
    assert found.severity is (Severity.BLOCKER if blocks else Severity.WARNING)
    assert words in found.summary


def test_a_notice_is_no_trouble(device: Snmpd, secrets: Path) -> None:
    """A printer that saves power says so in its table of alerts."""
    sleeping = {"43.18.1.1.2.1.9": ("integer", "4"), "43.18.1.1.7.1.9": ("integer", "23")}
    device.shows(printer(), sleeping)

    assert asked(device, secrets).failed == set()


def test_a_device_with_no_tables_is_not_judged_by_them(device: Snmpd, secrets: Path) -> None:
    """A door opener with sysDescr alone: nothing is made up."""
    device.shows()

    seen = asked(device, secrets)

    assert seen.failed == set()
    assert {seen.findings[code].status for code in ALL[1:]} == {Status.NOT_APPLICABLE}


def test_a_walk_without_an_end_is_stopped(device: Snmpd, secrets: Path) -> None:
    """A broken agent must not hold the run; what it says is then unknown, not good."""
    device.shows(printer(), raw="!endless .1.3.6.1.2.1.43.6.1.1.2")
    began = time.monotonic()

    seen = asked(device, secrets)

    assert [stop.why for stop in seen.evidence.stops] == ["too-many"]
    assert seen.findings["snmp.device"].status is Status.ERROR
    assert time.monotonic() - began < 20
