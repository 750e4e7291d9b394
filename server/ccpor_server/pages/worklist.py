"""Saved views of the board: each person's own, under a name."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server.access import Access, Entry, collector
from ccpor_server.pages.board import FIELDS
from ccpor_server.pages.forms import read_form
from ccpor_server.problems import BadRequest
from ccpor_server.store import Transaction, desk
from ccpor_server.store.people import Person

LONGEST_NAME = 60
MOST_VIEWS = 30
LONGEST_QUERY = 1000


def clean_query(text: str) -> str:
    """Return what of *text* the board's address knows; anything else is left out."""
    pairs = parse_qsl(text[:LONGEST_QUERY], max_num_fields=50)
    return urlencode([(name, value) for name, value in pairs if name in FIELDS])


async def view_save(request: Request) -> Response:
    """Keep the board's present address under a name. 303 to the board; 400 no name, or too many."""
    given, person = await read_form(request), request.state.person
    name, query = given.get("view", ""), clean_query(given.get("query", ""))
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise BadRequest(f"name the view, with at most {LONGEST_NAME} letters")

    def job(tx: Transaction) -> None:
        if len(desk.views(tx.db, person.id)) >= MOST_VIEWS:
            raise BadRequest(f"{MOST_VIEWS} views are kept; remove one first")
        desk.save_view(tx, person.id, name, query)

    await collector(request).store.awrite(job)
    return RedirectResponse(f"/?{query}" if query else "/", 303)


async def view_forget(request: Request) -> Response:
    """Forget one of one's own views. 303 to the board."""
    person: Person = request.state.person
    wanted = request.path_params["view_id"]
    await collector(request).store.awrite(lambda tx: desk.forget_view(tx, person.id, wanted))
    return RedirectResponse("/", 303)


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/views", methods=("POST",), access=Access.READER, endpoint=view_save),
    Entry(
        path="/views/{view_id}/forget",
        methods=("POST",),
        access=Access.READER,
        endpoint=view_forget,
    ),
)
