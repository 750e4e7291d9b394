"""What was measured: the data file of the sheet, one line for each setting."""

from __future__ import annotations

import math
import threading
from pathlib import Path

import msgspec

from tests.lab.model.settings import Setting

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "docs" / "capacity-model.json"
_writing = threading.Lock()


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One setting with the times that its orders took, and how honest the measuring was."""

    setting: Setting
    orders: list[tuple[float, int, float]]  # begun at (s), bytes, seconds taken
    failed: int  # orders that did not arrive at all
    late_ms: float  # of the order that the client began latest
    control: str  # congestion control of every connection
    lost: int  # packets that the line lost as it was told to
    queued_out: int  # packets that found the queue full, on the way up
    overrun: int  # packets that the line lost without being told to
    link_latest_ms: float  # of the packet that the line delivered latest after its time
    machine_busy: float  # share of all processors, by everything that ran
    tries: int = 1


def points() -> list[Point]:
    """Return every point of the data file, by name."""
    return msgspec.json.decode(DATA.read_bytes(), type=list[Point]) if DATA.exists() else []


def keep(point: Point) -> None:
    """Put *point* into the data file, in place of the one of its name."""
    with _writing:
        others = [one for one in points() if one.setting.name != point.setting.name]
        held = sorted([*others, point], key=lambda one: one.setting.name)
        lines = b",\n".join(msgspec.json.encode(one) for one in held)
        DATA.write_bytes(b"[\n" + lines + b"\n]\n")


def percentile(ordered: list[float], share: float) -> float:
    """Return the nearest rank of the sorted *ordered*."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
