"""Which waivers are in force, what each covers, and which cover nothing any more.

A waiver covers what keeps an item from being met; it never makes a finding pass. Mandatory items
have none.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from ccpor_reporting.checklist.model import Checklist, Item, ItemState, KnownMachine, Waiver


class WaiverState(enum.StrEnum):
    IN_FORCE = "in-force"
    UNUSED = "unused"  # in force, and nothing is there that it covers
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"  # its item is mandatory, or not of this checklist


class ReviewedWaiver(msgspec.Struct, frozen=True, kw_only=True):
    waiver: Waiver
    state: WaiverState


def in_force(waivers: Iterable[Waiver], checklist: Checklist, now: datetime) -> tuple[Waiver, ...]:
    """Return the waivers that count at *now*: granted, not withdrawn, not run out, permitted."""
    return tuple(one for one in waivers if _state(one, checklist, now) is WaiverState.IN_FORCE)


def _state(one: Waiver, checklist: Checklist, now: datetime) -> WaiverState | None:
    """Return how *one* stands before anybody asks whether it is used; None: not granted yet."""
    item = checklist.item(one.item)
    if one.at > now:
        return None
    if one.withdrawn_at is not None and one.withdrawn_at <= now:
        return WaiverState.WITHDRAWN
    if item is None or item.mandatory:
        return WaiverState.REFUSED
    return WaiverState.EXPIRED if one.until < now.date() else WaiverState.IN_FORCE


def review(
    waivers: Iterable[Waiver], states: Sequence[ItemState], checklist: Checklist, now: datetime
) -> tuple[ReviewedWaiver, ...]:
    """Return every waiver with how it stands; *states* are those computed with them."""
    used = {name for state in states for name in state.waivers}
    found = []
    for one in waivers:
        state = _state(one, checklist, now)
        if state is WaiverState.IN_FORCE and one.id not in used:
            state = WaiverState.UNUSED
        if state is not None:
            found.append(ReviewedWaiver(waiver=one, state=state))
    return tuple(found)


def whole(waivers: Iterable[Waiver], item: Item) -> Waiver | None:
    """Return the waiver that covers all of *item*; None when there is none."""
    for one in waivers:
        if one.item == item.id and one.code is one.location is one.machine is None:
            return one
    return None


def covering(
    waivers: Iterable[Waiver], item: Item, machine: KnownMachine, code: str
) -> Waiver | None:
    """Return the waiver that covers *code* of *item* on *machine*; None when there is none."""
    for one in waivers:
        if (
            one.item == item.id
            and one.code in {None, code}
            and one.location in {None, machine.location}
            and one.machine in {None, machine.id}
        ):
            return one
    return None
