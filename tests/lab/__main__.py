"""`make lab`: break a network in many ways, run the agent in it, and score what it said.

python -m tests.lab [--user] [--labs 8] [--healthy 100] [--only PATTERN]... [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from tests.lab import healthy, keys
from tests.lab.namespaces import refused
from tests.lab.network import ROOT, only_one_user
from tests.lab.reading import Fault, faults, needs_users
from tests.lab.running import Said
from tests.lab.scoring import marks, score, table

Task = dict[str, object]
END_S = 15.0


class Crew:
    """Several labs side by side, each a process of its own; the next task goes to whoever is free."""

    def __init__(self, made: Path, count: int, *, as_user: bool, keep: Path | None) -> None:
        words = [sys.executable, "-m", "tests.lab.worker", str(made)]
        words += ["--user"] if as_user else []
        words += ["--keep", str(keep)] if keep else []
        environment = {**os.environ, "TMPDIR": str(made.parent)}
        self.workers = [
            subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "--", *words],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
                start_new_session=True,
            )
            for _ in range(count)
        ]  # fmt: skip

    def work(self, tasks: Sequence[Task]) -> list[Said]:
        """Return what was said for each task, in whatever order they ended."""
        waiting, done = deque(tasks), list[Said]()
        threads = [
            threading.Thread(target=self._feed, args=(w, waiting, done), daemon=True)
            for w in self.workers
        ]
        for thread in threads:
            thread.start()
        shown = 0
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.2)
            if sys.stderr.isatty() and len(done) != shown:
                shown = len(done)
                print(f"\r{shown}/{len(tasks)} ", end="", file=sys.stderr, flush=True)
        if shown:
            print("\r", end="", file=sys.stderr)
        return done

    def _feed(self, worker: subprocess.Popen[str], waiting: deque[Task], done: list[Said]) -> None:
        assert worker.stdin is not None
        assert worker.stdout is not None
        while True:
            try:
                task = waiting.popleft()
            except IndexError:
                return
            name = str(task.get("fault") or f"healthy/{task.get('healthy')}")
            try:
                worker.stdin.write(json.dumps(task) + "\n")
                worker.stdin.flush()
                answer = worker.stdout.readline()
            except OSError:
                answer = ""
            if not answer:
                done.append(
                    Said(id=name, exit_code=-1, seconds=0.0, trouble="the lab's process ended")
                )
                return
            done.append(msgspec.json.decode(answer, type=Said))

    def close(self) -> None:
        """End every lab in order, and by force what does not end."""
        for worker in self.workers:
            worker.terminate()
        end = time.monotonic() + END_S
        for worker in self.workers:
            try:
                worker.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait(5)
            for pipe in (worker.stdin, worker.stdout):
                if pipe:
                    pipe.close()


@contextlib.contextmanager
def labs(
    folder: Path, count: int, *, as_user: bool = True, keep: Path | None = None
) -> Iterator[Crew]:
    """Give *count* labs that share certificates and keys in *folder*; all are gone after the block."""
    folder.chmod(0o755)
    made = folder / "made"
    made.mkdir()
    keys.make(made)
    crew = Crew(made, count, as_user=as_user, keep=keep)
    try:
        yield crew
    finally:
        crew.close()


def main() -> int:
    asked = arguments()
    why = refused()
    if why:
        print(f"make lab: {why}", file=sys.stderr)
        return 1
    chosen = [
        f for f in faults() if not asked.only or any(fnmatchcase(f.id, each) for each in asked.only)
    ]
    left_out = [fault for fault in chosen if only_one_user() and needs_users(fault)]
    chosen = [fault for fault in chosen if fault not in left_out]
    if left_out:
        print(
            f"{len(left_out)} faults left out: only one user exists here, OpenSSH and squid need more"
        )
    runs = (
        0
        if asked.only and asked.healthy is None
        else (100 if asked.healthy is None else asked.healthy)
    )
    tasks: list[Task] = [{"fault": fault.id} for fault in chosen]
    tasks += [{"healthy": asked.seed + number} for number in range(runs)]
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="ccpor-labs-") as place,
        labs(Path(place), min(asked.labs, len(tasks)), as_user=asked.user, keep=asked.keep) as crew,
    ):
        done = {said.id: said for said in crew.work(tasks)}
    return tell(chosen, done, runs, asked, time.monotonic() - started)


def tell(
    chosen: Sequence[Fault],
    done: dict[str, Said],
    runs: int,
    asked: argparse.Namespace,
    seconds: float,
) -> int:
    """Print the table, write the JSON, and return the exit code."""
    missing = Said(id="", exit_code=-1, seconds=0, trouble="not run")
    all_marks = [marks(fault, done.get(fault.id, missing)) for fault in chosen]
    who = "an ordinary user" if asked.user else ("root" if os.geteuid() == 0 else "this user")
    if all_marks:
        print(table(all_marks))
    well = [done.get(f"healthy/{asked.seed + number}", missing) for number in range(runs)]
    wrong = [said for said in well if not healthy.clean(said)]
    if runs:
        print(
            f"\n{runs} healthy runs (seeds {asked.seed} to {asked.seed + runs - 1}): {runs - len(wrong)} clean"
        )
    for said in wrong:
        named = (
            ", ".join(f"{c.fault} {c.place}" for c in said.causes) or said.trouble or said.verdict
        )
        seed = said.id.rpartition("/")[2]
        print(
            f"FALSE ALARM seed {seed} ({healthy.words(int(seed)) if seed else ''}): {named}; {'; '.join(said.failed)}"
        )
    got = score(all_marks)
    reached = (got.enough or not all_marks) and not wrong
    print(
        f"\n{len(all_marks)} faults as {who}, {seconds:.0f} s: {'the bar is reached' if reached else 'BELOW THE BAR'}"
    )
    asked.json.parent.mkdir(exist_ok=True)
    asked.json.write_bytes(
        msgspec.json.format(
            msgspec.json.encode(
                {
                    "as_user": asked.user, "seconds": round(seconds, 1), "faults": got.faults, "exact_share": got.exact_share,
                    "owner_share": got.owner_share, "place_share": got.place_share, "extra_mean": got.extra_mean,
                    "healthy_runs": runs, "false_alarms": len(wrong), "reached": reached,
                    "runs": [
                        {"id": one.fault.id, "wanted": one.fault.wanted, "exact": one.exact, "owner": one.owner,
                         "place": one.place, "extra": one.extra, "said": one.said}
                        for one in all_marks
                    ],
                    "healthy": well,
                }
            )
        )
    )  # fmt: skip
    return 0 if reached else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make lab", description=__doc__)
    parser.add_argument("--user", action="store_true", help="run the agent without any right")
    parser.add_argument("--labs", type=int, default=8, help="labs side by side")
    parser.add_argument("--healthy", type=int, help="healthy runs (100; none with --only)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first healthy run")
    parser.add_argument(
        "--only", action="append", default=[], metavar="PATTERN", help="faults, e.g. 'tcp/*'"
    )
    parser.add_argument(
        "--keep", type=Path, help="keep profile, report and log of each run in this folder"
    )
    parser.add_argument("--json", type=Path, default=ROOT / ".lab" / "score.json")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
