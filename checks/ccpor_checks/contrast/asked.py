"""One comparison to be made, as data: the agent plans them, `look` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ccpor_checks.base import Target
from ccpor_reporting.contrasts import Kind

Protocol = Literal["tcp", "udp", "icmp", "ntp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be compared.

    what: as the evidence will name it. addresses: known ones of `host`; where there are none the
    system is asked. target and check: whose exchange is repeated, and up to which check.
    seconds: the most it may take.
    """

    kind: Kind
    what: str
    host: str = ""
    addresses: tuple[str, ...] = ()
    port: int | None = None
    protocol: Protocol = "tcp"
    records: tuple[Literal["A", "AAAA"], ...] = ()  # other-resolver: what is asked of it
    target: Target | None = None
    check: str = ""
    seconds: float = 2.0
