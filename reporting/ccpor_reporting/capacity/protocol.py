"""What the agent and the collector say to each other while a line is measured.

One site at a time: `POST SLOTS` (signed by the workstation, RFC 9421 subset) asks for a turn and
answers with a `Slot`; `GET SLOTS/{id}` (bearer token) asks again while it waits, and renews it;
`DELETE SLOTS/{id}` gives it back. Whatever comes from the client renews it (a request, bytes of a
body, a signed STAMP packet; what the collector sends does not); one of which nothing came for
`LEASE_S` is free again. With a granted slot's token, over HTTPS:

* ``POST UP?flow=N``: any body, counted by arrival and thrown away; answers with `Counted`.
* ``GET DOWN?flow=N&bytes=B[&mbit=R]``: B random bytes, evenly paced to R Mbit/s where R is given.
* ``GET ECHO``: 204 at once; the round trip of one small request.
* ``GET FEEDBACK?flows=N``: JSON lines (`Arrived`), one each `FEEDBACK_MS`, until the slot ends or
  the client closes: what has reached the collector so far, and whether it was itself too busy.

UDP: STAMP in authenticated mode (`ccpor_reporting.stamp`) at `Slot.udp_port`, under the slot's
session number and key; answers end with the slot.
"""

from __future__ import annotations

from typing import Literal

import msgspec

BASE = "/api/v1/capacity"
SLOTS = f"{BASE}/slots"
UP, DOWN, ECHO, FEEDBACK = f"{BASE}/up", f"{BASE}/down", f"{BASE}/echo", f"{BASE}/feedback"

LEASE_S = 12.0  # a slot that nobody used for so long is free: a dead client blocks for no longer
ASK_AGAIN_S = 1.0
FEEDBACK_MS = 50
LONGEST_SLOT_S = 120.0
MOST_FLOWS = 32
BUSY_TICK_MS = 50.0  # a server that is late by more for 2 % of its ticks says so
BUSY_SHARE = 0.02


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``POST SLOTS``: what the client means to do with its turn."""

    seconds: float  # of the whole turn, at most LONGEST_SLOT_S
    megabytes: float  # both ways together
    flows: int = 1


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One site's turn. token, udp_port, session, key: only once it is granted."""

    id: str
    state: Literal["waiting", "granted"]
    token: str  # bearer token of this slot, from the start: it also asks again and gives back
    position: int = 0  # how many turns come before this one
    about_s: float = 0.0  # until its turn comes, if the others use what they asked for
    lease_s: float = LEASE_S
    seconds: float = 0.0  # granted: what is left of the turn
    megabytes: float = 0.0  # granted: what may be moved
    udp_port: int | None = None  # None: this collector has no reflector
    session: int | None = None  # STAMP session identifier (RFC 8972 section 3)
    key: str | None = None  # base64, 32 bytes: HMAC-SHA-256 of the STAMP packets
    client: str = ""  # the address that the collector sees
    via: str | None = None  # a proxy that named itself on the way (Via, Forwarded)


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """One line of ``FEEDBACK``. ms: on the collector's own monotonic clock."""

    ms: float
    bytes: int  # of all flows, since the slot began
    flows: tuple[int, ...] = ()  # of each flow, in the order of their numbers
    busy: bool = False


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """What ``POST UP`` counted of one body."""

    bytes: int
    first_ms: float  # when its first byte came, on the collector's monotonic clock
    last_ms: float
    coding: str | None = None  # a Content-Encoding that somebody put on it
