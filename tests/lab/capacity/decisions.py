"""A hundred decisions: does this way carry what is needed? The need is at most 0.8 or at least 1.25 of the truth.

Twenty-five lines, four decisions on each: both ways, one need below and one above. Among them asymmetric lines,
lines that lend a burst of up to a second of their rate, and lines that lose 1 % of the packets. Under loss the
planned streams are so many that cubic fills the line (12, each good for 0.93 · MSS / (RTT · √p), together for
at least 2.5 times the line): then the truth is the line, not its loss.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import cycle

import msgspec

from ccpor_checks.capacity.evidence import CapacityEvidence, Direction, Transfer
from tests.lab.capacity.asking import Done, Test, options_of, told
from tests.lab.capacity.site import PORT, Site
from tests.lab.shaped import DATACENTER, shaped

ENOUGH, TOO_MUCH = (0.8, 0.6, 0.4), (1.25, 1.5, 2.0)  # need over truth
REST_S = 1.5  # before each test where a bucket fills again


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One line. burst_s: of its rate, lent at once."""

    mbit: float
    rtt_ms: float
    up_mbit: float | None = None
    loss_pct: float = 0.0
    burst_s: float = 0.0
    queue_ms: float = 100.0
    streams: int = 1

    @property
    def name(self) -> str:
        up = f"↑{self.up_mbit:g}" if self.up_mbit else ""
        loss = f" {self.loss_pct:g}%" if self.loss_pct else ""
        burst = f" lends {self.burst_s:g} s" if self.burst_s else ""
        return f"{self.mbit:g}{up}/{self.rtt_ms:g}{loss}{burst}"

    @property
    def burst_bytes(self) -> int | None:
        return int(self.mbit * 1e6 / 8 * self.burst_s) or None


TRACKS = (
    *(Track(mbit=m, rtt_ms=r) for m, r in ((2, 40), (10, 40), (20, 20), (50, 5), (50, 100))),
    *(Track(mbit=m, rtt_ms=r, queue_ms=q, streams=4) for m, r, q in ((5, 60, 300), (20, 40, 50))),
    *(Track(mbit=d, up_mbit=u, rtt_ms=30) for d, u in ((20, 2), (50, 5), (8, 1.5), (5, 20))),
    *(
        Track(mbit=m, rtt_ms=r, burst_s=b)
        for m, r, b in ((5, 40, 0.25), (10, 20, 0.5), (20, 40, 0.5), (10, 40, 1.0), (4, 60, 1.0))
    ),
    *(
        Track(mbit=m, rtt_ms=r, loss_pct=1, streams=12)
        for m, r in ((2, 40), (5, 20), (5, 40), (5, 100), (10, 10), (10, 20), (10, 40), (20, 5))
    ),
    Track(mbit=10, up_mbit=3, rtt_ms=40, loss_pct=1, streams=12),
)  # fmt: skip


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """factor: need over truth. said: what the check's rule made of it.

    whole_s: with the connections before it and the late probes after it.
    """

    track: str
    direction: Direction
    factor: float
    truth_mbit: float
    said: str
    whole_s: float
    transfer: Transfer | None = None
    trouble: str = ""
    too_busy: bool = False

    @property
    def wanted(self) -> str:
        return "pass" if self.factor < 1 else "fail"

    @property
    def right(self) -> bool:
        return self.said == self.wanted

    @property
    def seconds(self) -> float:
        """Return how long the line was put to the test, from its first byte to the answer."""
        return self.transfer.seconds if self.transfer else 0.0

    @property
    def name(self) -> str:
        return f"{self.track} {self.direction} ×{self.factor:g}"


