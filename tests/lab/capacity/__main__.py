"""`make capacity-lab`: measure lines whose truth was set, and score what was said (LAB="--only cells").

python -m tests.lab.capacity [--only PART]... [--cells PATTERN]... [--no-peers] [--page]
Parts: cells, decisions, collateral, gray, quality. Exit code 1 where a criterion is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TypeVar

import msgspec

from tests.lab.capacity import cells, collateral, decisions, page, scoring
from tests.lab.capacity.collateral import Cost
from tests.lab.capacity.crew import Answer, Task, asked
from tests.lab.capacity.decisions import Decision
from tests.lab.capacity.gray import Gray
from tests.lab.capacity.page import Part
from tests.lab.capacity.site import Site
from tests.lab.namespaces import refused
from tests.lab.shaped import ROOT

T = TypeVar("T")
PARTS = ("cells", "decisions", "collateral", "gray", "quality")
QUALITY_S = 900.0


class Lab:
    """One run: the site on which it works, and what was asked for."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self.folder, self.options = folder, options

    def cells(self) -> Part:
        """Measure the forty cells; slow lines side by side, fast ones alone."""
        every = cells.cells()
        chosen = [
            number
            for number, cell in enumerate(every)
            if any(fnmatchcase(cell.name, each) for each in self.options.cells or ["*"])
        ]
        light = [number for number in chosen if every[number].light]
        heavy = [number for number in chosen if not every[number].light]
        found: list[cells.Measured] = []
        for numbers, at_once in ((light, self.options.side_by_side), (heavy, 1)):
            for answer in self._ask("cells", numbers, at_once):
                trouble = cells.Measured(
                    cell=every[answer.task.number], truth_mbit=1.0, queue_ms=1.0,
                    trouble=answer.trouble,
                )  # fmt: skip
                found.append(_read(answer, cells.Measured, trouble))
        return Part(
            name="cells", table=scoring.table(found), lines=scoring.score(found), found=found
        )

    def decisions(self) -> Part:
        found: list[Decision] = []
        numbers = range(len(decisions.TRACKS))
        for answer in self._ask("decisions", numbers, self.options.side_by_side):
            track = decisions.TRACKS[answer.task.number].name
            failed = [
                Decision(track=track, direction=way, factor=factor, truth_mbit=0.0, said="nothing",
                         whole_s=0.0, trouble=answer.trouble)
                for way, factor in decisions.needs(answer.task.number)
            ]  # fmt: skip
            found += _read(answer, list[Decision], failed)
        lines = scoring.decided(found)
        return Part(name="decisions", table=decisions.table(found), lines=lines, found=found)

    def collateral(self) -> Part:
        found = [
            _read(answer, Cost, Cost(case=collateral.CASES[answer.task.number], trouble=answer.trouble))
            for answer in self._ask("collateral", range(len(collateral.CASES)), 2)
        ]  # fmt: skip
        table = "\n".join(one.text() for one in found)
        return Part(name="collateral", table=table, lines=scoring.spared(found), found=found)

    def gray(self) -> Part:
        (answer,) = self._ask("gray", [0], 1)
        seen = _read(answer, Gray, Gray(exit_code=-1, trouble=answer.trouble))
        line = scoring.counted(
            "a 1.5 Mbit/s line with gray scans is not ready, too slow at peak",
            [("; ".join([*seen.wrong, seen.trouble]).strip("; "), not seen.wrong)],
        )
        words = f"{seen.verdict}: {', '.join(seen.faults)}\n{seen.words}"
        return Part(name="gray", table=words, lines=[line], found=[seen])

    def quality(self) -> Part:
        """Run the coverage study of loss and jitter, a program of its own."""
        told = ROOT / ".lab" / "quality.json"
        told.parent.mkdir(exist_ok=True)
        words = [sys.executable, "-m", "tests.lab.quality_coverage", "--json", str(told)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path[1:]])}
        done = subprocess.run(
            words, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=QUALITY_S,
            check=False,
        )  # fmt: skip
        line = scoring.counted(
            "loss intervals hold the truth in 93 of 100 runs, jitter 0.95–1.10",
            [("the study", done.returncode == 0)],
        )
        found = json.loads(told.read_text()) if told.exists() else {}
        return Part(name="quality", table=done.stdout.strip(), lines=[line], found=[found])

    def _ask(self, part: str, numbers: Sequence[int], at_once: int) -> list[Answer]:
        tasks = [Task(part=part, number=number) for number in numbers]
        return asked(tasks, self.folder, at_once) if tasks else []


def _read(answer: Answer, kind: type[T], otherwise: T) -> T:
    return otherwise if answer.trouble else msgspec.json.decode(answer.body, type=kind)


def main() -> int:
    options = arguments()
    why = refused()
    if why:
        print(f"make capacity-lab: {why}", file=sys.stderr)
        return 1
    if options.no_peers:
        os.environ["LAB_NO_PEERS"] = "1"
    begun = time.monotonic()
    done: list[Part] = []
    with tempfile.TemporaryDirectory(prefix="ccpor-capacity-") as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "site"
        if options.only != ["quality"]:
            Site.made(folder)
        lab = Lab(folder, options)
        parts: dict[str, Callable[[], Part]] = {name: getattr(lab, name) for name in PARTS}
        for name in options.only or PARTS:
            started = time.monotonic()
            part = parts[name]()
            part.seconds = time.monotonic() - started
            print(f"\n== {name} ({part.seconds:.0f} s)\n{part.text()}", flush=True)
            done.append(part)
    return tell(done, options, time.monotonic() - begun)


def tell(done: Sequence[Part], options: argparse.Namespace, seconds: float) -> int:
    """Write the JSON, and the page where all was measured; return the exit code."""
    met = all(line.met for part in done for line in part.lines)
    options.json.parent.mkdir(exist_ok=True)
    machine = (
        f"{os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )
    at = datetime.fromtimestamp(time.time(), UTC)
    whole = {
        "at": at, "machine": machine, "seconds": round(seconds, 1), "met": met,
        "parts": {
            part.name: {"seconds": round(part.seconds, 1), "lines": part.lines, "found": part.found}
            for part in done
        },
    }  # fmt: skip
    options.json.write_bytes(msgspec.json.format(msgspec.json.encode(whole)))
    if options.page:
        page.write(ROOT / "docs" / "capacity-lab.md", done, at, machine, seconds)
    print(f"\n{seconds:.0f} s: {'every criterion is met' if met else 'A CRITERION IS MISSED'}")
    return 0 if met else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make capacity-lab", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="this part (repeatable)")
    parser.add_argument("--cells", action="append", metavar="PATTERN", help="cells, e.g. '10/*/up'")
    parser.add_argument("--no-peers", action="store_true", help="neither iperf3 nor 10 MB")
    parser.add_argument("--side-by-side", type=int, default=3, help="slow lines at once")
    parser.add_argument("--page", action="store_true", help="write docs/capacity-lab.md")
    parser.add_argument("--json", type=Path, default=ROOT / ".lab" / "capacity.json")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
