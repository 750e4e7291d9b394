"""A line between two namespaces with delay, jitter, loss, a rate and a queue (this kernel may lack netem).

`python -m tests.lab.tun_link FD_A FD_B` copies packets between two TUN descriptors. Each line of JSON on its
standard input sets {"delay_ms", "jitter_ms", "loss_pct", "rate_kbit", "queue_ms", "seed"} for both ways
("loss_up_pct", "delay_down_ms" … for one: up is from A to B). It ends with its standard input.
Jitter is uniform within ± jitter_ms and never lets one packet overtake another.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import sys
import time
from collections import deque

EARLY_S = (
    0.0003  # a timer of the kernel is this late at most when the machine is quiet: spin instead
)


class Way:
    """One direction: what was read from *source* goes to *sink* when it is due."""

    def __init__(self, source: int, sink: int, name: str) -> None:
        self.source, self.sink, self.name = source, sink, name
        self.queue: deque[tuple[float, bytes]] = deque()
        self.free_at = self.last_due = 0.0
        self.set({})

    def set(self, options: dict[str, float]) -> None:
        self.delay = options.get(f"delay_{self.name}_ms", options.get("delay_ms", 0.0)) / 1000
        self.jitter = options.get("jitter_ms", 0.0) / 1000
        self.loss = options.get(f"loss_{self.name}_pct", options.get("loss_pct", 0.0)) / 100
        self.bytes_per_s = options.get("rate_kbit", 0.0) * 125
        self.most_wait = options.get("queue_ms", 400.0) / 1000
        self.random = random.Random(options.get("seed", 1))

    def take(self) -> None:
        """Read what waits; each packet gets the moment at which it leaves, or is lost."""
        for _ in range(64):
            try:
                packet = os.read(self.source, 65536)
            except BlockingIOError:
                return
            now = time.monotonic()
            if self.loss and self.random.random() < self.loss:
                continue
            if self.bytes_per_s:
                if self.free_at - now > self.most_wait:
                    continue  # the queue is full
                self.free_at = max(now, self.free_at) + len(packet) / self.bytes_per_s
                now = self.free_at
            sway = self.random.uniform(-self.jitter, self.jitter) if self.jitter else 0.0
            self.last_due = max(self.last_due, now + max(0.0, self.delay + sway))
            self.queue.append((self.last_due, packet))

    def give(self, now: float) -> None:
        while self.queue and self.queue[0][0] <= now:
            packet = self.queue.popleft()[1]
            with contextlib.suppress(
                OSError
            ):  # an interface that is down loses what is on the line
                os.write(self.sink, packet)


def main(a: int, b: int) -> None:
    """Copy until standard input ends."""
    for fd in (a, b, 0):
        os.set_blocking(fd, False)
    ways = {a: Way(a, b, "up"), b: Way(b, a, "down")}
    epoll = select.epoll()
    for fd in (a, b, 0):
        epoll.register(fd, select.EPOLLIN)
    print("ready", flush=True)
    text = b""
    while True:
        due = min((way.queue[0][0] for way in ways.values() if way.queue), default=None)
        wait = -1.0 if due is None else max(0.0, due - time.monotonic() - EARLY_S)
        for fd, _ in epoll.poll(wait):
            if fd in ways:
                with contextlib.suppress(OSError):
                    ways[fd].take()
                continue
            got = os.read(0, 4096)
            if not got:
                return
            *lines, text = (text + got).split(b"\n")
            for line in lines:
                for way in ways.values():
                    way.set(json.loads(line))
                print("set", flush=True)
        now = time.monotonic()
        for way in ways.values():
            way.give(now)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(int(sys.argv[1]), int(sys.argv[2]))