def decided(track: Track, number: int, site: Site, most: int = 4) -> list[Decision]:
    """Return the decisions on *track*, *most* of the four; *number* picks which needs."""
    with shaped(
        mbit=track.mbit, up_mbit=track.up_mbit, rtt_ms=track.rtt_ms, loss_pct=track.loss_pct,
        burst=track.burst_bytes, queue_ms=track.queue_ms,
    ) as line, site.on(line) as state:  # fmt: skip
        truths: dict[Direction, float] = {"up": line.truth("up"), "down": line.truth("down")}
        asked = list(needs(number))[:most]
        tests = [
            Test(
                kind="planned", direction=direction, required_mbit=factor * truths[direction],
                streams=track.streams, rest_s=REST_S if track.burst_s else 0.0,
            )
            for direction, factor in asked
        ]  # fmt: skip
        ours = told(site, line, state, tests)
    done = cycle([Done(transfer=None, seconds=0.0, trouble=ours.trouble)])
    each = zip(asked, tests, ours.done or done, strict=False)
    return [
        Decision(
            track=track.name,
            direction=direction,
            factor=factor,
            truth_mbit=truths[direction],
            said=said(test, one.transfer) if one.transfer else "nothing",
            whole_s=round(one.seconds, 2),
            transfer=one.transfer,
            trouble=one.trouble,
            too_busy=bool(one.too_busy),
        )
        for (direction, factor), test, one in each
    ]


def needs(number: int) -> Iterator[tuple[Direction, float]]:
    """Yield way and need over truth of the four decisions on track *number*."""
    for way, direction in enumerate(("up", "down")):
        yield direction, ENOUGH[(number + way) % len(ENOUGH)]  # type: ignore[misc]
        yield direction, TOO_MUCH[(number + way) % len(TOO_MUCH)]  # type: ignore[misc]


def said(test: Test, transfer: Transfer) -> str:
    """Return the status that the check's own rule gives: whether the rate suffices."""
    from ccpor_checks.capacity.rules import RULES
    from ccpor_reporting.rules import Setting

    code = "capacity.upload" if transfer.direction == "up" else "capacity.download"
    rule = next(rule for rule in RULES if rule.code == code)
    seen = CapacityEvidence(
        address=DATACENTER, port=PORT, server="collector", transfers=(transfer,)
    )
    at = datetime.fromtimestamp(time.time(), UTC)
    return str(rule.judge(seen, options_of(test), Setting(observed_at=at)).status.value)


def table(found: list[Decision]) -> str:
    """Return the score by kind of line, then every decision that was wrong or slow."""
    rows = [f"{'lines':28} {'right':>9} {'longest s':>9} {'whole':>6} {'MB':>6}"]
    kinds: dict[str, Callable[[Decision], bool]] = {
        "plain": lambda one: one.track == one.track.split()[0] and "↑" not in one.track,
        "asymmetric": lambda one: "↑" in one.track and "%" not in one.track,
        "lending a burst": lambda one: "lends" in one.track,
        "losing 1 %": lambda one: "%" in one.track,
        "all": lambda one: True,
    }
    for kind, belongs in kinds.items():
        of = [one for one in found if belongs(one)]
        moved = sum(one.transfer.megabytes for one in of if one.transfer)
        longest = max((one.seconds for one in of), default=0.0)
        whole = max((one.whole_s for one in of), default=0.0)
        right = sum(one.right for one in of)
        rows.append(f"{kind:28} {right:4}/{len(of):<4} {longest:9.1f} {whole:6.1f} {moved:6.1f}")
    for one in found:
        if not one.right or one.seconds > 5.0:
            rows.append(_miss(one))
    return "\n".join(rows)


def _miss(one: Decision) -> str:
    got = one.transfer
    seen = (
        f"{got.mbit:.2f} ({got.low_mbit:.2f}–{got.high_mbit:.2f}) of {got.asked_mbit:.2f} asked, "
        f"{got.blocks} blocks, by {got.limited_by}, stopped by {got.stopped_by}"
        if got and got.asked_mbit
        else one.trouble
    )
    need = one.factor * one.truth_mbit
    mark = "SLOW " if one.right else "WRONG"
    return f"{mark} {one.name}: need {need:.2f} of {one.truth_mbit:.2f}: {one.said} in {one.seconds:.1f} s; {seen}"
