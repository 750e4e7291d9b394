"""The simulation again, as plainly as it can be said: small steps of time, no event, no heap.

Slow and easy to check by eye; what is fast must agree with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ccpor_reporting.capacity.model import Line

MSS, FIRST = 1448, 10
QUEUED, LONGEST_QUEUE_S = 0.1, 0.03
DOUBLING, CROWDED = 2.0, 1.3


class Upload:
    def __init__(
        self, at_s: float, size: float, luck: float, line: Line, *, queue_s: float, growth: float
    ) -> None:
        self.at_s, self.size, self.left, self.growth = at_s, size, size, growth
        self.rtt = line.rtt_ms / 1000 + queue_s
        self.sends_at = at_s + line.handshake_round_trips * self.rtt
        p = line.loss
        self.until_loss = math.log(luck) / math.log(1 - p) * MSS if p else math.inf
        self.took = math.nan

    def limit(self, now: float, line: Line) -> float:
        """Return the bytes a second that this upload could send if it had the line for itself."""
        round_number = int((now - self.sends_at) / self.rtt)
        rate = FIRST * MSS * self.growth ** min(round_number, 40) / math.log(2) / self.rtt
        rate = min(rate, line.window_kb * 1000 / self.rtt, line.mbit * 1e6 / 8)
        if self.size - self.left >= self.until_loss:
            rate = min(rate, 0.93 * MSS / (line.rtt_ms / 1000 * math.sqrt(line.loss)))
        return rate


def stepped(
    line: Line, arrivals: Sequence[tuple[float, float]], lucks: Sequence[float], step_s: float
) -> list[float]:
    """Return the time in s of each of *arrivals* (second, bytes), in their order."""
    coming = sorted(zip(arrivals, lucks, strict=True), reverse=True)
    uploads: list[Upload] = []
    active: list[Upload] = []
    now = 0.0
    while coming or active:
        while coming and coming[-1][0][0] <= now:
            (at_s, size), luck = coming.pop()
            busy = [each for each in active if each.sends_at <= now]
            full = sum(each.limit(now, line) for each in busy) >= line.mbit * 1e6 / 8
            left_s = sum(each.left for each in busy) / (line.mbit * 1e6 / 8)
            queue_s = min(LONGEST_QUEUE_S, QUEUED * left_s)
            growth = CROWDED if full else DOUBLING
            uploads.append(Upload(at_s, size, luck, line, queue_s=queue_s, growth=growth))
            active.append(uploads[-1])
        sending = [each for each in active if each.sends_at <= now]
        limits = [each.limit(now, line) for each in sending]
        for upload, rate in zip(sending, shares(limits, line.mbit * 1e6 / 8), strict=True):
            upload.left -= rate * step_s
        now += step_s
        for upload in [each for each in sending if each.left <= 0]:
            upload.took = now - upload.at_s + upload.rtt
            active.remove(upload)
    return [each.took for each in uploads]


def shares(limits: Sequence[float], line: float) -> list[float]:
    """Return what each gets of *line*: an equal part, and what the slower ones leave."""
    given = [0.0] * len(limits)
    hungry = set(range(len(limits)))
    while hungry:
        part = (line - sum(given)) / len(hungry)
        modest = {each for each in hungry if limits[each] <= part}
        if not modest:
            for each in hungry:
                given[each] = part
            break
        for each in modest:
            given[each] = limits[each]
        hungry -= modest
    return given
