"""Arithmetic of counters: what one gained between two looks, and of what it is a share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccpor_checks.snmp import mibs
from ccpor_checks.snmp.evidence import Traffic
from ccpor_checks.snmp.mibs import Oid

TICKS = 100  # of sysUpTime a second
TICKS_RANGE = 2**32  # after 497 days it begins again
SHORTEST_FRAME_BITS = 84 * 8  # 64 octets, preamble and gap: no more packets fit on a line
SLACK = 1.5  # counters are copied now and then, not all at one moment
Look = Mapping[Oid, int | None]


def gained(first: int | None, second: int | None, bits: int, most: float | None) -> int | None:
    """Return by how much a counter of *bits* rose; None where that cannot be told.

    most: what it can have gained at all. A counter that begins again after its largest value is
    told by that; one that was set back is not counted.
    """
    if first is None or second is None:
        return None
    if bits == 32 and most is not None and most >= 2**32:
        return None  # it may have gone round more than once
    if second >= first:
        return second - first
    rose = second - first + 2**bits
    return rose if most is not None and rose <= most else None


def restarted(first: int | None, second: int | None, seconds: float) -> bool:
    """Say whether sysUpTime began again between two looks; its own overflow is no restart."""
    if first is None or second is None or second >= first:
        return False
    on = (second - first + TICKS_RANGE) / TICKS
    return on > seconds * 2 + 5


def traffic(
    first: Look, second: Look, index: int, speed_bps: int | None, seconds: float
) -> Traffic:
    """Return what the interface *index* carried in *seconds* between two looks."""
    if restarted(first.get(mibs.SYS_UPTIME), second.get(mibs.SYS_UPTIME), seconds):
        return Traffic(seconds=seconds, unknown="restarted")
    discontinuity = (*mibs.DISCONTINUITY, index)
    if first.get(discontinuity) != second.get(discontinuity):
        return Traffic(seconds=seconds, unknown="counters-reset")
    line_bits = speed_bps * seconds * SLACK if speed_bps else None
    octets = line_bits / 8 if line_bits else None
    packets = line_bits / SHORTEST_FRAME_BITS if line_bits else None

    def rise(column: Oid, bits: int, most: float | None) -> int | None:
        where = (*column, index)
        return gained(first.get(where), second.get(where), bits, most)

    def rises(wide: Sequence[Oid], narrow: Sequence[Oid]) -> int | None:
        for columns, bits in ((wide, 64), (narrow, 32)):
            found = [rise(column, bits, packets) for column in columns]
            if found[0] is not None:  # unicast; the others need not be there
                return sum(each or 0 for each in found)
        return None

    wide = all((*column, index) in second for column in (mibs.HC_IN, mibs.HC_OUT)) and all(
        second[*column, index] is not None for column in (mibs.HC_IN, mibs.HC_OUT)
    )
    bits: int = 64 if wide else 32
    counted = (mibs.HC_IN, mibs.HC_OUT) if wide else (mibs.IN, mibs.OUT)
    present = wide or second.get((*mibs.IN, index)) is not None
    return Traffic(
        seconds=seconds,
        bits=(64 if wide else 32) if present else None,
        in_octets=rise(counted[0], bits, octets),
        out_octets=rise(counted[1], bits, octets),
        in_packets=rises(mibs.HC_IN_PACKETS, mibs.IN_PACKETS),
        out_packets=rises(mibs.HC_OUT_PACKETS, mibs.OUT_PACKETS),
        in_errors=rise(mibs.IN_ERRORS, 32, packets),
        out_errors=rise(mibs.OUT_ERRORS, 32, packets),
        in_discards=rise(mibs.IN_DISCARDS, 32, packets),
        out_discards=rise(mibs.OUT_DISCARDS, 32, packets),
    )


def share_pct(bad: int, good: int) -> float:
    """Return *bad* in percent of all; 0 where there was nothing at all."""
    return 100.0 * bad / (bad + good) if bad else 0.0


def utilisation_pct(seen: Traffic, speed_bps: int, *, half_duplex: bool) -> float | None:
    """Return how full the line was: of the fuller direction, or of both on a half-duplex line."""
    if seen.in_octets is None or seen.out_octets is None or seen.seconds <= 0:
        return None
    octets = (
        seen.in_octets + seen.out_octets if half_duplex else max(seen.in_octets, seen.out_octets)
    )
    return 100.0 * octets * 8 / seen.seconds / speed_bps
