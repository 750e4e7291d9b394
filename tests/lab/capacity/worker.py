"""Answers tasks of the capacity lab, one at a time: JSON lines in, JSON lines out. Ends with its standard input."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path

import msgspec

from tests.lab.capacity import cells, collateral, decisions, gray
from tests.lab.capacity.crew import Answer, Task
from tests.lab.capacity.site import Site


def answered(task: Task, site: Site) -> Answer:
    found: object
    try:
        if task.part == "cells":
            with_peers = not os.environ.get("LAB_NO_PEERS")
            found = cells.measured(cells.cells()[task.number], site, with_peers=with_peers)
        elif task.part == "decisions":
            found = decisions.decided(decisions.TRACKS[task.number], task.number, site)
        elif task.part == "collateral":
            found = collateral.cost(collateral.CASES[task.number], site)
        else:
            found = gray.looked(site)
    except Exception as exc:  # the lab's own trouble is told in the table
        where = traceback.extract_tb(exc.__traceback__)[-1]
        words = f"{type(exc).__name__}: {exc} ({Path(where.filename).name}:{where.lineno})"
        return Answer(task=task, trouble=words[:600])
    return Answer(task=task, body=msgspec.Raw(msgspec.json.encode(found)))


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for the parent, which ends us in order
    site = Site(Path(sys.argv[1]))
    for line in sys.stdin.buffer:
        answer = answered(msgspec.json.decode(line, type=Task), site)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
