"""What the `dns` check may be asked, and what it saw."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from ccpor_checks.base import Evidence, Options, Refusal
from ccpor_checks.dns.system import OwnSource, resolver_from
from ccpor_reporting.rules import Limit

Record = Literal["A", "AAAA"]
Source = Literal["resolvers", "literal"] | OwnSource


class DnsOptions(Options, frozen=True, kw_only=True):
    """`[target.dns]`"""

    resolvers: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description='addresses of the resolvers to ask, e.g. ["10.0.0.1", "10.0.0.2:5353"]; '
            "leave it out for this workstation's own"
        ),
    ] = ()
    expected: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            description='addresses or ranges the name may have, e.g. ["192.0.2.7", "10.8.0.0/16"]'
        ),
    ] = ()
    records: Annotated[
        tuple[Record, ...],
        msgspec.Meta(description='["A"], ["AAAA"] or both; one of them suffices', min_length=1),
    ] = ("A", "AAAA")
    max_ms: Annotated[
        Limit,
        msgspec.Meta(
            description="milliseconds until the first answer: one number, or a pair "
            "[warning, blocker], e.g. [500, 2000]"
        ),
    ] = (500.0, 2000.0)
    timeout_s: Annotated[
        float,
        msgspec.Meta(description="seconds each query may take, e.g. 3", gt=0, le=60),
    ] = 3.0

    def refusals(self) -> Iterator[Refusal]:
        """Yield resolvers and expected ranges that are none."""
        for position, text in enumerate(self.resolvers):
            try:
                resolver_from(text)
            except ValueError:
                wanted = 'write the address of a resolver, e.g. "10.0.0.1" or "10.0.0.1:5353"'
                yield Refusal(("resolvers", position), wanted)
        for position, text in enumerate(self.expected):
            try:
                ipaddress.ip_network(text, strict=False)
            except ValueError:
                wanted = 'write an address or a range, e.g. "192.0.2.7" or "10.8.0.0/16"'
                yield Refusal(("expected", position), wanted)


class RecordAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One query and what came of it. `reason` is None when the record has addresses."""

    record: Record
    reason: str | None
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # the CNAME chain, in order, without the name asked
    rcode: str | None = None  # e.g. "NOERROR"; None: no valid reply
    error: str | None = None  # errno by name, e.g. "ECONNREFUSED"; None: none was raised
    ms: float | None = None  # from the first packet to the valid reply; None: none came
    attempts: int = 1  # UDP packets sent
    over_tcp: bool = False  # the UDP reply was truncated, so TCP was asked
    discarded: int = 0  # datagrams that were no reply to this query (wrong id, unreadable)


class ResolverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What one resolver said. `reason` is None when it gave an address."""

    resolver: str
    reason: str | None
    addresses: tuple[str, ...]
    ms: float | None  # its first successful answer; None: none
    records: tuple[RecordAnswer, ...]


class DnsEvidence(Evidence, frozen=True, kw_only=True):
    """Which addresses a name has, who said so, and how fast.

    `addresses`: what later checks use: IPv4 first, from the resolvers that answered.
    """

    name: str
    source: Source
    addresses: tuple[str, ...]
    answers: tuple[ResolverAnswer, ...] = ()  # none for every source but "resolvers"
