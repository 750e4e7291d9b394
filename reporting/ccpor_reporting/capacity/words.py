"""A measured line in words: one paragraph for a court manager, and its figures with n and interval.

Works on the evidence as it stands in a report; what is not in it is not said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from ccpor_reporting.capacity.model import REPLAY_HIGH, REPLAY_LOW
from ccpor_reporting.capacity.numbers import mbit_words
from ccpor_reporting.capacity.reading import Delay, Loss, Quality, Replay, Seen, Transfer, read
from ccpor_reporting.model import Json

PACED_OVER_REQUIRED = 1.25  # of the planned test: what it sends over what must arrive
WAYS = {"up": "up", "down": "down"}
_SENDS = {"up": "From the court", "down": "To the court"}
_HELD = {
    "queue": "more would only have waited in its queue",
    "loss": "it loses packets",
    "none": "nothing on the line held it back",
}


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number. basis: its interval and what it rests on."""

    name: str
    value: str
    basis: str = ""


def paragraph(evidence: Mapping[str, Json]) -> str:
    """Return what *evidence* of the `capacity` check says, in a few plain sentences."""
    return spoken(read(evidence))


def spoken(seen: Seen) -> str:
    """Return `paragraph` of what was read already."""
    return " ".join(_sentences(seen))


def _sentences(seen: Seen) -> Iterator[str]:
    words = seen.words
    if words.too_busy:
        yield f"These numbers are not to be trusted: {_end(words.too_busy)}"
    if words.not_measured:
        yield f"Not measured: {_end(words.not_measured)}"
    for transfer in seen.transfers:
        yield _carried(transfer)
        if told := _waits(transfer, seen.idle):
            yield told
    if not seen.transfers and seen.idle:
        yield f"On the idle line an answer takes {ms(seen.idle.p50_ms)}."
    if seen.quality:
        yield from _lost(seen.quality)
    if seen.replay and seen.replay.seconds:
        yield _replayed(seen.replay)
    if words.middlebox:
        yield f"On the way: {_end(words.middlebox)}"
    if words.guard_ms is not None:
        yield (
            f"The test was broken off, since answers took {ms(words.guard_ms)} longer than on the "
            "idle line and others were to be spared."
        )
    if seen.transfers:
        yield _cost(seen)
    if seen.is_empty and not words.not_measured:
        yield "The report holds no figures of this line that can be read."


def _carried(one: Transfer) -> str:
    way = _SENDS[one.direction]
    least = "at least " if one.limited_by == "none" else ""
    if one.kind == "planned" and one.asked_mbit:
        needed = one.asked_mbit / PACED_OVER_REQUIRED
        carried = f"{plain(one.mbit)} of the {mbit(one.asked_mbit)} that were sent"
        said = f"{way}, the line carried {carried}"
        enough = "enough for" if one.low_mbit >= 0.97 * needed else "too little for"
        return f"{said}: {enough} the {mbit_words(needed)} it was tested for."
    said = f"{way}, the line carried {least}{mbit(one.mbit)}"
    if one.limited_by == "none":
        return f"{said}; {_HELD['none']}, so it may carry more."
    return f"{said}; {_HELD[one.limited_by]}."


def _waits(one: Transfer, idle: Delay | None) -> str:
    if one.loaded is None:
        return ""
    said = f"Meanwhile an answer took {ms(one.loaded.p50_ms)}"
    if idle is not None:
        said += f" instead of {ms(idle.p50_ms)} on the idle line"
    return f"{said}, and 95 of 100 came within {ms(one.loaded.p95_ms)}."


def _lost(quality: Quality) -> Iterator[str]:
    sent = sum(one.sent for one in quality.losses)
    lost = sum(one.lost for one in quality.losses)
    if not sent:
        return
    if not lost:
        yield f"None of {sent} test packets was lost."
        return
    was = "was" if lost == 1 else "were"
    yield f"Of {sent} test packets {lost} {was} lost ({percent(100 * lost / sent)})."


