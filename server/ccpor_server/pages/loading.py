"""What pages read from the store, in a thread, in one consistent view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from ccpor_reporting.checklist.model import ItemState
from ccpor_server.access import collector, readable_court
from ccpor_server.board_lines import CourtLine, court_lines
from ccpor_server.checklist_state import CourtView, court_view
from ccpor_server.problems import NotFound
from ccpor_server.store import courts
from ccpor_server.store.people import Person

T = TypeVar("T")


async def read(request: Request, question: Callable[[sa.Connection], T]) -> T:
    """Return the answer to *question*, asked in a thread."""

    def ask() -> T:
        with collector(request).store.reading() as db:
            return question(db)

    return await run_in_threadpool(ask)


async def view_of(request: Request, court_id: str) -> CourtView:
    """Return a court with its checklist; NotFound for a stranger too."""
    court = await readable_court(request, court_id)
    now = collector(request).now()
    return await read(request, lambda db: court_view(db, court, now))


async def board_lines(request: Request, person: Person) -> list[CourtLine]:
    """Return every court that *person* may read, as the board shows it."""
    now = collector(request).now()

    def ask(db: sa.Connection) -> list[CourtLine]:
        return court_lines(db, [one for one in courts.every(db) if person.may_read(one.id)], now)

    return await read(request, ask)


async def item_of(request: Request) -> tuple[CourtView, ItemState]:
    """Return the court and the item that the address names; NotFound for a stranger too."""
    view = await view_of(request, request.path_params["court_id"])
    for state in view.checklist.items:
        if state.item.id == request.path_params["item_id"]:
            return view, state
    raise NotFound("no such item")
