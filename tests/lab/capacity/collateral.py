"""What a test in the default mode costs others on the line: a bulk transfer its rate, small requests their round trip.

The rate is compared with the 3 s before our test; the 95th percentile of the round trips with that of 4 s before.
Where the line is slow or the need is more than it carries the row is told and not judged: a paced test of
1.9 Mbit/s is by itself a fifth of a 10 Mbit/s line, and a line that cannot carry the plan has its queue filled
until the guard stops the test.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec

from ccpor_checks.capacity.evidence import Direction
from tests.lab.capacity.asking import Test, Told, told
from tests.lab.capacity.bystander import PORT, Bins
from tests.lab.capacity.site import Site
from tests.lab.shaped import DATACENTER, ROOT, Line, shaped
from tests.peers import wait_until

BEFORE_S, LATEST_S = 6.0, 14.0
BASE_RATE_S, BASE_ASK_S = 3.0, 4.0
FLOOR_MBIT = 1.5  # what is required where nobody said


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """One line with somebody else on it. judged: it counts for the bar."""

    mbit: float
    rtt_ms: float
    direction: Direction
    who: Literal["bulk", "ask"]
    required_mbit: float = FLOOR_MBIT
    streams: int = 1
    queue_ms: float = 100.0
    judged: bool = True

    @property
    def name(self) -> str:
        return f"{self.who} {self.direction}, need {self.required_mbit:g} of {self.mbit:g}/{self.rtt_ms:g}"


CASES = (
    *(
        Beside(mbit=m, rtt_ms=r, direction=d, who="bulk")
        for m, r in ((25, 40), (50, 20), (100, 40))
        for d in ("up", "down")
    ),
    Beside(mbit=10, rtt_ms=40, direction="up", who="bulk", judged=False),
    *(
        Beside(mbit=m, rtt_ms=r, direction=d, who="ask", required_mbit=n, streams=s, queue_ms=q)
        for m, r, n, s, q in (
            (3, 60, 1.5, 1, 500),
            (10, 40, 1.5, 1, 300),
            (10, 40, 6, 4, 300),
            (50, 20, 20, 8, 200),
        )
        for d in ("up", "down")
    ),
    Beside(
        mbit=10, rtt_ms=40, direction="up", who="ask", required_mbit=12, streams=4, queue_ms=500,
        judged=False,
    ),
)  # fmt: skip


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """before, during: Mbit/s of the bulk transfer, or the p95 in ms of the small requests."""

    case: Beside
    before: float = 0.0
    during: float = 0.0
    seconds: float = 0.0
    ours_mbit: float = 0.0
    stopped_by: str = ""
    trouble: str = ""

    @property
    def taken(self) -> float:
        return 1 - self.during / self.before if self.before else 1.0

    @property
    def rise_ms(self) -> float:
        return self.during - self.before

    def text(self) -> str:
        judged = "" if self.case.judged else "  (not judged)"
        if self.trouble:
            return f"{self.case.name:42} {self.trouble}"
        ours = f"beside {self.ours_mbit:.2f} Mbit/s for {self.seconds:.1f} s, stopped by {self.stopped_by}"
        if self.case.who == "bulk":
            lost = f"loses {self.taken:6.1%} of {self.before:.1f} Mbit/s"
        else:
            lost = f"p95 {self.before:.1f} → {self.during:.1f} ms ({self.rise_ms:+.1f})"
        return f"{self.case.name:42} {lost:34} {ours}{judged}"


def cost(case: Beside, site: Site) -> Cost:
    """Return what our test took from the other one."""
    with (
        shaped(mbit=case.mbit, rtt_ms=case.rtt_ms, queue_ms=case.queue_ms) as line,
        site.on(line) as state,
    ):
        module = [sys.executable, "-m", "tests.lab.capacity.bystander"]
        line.start("datacenter", [*module, "serve"], env={"PYTHONPATH": str(ROOT)})
        wait_until(lambda: f":{PORT} " in line.run("datacenter", "ss", "-Hltn").stdout, "bystander")
        how = [case.direction] if case.who == "bulk" else []
        words = [case.who, DATACENTER, *how, str(BEFORE_S + LATEST_S)]
        other = subprocess.Popen(
            line.command("court", *module, *words), cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        try:
            time.sleep(BEFORE_S)
            ours = _ours(case, site, line, state)
            bins: Bins = json.loads(other.communicate(timeout=LATEST_S + 40)[0] or "[]")
        finally:
            other.kill()
            other.wait(5)
    return priced(case, ours, bins)


def _ours(case: Beside, site: Site, line: Line, state: Path) -> Told:
    test = Test(
        kind="planned",
        direction=case.direction,
        required_mbit=case.required_mbit,
        streams=case.streams,
    )
    return told(site, line, state, [test])


def priced(case: Beside, ours: Told, bins: Bins) -> Cost:
    """Return the cost, from what ours said and what the other one saw."""
    if not ours.done or ours.done[0].transfer is None:
        trouble = ours.trouble or (ours.done[0].trouble if ours.done else "nothing came")
        return Cost(case=case, trouble=trouble)
    done = ours.done[0]
    got, begin, end = done.transfer, done.begun_s, done.begun_s + done.seconds
    assert got is not None
    if case.who == "bulk":
        before, during = _rate(bins, begin - BASE_RATE_S, begin), _rate(bins, begin, end)
    else:
        before, during = _p95(bins, begin - BASE_ASK_S, begin), _p95(bins, begin, end)
    return Cost(
        case=case,
        before=before,
        during=during,
        seconds=round(done.seconds, 2),
        ours_mbit=round(got.mbit, 3),
        stopped_by=got.stopped_by,
    )


def _rate(bins: Bins, begin: float, end: float) -> float:
    within = [one for one in bins if begin <= one[0] <= end]
    if len(within) < 2 or within[-1][0] <= within[0][0]:
        return 0.0
    return (within[-1][1] - within[0][1]) * 8 / (within[-1][0] - within[0][0]) / 1e6


def _p95(bins: Bins, begin: float, end: float) -> float:
    within = sorted(ms for at, ms in bins if begin <= at <= end)
    return within[min(len(within) - 1, int(0.95 * len(within)))] if within else float("inf")