def _replayed(replay: Replay) -> str:
    times = sorted(replay.seconds)
    middle = times[len(times) // 2]
    orders = "1 test order" if len(times) == 1 else f"each of {len(times)} test orders"
    said = f"Alone on the line {orders} of {replay.order_bytes / 1000:.0f} kB took"
    if REPLAY_LOW <= replay.ratio <= REPLAY_HIGH:
        return f"{said} about {seconds(middle)}, as expected."
    return f"{said} about {seconds(middle)}, where {seconds(replay.predicted_s)} were expected."


def _cost(seen: Seen) -> str:
    took = sum(one.seconds for one in seen.transfers)
    moved = seen.words.megabytes or sum(one.megabytes for one in seen.transfers)
    waited = seen.words.waited_s
    wait = f", after {seconds(waited)} of waiting for its turn" if waited >= 1 else ""
    return f"The test took {seconds(took)} and moved {moved:.1f} MB{wait}."


def figures(seen: Seen) -> tuple[Figure, ...]:
    """Return every measured number with its interval and sample size."""
    found: list[Figure] = []
    if seen.idle:
        found += _delay("Round trip, idle", seen.idle)
    for transfer in seen.transfers:
        found += _transfer(transfer)
    if seen.quality:
        found += _quality(seen.quality)
    if seen.replay and seen.replay.seconds:
        found.append(_replay(seen.replay))
    return tuple(found)


def _transfer(one: Transfer) -> Iterator[Figure]:
    way = WAYS[one.direction].capitalize()
    least = "at least " if one.limited_by == "none" else ""
    basis = f"{plain(one.low_mbit)} to {mbit(one.high_mbit)}, 95 %, {counted(one.blocks, 'block')}"
    flows = counted(one.streams, "stream")
    yield Figure(name=f"{way}, {one.kind}", value=f"{least}{mbit(one.mbit)}", basis=basis)
    if one.asked_mbit is not None:
        yield Figure(name=f"{way}, sent", value=mbit(one.asked_mbit), basis=f"paced, {flows}")
    if one.single_mbit is not None:
        yield Figure(name=f"{way}, one stream", value=mbit(one.single_mbit), basis=f"of {flows}")
    if one.loaded:
        yield from _delay(f"Round trip, {WAYS[one.direction]} loaded", one.loaded)
    if one.retransmitted_pct is not None:
        sender = f"sender: {one.congestion}" if one.congestion else "this workstation's segments"
        yield Figure(name=f"{way}, sent again", value=percent(one.retransmitted_pct), basis=sender)
    took = f"{seconds(one.seconds)}, {one.megabytes:.1f} MB"
    yield Figure(name=f"{way}, used", value=took, basis=_ended(one))


def _ended(one: Transfer) -> str:
    held = {"queue": "held back by a queue", "loss": "held back by loss", "none": "not saturated"}
    stops = {
        "answered": "stopped once the answer was clear",
        "precise": "stopped once it was precise",
        "bytes": "stopped by its byte limit",
        "time": "stopped by its time limit",
        "guard": "broken off to spare others",
        "target": "ended by the far end",
    }
    said = stops.get(one.stopped_by)
    return f"{held[one.limited_by]}; {said}" if said else held[one.limited_by]


def _delay(name: str, one: Delay) -> Iterator[Figure]:
    by = {"stamp": " by UDP", "echo": " over HTTPS"}.get(one.by, "")
    lost = f", {one.lost} lost" if one.lost else ""
    yield Figure(
        name=name,
        value=f"{ms(one.p50_ms)} median, {ms(one.p95_ms)} p95",
        basis=f"{ms(one.min_ms)} least, {ms(one.p99_ms)} p99, n {one.samples}{by}{lost}",
    )


def _quality(quality: Quality) -> Iterator[Figure]:
    for loss in quality.losses:
        yield Figure(
            name=f"Loss, {loss.size_bytes}-byte packets",
            value=percent(loss.pct),
            basis=f"{interval(loss)}, 95 %, {loss.lost} of {loss.sent}{_ways(loss)}",
        )
    each_way = f"up {ms(quality.jitter_up_ms)}, down {ms(quality.jitter_down_ms)}"
    yield Figure(name="Jitter, mean", value=ms(quality.jitter_ms), basis=each_way)
    yield Figure(name="Delay variation, p99", value=ms(quality.pdv_p99_ms), basis="above the least")
    if quality.reordered:
        late = f"by up to {counted(quality.reorder_extent, 'place')}"
        yield Figure(
            name="Out of order", value=counted(quality.reordered, "packet"), basis=f"late {late}"
        )
    if quality.duplicated:
        yield Figure(name="Came twice", value=counted(quality.duplicated, "packet"))


def interval(loss: Loss) -> str:
    return f"{loss.low_pct:.2f} to {percent(loss.high_pct)}"


def _ways(loss: Loss) -> str:
    if loss.lost_up is None or loss.lost_down is None or not loss.lost:
        return ""
    return f" ({loss.lost_up} up, {loss.lost_down} down)"


def _replay(replay: Replay) -> Figure:
    times = ", ".join(seconds(one) for one in replay.seconds[:5])
    return Figure(
        name="Test orders",
        value=times,
        basis=f"{seconds(replay.predicted_s)} expected, ratio {replay.ratio:.2f}",
    )


def mbit(value: float) -> str:
    """Return e.g. ``10.8 Mbit/s``, ``0.54 Mbit/s``."""
    return f"{plain(value)} Mbit/s"


def ms(value: float) -> str:
    """Return e.g. ``41 ms``, ``4.2 ms``, ``0.3 ms``."""
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def seconds(value: float) -> str:
    """Return e.g. ``4.6 s``, ``64 s``, ``12 min``."""
    if value >= 600:
        return f"{value / 60:.0f} min"
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def percent(value: float) -> str:
    return f"{value:.2f} %"


def plain(value: float) -> str:
    """Return *value* with three figures and no exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _end(sentence: str) -> str:
    """Return *sentence* with a full stop."""
    said = sentence.strip()
    return said if said.endswith((".", "!", "?")) else f"{said}."
