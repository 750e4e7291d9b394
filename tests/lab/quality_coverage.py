"""How true the UDP quality is: `python -m tests.lab.quality_coverage [--runs 100] [--json FILE]`.

Over lines that lose, sway, double and hold back exactly what they were told to (`tests.lab.shaped`): how often the
loss interval holds the truth, mean |D| over the true one, and what is left when packets come twice or out of turn.
Each run is the real thing: a thousand packets 20 ms apart to a reflector in authenticated mode. Some dozens run
side by side, as each of them waits most of its time. Beside it what iperf3 reads on the line with copies.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from ccpor_checks.base import Context
from ccpor_checks.capacity.evidence import Quality
from ccpor_checks.capacity.quality import Reflector, measure
from ccpor_checks.kit.wilson import wilson
from tests.lab.shaped import DATACENTER, Line, shaped

KEY = bytes(range(32))
PORT = 8620
SECONDS = 20.0
SIDE_BY_SIDE = 4  # sessions on one line; five lines at once
LOSSES_PCT = (0.1, 0.5, 1.0, 2.0, 5.0)
SWAYS_MS = (3.0, 6.0, 9.0)  # ±: two of them stay below the gap, so that none overtakes another
JITTER_TIMES = 3  # a thousand packets leave 2.6 % to the line's own dice, three thousand 1.5 %
LEAST_COVERED = 0.93
JITTER_RATIO = (0.95, 1.10)
WAYS = ("up", "down", "both")


@dataclass(frozen=True)
class Run:
    """One thousand packets over one line, and the share that was set to be lost (round trip)."""

    true_pct: float
    sent: int
    lost: int
    low_pct: float
    high_pct: float
    each_size: tuple[bool, ...]  # whether the interval of each size held the truth

    @property
    def held(self) -> bool:
        return self.low_pct <= self.true_pct <= self.high_pct


@contextmanager
def reflected(*, seed: int, **trouble: float) -> Iterator[Line]:
    """Give a line of 40 ms with *trouble* and a reflector at its end."""
    with shaped(mbit=None, rtt_ms=40, gso=False, seed=seed) as line:
        program = [sys.executable, "-m", "tests.peers.stamp_reflector", str(PORT)]
        line.start("datacenter", [*program, "--key", KEY.hex()])
        _ready(line)
        line.trouble(seed=seed, **trouble)
        yield line


def _ready(line: Line) -> None:
    end = time.monotonic() + 20
    while f":{PORT} " not in line.run("datacenter", "ss", "-Hlnu").stdout:
        assert time.monotonic() < end, "the reflector did not start"
        time.sleep(0.05)


def measured(line: Line, session: int, seconds: float) -> Quality:
    """Return one measurement from the line's court."""
    there = Reflector(address=DATACENTER, port=PORT, session=session, key=KEY)

    def look() -> Quality:
        ctx = Context(deadline=time.monotonic() + seconds + 30)
        return measure(there, ctx, seconds=seconds)

    return line.inside("court", look)


def one_loss_line(loss_pct: float, seed: int, count: int, seconds: float) -> list[Run]:
    """Return *count* runs side by side over one line that loses *loss_pct* of the round trips."""
    way = WAYS[seed % len(WAYS)]
    share = loss_pct / 100
    each = 100 * (1 - (1 - share) ** 0.5) if way == "both" else loss_pct
    trouble = {"loss_pct": each} if way == "both" else {f"loss_{way}_pct": each}
    with reflected(seed=seed, **trouble) as line, ThreadPoolExecutor(count) as threads:
        jobs = [threads.submit(measured, line, n + 1, seconds) for n in range(count)]
        return [run_of(job.result(), loss_pct) for job in jobs]


def run_of(seen: Quality, true_pct: float) -> Run:
    sent, lost = sum(each.sent for each in seen.losses), sum(each.lost for each in seen.losses)
    low, high = wilson(lost, sent)
    sizes = tuple(each.low_pct <= true_pct <= each.high_pct for each in seen.losses)
    return Run(true_pct, sent, lost, 100 * low, 100 * high, sizes)


