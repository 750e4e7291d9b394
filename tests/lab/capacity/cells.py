"""Forty lines: five rates by four round trips, up and down, with queues of 20–1000 ms and loss in some.

In each: the idle round trip, our planned test at a need well below the line, our saturating test; then iperf3 and
a plain transfer of 10 MB, one after the other in the same namespaces against the same datacenter.
"""

from __future__ import annotations

import time

import msgspec

from ccpor_checks.capacity.evidence import Delay, Direction, Transfer
from tests.lab.capacity import peers
from tests.lab.capacity.asking import Test, Told, told
from tests.lab.capacity.peers import Peer
from tests.lab.capacity.site import Site
from tests.lab.shaped import shaped

RTTS = (5, 40, 100, 200)
WAYS: tuple[Direction, ...] = ("up", "down")
# Queue in ms and loss in % of each (round trip, way), in the order 5 up, 5 down, 40 up … 200 down. A queue
# holds at least two packets more than a burst, so the slowest line has none of 20 ms (2.5 packets).
TROUBLE: dict[float, tuple[tuple[float, float], ...]] = {
    1.5: ((1000, 0), (200, 0), (500, 0), (100, 1), (300, 0), (1000, 0), (500, 0.1), (300, 0)),
    10: ((20, 0), (100, 0), (100, 1), (500, 0), (200, 0), (100, 0.5), (300, 0), (200, 0)),
    50: ((50, 0), (20, 0), (100, 0), (50, 0.1), (100, 0), (200, 0), (200, 0), (100, 0)),
    100: ((20, 0), (100, 0), (100, 0.1), (200, 0), (100, 0), (100, 0), (200, 0), (100, 0)),
    1000: ((20, 0), (50, 0), (50, 0), (100, 0), (100, 0), (50, 0), (100, 0), (100, 0)),
}
NEEDED: dict[float, float] = {1.5: 0.6, 10: 4, 50: 16, 100: 20, 1000: 40}  # Mbit/s
STREAMS = 4
MOST_MB = {100: 100.0, 1000: 1000.0}  # of the saturating test; the usual 60 MB are too soon spent


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    mbit: float
    rtt_ms: float
    direction: Direction
    queue_ms: float
    loss_pct: float

    @property
    def name(self) -> str:
        return f"{self.mbit:g}/{self.rtt_ms:g}/{self.direction}"

    @property
    def light(self) -> bool:
        """Return whether several such may run side by side on a small machine."""
        return self.mbit <= 10

    @property
    def planned(self) -> Test:
        need = NEEDED.get(self.mbit, 0.4 * self.mbit)
        return Test(kind="planned", direction=self.direction, required_mbit=need, streams=STREAMS)

    @property
    def saturated(self) -> Test:
        most = MOST_MB.get(int(self.mbit))
        # a window of 37 MB, which 1 Gbit/s needs here, takes cubic longer than ten seconds
        seconds = 18.0 if self.mbit * self.rtt_ms > 100_000 else 10.0
        return Test(
            kind="saturated",
            direction=self.direction,
            streams=STREAMS,
            megabytes=most,
            seconds=seconds,
        )


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen in one cell. truth_mbit, rtt_ms and queue_ms are what was set."""

    cell: Cell
    truth_mbit: float
    queue_ms: float
    idle: Delay | None = None
    planned: Transfer | None = None
    saturated: Transfer | None = None
    iperf3: Peer | None = None
    post: Peer | None = None
    tries: int = 1
    too_busy: bool = False
    seconds: float = 0.0
    line_late_ms: float = 0.0  # the most that the line's own machinery was late by
    line_lost: float = 0.0  # packets that it lost without being told to
    trouble: str = ""

    @property
    def estimate(self) -> float | None:
        """Return our saturated estimate over the truth."""
        return self.saturated.mbit / self.truth_mbit if self.saturated else None

    @property
    def is_bound(self) -> bool:
        return bool(self.saturated and self.saturated.is_lower_bound)

    @property
    def paced(self) -> float | None:
        asked = self.planned.asked_mbit if self.planned else None
        return self.planned.mbit / asked if self.planned and asked else None

    @property
    def rtt_off_ms(self) -> float | None:
        return self.idle.min_ms - self.cell.rtt_ms if self.idle else None

    @property
    def queue_seen(self) -> float | None:
        """Return (loaded p95 − idle p50) over the queue, of the saturating test."""
        loaded = self.saturated.loaded if self.saturated else None
        if loaded is None or self.idle is None:
            return None
        return (loaded.p95_ms - self.idle.p50_ms) / self.queue_ms

    @property
    def megabytes(self) -> float:
        return sum(one.megabytes for one in (self.planned, self.saturated) if one)


def cells() -> list[Cell]:
    found = []
    for mbit, trouble in TROUBLE.items():
        kinds = iter(trouble)
        for rtt in RTTS:
            for direction in WAYS:
                queue, loss = next(kinds)
                found.append(
                    Cell(
                        mbit=mbit,
                        rtt_ms=rtt,
                        direction=direction,
                        queue_ms=queue,
                        loss_pct=loss,
                    )
                )
    return found


def measured(cell: Cell, site: Site, *, with_peers: bool = True) -> Measured:
    """Return what was seen in *cell*; what went wrong stands in `trouble`."""
    begun = time.monotonic()
    with shaped(
        mbit=cell.mbit, rtt_ms=cell.rtt_ms, loss_pct=cell.loss_pct, queue_ms=cell.queue_ms,
        loss_way=cell.direction,
    ) as line:  # fmt: skip
        with site.on(line) as state:
            ours = told(site, line, state, (cell.planned, cell.saturated))
        counted = line.counters()
        iperf3 = peers.iperf3(line, cell.direction) if with_peers else None
        post = peers.post(line, site, cell.direction) if with_peers else None
        ways = counted.values()
        return msgspec.structs.replace(
            seen(cell, ours, line.truth(cell.direction), line.full_queue_ms(cell.direction)),
            iperf3=iperf3,
            post=post,
            seconds=round(time.monotonic() - begun, 1),
            line_late_ms=max(way["latest_ms"] for way in ways),
            line_lost=sum(way["overrun"] + way["refused"] for way in ways),
        )


def seen(cell: Cell, ours: Told, truth_mbit: float, queue_ms: float) -> Measured:
    of_kind = {one.transfer.kind: one.transfer for one in ours.done if one.transfer}
    trouble = "; ".join([ours.trouble, *(one.trouble for one in ours.done)]).strip("; ")
    return Measured(
        cell=cell,
        truth_mbit=truth_mbit,
        queue_ms=queue_ms,
        idle=ours.idle,
        planned=of_kind.get("planned"),
        saturated=of_kind.get("saturated"),
        tries=ours.tries,
        too_busy=ours.too_busy,
        trouble=trouble,
    )
