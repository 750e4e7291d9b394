"""A few synthetic orders, sent as a court sends them: what the model says must come true.

Random bytes of the workload's size, each order over a connection of its own, one after the other.
"""

from __future__ import annotations

import os
import statistics

import msgspec

from ccpor_checks.base import Context
from ccpor_checks.capacity.evidence import CapacityOptions, Delay, Replay, Transfer
from ccpor_checks.capacity.schedule import REPLAY_S, REPLAYED_MB, REPLAYED_ORDERS
from ccpor_checks.capacity.turn import Turn
from ccpor_reporting.capacity.model import Line, single_order_s
from ccpor_reporting.capacity.protocol import MOST_FLOWS, UP, Counted

FLOW = MOST_FLOWS - 1
PART = 64 * 1024
LEAST_BYTES = 20_000.0
EACH_S = REPLAY_S / REPLAYED_ORDERS


def line_of(up: Transfer, idle: Delay | None, loss: float | None) -> Line:
    """Return the line as measured just now."""
    return Line(
        mbit=up.mbit,
        rtt_ms=idle.p50_ms if idle else 40.0,
        loss=loss or 0.0,
        is_lower_bound=up.is_lower_bound,
    )


def size_of(options: CapacityOptions, line: Line, megabytes: float) -> int:
    """Return the bytes of one order: the workload's, or what time and *megabytes* have room for."""
    size = min(options.load.order_bytes, min(megabytes, REPLAYED_MB) * 1e6 / REPLAYED_ORDERS)
    while size > LEAST_BYTES and single_order_s(size, line) > EACH_S / 2:
        size *= 0.7
    return int(size)


def replay(
    turn: Turn, options: CapacityOptions, line: Line, megabytes: float, ctx: Context
) -> Replay | None:
    """Return how long each order took, from its first packet to its receipt; None: none arrived."""
    size = size_of(options, line, megabytes)
    seconds = []
    for number in range(REPLAYED_ORDERS):
        ctx.tell(f"test order {number + 1} of {REPLAYED_ORDERS}, {size / 1000:.0f} kB")
        took = _order(turn, size, ctx)
        if took is not None:
            seconds.append(round(took, 4))
    if not seconds:
        return None
    predicted = single_order_s(size, line)
    return Replay(
        order_bytes=size,
        seconds=tuple(seconds),
        predicted_s=round(predicted, 4),
        ratio=round(statistics.median(seconds) / predicted, 3),
    )


def _order(turn: Turn, size: int, ctx: Context) -> float | None:
    """Send one order; return its seconds, None where it did not arrive whole."""
    left = memoryview(os.urandom(size))
    begun = ctx.monotonic()
    try:
        with turn.open(ctx.remaining(EACH_S)) as wire:
            fields = {**turn.bearer, "Content-Type": "application/octet-stream"}
            head = wire.head("POST", f"{UP}?flow={FLOW}", {**fields, "Content-Length": str(size)})
            wire.sock.settimeout(ctx.remaining(EACH_S))
            wire.sock.sendall(head)
            while left:
                if ctx.monotonic() - begun > 2 * EACH_S:
                    return None
                wire.sock.settimeout(ctx.remaining(EACH_S))
                wire.sock.sendall(left[:PART])
                left = left[PART:]
            end = ctx.monotonic() + ctx.remaining(EACH_S)
            status, came = wire.answer_head(end)
            body = b"".join(wire.parts(came, end))
        took = ctx.monotonic() - begun
        whole = status == 200 and msgspec.json.decode(body, type=Counted).bytes == size
    except (OSError, ValueError) as exc:
        ctx.remaining()
        ctx.log.debug("capacity.order_lost", extra={"error": type(exc).__name__})
        return None
    return took if whole else None
