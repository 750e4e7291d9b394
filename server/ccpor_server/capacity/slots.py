"""Turns at measuring: who measures now, who waits, and when a turn ends.

One line is measured at a time (`at_once`), first come, first served. A turn ends when it is given
back, when nothing came from its client for `LEASE_S`, when its time is over, when its workstation
asks anew, and when that workstation is revoked. Its time runs from when its client hears of it: who
waits asks once a second, and a short turn would be over unused. Used on the event loop only.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Callable
from typing import Literal

from ccpor_reporting.capacity.protocol import (
    LEASE_S,
    LONGEST_SLOT_S,
    MOST_FLOWS,
    Wish,
)
from ccpor_server.problems import Unavailable

MOST_WAITING = 64
SHORTEST_S, LEAST_MEGABYTES = 1.0, 0.1
Why = Literal["given-back", "lapsed", "over", "replaced", "revoked", "stopped"]


class LineWish(Wish, frozen=True, kw_only=True):
    """What a client means to do with its turn; cut to what a turn may be."""


class HeldSlot:
    """One workstation's turn, waiting or granted."""

    def __init__(self, machine_id: str, wish: Wish, token: str, now: float) -> None:
        self.id = str(uuid.uuid4())
        self.machine_id = machine_id
        self.seconds = wish.seconds
        self.budget = int(wish.megabytes * 1e6)  # bytes, both ways together
        self.digest = _digest(token)
        self.heard_at = now  # when something last came from the client
        self.granted_at: float | None = None
        self.begun_at: float | None = None  # when its client was told that it has its turn
        self.session = 0
        self.key = b""
        self.moved = 0
        self.flows = [0] * MOST_FLOWS  # bytes that arrived, since the turn began
        self.ended = asyncio.Event()
        self.why: Why | None = None

    @property
    def left(self) -> int:
        """Return the bytes that may still be moved."""
        return max(0, self.budget - self.moved)

    def arrived(self, flow: int, count: int, now: float) -> None:
        self.flows[flow] += count
        self.moved += count
        self.heard_at = now


class Slots:
    """All turns of one collector."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        at_once: int = 1,
        most_megabytes: float = 1000.0,
        on_end: Callable[[HeldSlot], None] = lambda _held: None,
    ) -> None:
        self._monotonic = monotonic
        self._at_once = at_once
        self._most_megabytes = most_megabytes
        self._on_end = on_end
        self._by_token: dict[str, HeldSlot] = {}
        self.granted: list[HeldSlot] = []
        self.waiting: list[HeldSlot] = []

    def ask(self, machine_id: str, wish: Wish) -> tuple[HeldSlot, str]:
        """Return a new turn of this workstation and its token; it replaces one that it has.

        A replaced turn that waited keeps its place; one that was granted is over.

        Raises:
            Unavailable: Too many wait.
        """
        self.sweep()
        token = secrets.token_urlsafe(32)
        new = HeldSlot(machine_id, self._cut(wish), token, self._monotonic())
        old = next((one for one in self.waiting if one.machine_id == machine_id), None)
        if old is not None:
            self.waiting[self.waiting.index(old)] = new
            self.end(old, "replaced")
        else:
            if len(self.waiting) >= MOST_WAITING:
                raise Unavailable("too many workstations wait to measure their line", after_s=60)
            self.waiting.append(new)
            for one in [one for one in self.granted if one.machine_id == machine_id]:
                self.end(one, "replaced")
        self._by_token[new.digest] = new
        self._grant()
        if new.granted_at is not None:
            new.begun_at = new.granted_at
        return new, token

    def _cut(self, wish: Wish) -> Wish:
        return Wish(
            seconds=min(max(wish.seconds, SHORTEST_S), LONGEST_SLOT_S),
            megabytes=min(max(wish.megabytes, LEAST_MEGABYTES), self._most_megabytes),
            flows=min(max(wish.flows, 1), MOST_FLOWS),
        )

    def heard(self, token: str) -> HeldSlot | None:
        """Return the turn of *token*, which this renews; None: it ended, or there never was one."""
        self.sweep()
        # found by its hash: how long that takes tells nothing about any token
        held = self._by_token.get(_digest(token))
        if held is not None:
            held.heard_at = self._monotonic()
            if held.granted_at is not None and held.begun_at is None:
                held.begun_at = held.heard_at
        return held

    def by_session(self, session: int) -> HeldSlot | None:
        return next((one for one in self.granted if one.session == session), None)

    def sweep(self) -> None:
        """End what lapsed or is over, and give turns to those who wait."""
        now = self._monotonic()
        for held in (*self.granted, *self.waiting):
            if now - held.heard_at > LEASE_S:
                self.end(held, "lapsed")
            elif held.begun_at is not None and now - held.begun_at > held.seconds:
                self.end(held, "over")
        self._grant()

    def end(self, held: HeldSlot, why: Why) -> None:
        """End this turn; whatever still runs in it stops."""
        if held.why is not None:
            return
        held.why = why
        held.ended.set()
        self._by_token.pop(held.digest, None)
        for line in (self.granted, self.waiting):
            if held in line:
                line.remove(held)
        self._on_end(held)

    def _grant(self) -> None:
        while self.waiting and len(self.granted) < self._at_once:
            held = self.waiting.pop(0)
            held.granted_at = self._monotonic()
            held.session = self._free_session()
            held.key = secrets.token_bytes(32)
            self.granted.append(held)

    def _free_session(self) -> int:
        while True:
            session = 1 + secrets.randbelow(0xFFFF)
            if self.by_session(session) is None:
                return session

    def seconds_left(self, held: HeldSlot) -> float:
        if held.granted_at is None:
            return 0.0
        begun = self._monotonic() if held.begun_at is None else held.begun_at
        return max(0.0, held.seconds - (self._monotonic() - begun))

    def position(self, held: HeldSlot) -> int:
        """Return how many turns must end before this one begins; 0: it has begun."""
        return self.waiting.index(held) + 1 if held in self.waiting else 0

    def about_s(self, held: HeldSlot) -> float:
        """Return in how many seconds this turn begins, if the others use what they asked for."""
        if held not in self.waiting:
            return 0.0
        before = self.waiting[: self.waiting.index(held)]
        seconds = [self.seconds_left(one) for one in self.granted] + [one.seconds for one in before]
        return sum(seconds) / self._at_once


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
