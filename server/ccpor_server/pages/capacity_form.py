"""The planner's form: what may be typed, what was, and the workload and line that it means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ccpor_reporting.capacity.model import USUAL_RTT_MS, Line
from ccpor_reporting.capacity.workload import Load
from ccpor_server.pages.board import Choice
from ccpor_server.pages.forms import Fault

_NUMBER = re.compile(r"[0-9]{1,9}([.][0-9]{1,6})?")
# Beyond these no court is, and a simulation would take minutes; the largest has about 7 a second.
MOST_NEED_MBIT, MOST_ORDERS_S = 2000.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One number of the form. usual: what the empty form holds; "": it may stay empty."""

    name: str
    label: str
    hint: str
    usual: str
    low: float
    high: float
    whole: bool = False


_COURT = (
    Field(
        name="users", label="People who send orders", usual="",
        hint="On this line, at the busiest hour.", low=1, high=2000, whole=True,
    ),
    Field(
        name="orders", label="Orders an hour, each", usual="12",
        hint="On a usual day; 12 where nobody counted.", low=0.1, high=200,
    ),
    Field(
        name="peak", label="Busiest hour, % of the day", usual="25",
        hint="Its share of a day's orders.", low=1, high=100,
    ),
    Field(
        name="seconds", label="Seconds an order may take", usual="10",
        hint="95 of 100 orders must be faster.", low=0.5, high=600,
    ),
)  # fmt: skip
_ORDER = (
    Field(
        name="pages", label="Pages of an order", usual="12",
        hint="With its attachments.", low=1, high=500,
    ),
    Field(
        name="kb", label="kB a page, if you know it", usual="",
        hint="Counts instead of the choice beside.", low=1, high=20_000,
    ),
)  # fmt: skip
_LINE = (
    Field(
        name="mbit", label="Mbit/s towards the datacenter", usual="",
        hint="Upload. Empty: what is needed is worked out.", low=0.05, high=10_000,
    ),
    Field(
        name="rtt", label="Round trip, ms", usual="",
        hint=f"Empty: {USUAL_RTT_MS:g}, as usual in California.", low=1, high=2000,
    ),
    Field(
        name="loss", label="Packet loss, %", usual="",
        hint="Empty: none.", low=0, high=20,
    ),
)  # fmt: skip
FIELDS = {"court": _COURT, "order": _ORDER, "line": _LINE}
_ALL = {field.name: field for group in FIELDS.values() for field in group}
SCANS = {
    "bw200": ("Black and white, 200 dpi: 35 kB", 35.0),
    "bw300": ("Black and white, 300 dpi: 52 kB", 52.0),
    "gray": ("Gray, 300 dpi: about 850 kB", 850.0),
    "colour": ("Colour, 300 dpi: about 1500 kB", 1500.0),
}
USUAL_SCAN = "bw300"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A field as the page shows it."""

    name: str
    label: str
    hint: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the address asks. load: None with faults, or when nothing was asked yet.

    mbit, rtt_ms, loss: None where the field is empty. court, line: where to take the line from.
    """

    typed: Mapping[str, str]
    faults: tuple[Fault, ...]
    load: Load | None
    mbit: float | None
    rtt_ms: float | None
    loss: float | None
    court: str
    line: str

    @property
    def is_blank(self) -> bool:
        """Say whether the form was not sent yet."""
        return "users" not in self.typed


def asked(given: Mapping[str, str]) -> Asked:
    """Return what the query *given* asks; every fault is found, and what was typed is kept."""
    typed = {name: text.strip()[:40] for name, text in given.items() if name in _ALL}
    scan = given.get("scan", USUAL_SCAN)
    faults: list[Fault] = []
    numbers = {name: _number(_ALL[name], typed.get(name, ""), faults) for name in _ALL}
    if scan not in SCANS:
        faults.append(Fault("scan", "choose how pages are scanned"))
    load = None
    if "users" in typed and not faults:
        load = _load(numbers, SCANS[scan][1])
        if load.need_mbit > MOST_NEED_MBIT or load.peak_orders_per_s > MOST_ORDERS_S:
            text = "all together is more than any court sends; check people, orders and pages"
            faults.append(Fault("users", text))
            load = None
    loss = numbers["loss"]
    return Asked(
        typed={**typed, "scan": scan},
        faults=tuple(faults) if "users" in typed else (),
        load=load,
        mbit=numbers["mbit"],
        rtt_ms=numbers["rtt"],
        loss=None if loss is None else loss / 100,
        court=given.get("court", "")[:64],
        line=given.get("line", "")[:200],
    )


def _number(field: Field, text: str, faults: list[Fault]) -> float | None:
    """Return the number in *text*, the usual one where it is empty; a fault where it is none."""
    text = text or field.usual
    if not text:
        if field.name == "users":
            faults.append(Fault(field.name, "write how many people send orders"))
        return None
    value = float(text) if _NUMBER.fullmatch(text) else None
    if value is None or not field.low <= value <= field.high or (field.whole and value % 1):
        kind = "whole number" if field.whole else "number"
        said = f"{field.label}: write a {kind} from {field.low:g} to {field.high:g}"
        faults.append(Fault(field.name, f"{said}, like {_example(field)}"))
        return None
    return value


def _example(field: Field) -> str:
    return field.usual or {"users": "15", "loss": "0.5", "kb": "60"}.get(field.name, "10")


def _load(numbers: Mapping[str, float | None], scan_kb: float) -> Load:
    def known(name: str) -> float:
        return numbers[name] or 0.0

    return Load(
        users=round(known("users")),
        orders_per_hour=known("orders"),
        peak_share=known("peak") / 100,
        pages_per_order=known("pages"),
        kb_per_page=numbers["kb"] or scan_kb,
        max_order_seconds_p95=known("seconds"),
    )


def line_from(given: Asked, measured: Line | None) -> Line | None:
    """Return the line: typed numbers first, then measured ones; None: nobody named its rate."""
    mbit = given.mbit or (measured.mbit if measured else None)
    if mbit is None:
        return None
    return way_of(given, measured, mbit)


def way_of(given: Asked, measured: Line | None, mbit: float) -> Line:
    """Return a line of *mbit* with the typed, measured or usual round trip and loss."""
    rtt, loss = given.rtt_ms, given.loss
    if rtt is None:
        rtt = measured.rtt_ms if measured else USUAL_RTT_MS
    if loss is None:
        loss = measured.loss if measured else 0.0
    is_measured = measured is not None and given.mbit is None
    return Line(
        mbit=mbit,
        rtt_ms=rtt,
        loss=loss,
        is_lower_bound=is_measured and measured is not None and measured.is_lower_bound,
    )


def shown(given: Asked, group: str, *, is_measured: bool = False) -> tuple[Shown, ...]:
    """Return the fields of *group* with what was typed, or the usual where nothing was.

    is_measured: the line is a measured one, so that an empty field means what was measured.
    """
    return tuple(
        Shown(
            name=one.name,
            label=one.label,
            hint="Empty: as measured." if is_measured else one.hint,
            value=given.typed.get(one.name, one.usual),
        )
        for one in FIELDS[group]
    )


def scans(given: Asked) -> tuple[Choice, ...]:
    chosen = given.typed["scan"]
    return tuple(Choice(name, words, name == chosen) for name, (words, _kb) in SCANS.items())
