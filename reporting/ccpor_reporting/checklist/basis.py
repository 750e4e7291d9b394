"""The digest of a checklist, so that two signatures can be told to be of the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec

from ccpor_reporting.checklist.model import ItemState


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """An item whose state is not what it was."""

    item: str
    title: str
    before: str
    after: str


def basis_of(states: Sequence[ItemState]) -> str:
    """Return the SHA-256, in hex, over each item's state and waivers, in the checklist's order.

    Ages and run ids are left out: a newer run that shows the same changes nothing that anybody
    signed. The items that signatures fill are left out, too: signing changes no basis.
    """
    told = [
        [one.item.id, one.state.value, one.under.value if one.under else None, sorted(one.waivers)]
        for one in states
        if not one.item.signed
    ]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


def changed(before: Sequence[ItemState], after: Sequence[ItemState]) -> tuple[Changed, ...]:
    """Return the items whose state differs, in the checklist's order."""
    then = {one.item.id: one for one in before}
    return tuple(
        Changed(
            item=one.item.id,
            title=one.item.title,
            before=then[one.item.id].state.value,
            after=one.state.value,
        )
        for one in after
        if not one.item.signed and one.item.id in then and then[one.item.id].state is not one.state
    )
