"""A refusal as a page, in the same look; for people who came with a browser."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from ccpor_server.access import SIGN_IN_PATH, is_same_origin
from ccpor_server.pages.forms import LONGEST_NOTE, read_form
from ccpor_server.pages.render import answer
from ccpor_server.problems import Refused


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """sign_in: the way back to the form; typed: what its note held, to copy."""

    status: int
    title: str
    detail: str
    advice: str
    sign_in: str | None = None
    typed: str = ""


ADVICE = {
    401: "Sign in, then try again.",
    403: "If you should be able to do this, ask an administrator of the AOC.",
    404: "Check the address, or start from the first page. What you may not see looks the same.",
    429: "Wait a little, then try again.",
    503: "Nothing was lost. Try again in a minute.",
}
TITLES = {401: "Sign in first", 403: "Not allowed", 404: "Nothing here", 500: "Our own fault"}
OVER = "The session is over, so nothing was recorded"


def wants_page(request: Request) -> bool:
    """Return whether whoever asks is a person with a browser, outside of the API."""
    path = request.url.path
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def error_page(request: Request, refused: Refused) -> Response:
    """Return the page of a refusal, with its status and headers."""
    if refused.status == 401 and request.method == "POST":
        return LapsedForm(request)
    title = TITLES.get(refused.status, refused.title.capitalize())
    detail = refused.detail[:1].upper() + refused.detail[1:]
    page = ErrorPage(refused.status, title, detail, ADVICE.get(refused.status, ""))
    response = answer(request, "error.html", page, title, status=refused.status)
    for name, value in refused.headers.items():
        if name.lower() != "www-authenticate":  # a browser would ask for a password of its own
            response.headers[name] = value
    return response


class LapsedForm(Response):
    """The answer to a form that came after its session ended: the way back, and the note.

    The form is read while answering, as nothing before it had a reason to. Only our own forms are
    read: another site must not make our page show its words.
    """

    def __init__(self, request: Request) -> None:
        super().__init__(status_code=401)
        self._request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = Request(scope, receive)
        typed = ""
        if is_same_origin(asked):
            try:
                typed = (await read_form(asked)).get("note", "")[:LONGEST_NOTE]
            except Refused:  # unreadable or too long: there is nothing to give back
                typed = ""
        page = ErrorPage(401, TITLES[401], OVER, ADVICE[401], _way_back(asked), typed)
        response = answer(asked, "error.html", page, TITLES[401], status=401)
        await response(scope, receive, send)


def _way_back(request: Request) -> str:
    """Return the sign-in address that leads to the page of this form: the nearest one above it."""
    path = request.url.path
    while path.strip("/"):
        scope = {**request.scope, "method": "GET", "path": path}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.router.routes):
            return f"{SIGN_IN_PATH}?next={quote(path)}"
        path = path.rpartition("/")[0]
    return SIGN_IN_PATH
