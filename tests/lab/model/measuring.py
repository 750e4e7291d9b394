"""Measures settings with real uploads over TLS 1.3: each line, sink and client in a process of its own.

Slow lines are measured some at once, fast ones alone. A setting whose client began an order late, or whose line
lost packets that it should not, is measured again, and is left out where that does not help.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from tests.lab.model import settings
from tests.lab.model.points import Point, keep, percentile, points
from tests.lab.model.settings import Setting
from tests.lab.shaped import DATACENTER, ROOT, Line, shaped
from tests.peers import certificates as made

PORT = 8443
AT_ONCE, TOGETHER_MBIT = 6, 60.0
MOST_LATE_MS = 20.0
TRIES = 3
NAMES = ("ccpor.lab.test",)


def measured(setting: Setting) -> Point:
    """Return the point of *setting*: a line and a sink of its own, and every order sent on its time."""
    orders = setting.arrivals()
    with (
        tempfile.TemporaryDirectory(prefix="ccpor-model-") as held,
        shaped(
            mbit=setting.mbit,
            rtt_ms=setting.rtt_ms,
            loss_pct=setting.loss_pct,
            queue_ms=settings.QUEUE_MS,
            seed=sum(setting.name.encode()),
        ) as line,
    ):
        folder = Path(held)
        _certificates(folder)
        _serve(line, folder)
        before, began = _busy(), time.monotonic()
        client = [sys.executable, "-m", "tests.lab.model.uploads", DATACENTER, str(PORT)]
        done = line.run(
            "court",
            *client,
            str(folder / "ca.pem"),
            stdin=json.dumps(orders),
            timeout=setting.seconds * 2 + 300,
        )
        seconds = time.monotonic() - began
        busy = (_busy() - before) / seconds / (os.cpu_count() or 1)
        ways = line.counters()
    said = json.loads(done.stdout)
    beside = zip(orders, said["seconds"], strict=True)
    return Point(
        setting=setting,
        orders=[(at, size, took) for (at, size), took in beside if took is not None],
        failed=sum(1 for took in said["seconds"] if took is None),
        late_ms=said["late_ms"],
        control="+".join(said["control"]),
        lost=int(ways["up"]["lost"] + ways["down"]["lost"]),
        queued_out=int(ways["up"]["queued_out"]),
        overrun=int(sum(way["overrun"] for way in ways.values())),
        link_latest_ms=max(way["latest_ms"] for way in ways.values()),
        machine_busy=round(busy, 2),
    )


def honest(point: Point) -> bool:
    """Say whether the machine kept up, so that the line alone made the times."""
    lost_nothing = not point.overrun and not point.failed
    return point.late_ms <= MOST_LATE_MS and lost_nothing and point.control == "cubic"


def _serve(line: Line, folder: Path) -> None:
    files = [str(folder / name) for name in ("server.crt", "server.key")]
    program = [sys.executable, "-m", "tests.lab.model.sink", DATACENTER, str(PORT), *files]
    line.start("datacenter", program)
    deadline = time.monotonic() + 20

    def answers() -> bool:
        try:
            socket.create_connection((DATACENTER, PORT), 2).close()
        except OSError:
            return False
        return True

    while not line.inside("datacenter", answers):
        if time.monotonic() > deadline:
            raise RuntimeError("the sink does not come up")
        time.sleep(0.1)


def _certificates(folder: Path) -> None:
    """Write ca.pem and a server's certificate with an intermediate: about 3 kB, as a real one sends."""
    root = made.authority("Lab Root")
    inter = made.authority("Lab Intermediate", root, key=made.rsa_key(2048))
    leaf = made.leaf(inter, common_name=NAMES[0], names=NAMES, key=made.rsa_key(2048))
    (folder / "ca.pem").write_bytes(root.pem)
    (folder / "server.crt").write_bytes(leaf.pem + inter.pem)
    (folder / "server.key").write_bytes(leaf.key_pem)


def _busy() -> float:
    """Return the seconds that this machine's processors worked so far."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


class Round:
    """The settings that are still to be measured, as many at once as this machine bears."""

    def __init__(self, waiting: list[Setting]) -> None:
        # The longest first; the fast ones, each alone, at the end.
        self.waiting = sorted(waiting, key=lambda one: (one.mbit > TOGETHER_MBIT, -one.seconds))
        self.changed = threading.Condition()
        self.running: list[Setting] = []

    def fits(self, one: Setting) -> bool:
        rates = sum(other.mbit for other in self.running) + one.mbit
        return not self.running or (len(self.running) < AT_ONCE and rates <= TOGETHER_MBIT)

    def take(self) -> Setting | None:
        """Return the next setting once there is room for it; None when all are taken."""
        with self.changed:
            while self.waiting:
                for one in self.waiting:
                    if self.fits(one):
                        self.waiting.remove(one)
                        self.running.append(one)
                        return one
                self.changed.wait()
            return None

    def done(self, one: Setting) -> None:
        with self.changed:
            self.running.remove(one)
            self.changed.notify_all()


def _work(todo: Round) -> None:
    while one := todo.take():
        try:
            for attempt in range(1, TRIES + 1):
                point = _apart(one)
                print(_words(one, point, attempt), flush=True)
                if point and honest(point):
                    keep(msgspec.structs.replace(point, tries=attempt))
                    break
        finally:
            todo.done(one)


def _apart(one: Setting) -> Point | None:
    """Return what a process of its own measures: its line ends with it, whatever happens here."""
    program = [sys.executable, "-m", "tests.lab.model.measuring", one.name]
    done = subprocess.run(
        program,
        check=False,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=one.seconds * 2 + 360,
    )
    return msgspec.json.decode(done.stdout, type=Point) if done.returncode == 0 else None


def _words(one: Setting, point: Point | None, attempt: int) -> str:
    if point is None:
        return f"{one.name}: could not be measured, try {attempt}"
    p95 = percentile(sorted(order[2] for order in point.orders), 0.95)
    return (
        f"{one.name}: {one.mbit:g} Mbit/s, {one.rtt_ms:g} ms, {one.loss_pct:g} % lost: "
        f"{len(point.orders)} orders, p95 {p95:.2f} s; client {point.late_ms} ms late, "
        f"machine {point.machine_busy:.0%} busy, try {attempt}"
        + ("" if honest(point) else ": not kept, the machine did not keep up")
    )


def measure(name: str) -> None:
    """Measure what the data file lacks of the set *name*, "build" or "hold-out N"."""
    have = {point.setting.name for point in points()}
    todo = Round([one for one in settings.called(name) if one.name not in have])
    workers = [threading.Thread(target=_work, args=(todo,)) for _ in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def main(name: str) -> None:
    """Write the point of the one setting called *name* to standard output."""
    (setting,) = [one for one in settings.called(name.partition("/")[0]) if one.name == name]
    sys.stdout.buffer.write(msgspec.json.encode(measured(setting)))


if __name__ == "__main__":
    main(sys.argv[1])
