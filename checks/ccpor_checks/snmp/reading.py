"""From cells of tables to what they say. What a device sends is hostile: cut, made printable."""

from __future__ import annotations

import msgspec

from ccpor_checks.snmp import mibs
from ccpor_checks.snmp.evidence import (
    Alert,
    Cover,
    Device,
    Duplex,
    Interface,
    Printer,
    Supply,
    Tray,
)
from ccpor_checks.snmp.mibs import Oid

LONGEST_TEXT = 200
MOST_KEPT = 64  # rows of a table that go into the evidence
# ifOperStatus in which no packet passes
NOT_RUNNING = frozenset({"down", "testing", "dormant", "not-present", "lower-layer-down"})
DUPLEXES: dict[int, Duplex] = {1: "unknown", 2: "half", 3: "full"}

Value = int | bytes | Oid | None
Cells = dict[Oid, dict[Oid, Value]]


def text(value: Value) -> str | None:
    """Return what people can read of *value*; None for nothing."""
    if not isinstance(value, bytes):
        return None
    said = value[: LONGEST_TEXT * 4].decode("utf-8", "replace")
    plain = " ".join("".join(each if each.isprintable() else " " for each in said).split())
    return plain[:LONGEST_TEXT] or None


def number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def ticks(value: Value) -> float | None:
    return value / 100 if isinstance(value, int) else None


def _named(names: dict[int, str], value: Value) -> str | None:
    return names.get(value) if isinstance(value, int) else None


def interfaces(cells: Cells) -> list[Interface]:
    """Return every interface that any column has, in the order of its index."""
    indices = sorted({key[0] for column in cells.values() for key in column if len(key) == 1})
    found = []
    for index in indices:
        row = {column: cells[column].get((index,)) for column in mibs.INTERFACE_COLUMNS}
        name = text(row[mibs.IF_NAME]) or text(row[mibs.IF_DESCR]) or str(index)
        found.append(
            Interface(
                index=index,
                name=name,
                alias=text(row[mibs.IF_ALIAS]),
                type=number(row[mibs.IF_TYPE]),
                admin=_named(mibs.ADMIN_NAMES, row[mibs.IF_ADMIN]),
                oper=_named(mibs.OPER_NAMES, row[mibs.IF_OPER]),
                duplex=_duplex(row[mibs.DUPLEX]),
                speed_bps=speed(row[mibs.IF_HIGH_SPEED], row[mibs.IF_SPEED]),
                description=text(row[mibs.IF_DESCR]),
            )
        )
    return found


def names_of(interface: Interface) -> set[str]:
    """Return what an administrator may call it."""
    return {name for name in (interface.name, interface.alias, interface.description) if name}


def _duplex(value: Value) -> Duplex | None:
    return DUPLEXES.get(value) if isinstance(value, int) else None


def speed(high: Value, low: Value) -> int | None:
    """Return bits a second: ifHighSpeed, or ifSpeed where that says nothing; None: not told."""
    if isinstance(high, int) and high > 0:
        return high * 1_000_000
    return low if isinstance(low, int) and 0 < low < mibs.SPEED_BEYOND else None


def device(cells: Cells) -> dict[str, tuple[msgspec.Struct, ...]]:
    """Return the device's tables by the field of the evidence they go to."""
    return {
        "devices": tuple(
            sorted(
                (_device(cells, key) for key in _keys(cells, mibs.HR_TYPE, mibs.HR_STATUS)),
                key=lambda each: each.kind not in {"printer", "other", "unknown", None},
            )[:MOST_KEPT]
        ),
        "printers": tuple(
            Printer(
                index=key[0] if key else 0,
                status=_named(mibs.PRINTER_NAMES, cells[mibs.PRINTER_STATUS].get(key)),
                errors=error_names(cells[mibs.PRINTER_ERRORS].get(key)),
            )
            for key in _keys(cells, mibs.PRINTER_STATUS, mibs.PRINTER_ERRORS)
        ),
        "alerts": tuple(
            Alert(
                severity=_named(mibs.SEVERITY_NAMES, cells[mibs.ALERT_SEVERITY].get(key)),
                code=number(cells[mibs.ALERT_CODE].get(key)),
                description=text(cells[mibs.ALERT_DESCR].get(key)),
            )
            for key in _keys(cells, mibs.ALERT_SEVERITY, mibs.ALERT_CODE, mibs.ALERT_DESCR)
        ),
        "supplies": tuple(_supply(cells, key) for key in _keys(cells, mibs.SUPPLY_LEVEL)),
        "covers": tuple(
            Cover(
                description=text(cells[mibs.COVER_DESCR].get(key)),
                status=_named(mibs.COVER_NAMES, cells[mibs.COVER_STATUS].get(key)),
            )
            for key in _keys(cells, mibs.COVER_STATUS)
        ),
        "trays": tuple(
            Tray(
                name=text(cells[mibs.TRAY_NAME].get(key)),
                type=number(cells[mibs.TRAY_TYPE].get(key)),
                empty=_is_empty(cells[mibs.TRAY_LEVEL].get(key)),
                status=number(cells[mibs.TRAY_STATUS].get(key)),
            )
            for key in _keys(cells, mibs.TRAY_LEVEL, mibs.TRAY_STATUS)
        ),
    }


def _keys(cells: Cells, *columns: Oid) -> list[Oid]:
    """Return the rows that any of *columns* has; of a list of devices all, of others the first."""
    keys = sorted({key for column in columns for key in cells[column]})
    return keys if columns[0] == mibs.HR_TYPE else keys[:MOST_KEPT]


def _device(cells: Cells, key: Oid) -> Device:
    kind = cells[mibs.HR_TYPE].get(key)
    known = isinstance(kind, tuple) and kind[:-1] == mibs.HR_KINDS
    return Device(
        index=key[0] if key else 0,
        kind=mibs.KIND_NAMES.get(kind[-1]) if known and isinstance(kind, tuple) else None,
        description=text(cells[mibs.HR_DESCR].get(key)),
        status=_named(mibs.STATUS_NAMES, cells[mibs.HR_STATUS].get(key)),
    )


def _supply(cells: Cells, key: Oid) -> Supply:
    level = number(cells[mibs.SUPPLY_LEVEL].get(key))
    capacity = number(cells[mibs.SUPPLY_CAPACITY].get(key))
    return Supply(
        description=text(cells[mibs.SUPPLY_DESCR].get(key)),
        level=level,
        capacity=capacity,
        left_pct=left_pct(level, capacity),
    )


def left_pct(level: int | None, capacity: int | None) -> float | None:
    """Return what is left, of a bottle or of the room in a waste box (RFC 3805).

    None: -1 no limit, -2 unknown, -3 some is left.
    """
    if level is None or level < 0:
        return None
    if level == 0:
        return 0.0
    return 100.0 * level / capacity if capacity is not None and capacity > 0 else None


def _is_empty(level: Value) -> bool | None:
    """Say whether a tray has nothing; -1 and -2 do not say, -3 is at least one sheet."""
    if not isinstance(level, int) or level in {-1, -2}:
        return None
    return level == 0


def error_names(value: Value) -> tuple[str, ...]:
    """Return the names of the bits that are set in hrPrinterDetectedErrorState."""
    if not isinstance(value, bytes):
        return ()
    return tuple(
        name
        for bit, name in enumerate(mibs.ERROR_BITS)
        if bit // 8 < len(value) and value[bit // 8] & (0x80 >> bit % 8)
    )
