"""What the `path` check may be asked, and what it saw."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from ccpor_checks.base import Evidence, Options
from ccpor_reporting.contrasts import Walk
from ccpor_reporting.rules import Limit

Percent = Annotated[float, Meta(ge=0, le=100)]
Mtu = Annotated[int, Meta(ge=68, le=65535)]
# A pair beside a bounded number is a list of exactly two: a fixed tuple there makes msgspec 0.22
# read its length from the wrong place.
PercentLimit = Percent | Annotated[tuple[Percent, ...], Meta(min_length=2, max_length=2)]
MtuLimit = Mtu | Annotated[tuple[Mtu, ...], Meta(min_length=2, max_length=2)]
Method = Literal["stamp", "tcp", "icmp", "udp"]


class PathOptions(Options, frozen=True, kw_only=True):
    """``[target.path]``"""

    samples: Annotated[int, Meta(ge=1, le=10_000, description="packets sent at least, e.g. 30")] = (
        30
    )
    max_rtt_p95_ms: Annotated[
        Limit, Meta(description="95th percentile of the round trips, e.g. [100, 200]")
    ] = (100.0, 200.0)
    max_loss_pct: Annotated[
        PercentLimit, Meta(description="packets lost of a hundred, e.g. [0.5, 1.0]")
    ] = (0.5, 1.0)
    max_jitter_ms: Annotated[Limit, Meta(description="e.g. [30, 50]")] = (30.0, 50.0)
    min_mtu: Annotated[
        MtuLimit, Meta(description="bytes of the largest packet that must pass, e.g. 1400")
    ] = 1400
    route: Annotated[bool, Meta(description="whether to name the hops on the way")] = True


class PathMtu(Evidence, frozen=True, kw_only=True):
    """The largest packet, IP header included, that passes without being split.

    next: what a packet one byte larger met: ``too-big`` somebody said so; ``vanished`` nothing
    came back; ``own-interface`` it does not fit this workstation's own interface; ``far-end`` the
    target itself takes no larger TCP segment (its MSS).
    """

    method: Method
    bytes: int
    exact: bool  # False: the larger size that failed is not the very next
    next: Literal["too-big", "vanished", "own-interface", "far-end"]
    interface_bytes: int  # of this workstation's own interface
    probes: int  # sizes tried; a silent one is sent again and counts once
    repeats: int  # packets sent again because nothing came back
    sizes: tuple[int, ...] = ()  # in the order they were tried
    said_by: str | None = None  # the router that said "too big", where one did
    splits: bool | None = (
        None  # a larger packet arrives where it may be split; None: not tried (IPv6)
    )
    walk: Walk | None = None  # of packets too large by a byte: how far they come


class PathEvidence(Evidence, frozen=True, kw_only=True):
    """What the packets met. Round trips stand in the order they were sent.

    rtts_ms: of each answer that was timed; where this workstation itself was held up between
        reading the clock and sending, an answer counts as come but not as timed.
    """

    address: str
    method: Method
    sent: int
    lost: int
    rtts_ms: tuple[float, ...]
    loss_pct: float
    loss_low_pct: float | None = None  # Wilson's 95 % interval
    loss_high_pct: float | None = None
    loss_up_pct: float | None = None  # towards the target; None: the method cannot tell
    loss_down_pct: float | None = None
    rtt_min_ms: float | None = None
    rtt_p50_ms: float | None = None
    rtt_p95_ms: float | None = None  # None below 20 samples, as those below
    rtt_p99_ms: float | None = None
    jitter_ms: float | None = None  # p95 of the delay above the least one (RFC 5481)
    jitter_up_ms: float | None = None
    jitter_down_ms: float | None = None
    jitter_mean_ms: float | None = None  # mean |D| of the round trips (RFC 3550 section 6.4.1)
    pdv_p99_ms: float | None = None  # p99 of the delay above the least one
    reordered: int | None = None  # came after a later one (RFC 4737); None: by STAMP only
    reorder_extent: int | None = None  # the most packets that one came too late by
    duplicated: int | None = None
    held_up_p95_ms: float = 0.0  # how late this workstation gave this program its turn
    refused_by: str | None = None  # who said by ICMP that there is no way to the target
    not_used: tuple[str, ...] = ()  # better methods that were not possible, and why
    mtu: PathMtu | None = None
    mtu_unknown: str | None = None  # why there is no `mtu`
    walks: tuple[Walk, ...] = ()
    begins_after: str | None = None  # the last hop up to which nothing is lost or slow
