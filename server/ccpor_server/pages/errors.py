"""A refusal as a page, in the same look; for people who came with a browser."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from ccpor_server.pages.render import answer
from ccpor_server.problems import Refused


@dataclass(frozen=True, slots=True)
class ErrorPage:
    status: int
    title: str
    detail: str
    advice: str


ADVICE = {
    401: "Sign in, then try again.",
    403: "If you should be able to do this, ask an administrator of the AOC.",
    404: "Check the address, or start from the first page. What you may not see looks the same.",
    429: "Wait a little, then try again.",
    503: "Nothing was lost. Try again in a minute.",
}
TITLES = {401: "Sign in first", 403: "Not allowed", 404: "Nothing here", 500: "Our own fault"}


def wants_page(request: Request) -> bool:
    """Return whether whoever asks is a person with a browser, outside of the API."""
    path = request.url.path
    return not path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def error_page(request: Request, refused: Refused) -> Response:
    """Return the page of a refusal, with its status and headers."""
    title = TITLES.get(refused.status, refused.title.capitalize())
    detail = refused.detail[:1].upper() + refused.detail[1:]
    page = ErrorPage(refused.status, title, detail, ADVICE.get(refused.status, ""))
    response = answer(request, "error.html", page, title, status=refused.status)
    for name, value in refused.headers.items():
        if name.lower() != "www-authenticate":  # a browser would ask for a password of its own
            response.headers[name] = value
    return response
