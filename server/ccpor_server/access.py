"""Who may reach what: one `Entry` a route; a route without an entry does not exist.

`create_app` builds every route from the entries of `ccpor_server.api.routes.API_ENDPOINTS` and
`ccpor_server.pages.routes.PAGE_ENDPOINTS`, each wrapped in `guarded`. Inside an endpoint:

* ``request.state.person`` is the `Person` signed in, or None (read per request: rights never lag);
* ``collector(request)`` is the `Collector`: settings, store, key, clock, limits;
* ``readable_court(request, court_id)`` returns the `Court`, or raises `NotFound`, for a stranger
  too: whether it exists is not theirs to know.

A page without a session is sent to /sign-in?next=…; a person who must change the password, to
/password. An API call gets a problem (RFC 9457).
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import sessions
from ccpor_server.client import client_address
from ccpor_server.problems import Forbidden, NotFound, Refused, Unauthorised
from ccpor_server.rights import Right, Role
from ccpor_server.store import audit, courts
from ccpor_server.store.people import Person

if TYPE_CHECKING:
    from ccpor_server.capacity.slots import HeldSlot
    from ccpor_server.collector import Collector

Endpoint = Callable[[Request], Awaitable[Response]]
SIGN_IN_PATH = "/sign-in"
SIGN_OUT_PATH = "/sign-out"
PASSWORD_PATH = "/password"  # noqa: S105 - a path
_WHILE_PASSWORD_IS_OLD = frozenset({PASSWORD_PATH, SIGN_OUT_PATH, SIGN_IN_PATH})
_WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Access(enum.Enum):
    PUBLIC = "public"  # anybody; a person signed in is known all the same
    MACHINE = "machine"  # an enrolled workstation's signature, checked by the endpoint
    SLOT = "slot"  # the token of a turn at measuring, checked here: `request.state.slot`
    READER = "reader"  # signed in, with the entry's right; a court sees itself only
    ADMINISTRATOR = "administrator"
    OPERATIONS = "operations"  # loopback, or the metrics token


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One route: its path, methods, who may, and what answers."""

    path: str
    methods: tuple[str, ...]
    access: Access
    endpoint: Endpoint
    right: Right = Right.READ  # what a READER's role must hold
    operation: str = ""  # its name in the OpenAPI document, where the endpoint has two addresses

    @property
    def name(self) -> str:
        return str(getattr(self.endpoint, "__name__", self.path))


def collector(request: Request) -> Collector:
    """Return what the application runs on."""
    found: Collector = request.app.state.collector
    return found


def source(request: Request, who: str | None = None) -> audit.Source:
    """Return the audit facts of a request: who, where, from which address."""
    person: Person | None = getattr(request.state, "person", None)
    return audit.Source(
        who=who or (person.name if person else "anonymous"),
        place=f"{request.method} {request.url.path}",
        address=client_address(request),
    )


async def readable_court(request: Request, court_id: str) -> courts.Court:
    """Return the court; NotFound when it is not there, or not theirs to read."""
    person: Person | None = request.state.person
    if person is None or not person.may_read(court_id) or not courts.ID.fullmatch(court_id):
        raise NotFound("no such court")
    found = await run_in_threadpool(_court, request, court_id)
    if found is None:
        raise NotFound("no such court")
    return found


def _court(request: Request, court_id: str) -> courts.Court | None:
    with collector(request).store.reading() as db:
        return courts.by_id(db, court_id)


def guarded(entry: Entry) -> Endpoint:
    """Return the endpoint behind its guard."""

    async def guard(request: Request) -> Response:
        request.state.person = None
        if entry.access in {Access.MACHINE, Access.OPERATIONS}:
            if entry.access is Access.OPERATIONS:
                await _require_operations(request)
            return await _told(entry, request)
        if entry.access is Access.SLOT:
            request.state.slot = _slot(request)
            return await entry.endpoint(request)
        request.state.person = await _person(request)
        if entry.access is not Access.PUBLIC:
            away = await _refusal(request, entry)
            if away is not None:
                return away
        if request.method in _WRITING and not is_same_origin(request):
            await note_denied(request, "cross-site")
            raise Forbidden("a form of another site may not act here")
        return await entry.endpoint(request)

    return guard


