"""What a signature rests on: the checklist of this moment, its digest, the log, what was signed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from starlette.requests import Request

from ccpor_reporting.checklist.basis import Changed, basis_of, changed
from ccpor_reporting.checklist.load import our_checklist
from ccpor_reporting.checklist.model import Decision, DecisionKind, Item, Party, Scope, Workaround
from ccpor_reporting.checklist.sign_off import parties, standing
from ccpor_server.checklist_state import CourtView, court_view
from ccpor_server.pages.loading import read, view_of
from ccpor_server.problems import NotFound
from ccpor_server.rights import Role
from ccpor_server.store import decisions
from ccpor_server.store.log import Head, current_head
from ccpor_server.store.people import Person

SUBJECTS = {"go-live": "Go-live", "close-out": "Close-out"}
KINDS = {
    DecisionKind.GO: "Go",
    DecisionKind.GO_WITH_WORKAROUNDS: "Go, with workarounds that have a last day",
    DecisionKind.NO_GO: "No-go",
}
SPEAKS_FOR = {
    Role.APPROVER: Party.AOC,
    Role.COURT_MANAGER: Party.COURT,
    Role.SHERIFF: Party.SHERIFF,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All that a sign-off rests on, read in one consistent view."""

    view: CourtView
    subject: str
    item: Item
    said: tuple[Decision, ...]
    signed: Mapping[Party, Decision]
    head: Head
    basis: str
    before: Sequence[Changed]
    first: Decision | None  # the standing signature on this very checklist, if any
    other: Decision | None  # the newest standing signature on another one

    @property
    def seen(self) -> tuple[int, str]:
        """Return the size and root to sign: those signed first, so that all sign the same."""
        if self.first is not None:
            return self.first.seen_size, self.first.seen_root
        return self.head.size, self.head.root


async def desk_of(request: Request) -> Desk:
    view = await view_of(request, request.path_params["court_id"])
    subject = request.path_params["subject"]
    item = next((one for one in our_checklist().items if one.signed == subject), None)
    if item is None:
        raise NotFound("nothing is signed under this name")
    states = view.checklist.items

    def look(db: sa.Connection) -> Desk:
        said = decisions.of_court(db, view.court.id)
        signed = standing(said, subject)
        basis = basis_of(states)
        same = [one for one in signed.values() if one.basis == basis]
        others = [one for one in signed.values() if one.basis != basis]
        other = max(others, key=lambda one: one.at, default=None)
        before: Sequence[Changed] = ()
        if other is not None:
            before = changed(court_view(db, view.court, other.at).checklist.items, states)
        return Desk(
            view=view,
            subject=subject,
            item=item,
            said=said,
            signed=signed,
            head=current_head(db),
            basis=basis,
            before=before,
            first=min(same, key=lambda one: one.at, default=None),
            other=other,
        )

    return await read(request, look)


def needed(desk: Desk) -> tuple[Party, ...]:
    names = Scope.__struct_fields__
    answers = {name: value for name, value in desk.view.court.scope.items() if name in names}
    return parties(desk.item, Scope(**answers))


def speaks_for(person: Person, desk: Desk) -> Party | None:
    """Return for whom *person* signs here; None for who only reads."""
    party = SPEAKS_FOR.get(person.role)
    return party if party in needed(desk) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    kind: DecisionKind
    note: str
    workarounds: tuple[Workaround, ...]
