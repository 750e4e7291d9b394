"""Is the device in working order? Its own tables say so, and the interfaces that the profile names.

Severity: what the device itself calls critical (RFC 3805) or what RFC 2790 section 5 counts as down
blocks; the rest warns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ccpor_checks.snmp import mibs
from ccpor_checks.snmp.evidence import Alert, Device, SnmpEvidence, SnmpOptions, Stop
from ccpor_checks.snmp.reading import NOT_RUNNING
from ccpor_reporting.model import Severity
from ccpor_reporting.rules import Judgement, Setting, met, not_applicable, unassessed, unmet

LOW_PCT = 10.0
MOST_SAID, MOST_OBSERVED = 6, 20  # troubles; a hostile device invents hundreds
BLOCKER, WARNING = Severity.BLOCKER, Severity.WARNING
# RFC 2790, hrPrinterDetectedErrorState: those with which the device is down
ERRORS = {
    "low-paper": ("paper is low", WARNING),
    "no-paper": ("no paper", BLOCKER),
    "low-toner": ("toner is low", WARNING),
    "no-toner": ("no toner", BLOCKER),
    "door-open": ("a cover is open", BLOCKER),
    "jammed": ("paper jam", BLOCKER),
    "offline": ("it is offline", BLOCKER),
    "service-requested": ("it asks for service", WARNING),
    "input-tray-missing": ("a paper tray is missing", WARNING),
    "output-tray-missing": ("an output tray is missing", WARNING),
    "supply-missing": ("a cartridge is missing", WARNING),
    "output-near-full": ("the output tray is nearly full", WARNING),
    "output-full": ("the output tray is full", WARNING),
    "input-tray-empty": ("a paper tray is empty", WARNING),
    "overdue-maintenance": ("maintenance is overdue", WARNING),
}
# parts of a computer with which nobody prints, scans or switches
PARTS = frozenset(
    {"network", "disk", "audio", "coprocessor", "keyboard", "modem", "parallel-port", "pointing"}
    | {"serial-port", "clock", "memory", "video", "tape"}
)
CODES = {
    3: "a cover is open",
    5: "a cover is open",
    8: "paper jam",
    501: "a cover is open",
    801: "a paper tray is missing",
    807: "paper is low",
    808: "no paper in a tray",
    1101: "no toner",
    1104: "toner is low",
    1115: "a cartridge is missing",
    1107: "the waste box is nearly full",
    1109: "the waste box is full",
}
STOPS = {
    "no-answer": "the device fell silent",
    "not-increasing": "the device answers in circles",
    "too-many": "the device's answer has no end",
    "too-long": "the device is too slow",
    "refused": "the device refuses this part",
    "malformed": "the device's answer is empty",
}
OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Trouble:
    words: str
    severity: Severity


def stop_words(stop: Stop) -> str:
    return STOPS[stop.why]


def judge_device(seen: SnmpEvidence, _options: SnmpOptions, _setting: Setting) -> Judgement:
    """Judge the worst first; a jam says more than the "down" that it causes."""
    troubles = list(_unique(_troubles(seen)))
    down = [f"interface {each.name} is {_why_down(each.admin, each.oper)}"
            for each in seen.interfaces if each.named and each.oper in NOT_RUNNING]  # fmt: skip
    blocking = any(trouble.severity is BLOCKER for trouble in troubles)
    if not blocking:
        down += [f"{_title(each)} is down" for each in _judged(seen) if each.status == "down"]
        down += ["the printer is offline" for each in seen.printers if OFFLINE in each.errors]
    if down:
        said = [*dict.fromkeys(down), *(each.words for each in troubles)]
        return unmet("down", "; ".join(said[:MOST_SAID]), observed=said[:MOST_OBSERVED])
    if troubles:
        troubles.sort(key=lambda each: each.severity is not BLOCKER)
        words = [trouble.words for trouble in troubles]
        severity = BLOCKER if blocking else WARNING
        return unmet(
            "needs-attention",
            "; ".join(words[:MOST_SAID]),
            severity=severity,
            observed=words[:MOST_OBSERVED],
        )
    return _no_trouble(seen)


def _no_trouble(seen: SnmpEvidence) -> Judgement:
    if stop := seen.stopped("device"):
        return unassessed(f"its own state is not known in full: {stop_words(stop)}")
    unsure = [
        each.name for each in seen.interfaces if each.named and each.oper in {None, "unknown"}
    ]
    if unsure:
        return unassessed(f"whether {', '.join(unsure)} is up, the device does not know")
    tells = [each for each in _judged(seen) if each.status not in {None, "unknown"}]
    if tells or seen.printers or seen.covers or seen.trays or seen.supplies or seen.alerts:
        what = tells[0].status if tells else "no trouble"
        return met(f"it says of itself: {what}", observed=what)
    named = [each.name for each in seen.interfaces if each.named]
    if named:
        return met(f"{', '.join(named)} up", observed=named)
    return not_applicable("this device keeps no list of its parts and is no printer")


def _judged(seen: SnmpEvidence) -> list[Device]:
    return [each for each in seen.devices if each.kind not in PARTS]


def _title(device: Device) -> str:
    return device.description or f"device {device.index}"


def _why_down(admin: str | None, oper: str | None) -> str:
    if admin == "down":
        return "switched off by its administrator"
    return "down" if oper in {None, "down", "lower-layer-down"} else f"not in use ({oper})"


def _troubles(seen: SnmpEvidence) -> Iterator[Trouble]:
    for printer in seen.printers:
        for name in printer.errors:
            if name != OFFLINE:
                yield Trouble(*ERRORS[name])
    for alert in seen.alerts:
        yield from _of_alert(alert)
    for cover in seen.covers:
        if cover.status in {"open", "interlock-open"}:
            severity = BLOCKER if cover.status == "interlock-open" else WARNING
            name = f" ({cover.description})" if cover.description else ""
            yield Trouble(f"a cover is open{name}", severity)
    yield from _of_paper(seen)
    for supply in seen.supplies:
        if supply.left_pct is None or supply.left_pct > LOW_PCT:
            continue
        name = supply.description or "a supply"
        words = f"{name} is used up" if supply.left_pct <= 0 else f"{name}: {supply.left_pct:.0f} %"
        yield Trouble(words, WARNING)
    for device in _judged(seen):
        if device.status == "warning" and not seen.printers and not seen.alerts:
            yield Trouble(f"{_title(device)} warns and does not say of what", WARNING)


def _of_alert(alert: Alert) -> Iterator[Trouble]:
    critical = alert.severity == "critical"
    if alert.code in mibs.NOTICES and not critical:
        return
    if alert.severity == "other" and alert.code not in CODES:
        return
    words = CODES.get(alert.code or 0)
    said = alert.description
    if words and said:
        words = f"{words} ({said})"
    yield Trouble(words or said or f"alert {alert.code}", BLOCKER if critical else WARNING)


def _of_paper(seen: SnmpEvidence) -> Iterator[Trouble]:
    """One empty tray among full ones stops nobody; all of them do."""
    trays = [each for each in seen.trays if each.type not in mibs.MANUAL_TRAYS]
    known = [each for each in trays if each.empty is not None]
    if known and all(each.empty for each in known):
        yield Trouble("no paper in any tray that tells", WARNING)


def _unique(troubles: Iterator[Trouble]) -> Iterator[Trouble]:
    """Yield each trouble once: an alert that repeats a bit in more words is left out."""
    said: set[str] = set()
    for trouble in sorted(troubles, key=lambda each: each.severity is not BLOCKER):
        plain = trouble.words.partition(" (")[0]
        if plain not in said:
            said.add(plain)
            yield trouble
