"""Does something stand between that keeps, changes or packs what is sent?

A proxy that takes a whole upload before it passes it on measures the line to itself. So a small
body is sent in two halves: the collector must see the first while the second is not yet written.
"""

from __future__ import annotations

import os
import time

import msgspec

from ccpor_checks.base import Context
from ccpor_checks.capacity.turn import Turn
from ccpor_checks.capacity.wires import Wire
from ccpor_reporting.capacity.protocol import (
    DOWN,
    FEEDBACK,
    FEEDBACK_MS,
    MOST_FLOWS,
    UP,
    Arrived,
    Counted,
    Slot,
)

HALF = 16 * 1024
FLOW = MOST_FLOWS - 1  # the last one, which no test of up to 12 orders uses
HELD_BACK_S = 1.0  # beyond round trips and the interval at which arrivals are told
ASK_S = 10.0
KEEPS = "a proxy on the way keeps what is sent before it passes it on"


def named(slot: Slot) -> str | None:
    """Return who named itself on the way, as the collector saw it."""
    return f"a proxy is on the way ({slot.via})" if slot.via else None


def look(turn: Turn, rtt_ms: float, ctx: Context) -> str | None:
    """Return in words what stands between, None where nothing shows.

    Raises:
        OSError: A connection came to no good end.
        ValueError: What came is no HTTP, or none of this protocol.
    """
    return named(turn.slot) or _upward(turn, rtt_ms, ctx) or _downward(turn, ctx)


def _upward(turn: Turn, rtt_ms: float, ctx: Context) -> str | None:
    body = os.urandom(2 * HALF)
    patience = HELD_BACK_S + (4 * rtt_ms + 2 * FEEDBACK_MS) / 1000
    end = time.monotonic() + ctx.remaining(ASK_S)
    with turn.open() as told, turn.open() as wire:
        told.sock.settimeout(ASK_S)
        path = f"{FEEDBACK}?flows={MOST_FLOWS}"
        told.sock.sendall(told.head("GET", path, turn.bearer))
        arrivals = _Arrivals(told, end)
        before = arrivals.next().bytes
        fields = {
            **turn.bearer,
            "Content-Type": "application/octet-stream",
            "Content-Length": str(len(body)),
        }
        wire.sock.settimeout(ASK_S)
        wire.sock.sendall(wire.head("POST", f"{UP}?flow={FLOW}", fields) + body[:HALF])
        came = _came(arrivals, before, time.monotonic() + patience)
        wire.sock.sendall(body[HALF:])
        status, answer = wire.answer_head(end)
        whole = b"".join(wire.parts(answer, end))
    if status != 200:
        raise ValueError(f"the upload was answered by {status}")
    counted = msgspec.json.decode(whole, type=Counted)
    if counted.coding:
        return f"a proxy on the way packs what is sent ({counted.coding})"
    if counted.bytes != len(body):
        return f"a device on the way changes what is sent: {counted.bytes} of {len(body)} bytes"
    return None if came else KEEPS


class _Arrivals:
    """The lines of the feedback, one by one."""

    def __init__(self, wire: Wire, end: float) -> None:
        status, fields = wire.answer_head(end)
        if status != 200:
            raise ValueError(f"the feedback was answered by {status}")
        self._parts = wire.parts(fields, end)
        self._lines: list[bytes] = []
        self._rest = b""

    def next(self) -> Arrived:
        while not self._lines:
            part = next(self._parts, None)
            if part is None:
                raise ValueError("the feedback ended")
            *self._lines, self._rest = (self._rest + part).split(b"\n")
        return msgspec.json.decode(self._lines.pop(0), type=Arrived)


def _came(arrivals: _Arrivals, before: int, until: float) -> bool:
    """Say whether bytes of ours arrive before *until*; the answers tell the time by coming."""
    while time.monotonic() < until:
        if arrivals.next().bytes > before:
            return True
    return False


def _downward(turn: Turn, ctx: Context) -> str | None:
    end = time.monotonic() + ctx.remaining(ASK_S)
    with turn.open() as wire:
        wire.sock.settimeout(ASK_S)
        path = f"{DOWN}?flow={FLOW}&bytes={HALF}"
        wire.sock.sendall(wire.head("GET", path, turn.bearer))
        status, fields = wire.answer_head(end)
        if status != 200:
            raise ValueError(f"the download was answered by {status}")
        coding = fields.get("content-encoding", "identity")
        if coding != "identity":
            return f"a proxy on the way packs what is read ({coding[:40]})"
        size = sum(len(part) for part in wire.parts(fields, end))
    if size != HALF:
        return f"a device on the way changes what is read: {size} of {HALF} bytes"
    return None
