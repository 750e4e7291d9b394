"""The arithmetic of counters and the reading of cells, without a device."""

from __future__ import annotations

import pytest

from ccpor_checks.snmp import mibs, reading
from ccpor_checks.snmp.counters import gained, restarted, share_pct, traffic, utilisation_pct
from ccpor_checks.snmp.evidence import Traffic

GBIT = 10**9


@pytest.mark.parametrize(
    ("first", "second", "bits", "most", "rose"),
    [
        (10, 30, 64, None, 20),
        (2**64 - 5, 5, 64, 100, 10),
        (2**32 - 5, 5, 32, 100, 10),
        (1000, 5, 64, 10**9, None),  # set back, not round
        (1000, 5, 32, 10**6, None),
        (1000, 5, 32, None, None),  # of unknown speed: who knows
        (10, 30, 32, 2.0**33, None),  # fast enough to go round twice
        (None, 5, 64, None, None),
        (5, None, 64, None, None),
    ],
)
def test_what_a_counter_gained(
    first: int | None, second: int | None, bits: int, most: float | None, rose: int | None
) -> None:
    assert gained(first, second, bits, most) == rose


@pytest.mark.parametrize(
    ("first", "second", "is_restart"),
    [
        (1000, 1500, False),
        (90_000, 200, True),
        (2**32 - 100, 400, False),
        (None, 5, False),
    ],
)
def test_a_restart_is_not_the_overflow_of_497_days(
    first: int | None, second: int | None, is_restart: bool
) -> None:
    assert restarted(first, second, 5.0) is is_restart


def test_a_restart_leaves_nothing_to_count() -> None:
    seen = traffic({mibs.SYS_UPTIME: 90_000}, {mibs.SYS_UPTIME: 100}, 1, GBIT, 5.0)

    assert seen == Traffic(seconds=5.0, unknown="restarted")


def test_shares_and_utilisation() -> None:
    """Each direction has the whole line; on a half-duplex one they share it."""
    seen = Traffic(seconds=2.0, bits=64, in_octets=25_000_000, out_octets=50_000_000)

    assert share_pct(1, 99) == 1.0
    assert share_pct(0, 0) == 0.0
    assert utilisation_pct(seen, GBIT, half_duplex=False) == 20.0
    assert utilisation_pct(seen, GBIT, half_duplex=True) == 30.0
    assert utilisation_pct(Traffic(seconds=2.0), GBIT, half_duplex=False) is None


@pytest.mark.parametrize(
    ("high", "low", "bps"),
    [
        (100, 1, 100_000_000),
        (0, 64_000, 64_000),
        (None, 10_000_000, 10_000_000),
        (None, 2**32 - 1, None),
        (0, 0, None),
    ],
)
def test_the_speed_of_an_interface(high: int | None, low: int, bps: int | None) -> None:
    assert reading.speed(high, low) == bps


@pytest.mark.parametrize(
    ("level", "capacity", "pct"),
    [
        (50, 200, 25.0),
        (-2, 100, None),
        (-3, -2, None),
        (-1, 100, None),
        (0, -2, 0.0),
        (5, -2, None),
        (5, 0, None),
    ],
)
def test_what_is_left_of_a_supply(level: int, capacity: int, pct: float | None) -> None:
    assert reading.left_pct(level, capacity) == pct


def test_bits_and_text_of_a_hostile_device() -> None:
    """Bit 0 is the most significant; control characters go, and a megabyte is cut."""
    assert reading.error_names(bytes([0b0100_0100, 0b0000_0010])) == (
        *("no-paper", "jammed", "overdue-maintenance"),
    )
    assert reading.error_names(b"") == reading.error_names(7) == ()
    assert reading.text(b"a\x1b[31mb\x00\n c\xff") == "a [31mb c�"
    assert len(reading.text(b"x" * 10**6) or "") == 200
