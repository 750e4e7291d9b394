"""How a request is refused: one exception each, answered as RFC 9457 or as a page.

Refused              status, title, detail
├── BadRequest 400   Unauthorised 401   Forbidden 403   NotFound 404   NotAllowed 405
├── Late 408   Conflict 409   TooLarge 413   WrongMediaType 415   Unprocessable 422
└── TooMany 429   Unavailable 503        (both with Retry-After)
"""

from __future__ import annotations

import math

import msgspec
from starlette.responses import Response

PROBLEM_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a refusal (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class Refused(Exception):
    """The request ends here; `detail` says why and what to do."""

    status = 500
    title = "internal error"

    def __init__(
        self, detail: str, *, headers: dict[str, str] | None = None, title: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.title = title or type(self).title
        self.headers = headers or {}

    def problem(self, instance: str) -> Problem:
        slug = self.title.replace(" ", "-")
        return Problem(
            type=f"/problems/{slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
        )


class BadRequest(Refused):
    status, title = 400, "malformed request"


class Unauthorised(Refused):
    status, title = 401, "not signed"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": 'Signature realm="ccpor"'})


class Forbidden(Refused):
    status, title = 403, "not allowed"


class NotFound(Refused):
    status, title = 404, "not found"


class NotAllowed(Refused):
    status, title = 405, "method not allowed"


class Late(Refused):
    status, title = 408, "request too slow"


class Conflict(Refused):
    status, title = 409, "held with other bytes"


class TooLarge(Refused):
    status, title = 413, "too large"


class WrongMediaType(Refused):
    status, title = 415, "media type not read"


class Unprocessable(Refused):
    status, title = 422, "not a report we read"


class TooMany(Refused):
    status, title = 429, "too many requests"

    def __init__(self, detail: str, after_s: float) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, math.ceil(after_s)))})


class Unavailable(Refused):
    status, title = 503, "not available now"

    def __init__(self, detail: str, after_s: float = 5) -> None:
        super().__init__(detail, headers={"Retry-After": str(max(1, math.ceil(after_s)))})


def json_response(
    value: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return *value* (Structs, times and all) as a JSON response."""
    return Response(
        msgspec.json.encode(value), status, headers=headers, media_type="application/json"
    )


def problem_response(refused: Refused, instance: str) -> Response:
    return Response(
        msgspec.json.encode(refused.problem(instance)),
        refused.status,
        headers=refused.headers,
        media_type=PROBLEM_TYPE,
    )
