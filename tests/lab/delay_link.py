"""A line between two TUN devices with delay, jitter, loss, duplicates and late packets; it counts what it did.

`python -m tests.lab.delay_link FD_A FD_B OPTIONS` copies packets between two TUN descriptors; the way from A to
B is called up. OPTIONS is JSON: delay_ms (one way), jitter_ms (uniform ±, order is kept), loss_pct, dup_pct,
reorder_pct of packets that come reorder_ms late (others overtake them), seed. "loss_up_pct" and the like set
one way alone. A packet may be a super-packet of up to 64 kB with its header of IFF_VNET_HDR: it is passed on as
it is. Each line on standard input sets the options anew, where it is not empty, and is answered by one line of
counters; it ends with its standard input.

Unlike `tun_link` it has no rate (a tbf has), never spins, and reports how late it was itself.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import random
import select
import sys
import time

LARGEST = 65536 + 64  # a super-packet and its header
TOGETHER_S = (
    0.00005  # what is due within this goes out at once: fewer wake-ups, no jitter worth the name
)
LATE_S = 0.002


class Way:
    """One direction: what was read from *source* goes to *sink* when it is due."""

    def __init__(self, source: int, sink: int, name: str) -> None:
        self.source, self.sink, self.name = source, sink, name
        self.queue: list[tuple[float, int, bytes]] = []
        self.counted = dict.fromkeys(
            ("taken", "lost", "doubled", "held", "given", "refused", "late"), 0
        )
        self.latest = self.last_due = 0.0
        self.number = 0

    def set(self, options: dict[str, float]) -> None:
        def asked(name: str, unit: str) -> float:
            return options.get(f"{name}_{self.name}_{unit}", options.get(f"{name}_{unit}", 0.0))

        self.delay, self.jitter = asked("delay", "ms") / 1000, asked("jitter", "ms") / 1000
        self.loss, self.dup = asked("loss", "pct") / 100, asked("dup", "pct") / 100
        self.reorder, self.extra = asked("reorder", "pct") / 100, asked("reorder", "ms") / 1000
        self.plain = not (self.loss or self.dup or self.reorder or self.jitter)
        self.random = random.Random(f"{options.get('seed', 1)} {self.name}")

    def take(self) -> None:
        """Read what waits; each packet gets the moment at which it leaves, or is lost."""
        for _ in range(64):
            try:
                packet = os.read(self.source, LARGEST)
            except BlockingIOError:
                return
            self.counted["taken"] += 1
            due = time.monotonic() + self.delay
            if self.plain:
                self.put(due, packet)
            elif self.loss and self.random.random() < self.loss:
                self.counted["lost"] += 1
            else:
                self.troubled(due, packet)

    def troubled(self, due: float, packet: bytes) -> None:
        if self.jitter:
            due = max(self.last_due, due + self.random.uniform(-self.jitter, self.jitter))
            self.last_due = due
        if self.reorder and self.random.random() < self.reorder:
            self.counted["held"] += 1
            due += self.extra
        self.put(due, packet)
        if self.dup and self.random.random() < self.dup:
            self.counted["doubled"] += 1
            self.put(due, packet)

    def put(self, due: float, packet: bytes) -> None:
        self.number += 1
        heapq.heappush(self.queue, (due, self.number, packet))

    def give(self, now: float) -> None:
        """Write what is due; count what an interface refused and what went out late."""
        while self.queue and self.queue[0][0] <= now + TOGETHER_S:
            due, _, packet = heapq.heappop(self.queue)
            try:
                os.write(self.sink, packet)
                self.counted["given"] += 1
            except OSError:  # an interface that is down loses what is on the line
                self.counted["refused"] += 1
            if now - due > LATE_S:
                self.counted["late"] += 1
            self.latest = max(self.latest, now - due)

    def counters(self) -> dict[str, float]:
        return {**self.counted, "latest_ms": round(self.latest * 1000, 3)}


def main(a: int, b: int, options: dict[str, float]) -> None:
    """Copy until standard input ends."""
    for fd in (a, b, 0):
        os.set_blocking(fd, False)
    ways = {a: Way(a, b, "up"), b: Way(b, a, "down")}
    for way in ways.values():
        way.set(options)
    print("ready", flush=True)
    text = b""
    while True:
        due = min((way.queue[0][0] for way in ways.values() if way.queue), default=None)
        # select, not epoll: its timeout is exact to the microsecond, not to the millisecond.
        wait = None if due is None else max(0.0, due - time.monotonic())
        for fd in select.select((a, b, 0), (), (), wait)[0]:
            if fd in ways:
                with contextlib.suppress(OSError):
                    ways[fd].take()
                continue
            got = os.read(0, 4096)
            if not got:
                return
            *lines, text = (text + got).split(b"\n")
            for line in lines:
                if line.strip():
                    for way in ways.values():
                        way.set(json.loads(line))
                print(json.dumps({way.name: way.counters() for way in ways.values()}), flush=True)
        now = time.monotonic()
        for way in ways.values():
            way.give(now)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))
