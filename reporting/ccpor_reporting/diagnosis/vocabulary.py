"""The closed lists of words that ``rules.toml`` may use; docs/scenarios.md tells what they mean.

A test compares them with what is implemented and with the page.
"""

from __future__ import annotations

from typing import get_args

from ccpor_reporting.contrasts import Kind
from ccpor_reporting.model import Owner

KINDS: tuple[str, ...] = get_args(Kind)
OUTCOMES = ("works", "fails", "fails alike")
OF_CONTRASTS = {f"{kind} {outcome}": (kind, outcome) for kind in KINDS for outcome in OUTCOMES}
# Conditions over one cause.
OF_WAYS = (
    "other packets get farther",  # a walk of another protocol or port gets past where this one ends
    "no packets get farther",  # others were sent and end there as well
    "a walk reaches it",  # the very port, after the failure
    "a reset comes too early",  # at a ttl at which the host is not yet reached
    "the host answers others",  # another port of the same host is open, or other packets reach it
    "a router is the last to answer",
)
OF_FINDINGS = (
    "own words",  # the check wrote a fix of its own
    "answered too late",  # it did answer
    "a proxy is in use",
    "loss only on the way there",
    "loss only on the way back",
    "loss of a fifth or more",
    "the name server answers nobody",
    "the name server is told apart",  # it is broken, another one or another name works
    "this workstation says so",  # and no router
    "no other host answers",  # over TLS or HTTP
)
OF_ONE = (*OF_CONTRASTS, *OF_WAYS, *OF_FINDINGS)
# Conditions over the cause that explains and the one that is explained.
OF_TWO = ("within the clock's offset", "the same missing route", "loss held it back")
SCOPES = (
    "anywhere",
    "same target",
    "same host",
    "same network",  # /24, or /64 of IPv6
    "same place",
    "the proxy itself",
    "this side",  # at this workstation, or before the first router
)
OWNERS = ("place", "far-end", *(owner.value for owner in Owner))
PLACES = (
    "way",  # where the packets end
    "workstation",
    "name servers",  # the broken ones
    "proxy",
    "host",  # the address that answered
    "measured",  # where the path check saw it begin
    "up",  # the way there
    "down",  # the way back
)
# What stands in braces in `says` and `fix`.
WORDS = ("what", "end", "ms", "outcome", "detail", "place", "hop", "other", "name_server", "proxy")
