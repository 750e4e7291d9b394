"""What is looked at once more when a target fails, and how packets walk to it: shared nouns.

A failure alone says that something is wrong. Compared with what does work (another port of the same
host, the same name at another resolver, smaller segments, the other side) it says why and where.
The comparisons of one target are the evidence of one observation of the check ``contrast``; a walk
stands in the evidence of whoever walked. No finding comes of them: diagnosis reads them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

CHECK = "contrast"  # of the observation that holds a target's contrasts
VERSION = 1

Kind = Literal[
    "tcp",  # a connection to another port or host: a `contrast` URL of the profile
    "by-address",  # to the address that the profile expects, where the name is not found
    "other-resolver",  # the same name, asked of a name server that the target did not ask
    "other-family",  # the same host and port over the other version of IP
    # The same exchange with segments that fit any path, while the usual ones still fail. Of a
    # reset it proves no MTU: a filter that reads only whole requests lets small ones pass, too.
    "small-segments",
    "direct",  # past the proxy
    "through-proxy",  # through the proxy that this workstation's system knows
    "link",  # this workstation's own interfaces, addresses and default routes
    "other-side",  # the collector's look at the same target
    "walk",  # only ever `UNKNOWN`: a walk that could not be made; those made are in `walks`
]
WORKS = "works"  # the outcome of a contrast that succeeds; every other one is a reason
UNKNOWN = "unknown"  # it could not be looked at: `detail` says why

Answer = Literal[
    "time-exceeded",  # a router: the packet's life ended there
    "open",  # the target accepted the connection, or answered the echo
    "refused",  # a reset, or "port unreachable" from the target itself
    "prohibited",  # ICMP "administratively prohibited", or "port unreachable" from somebody else
    "unreachable",  # ICMP host or network unreachable
    "too-big",  # ICMP "fragmentation needed" or "packet too big"
    "silent",  # nothing came back
]


class Hop(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for packets that live *ttl* hops. A reset names no sender: then None."""

    ttl: int
    address: str | None
    answer: Answer
    sent: int = 1
    answered: int = 0
    rtt_ms: float | None = None  # the quickest


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """One walk towards *address*, hop by hop, up to the first one that ended it.

    end: the answer that ended it; ``silent`` where nothing beyond the last hop that answered did.
    distance: the ttl at which the target itself answered; None where it never did.
    """

    protocol: Literal["tcp", "udp", "icmp"]
    address: str
    port: int | None
    hops: tuple[Hop, ...]
    end: Answer
    distance: int | None = None

    @property
    def last(self) -> Hop | None:
        """Return the farthest router that answered; None where none did."""
        return next((h for h in reversed(self.hops) if h.answer == "time-exceeded"), None)


class Contrast(msgspec.Struct, frozen=True, kw_only=True):
    """One comparison. outcome: `WORKS`, `UNKNOWN`, or the reason it failed with."""

    kind: Kind
    what: str  # e.g. "tcp://10.1.3.2:22", a resolver's address, "segments of 536 bytes"
    outcome: str
    detail: str = ""
    address: str | None = None
    port: int | None = None
    ms: float | None = None


class ContrastEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What was compared for one target that failed. `about`: the ids of its failed findings.

    walks: towards what gave no answer: the target's address, its silent name server, or its proxy.
    """

    about: tuple[str, ...]
    contrasts: tuple[Contrast, ...] = ()
    walks: tuple[Walk, ...] = ()
