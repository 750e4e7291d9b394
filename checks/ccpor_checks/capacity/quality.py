"""What small and large UDP packets meet on the idle line: loss, jitter, order, copies.

Small and large ones, as a queue that counts bytes loses large packets first. Most are small, so
that all together stay a trickle beside the court's own traffic.
Source: RFC 8762 (STAMP), RFC 3550 section 6.4.1, RFC 5481, RFC 4737; Wilson's interval.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ccpor_checks.base import CannotObserve, Context
from ccpor_checks.capacity.evidence import Loss, Quality
from ccpor_checks.kit.arrivals import Way, above_least, differences, mean, percentile, reordering
from ccpor_checks.kit.stamp_course import LONGEST_WAIT_S, Course, take_course
from ccpor_checks.kit.stamp_session import Answer, StampSession
from ccpor_checks.kit.wilson import wilson
from ccpor_reporting.capacity.protocol import BUSY_SHARE, Slot
from ccpor_reporting.stamp import PLAIN_SIZE, SIGNED_SIZE

SECONDS, GAP_S = 20.0, 0.02
SMALL, LARGE = 0, 1400  # bytes of the IP packet; the small one is as small as its mode allows
LINE_SHARE, LEAST_KBIT, MOST_KBIT = 0.05, 100.0, 300.0
MOST_LARGE = 0.5
HEADERS = {4: 28, 6: 48}  # IP and UDP
ENOUGH_TIMED = 20
KNOCKING_S = 5.0
SLOWER = 1.25  # times the planned time: for what this workstation was held up
LEAST_S = 2.0

Time = Callable[[Answer], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reflector:
    """Who answers, and what proves that we may ask. Without a key in plain mode."""

    address: str
    port: int
    session: int | None = None
    key: bytes | None = None

    @property
    def headers(self) -> int:
        return HEADERS[6 if ":" in self.address else 4]

    @property
    def least(self) -> int:
        """Return the bytes of the smallest IP packet that its mode knows."""
        return self.headers + (PLAIN_SIZE if self.key is None else SIGNED_SIZE)


def reflector_of(slot: Slot, address: str | None) -> Reflector:
    """Return the reflector that goes with a granted *slot* of the collector at *address*.

    Raises:
        CannotObserve: That collector has none, or it is reached through a proxy (no address).
    """
    import base64

    if address is None:
        raise CannotObserve("the collector is reached through a proxy, which passes no UDP")
    if slot.udp_port is None or slot.session is None or slot.key is None:
        raise CannotObserve("the collector answers no UDP packets")
    key = base64.b64decode(slot.key)
    return Reflector(address=address, port=slot.udp_port, session=slot.session, key=key)


def measure(
    reflector: Reflector,
    ctx: Context,
    *,
    seconds: float = SECONDS,
    sizes: tuple[int, int] = (SMALL, LARGE),
    gap_s: float = GAP_S,
    line_mbit: float | None = None,
) -> Quality:
    """Return what a packet each *gap_s* met, for *seconds* or as long as *ctx* has time for.

    sizes: of the small and of the large IP packets, in bytes. line_mbit: what the line carries, as
    far as known: the packets take a twentieth of it, between 100 and 300 kbit/s.

    Raises:
        CannotObserve: Nothing came back, or this system does not send; the message says which.
        TimeoutError: The check's deadline passed.
    """
    left = ctx.remaining() - KNOCKING_S - LONGEST_WAIT_S
    seconds = min(seconds, left)
    if seconds < LEAST_S:
        raise CannotObserve("there was no time left to send packets by UDP")
    small, large = (max(each, reflector.least) for each in sizes)
    plan = mix(small, large, round(seconds / gap_s), gap_s, line_mbit)
    payloads = [each - reflector.headers for each in plan]
    try:
        session = StampSession(reflector.address, reflector.port, reflector.session, reflector.key)
    except OSError as exc:
        why = errno.errorcode.get(exc.errno or 0, type(exc).__name__)
        raise CannotObserve(f"this workstation has no way to {reflector.address} ({why})") from exc
    with contextlib.closing(session):
        most = min(SLOWER * seconds, left)
        course = take_course(session, payloads, gap_s, ctx, seconds=most)
    if course is None or not course.answers:
        raise CannotObserve(_silence(reflector, session))
    if course.unsent > BUSY_SHARE * (course.sent + course.unsent):
        raise CannotObserve(f"this system did not send {course.unsent} packets of its own by UDP")
    return summed(course, reflector.headers)


def mix(
    small: int, large: int, count: int, gap_s: float, line_mbit: float | None = None
) -> list[int]:
    """Return the sizes of *count* packets: as many large ones, evenly spread, as are a trickle."""
    share = 1000 * LINE_SHARE * (line_mbit or 0.0)
    kbit = min(MOST_KBIT, max(LEAST_KBIT, share))
    each = kbit * 125 * gap_s  # bytes that one packet may have on average
    part = MOST_LARGE if large <= small else (each - small) / (large - small)
    part = min(MOST_LARGE, max(0.0, part))
    # a large one where the running share passes the next whole number
    return [large if int((n + 1) * part) > int(n * part) else small for n in range(count)]


def _silence(reflector: Reflector, session: StampSession) -> str:
    where = f"UDP port {reflector.port} of {reflector.address}"
    if session.refused_by == reflector.address:
        return f"nobody listens at {where}"
    if session.refused_by:
        return f"{session.refused_by} lets nothing pass to {where}"
    return f"no answer came back from {where}; let the firewalls on the way pass it"


def summed(course: Course, headers: int) -> Quality:
    """Return what *course* says; *headers*: bytes of IP and UDP that its sizes do not count.

    Delays of small and large packets are compared among their own: a large one takes longer.

    Raises:
        CannotObserve: Too few came back, or were timed, to say anything of times.
    """
    ways = course.ways()
    sizes = sorted(set(course.sizes))
    groups = [course.of_size(size) for size in sizes]

    def jitter(of: Time) -> float:
        found = [d for group in groups for d in differences(course.times(group, of))]
        if len(found) < ENOUGH_TIMED:
            came = f"{len(course.answers)} of {course.sent} packets came back"
            raise CannotObserve(f"{came} by UDP: too few to say more")
        return round(mean(found) or 0.0, 3)

    beyond: list[float] = []
    for group in groups:
        timed = [each for each in course.times(group, _round_trip) if each is not None]
        if len(timed) >= ENOUGH_TIMED:  # the least of a few is not the line's least
            beyond += above_least(timed)
    late, extent = reordering(course.order)
    return Quality(
        losses=tuple(
            _loss(course, size, group, headers, ways)
            for size, group in zip(sizes, groups, strict=True)
        ),
        jitter_ms=jitter(_round_trip),
        jitter_up_ms=jitter(lambda each: each.up_ms),
        jitter_down_ms=jitter(lambda each: each.down_ms),
        pdv_p99_ms=percentile(beyond, 99) or 0.0,
        reordered=late,
        reorder_extent=extent,
        duplicated=course.copies,
        late=course.late,
        too_busy=_too_busy(course),
    )


def _round_trip(answer: Answer) -> float:
    return answer.ms or 0.0


def _loss(
    course: Course,
    size: int,
    places: Sequence[int],
    headers: int,
    ways: Mapping[int, Way] | None,
) -> Loss:
    lost = [place for place in places if place not in course.answers]
    low, high = wilson(len(lost), len(places))
    told = None if ways is None else [ways[place] for place in lost if place in ways]
    if told is not None and len(told) < len(lost):
        told = None  # some were lost past the last answer: on either way
    return Loss(
        size_bytes=size + headers,
        sent=len(places),
        lost=len(lost),
        pct=round(100 * len(lost) / len(places), 4),
        low_pct=round(100 * low, 4),
        high_pct=round(100 * high, 4),
        lost_up=None if told is None else told.count("up"),
        lost_down=None if told is None else told.count("down"),
    )


def _too_busy(course: Course) -> str | None:
    """Return in words that this workstation itself spoiled the times, None where it did not."""
    spoiled = course.late + course.untimed
    if spoiled <= max(2, BUSY_SHARE * course.sent):
        return None
    return (
        f"this workstation sent {spoiled} of {course.sent} packets late; "
        "close programs and measure again"
    )
