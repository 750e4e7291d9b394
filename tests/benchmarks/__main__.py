"""Print our times beside the peer's; exit 1 when a promised bound is missed."""

from __future__ import annotations

import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from _pytest.outcomes import Skipped

from ccpor_reporting.capacity.model import Line, replay
from tests.benchmarks import board
from tests.benchmarks.pages import judged_and_decoded
from tests.benchmarks.peer import blackbox, probe_all
from tests.benchmarks.targets import refused, silent
from tests.peers.postgres import postgres
from tests.reporting.capacity.stepped import stepped

AGENT = [sys.executable, "-c", "import sys; from ccpor_agent.cli import main; sys.exit(main())"]
HEAD = """schema = "ccpor-profile/1"
title = "benchmark"
version = 1
[location]
court = "ca-bench"
name = "loopback"
role = "clerk"
"""


@dataclass(frozen=True, slots=True)
class Row:
    what: str
    ours_s: float
    peers_s: float | None
    bound_s: float | None

    @property
    def holds(self) -> bool:
        return self.bound_s is None or self.ours_s <= self.bound_s


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="ccpor-bench-") as place:
        folder = Path(place)
        rows = [start_up(folder)]
        with blackbox(folder) as address:
            with silent(100) as targets:
                rows.append(against(folder, address, targets, "100 silent, 3 s budget", 6.0))
            with refused(200) as targets:
                rows.append(against(folder, address, targets, "200 refused, whole program", None))
                rows.append(after_start(folder, targets))
    rows.append(simulated())
    with tempfile.TemporaryDirectory(prefix="ccpor-bench-") as place:
        ours, decoder = judged_and_decoded(Path(place))
        rows.append(Row("a 300 dpi page judged", ours, decoder, 0.7))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    rows += boards()
    print(f"{'what':48} {'ours':>8} {'peer':>8} {'bound':>8}")
    for row in rows:
        peers = f"{row.peers_s:8.3f}" if row.peers_s is not None else f"{'-':>8}"
        bound = f"{row.bound_s:8.2f}" if row.bound_s is not None else f"{'-':>8}"
        print(f"{row.what:48} {row.ours_s:8.3f} {peers} {bound} {'' if row.holds else 'MISSED'}")
    print("seconds, wall clock; peer: blackbox_exporter, one TCP probe a target, all at once;")
    print("pages of the board: p95 of a request inside one process, 2.2 million: 3 years of days;")
    print("of a page: Pillow, which only decodes it;")
    print(f"ours: the whole program with three tries a target; largest process {peak:.0f} MB")
    return 0 if all(row.holds for row in rows) else 1


def boards() -> list[Row]:
    """The pages over 60 courts on both databases; PostgreSQL where it is installed."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="ccpor-bench-") as place:
        timed = board.times(Path(place) / "sqlite", None)
        try:
            with postgres() as url:
                timed += board.times(Path(place) / "postgres", url)
        except Skipped as exc:
            print(f"PostgreSQL left out: {exc}")
    for one in timed:
        bound = one.bound_ms / 1000 if one.bound_ms else None
        found.append(Row(one.what, one.p95_ms / 1000, None, bound))
    return found


def start_up(folder: Path) -> Row:
    bare = median(lambda: run([sys.executable, "-c", "pass"], folder))
    ours = median(lambda: run([*AGENT, "--version"], folder))
    return Row("--version (peer: bare Python)", ours, bare, None)


def simulated() -> Row:
    """2500 orders on one line at 60 %: events, beside the same in steps of a millisecond."""
    line, dice = Line(mbit=40, rtt_ms=40, loss=0.001), random.Random(1)
    arrivals, now = [], 0.0
    for _ in range(2500):
        now += dice.expovariate(0.6 * line.mbit * 1e6 / 8 / 500_000)
        arrivals.append((now, 500_000 * dice.uniform(0.5, 1.5)))
    begun = time.perf_counter()
    replay(line, arrivals)
    between = time.perf_counter()
    stepped(line, arrivals, [0.5] * len(arrivals), 0.001)
    ended = time.perf_counter()
    what = "2500 orders (peer: small steps)"
    return Row(what, between - begun, ended - between, 0.5)


def against(
    folder: Path, address: str, targets: Sequence[str], what: str, bound: float | None
) -> Row:
    profile = write_profile(folder, targets)
    return Row(what, look(folder, profile)[0], probe_all(address, targets), bound)


def after_start(folder: Path, targets: Sequence[str]) -> Row:
    """The time from the first look to the last, as the report itself records it."""
    _, report = look(folder, write_profile(folder, targets))
    begun = min(seen["started_at"] for seen in report["observations"])
    return Row("200 refused, first to last look", seconds(begun, report["finished_at"]), None, 1.0)


def seconds(begun: str, ended: str) -> float:
    from datetime import datetime

    parse = datetime.fromisoformat
    return (parse(ended) - parse(begun)).total_seconds()


def look(folder: Path, profile: Path) -> tuple[float, dict[str, list[dict[str, str]]]]:
    out = folder / "report.json"
    command = [*AGENT, "run", "--profile", str(profile), "--json", "-o", str(out), "--no-upload"]
    took = run(command, folder, ends=1)
    report = json.loads(out.read_text())
    assert all(f["status"] == "fail" for f in report["findings"]), "a dead target passed"
    return took, report


def write_profile(folder: Path, targets: Sequence[str]) -> Path:
    path = folder / "bench.toml"
    lines = [HEAD]
    for number, target in enumerate(targets):
        lines.append(f'[[target]]\nid = "t{number}"\ntitle = "t"\nwhy = "bench"')
        lines.append(f'owner = "datacenter"\nurl = "tcp://{target}"\n')
    path.write_text("\n".join(lines))
    return path


def run(command: Sequence[str], folder: Path, ends: int = 0) -> float:
    environment = os.environ | {"CCPOR_STATE_DIR": str(folder / "state")}
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120)
    took = time.perf_counter() - begun
    assert done.returncode == ends, done.stderr.decode(errors="replace")
    return took


def median(once: Callable[[], float]) -> float:
    once()
    return statistics.median(once() for _ in range(9))


if __name__ == "__main__":
    sys.exit(main())
