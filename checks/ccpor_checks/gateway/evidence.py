"""What the `gateway` check may be asked, and what it saw."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ccpor_checks.base import Evidence, Options
from ccpor_checks.http.evidence import Failure, Stage
from ccpor_reporting.rules import Limit


class GatewayOptions(Options, frozen=True, kw_only=True):
    """`[target.gateway]`"""

    echoes: Annotated[
        int,
        msgspec.Meta(
            ge=1, le=200, description="test messages sent; below 20 nothing is said of latency"
        ),
    ] = 20
    max_p95_s: Annotated[
        Limit,
        msgspec.Meta(description="seconds, the 95th percentile of the answers, e.g. [3, 8]"),
    ] = (3.0, 8.0)
    timeout_s: Annotated[
        float, msgspec.Meta(gt=0, le=60, description="seconds to wait for each answer, e.g. 10")
    ] = 10.0


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """One test message, from the start of its connection to the end of the answer."""

    ms: float
    status: int | None = None  # None: no answer was read
    returned: bool | None = None  # its word came back; None: no body was read to its end
    failure: Failure | None = None
    failed_at: Stage | None = None
    error: str | None = None  # errno or exception class by name


class GatewayEvidence(Evidence, frozen=True, kw_only=True):
    """What became of each message, in order. Fewer than `asked`: time or patience had an end."""

    url: str  # without query
    address: str | None  # that the last message went to
    asked: int
    echoes: tuple[Echo, ...]
    p50_s: float | None = None  # of the messages that came back, nearest rank
    p95_s: float | None = None  # likewise; None below 20 of them