def _slot(request: Request) -> HeldSlot:
    """Return the turn of the token that came; the turn is renewed by it."""
    running = collector(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    held = running.measuring.slots.heard(token.strip()) if scheme.lower() == "bearer" else None
    if held is None:
        running.limits.from_address(client_address(request))
        refused = Unauthorised("no turn has this token: it ended, or there never was one")
        refused.headers["WWW-Authenticate"] = 'Bearer realm="ccpor-capacity"'
        raise refused
    return held


async def _told(entry: Entry, request: Request) -> Response:
    """Answer a workstation; who is refused leaves an audit event (enrolment writes its own)."""
    try:
        return await entry.endpoint(request)
    except (Unauthorised, Forbidden) as exc:
        if entry.access is Access.MACHINE and entry.name != "enroll":
            await note_denied(request, f"machine {exc.status}")
        raise


async def _person(request: Request) -> Person | None:
    running = collector(request)
    token = request.cookies.get(sessions.cookie_name(running.settings))
    if not token:
        return None
    return await sessions.person_for(running, token)


async def _refusal(request: Request, entry: Entry) -> Response | None:
    """Return where to go instead; None when the person may; raises for those who may not."""
    person: Person | None = request.state.person
    is_api = request.url.path.startswith("/api/")
    if person is None:
        if is_api or request.method not in {"GET", "HEAD"}:
            kept: Response | None = None if is_api else await request.app.state.keep_draft(request)
            if kept is not None:
                return kept
            raise Unauthorised("sign in first")
        return RedirectResponse(f"{SIGN_IN_PATH}?next={quote(_here(request))}", 303)
    if person.must_change and request.url.path not in _WHILE_PASSWORD_IS_OLD:
        if is_api:
            raise Forbidden(f"change the password at {PASSWORD_PATH} first")
        return RedirectResponse(PASSWORD_PATH, 303)
    if not _may(person, entry):
        await note_denied(request, "role")
        raise Forbidden("your role may not do this")
    return None


def _may(person: Person, entry: Entry) -> bool:
    if entry.access is Access.ADMINISTRATOR:
        return person.role is Role.ADMINISTRATOR
    return entry.access is Access.READER and person.may(entry.right)


def _here(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return request.url.path + query


async def _require_operations(request: Request) -> None:
    running = collector(request)
    address = client_address(request)
    if address in {"127.0.0.1", "::1"}:
        return
    given = request.headers.get("authorization", "").removeprefix("Bearer ")
    if await run_in_threadpool(running.is_operations_token, given):
        return
    raise NotFound("nothing here")


async def note_denied(request: Request, why: str) -> None:
    """Write the audit event of a refusal; a flood of them is counted, not written."""
    running = collector(request)
    if running.limits.may_audit_denial(client_address(request)):
        facts = source(request)
        await running.store.awrite(lambda tx: audit.record(tx, "access.denied", why, facts))


def is_same_origin(request: Request) -> bool:
    """Return whether a browser says that this request comes from our own pages.

    Sec-Fetch-Site where the browser sends it, else Origin, else Referer against Host. A request
    with none of them is a person's script: no browser leaves all three out of another site's form,
    and the session cookie is SameSite=Lax, so such a form would come without it.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    said = request.headers.get("origin")
    if said is None:
        said = request.headers.get("referer")
    if said is None:
        return True
    host = request.headers.get("host", "")
    try:
        return bool(host) and urlsplit(said).netloc == host
    except ValueError:  # brackets that hold no address
        return False


def local_path(text: str | None, default: str = "/") -> str:
    """Return *text* when it is a path of this site, else *default*: no open redirect."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text:
        return default
    if any(ord(letter) < 0x20 for letter in text) or urlsplit(text).netloc:
        return default
    return text


__all__ = [
    "PASSWORD_PATH",
    "SIGN_IN_PATH",
    "SIGN_OUT_PATH",
    "Access",
    "Endpoint",
    "Entry",
    "Forbidden",
    "NotFound",
    "Refused",
    "Unauthorised",
    "collector",
    "guarded",
    "is_same_origin",
    "local_path",
    "note_denied",
    "readable_court",
    "source",
]
