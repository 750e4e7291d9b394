"""What somebody typed while the session locked: kept, and given back after signing in again.

A session locks after half an hour. The form that is sent then does nothing, and loses nothing: its
fields wait for the same person, who sees them and sends them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import sessions
from ccpor_server.access import Access, Entry, collector, is_same_origin, local_path
from ccpor_server.pages.forms import read_form
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.problems import Refused
from ccpor_server.store import Transaction, desk
from ccpor_server.store.people import Person

PATH = "/draft"
NEVER_KEPT = ("password", "code", "ticket", "offer", "confirmed", "basis")
LONGEST = 20_000  # characters of all fields


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPage:
    """fields: name and value of each, in the order they were typed. to: empty: nothing is kept."""

    to: str
    back: str
    fields: tuple[tuple[str, str], ...]


async def kept_draft(request: Request) -> Response | None:
    """Keep the form of a person whose session locked, and return the way to sign in again.

    None when there is nothing to keep, or nobody to keep it for.
    """
    running = collector(request)
    token = request.cookies.get(sessions.cookie_name(running.settings))
    if not token or request.method != "POST" or not is_same_origin(request):
        return None
    held = await run_in_threadpool(sessions.locked_person, running, token)
    if held is None:
        return None
    try:
        given = await read_form(request)
    except Refused:
        return None
    fields = {
        name: value
        for name, value in given.items()
        if value and not any(one in name for one in NEVER_KEPT)
    }
    path = request.url.path
    if not fields or sum(map(len, fields.values())) > LONGEST or len(path) > 300:
        return None
    await running.store.awrite(lambda tx: desk.keep_draft(tx, held.id, path, fields))
    here = quote(f"{PATH}?path={quote(path, safe='')}", safe="")
    return RedirectResponse(f"/sign-in?next={here}", 303)


def _path(request: Request, given: dict[str, str] | None = None) -> str:
    asked = (given or {}).get("path") or request.query_params.get("path")
    return local_path(asked, "")


async def draft(request: Request) -> Response:
    """Show what was typed before the session locked; only to who typed it. 200."""
    person: Person = request.state.person
    path = _path(request)
    fields = await read(request, lambda db: desk.draft_of(db, person.id, path))
    shown = tuple((fields or {}).items())
    page = DraftPage(to=path if shown else "", back=path.rpartition("/")[0] or "/", fields=shown)
    return answer(request, "draft.html", page, "What you typed")


async def draft_forget(request: Request) -> Response:
    """Throw a draft away. 303 to the first page."""
    person: Person = request.state.person
    path = _path(request, await read_form(request))

    def job(tx: Transaction) -> None:
        desk.forget_draft(tx, person.id, path)

    await collector(request).store.awrite(job)
    return RedirectResponse("/", 303)


ENTRIES: tuple[Entry, ...] = (
    Entry(path=PATH, methods=("GET",), access=Access.READER, endpoint=draft),
    Entry(path=f"{PATH}/forget", methods=("POST",), access=Access.READER, endpoint=draft_forget),
)
