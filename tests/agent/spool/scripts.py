"""Programs that the spool's tests run and kill: what they print is what they promised."""

from __future__ import annotations

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

# Saves until it is killed; a line is a promise that the report is on the disk.
SAVE = """
import sys, uuid
from datetime import UTC, datetime
from pathlib import Path
from ccpor_agent.spool import NotSaved, Spool
spool = Spool(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    run_id = str(uuid.uuid4())
    try:
        item = spool.save((run_id * 50).encode(), run_id=run_id, profile="p", full=True,
                          now=datetime(2026, 11, 23, tzinfo=UTC))
    except NotSaved as exc:
        print("not-saved", exc.reason, flush=True)
        continue
    print("saved", run_id, flush=True)
"""

# Forks a saver for each "lines+seconds" and kills it so long after so many promises.
FORKS = f"""
import os, signal, sys, time
import ccpor_agent.spool, uuid
state, moments = sys.argv[1], sys.argv[2:]
sys.argv = ["", state, "1000000"]
program = compile({SAVE!r}, "save", "exec")
for moment in moments:
    lines, delay = moment.split("+")
    out, into = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(into, 1)
        exec(program, {{"__name__": "child"}})
        os._exit(1)
    os.close(into)
    with os.fdopen(out) as told:
        first = [told.readline() for _ in range(int(lines))]
        time.sleep(float(delay))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = told.read()
    print("".join(first) + rest.rpartition("\\n")[0], flush=True)
"""

# Saves and sends reports as the end of a run does.
SEND = """
import sys
from pathlib import Path
from ccpor_agent.upload import Pace, deliver, save_report
from tests.peers.fake_collector import new_report, run_id_of
state = Path(sys.argv[1])
pace = Pace(pause=lambda s: None, uniform=lambda a, b: 0.0)
for _ in range(int(sys.argv[2])):
    report = new_report()
    save_report(report, state, pace.now())
    print("saved", run_id_of(report), flush=True)
    deliver(state, seconds=5, at_once=True, pace=pace)
"""


def command(program: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, arguments)]


def environment() -> dict[str, str]:
    folders = [ROOT, *(ROOT / room for room in ("agent", "checks", "reporting"))]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def promised(output: str) -> set[str]:
    """Return the run ids of the whole lines that say "saved"."""
    lines = output.splitlines(keepends=True)
    return {line.split()[1] for line in lines if line.startswith("saved ") and line[-1] == "\n"}
