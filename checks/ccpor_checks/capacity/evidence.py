"""What the `capacity` check may be asked, and what it saw."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ccpor_checks.base import Evidence, Options
from ccpor_reporting.capacity.samples import Sample
from ccpor_reporting.capacity.workload import Load, Workload, filled

Direction = Literal["up", "down"]
LimitedBy = Literal["queue", "loss", "none"]
StoppedBy = Literal["answered", "precise", "bytes", "time", "guard", "target"]

PACED_OVER_REQUIRED = 1.25
USUAL_MEGABYTES = {"planned": 25.0, "saturate": 60.0}  # each way


class CapacityOptions(Options, frozen=True, kw_only=True):
    """``[target.capacity]``; without `required_mbit` the need comes from the workload."""

    mode: Literal["planned", "saturate"] = "planned"
    directions: Annotated[
        tuple[Direction, ...],
        Meta(min_length=1, max_length=2, description='["up"], ["down"] or both'),
    ] = ("up", "down")
    required_mbit: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="Mbit/s that must be reached, e.g. 1.5"),
    ] = None
    max_megabytes: Annotated[
        Annotated[float, Meta(gt=0, le=100_000)] | None,
        Meta(description="megabytes after which to stop, e.g. 25"),
    ] = None
    max_seconds: Annotated[
        Annotated[float, Meta(gt=0, le=300)],
        Meta(description="seconds each way after which to stop, e.g. 10"),
    ] = 10.0
    packets_s: Annotated[
        Annotated[float, Meta(ge=0, le=120)],
        Meta(description="seconds of small packets by UDP before the test, 0 for none, e.g. 20"),
    ] = 20.0
    workload: Annotated[
        Workload | None,
        Meta(description="this line's own workload, with the keys of [workload]"),
    ] = None  # the profile's `[workload]` is put here where the target has none of its own

    @property
    def load(self) -> Load:
        return filled(self.workload)

    @property
    def needed_mbit(self) -> float:
        """Return the goodput in Mbit/s that each way must show."""
        return self.required_mbit or self.load.required_mbit

    @property
    def megabytes(self) -> float:
        """Return what may be moved each way."""
        return self.max_megabytes or USUAL_MEGABYTES[self.mode]


class Delay(Evidence, frozen=True, kw_only=True):
    """Round trips of small probes, in ms; percentiles by nearest rank."""

    samples: int
    lost: int
    min_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    by: Literal["stamp", "echo"]  # UDP to the reflector; a small HTTPS request of its own
    rtts_ms: tuple[float, ...] = ()  # at most 400, evenly picked, in the order they were sent


class Moment(Evidence, frozen=True, kw_only=True):
    """One point of a test's course."""

    at_s: float  # since the test began
    mbit: float | None = None  # received in the quarter second before
    rtt_ms: float | None = None  # the median of it


class Transfer(Evidence, frozen=True, kw_only=True):
    """One test in one direction, counted where the bytes arrive.

    mbit: goodput, the median of 1-s windows past the ramp; low and high: 95 % by batch means.
    limited_by: what held it back; ``none`` where nothing on the line did: then the line carries at
        least this much and nobody knows how much more.
    """

    direction: Direction
    kind: Literal["planned", "saturated"]
    streams: int
    asked_mbit: float | None = None  # that was paced to, all flows together
    mbit: float
    low_mbit: float
    high_mbit: float
    blocks: int  # of the batch means
    wire_mbit: float  # IP packets: goodput × 1500 / 1448
    single_mbit: float | None = None  # what one flow alone got
    seconds: float
    megabytes: float  # moved, this direction
    limited_by: LimitedBy
    stopped_by: StoppedBy
    loaded: Delay | None = None  # while it ran; None: nothing came back, or nobody could ask
    retransmitted_pct: float | None = None  # of the segments that this workstation sent
    congestion: str | None = None  # of the sender, e.g. "cubic"; None: cannot be seen
    course: tuple[Moment, ...] = ()
    paced_by: Literal["kernel", "program"] | None = None  # planned: who kept to `asked_mbit`
    guard_ms: float | None = None  # stopped by the guard: above idle, by the middle round trip
    too_busy: str | None = None  # who had no time to measure truly

    @property
    def is_lower_bound(self) -> bool:
        """Say whether the line may well carry more."""
        return self.limited_by == "none"


class Loss(Evidence, frozen=True, kw_only=True):
    """UDP packets of one size on the idle line; shares in %, Wilson's 95 % interval."""

    size_bytes: int
    sent: int
    lost: int
    pct: float
    low_pct: float
    high_pct: float
    lost_up: int | None = None
    lost_down: int | None = None


class Quality(Evidence, frozen=True, kw_only=True):
    """What small and large UDP packets met on the idle line (STAMP, RFC 8762)."""

    losses: tuple[Loss, ...]
    jitter_ms: float  # mean |D| of the round trips (D: RFC 3550 section 6.4.1)
    jitter_up_ms: float
    jitter_down_ms: float
    pdv_p99_ms: float  # delay above the least one, 99th percentile (RFC 5481)
    reordered: int  # RFC 4737: came after a later one
    reorder_extent: int  # RFC 4737 section 4.2: the most packets that one came too late by
    duplicated: int
    late: int  # sent later than planned by more than their interval: this workstation's own
    too_busy: str | None = None  # this workstation was, so that the times are not the line's


class Replay(Evidence, frozen=True, kw_only=True):
    """Synthetic orders of the workload's size, one after the other, against the model."""

    order_bytes: int
    seconds: tuple[float, ...]
    predicted_s: float  # by the model, on the idle line
    ratio: float  # median of `seconds` over `predicted_s`; outside 0.7–1.4 the model lacks a limit


class CapacityEvidence(Evidence, frozen=True, kw_only=True):
    """What one turn at the measuring server showed, and what earlier ones did.

    not_measured: why there is no transfer of a direction; its reason is one of the catalogue's for
        an error (`server-busy`, `unsteady`), or None where only words say it.
    """

    address: str
    port: int
    server: Literal["collector", "iperf3"]
    waited_s: float = 0.0  # for our turn
    idle: Delay | None = None
    transfers: tuple[Transfer, ...] = ()
    quality: Quality | None = None
    quality_unknown: str | None = None
    replay: Replay | None = None
    history: tuple[Sample, ...] = ()  # oldest first; the last is this run's own
    not_measured: str | None = None
    not_measured_reason: Literal["server-busy", "unsteady"] | None = None
    too_busy: str | None = None  # this workstation or the server had no time to measure truly
    middlebox: str | None = None  # that buffers, changes or names itself on the way
    paced_by: Literal["kernel", "program"] | None = None
    megabytes: float = 0.0  # moved in all
    guard_ms: float | None = None  # of the round trip above idle, at which a test was broken off
