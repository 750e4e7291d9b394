"""docs/capacity-lab.md: what the lab measured, when and where, and what it does not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from tests.lab.capacity.scoring import Line

HEAD = """# What the capacity check measures, against lines whose truth was set

Written by `make capacity-lab LAB=--page` on {at:%Y-%m-%d %H:%M} UTC ({machine}; {seconds:.0f} s).
Do not edit.

Each line is a row of network namespaces: a token bucket (`tbf`) sets the rate and the queue of each way, a pair of
TUN devices the delay and the loss. The truth of a rate is what was set × 1448/1500: the TCP payload of a full
packet. The real collector serves over TLS at one end, an enrolled workstation asks at the other.
"""
TITLES = {
    "cells": "Forty cells, beside iperf3 and a transfer of 10 MB",
    "decisions": "A hundred decisions",
    "collateral": "What it costs others",
    "gray": "Gray scans on 1.5 Mbit/s",
    "quality": "Loss and jitter",
}
WORDS = {
    "cells": """`satur.`: the saturating test over the truth; `by`: what it says held it back (≥: nothing did, so it
says "at least"); `n`: flows; `paced`: the planned test, reached over asked, at a need well below the line; `idle ms`:
the least idle round trip; `queue`: (loaded p95 − idle p50) over the queue; `iperf3`: 10 s, one stream, and `10 MB`: one
HTTPS transfer, bytes over seconds, cut after 15 s; both over the truth. MB: bytes moved.
Where packets are lost, the truth is still the line: no test must exceed it, and none is asked to reach it.""",
    "decisions": """Need at most 0.8 or at least 1.25 of the truth. Where 1 % is lost, the planned streams are twelve: so
many that cubic fills the line.""",
    "collateral": """The default mode beside a bulk transfer (one cubic flow) and beside small requests. Not judged: a
line so slow that the plan itself is a good part of it, and a line that cannot carry what is planned: there the guard
stops the test.""",
}
TAIL = """
## What this does not show

* Everything here is one machine: no real WAN, no Wi-Fi, no LTE, no IPv6, no Windows, no proxy on the way.
* Congestion control is cubic at both ends. A line that is shared by others while it is measured, a policer without a
  queue and active queue management (fq_codel, CAKE) are not among the cells.
* At 1000 Mbit/s both ends, the token bucket and the delay share the cores of this machine, and packets travel as
  super-packets of 64 kB; loss is tried up to 100 Mbit/s only.
* Loss is independent from packet to packet; real loss comes in bursts.
* The saturating test may move 100 MB in a cell of 100 Mbit/s and 700 MB in one of 1000; as delivered it stops at
  60 MB, which is half a second there, and says that bytes stopped it.
"""


@dataclass
class Part:
    """One part of the lab: a table for people, a line for each criterion, and what was found."""

    name: str
    table: str
    lines: list[Line]
    found: Sequence[object] = field(default_factory=list)
    seconds: float = 0.0

    def text(self) -> str:
        return "\n".join([self.table, *(line.text() for line in self.lines)])


def write(path: Path, done: Sequence[Part], at: datetime, machine: str, seconds: float) -> None:
    parts = [HEAD.format(at=at, machine=machine, seconds=seconds), "## Criteria\n", _criteria(done)]
    for part in done:
        words = f"{WORDS[part.name]}\n\n" if part.name in WORDS else ""
        parts.append(f"\n## {TITLES[part.name]}\n\n{words}```text\n{part.table}\n```\n")
    path.write_text("\n".join([*parts, TAIL.lstrip("\n")]), encoding="utf-8")


def _criteria(done: Sequence[Part]) -> str:
    rows = ["| | criterion | cases | seen |", "|---|---|---|---|"]
    for part in done:
        for line in part.lines:
            missed = f"{line.words}{'; ' if line.words else ''}not in {', '.join(line.missed)}"
            seen = missed if line.missed else line.words
            mark = "met" if line.met else "**missed**"
            rows.append(f"| {mark} | {line.name} | {line.good} of {line.of} | {seen} |")
    return "\n".join(rows)