def coverage(runs: int, seconds: float, seed: int) -> list[Run]:
    """Return *runs* of them, as many of each loss."""
    found: list[Run] = []
    while len(found) < runs:
        left = runs - len(found)
        count = max(1, min(SIDE_BY_SIDE, left // len(LOSSES_PCT)))
        with ThreadPoolExecutor(len(LOSSES_PCT)) as threads:
            jobs = [
                threads.submit(one_loss_line, loss, seed + place, count, seconds)
                for place, loss in enumerate(LOSSES_PCT)
            ]
            for job in jobs:
                found += job.result()
        seed += len(LOSSES_PCT)
        _say(f"{len(found)} of {runs} runs")
    return found


def jitter(seconds: float, seed: int) -> list[dict[str, float]]:
    """Return mean |D| over the truth for each sway: 2/3 of it each way, 14/15 around."""

    def one(sway: float, number: int) -> dict[str, float]:
        with reflected(seed=number, jitter_ms=sway) as line:
            seen = measured(line, 1, seconds)
        return {
            "sway_ms": sway,
            "up": seen.jitter_up_ms / (2 * sway / 3),
            "down": seen.jitter_down_ms / (2 * sway / 3),
            "round": seen.jitter_ms / (14 * sway / 15),
            "pdv_p99_ms": seen.pdv_p99_ms,
            "late": seen.late,
        }

    sways = [sway for sway in SWAYS_MS for _ in range(2)]
    with ThreadPoolExecutor(len(sways)) as threads:
        return list(threads.map(one, sways, range(seed, seed + len(sways))))


def told_apart(seconds: float, seed: int) -> dict[str, Mapping[str, float | None]]:
    """Return what was set, counted by the line, and read: copies that hide losses, late packets."""

    def copies() -> Mapping[str, float | None]:
        with reflected(seed=seed, loss_up_pct=2, dup_pct=5) as line:
            seen = measured(line, 1, seconds)
            up, down = line.counters()["up"], line.counters()["down"]
            return {
                "line_lost": up["lost"],
                "read_lost": sum(each.lost for each in seen.losses),
                "read_lost_up": _sum(each.lost_up for each in seen.losses),
                "read_lost_down": _sum(each.lost_down for each in seen.losses),
                "line_doubled": up["doubled"] + down["doubled"],
                "read_duplicated": seen.duplicated,
                "read_pct": 100
                * sum(each.lost for each in seen.losses)
                / sum(each.sent for each in seen.losses),
                "iperf3_pct": iperf3(line),
            }

    def held() -> Mapping[str, float | None]:
        with reflected(seed=seed, reorder_up_pct=5, reorder_ms=50) as line:
            seen = measured(line, 1, seconds)
            return {
                "line_held": line.counters()["up"]["held"],
                "read_reordered": seen.reordered,
                "read_extent": seen.reorder_extent,
                "read_lost": sum(each.lost for each in seen.losses),
            }

    def each_way() -> Mapping[str, float | None]:
        with reflected(seed=seed, loss_up_pct=3, loss_down_pct=1) as line:
            seen = measured(line, 1, seconds)
            counted = line.counters()
            return {
                "line_lost_up": counted["up"]["lost"],
                "read_lost_up": _sum(each.lost_up for each in seen.losses),
                "line_lost_down": counted["down"]["lost"],
                "read_lost_down": _sum(each.lost_down for each in seen.losses),
            }

    with ThreadPoolExecutor(3) as threads:
        jobs = {
            "2 % lost, 5 % doubled": threads.submit(copies),
            "5 % held back 50 ms": threads.submit(held),
            "3 % lost up, 1 % down": threads.submit(each_way),
        }
        return {name: job.result() for name, job in jobs.items()}


def _sum(counts: Iterator[int | None]) -> int | None:
    found = list(counts)
    return None if None in found else sum(each or 0 for each in found)


def iperf3(line: Line) -> float | None:
    """Return the loss in % that iperf3 reads over *line*, None where it is not here."""
    with ExitStack() as stack:
        try:
            server = line.start("datacenter", ["iperf3", "-s", "-1"])
            stack.callback(line.stop, server)
            time.sleep(0.5)
            asked = ["-u", "-b", "300K", "-l", "172", "-t", "10", "-J"]
            done = line.run("court", "iperf3", "-c", DATACENTER, *asked)
        except (OSError, RuntimeError):
            return None
    return float(json.loads(done.stdout)["end"]["sum"]["lost_percent"])


def table(runs: Sequence[Run], jitters: Sequence[Mapping[str, float]]) -> tuple[str, bool]:
    """Return the table and whether all that is asked holds."""
    lines = ["loss set %   runs   interval held   sizes held   read % (mean)"]
    for loss in LOSSES_PCT:
        own = [run for run in runs if run.true_pct == loss]
        if own:
            sizes = [held for run in own for held in run.each_size]
            read = 100 * sum(run.lost for run in own) / sum(run.sent for run in own)
            lines.append(
                f"{loss:10.1f} {len(own):6d} {sum(run.held for run in own):15d}"
                f" {sum(sizes):6d}/{len(sizes):<5d} {read:15.3f}"
            )
    held = sum(run.held for run in runs)
    covered = held / len(runs) if runs else 0.0
    lines += [f"all: {held} of {len(runs)} hold the truth (asked: 93 of 100)", ""]
    lines.append("sway ± ms   up     down   round trip   (measured over true mean |D|)")
    good = covered >= LEAST_COVERED
    for each in jitters:
        ratios = [each[way] for way in ("up", "down", "round")]
        good = good and all(JITTER_RATIO[0] <= ratio <= JITTER_RATIO[1] for ratio in ratios)
        lines.append(f"{each['sway_ms']:9.0f} " + " ".join(f"{ratio:7.3f}" for ratio in ratios))
    return "\n".join(lines), good


def _say(words: str) -> None:
    sys.stderr.write(words + "\n")


def main() -> int:
    """Measure, print, and return 1 where less holds than is asked."""
    logging.basicConfig(level=logging.WARNING)
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--runs", type=int, default=100)
    words.add_argument("--seconds", type=float, default=SECONDS)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--json", type=Path)
    asked = words.parse_args()
    jitters = jitter(JITTER_TIMES * asked.seconds, asked.seed)
    apart = told_apart(asked.seconds, asked.seed)
    runs = coverage(asked.runs, asked.seconds, asked.seed)
    shown, good = table(runs, jitters)
    for name, figures in apart.items():
        shown += f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items())
    sys.stdout.write(shown + "\n")
    if asked.json:
        found = {"runs": [asdict(run) for run in runs], "jitter": jitters, "told_apart": apart}
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
