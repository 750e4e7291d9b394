"""What a report says of a measured line, read from evidence that may come from anybody.

Reports come from other versions and from outside: a part that does not have the shape or the range
that it should have is left out and named in `Seen.unreadable`; the rest still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from ccpor_reporting.model import Json

MOST_POINTS = 400
MOST_TRANSFERS = 8

Milliseconds = Annotated[float, Meta(ge=0, le=1e7)]
Seconds = Annotated[float, Meta(ge=0, le=1e7)]
Rate = Annotated[float, Meta(ge=0, le=1e7)]  # Mbit/s
Percent = Annotated[float, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0, le=10**9)]
Amount = Annotated[float, Meta(ge=0, le=1e9)]
Said = Annotated[str, Meta(max_length=1000)]

P = TypeVar("P", bound=msgspec.Struct)


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    samples: Count
    lost: Count
    min_ms: Milliseconds
    p50_ms: Milliseconds
    p95_ms: Milliseconds
    p99_ms: Milliseconds
    by: Said = ""
    rtts_ms: tuple[float, ...] = ()


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    at_s: Seconds
    mbit: Rate | None = None
    rtt_ms: Milliseconds | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    direction: Literal["up", "down"]
    kind: Literal["planned", "saturated"]
    streams: Count
    mbit: Rate
    low_mbit: Rate
    high_mbit: Rate
    blocks: Count
    seconds: Seconds
    megabytes: Amount
    limited_by: Literal["queue", "loss", "none"]
    asked_mbit: Rate | None = None
    single_mbit: Rate | None = None
    stopped_by: Said = ""
    retransmitted_pct: Percent | None = None
    congestion: Said | None = None
    loaded: Delay | None = None
    course: tuple[Moment, ...] = ()


class Loss(msgspec.Struct, frozen=True, kw_only=True):
    size_bytes: Count
    sent: Count
    lost: Count
    pct: Percent
    low_pct: Percent
    high_pct: Percent
    lost_up: Count | None = None
    lost_down: Count | None = None


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    jitter_ms: Milliseconds
    jitter_up_ms: Milliseconds
    jitter_down_ms: Milliseconds
    pdv_p99_ms: Milliseconds
    reordered: Count = 0
    reorder_extent: Count = 0
    duplicated: Count = 0
    losses: tuple[Loss, ...] = ()


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    order_bytes: Amount
    predicted_s: Seconds
    ratio: Annotated[float, Meta(ge=0, le=1e6)]
    seconds: tuple[float, ...] = ()


class _Words(msgspec.Struct, frozen=True, kw_only=True):
    address: Said = ""
    server: Said = ""
    waited_s: Seconds = 0.0
    quality_unknown: Said | None = None
    not_measured: Said | None = None
    too_busy: Said | None = None
    middlebox: Said | None = None
    paced_by: Said | None = None
    megabytes: Amount = 0.0
    guard_ms: Milliseconds | None = None


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. unreadable: the names of the parts that were left out."""

    words: _Words
    idle: Delay | None = None
    transfers: tuple[Transfer, ...] = ()
    quality: Quality | None = None
    replay: Replay | None = None
    unreadable: tuple[str, ...] = ()

    def transfer(self, direction: str) -> Transfer | None:
        """Return the first test of *direction*, None where there is none."""
        return next((one for one in self.transfers if one.direction == direction), None)

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was measured at all."""
        return not (self.idle or self.transfers or self.quality or self.replay)


def read(evidence: Mapping[str, Json]) -> Seen:
    """Return what *evidence* of the `capacity` check says; never fails."""
    faults: list[str] = []
    transfers = evidence.get("transfers")
    return Seen(
        words=_words(evidence, faults),
        idle=_delay(evidence.get("idle"), "idle", faults),
        transfers=tuple(
            found
            for one in _listed(transfers, "transfers", MOST_TRANSFERS, faults)
            if (found := _transfer(one, faults))
        ),
        quality=_quality(evidence.get("quality"), faults),
        replay=_replay(evidence.get("replay"), faults),
        unreadable=tuple(dict.fromkeys(faults)),
    )


def _words(evidence: Mapping[str, Json], faults: list[str]) -> _Words:
    held: dict[str, Json] = {}
    for name in _Words.__struct_fields__:
        if name in evidence and _made(_Words, {name: evidence[name]}, name, faults):
            held[name] = evidence[name]
    return msgspec.convert(held, _Words)


def _made(kind: type[P], value: Json, name: str, faults: list[str]) -> P | None:
    """Return *value* as *kind*; None, and *name* among the faults, where it does not fit."""
    if value is None:
        return None
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError):
        faults.append(name)
        return None


def _listed(value: Json, name: str, most: int, faults: list[str]) -> tuple[Json, ...]:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        faults.append(name)
        return ()
    return tuple(value[:most])


def _without(value: Json, *names: str) -> Json:
    """Return *value* without the parts that are read one by one."""
    if not isinstance(value, Mapping):
        return value
    return {key: item for key, item in value.items() if key not in names}


def _part(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, Mapping) else None


def _floats(value: Json, name: str, most: int, faults: list[str]) -> tuple[float, ...]:
    found = []
    for one in _listed(value, name, most, faults):
        if isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one <= 1e7:
            found.append(float(one))
        else:
            faults.append(name)
    return tuple(found)


def _delay(value: Json, name: str, faults: list[str]) -> Delay | None:
    made = _made(Delay, _without(value, "rtts_ms"), name, faults)
    if made is None:
        return None
    rtts = _floats(_part(value, "rtts_ms"), f"{name}.rtts_ms", MOST_POINTS, faults)
    return msgspec.structs.replace(made, rtts_ms=rtts)


def _transfer(value: Json, faults: list[str]) -> Transfer | None:
    made = _made(Transfer, _without(value, "course", "loaded"), "transfers", faults)
    if made is None:
        return None
    course = _listed(_part(value, "course"), "course", MOST_POINTS, faults)
    moments = [one for each in course if (one := _made(Moment, each, "course", faults))]
    return msgspec.structs.replace(
        made,
        loaded=_delay(_part(value, "loaded"), "loaded", faults),
        course=tuple(sorted(moments, key=lambda one: one.at_s)),
    )


def _quality(value: Json, faults: list[str]) -> Quality | None:
    made = _made(Quality, _without(value, "losses"), "quality", faults)
    if made is None:
        return None
    losses = _listed(_part(value, "losses"), "losses", MOST_TRANSFERS, faults)
    found = [one for each in losses if (one := _made(Loss, each, "losses", faults))]
    return msgspec.structs.replace(made, losses=tuple(found))


def _replay(value: Json, faults: list[str]) -> Replay | None:
    made = _made(Replay, _without(value, "seconds"), "replay", faults)
    if made is None:
        return None
    seconds = _floats(_part(value, "seconds"), "replay.seconds", MOST_POINTS, faults)
    return msgspec.structs.replace(made, seconds=seconds)
