"""Object identifiers and the names of their numbers.

Source: RFC 3418 (system), RFC 2863 (interfaces), RFC 3635 (EtherLike-MIB), RFC 2790
(Host-Resources), RFC 3805 with IANA-PRINTER-MIB (Printer-MIB).
"""

from __future__ import annotations

Oid = tuple[int, ...]


def oid(text: str) -> Oid:
    return tuple(int(part) for part in text.split("."))


MIB2 = oid("1.3.6.1.2.1")
SYS_DESCR = (*MIB2, 1, 1, 0)
SYS_UPTIME = (*MIB2, 1, 3, 0)

_IF, _IFX = (*MIB2, 2, 2, 1), (*MIB2, 31, 1, 1, 1)
IF_DESCR, IF_TYPE, IF_SPEED = (*_IF, 2), (*_IF, 3), (*_IF, 5)
IF_ADMIN, IF_OPER = (*_IF, 7), (*_IF, 8)
IF_NAME, IF_HIGH_SPEED, IF_ALIAS = (*_IFX, 1), (*_IFX, 15), (*_IFX, 18)
DUPLEX = (*MIB2, 10, 7, 2, 1, 19)  # dot3StatsDuplexStatus
INTERFACE_COLUMNS = (
    *(IF_DESCR, IF_TYPE, IF_SPEED, IF_ADMIN, IF_OPER),
    *(IF_NAME, IF_HIGH_SPEED, IF_ALIAS),
    DUPLEX,
)
DISCONTINUITY = (*_IFX, 19)
HC_IN, HC_OUT = (*_IFX, 6), (*_IFX, 10)
HC_IN_PACKETS = tuple((*_IFX, column) for column in (7, 8, 9))  # unicast, multicast, broadcast
HC_OUT_PACKETS = tuple((*_IFX, column) for column in (11, 12, 13))
IN, OUT = (*_IF, 10), (*_IF, 16)
IN_PACKETS, OUT_PACKETS = ((*_IF, 11), (*_IF, 12)), ((*_IF, 17), (*_IF, 18))
IN_DISCARDS, IN_ERRORS = (*_IF, 13), (*_IF, 14)
OUT_DISCARDS, OUT_ERRORS = (*_IF, 19), (*_IF, 20)
COUNTER_COLUMNS = (
    *(DISCONTINUITY, HC_IN, HC_OUT, *HC_IN_PACKETS, *HC_OUT_PACKETS),
    *(IN, OUT, *IN_PACKETS, *OUT_PACKETS, IN_DISCARDS, IN_ERRORS, OUT_DISCARDS, OUT_ERRORS),
)

HR_TYPE, HR_DESCR, HR_STATUS = ((*MIB2, 25, 3, 2, 1, column) for column in (2, 3, 5))
PRINTER_STATUS, PRINTER_ERRORS = ((*MIB2, 25, 3, 5, 1, column) for column in (1, 2))
_PRT = (*MIB2, 43)
COVER_DESCR, COVER_STATUS = (*_PRT, 6, 1, 1, 2), (*_PRT, 6, 1, 1, 3)
TRAY_TYPE, TRAY_LEVEL, TRAY_STATUS, TRAY_NAME = ((*_PRT, 8, 2, 1, n) for n in (2, 10, 11, 13))
SUPPLY_DESCR, SUPPLY_CAPACITY, SUPPLY_LEVEL = ((*_PRT, 11, 1, 1, n) for n in (6, 8, 9))
ALERT_SEVERITY, ALERT_CODE, ALERT_DESCR = ((*_PRT, 18, 1, 1, n) for n in (2, 7, 8))
DEVICE_COLUMNS = (
    *(HR_TYPE, HR_DESCR, HR_STATUS, PRINTER_STATUS, PRINTER_ERRORS, COVER_DESCR, COVER_STATUS),
    *(TRAY_TYPE, TRAY_LEVEL, TRAY_STATUS, TRAY_NAME),
    *(SUPPLY_DESCR, SUPPLY_CAPACITY, SUPPLY_LEVEL, ALERT_SEVERITY, ALERT_CODE, ALERT_DESCR),
)

ADMIN_NAMES = {1: "up", 2: "down", 3: "testing"}
OPER_NAMES = {
    1: "up",
    2: "down",
    3: "testing",
    4: "unknown",
    5: "dormant",
    6: "not-present",
    7: "lower-layer-down",
}
DUPLEX_NAMES = {1: "unknown", 2: "half", 3: "full"}
SPEED_BEYOND = 2**32 - 1  # ifSpeed: "faster than I can say"
# ifType of what a cable, a fibre or a radio is on: Ethernet in its old and new names, DS1, DS3,
# SONET, wireless, DSL, cable
PHYSICAL = frozenset({6, 7, 11, 18, 30, 39, 62, 69, 71, 94, 97, 117, 127})

HR_KINDS = (*MIB2, 25, 3, 1)  # the last number of hrDeviceType
KIND_NAMES = {
    1: "other",
    2: "unknown",
    3: "processor",
    4: "network",
    5: "printer",
    6: "disk",
    10: "video",
    11: "audio",
    12: "coprocessor",
    13: "keyboard",
    14: "modem",
    15: "parallel-port",
    16: "pointing",
    17: "serial-port",
    18: "tape",
    19: "clock",
    20: "memory",
    21: "memory",
}
STATUS_NAMES = {1: "unknown", 2: "running", 3: "warning", 4: "testing", 5: "down"}
PRINTER_NAMES = {1: "other", 2: "unknown", 3: "idle", 4: "printing", 5: "warmup"}
# bit 0 is the most significant of the first octet
ERROR_BITS = (
    *("low-paper", "no-paper", "low-toner", "no-toner", "door-open", "jammed", "offline"),
    *("service-requested", "input-tray-missing", "output-tray-missing", "supply-missing"),
    *("output-near-full", "output-full", "input-tray-empty", "overdue-maintenance"),
)
COVER_NAMES = {3: "open", 4: "closed", 5: "interlock-open", 6: "interlock-closed"}
SEVERITY_NAMES = {1: "other", 3: "critical", 4: "warning", 5: "warning-changing"}
MANUAL_TRAYS = frozenset({5, 6, 7})  # prtInputType: by hand; empty is how they usually are
# alerts that tell of a change and ask for nobody: closed, changed, on, saving power, warming up,
# added, reset, ready
NOTICES = frozenset({4, 6, 7, 19, 20, 23, 24, 25, 27, 502, 503, 505, 506, 507, 1005, 1501, 1502})
