"""What the `tcp` check may be asked, and what it saw."""

from __future__ import annotations

from typing import Annotated

import msgspec

from ccpor_checks.base import Evidence, Options
from ccpor_checks.kit.icmp import Icmp
from ccpor_reporting.contrasts import Walk
from ccpor_reporting.rules import Limit


class TcpOptions(Options, frozen=True, kw_only=True):
    """`[target.tcp]`"""

    tries: Annotated[
        int, msgspec.Meta(description="how many connections to try, e.g. 3", ge=1, le=20)
    ] = 3
    timeout_s: Annotated[
        float, msgspec.Meta(description="seconds each try may take, e.g. 3", gt=0, le=60)
    ] = 3.0
    max_ms: Annotated[
        Limit,
        msgspec.Meta(
            description="milliseconds a try may take to count as answered: one number, or a pair "
            "[warning, blocker], e.g. [100, 500]"
        ),
    ] = None


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """One connection tried. `reason` is None when it was made."""

    address: str
    reason: str | None
    ms: float  # until the connection was made, or until the try ended
    error: str | None = None  # errno by name; None: none was raised
    icmp: Icmp | None = None  # None: no ICMP error, or a system that does not show it
    local_port: int | None = None  # of this workstation; None: not known


class OpenPort(msgspec.Struct, frozen=True, kw_only=True):
    """Another port of the same host that accepts connections, and how fast: to compare with."""

    address: str
    port: int
    connect_ms: tuple[float, ...]
    reset_lives_longer: bool | None = None  # than its answers do; None: not known


class TcpEvidence(Evidence, frozen=True, kw_only=True):
    """Which of the target's addresses accept a connection, and how fast.

    `address`: the first that did, which later checks use; None when none did.
    `walks`, `open_port`: only where the port is refused and something stands between: the walks to
    that address by several protocols, and the open port that the profile's `contrast` names.
    """

    host: str
    port: int
    address: str | None
    tries: tuple[Try, ...]
    local_address: str | None = None  # this workstation's, as the target sees it without NAT
    connect_p50_ms: float | None = None  # of the connections made to it; None: none was
    connect_p95_ms: float | None = None
    walks: tuple[Walk, ...] = ()
    open_port: OpenPort | None = None
