"""Forms: read strictly, faults collected by field, what was typed kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from urllib.parse import parse_qsl

from starlette.requests import Request

from ccpor_server.access import collector
from ccpor_server.limits import read_body
from ccpor_server.problems import BadRequest, WrongMediaType

LONGEST_FORM = 64 * 1024
MOST_FIELDS = 200
LONGEST_NOTE = 2000  # characters


@dataclass(frozen=True, slots=True)
class Fault:
    """A mistake in one field; the summary on top links to it."""

    field: str
    text: str


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a form, each once, without blanks around.

    Raises: BadRequest, WrongMediaType, TooLarge.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/x-www-form-urlencoded":
        raise WrongMediaType("send the form as application/x-www-form-urlencoded")
    body = await read_body(request, collector(request).settings, limit=LONGEST_FORM)
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError as exc:
        raise BadRequest("the form cannot be read") from exc
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("a field of the form stands twice")
    # passwords keep their blanks: they are part of the secret
    return {name: value if "password" in name else _clean(value) for name, value in fields.items()}


def _clean(text: str) -> str:
    kept = (one for one in text.replace("\r\n", "\n") if one.isprintable() or one == "\n")
    return "".join(kept).strip()


def day_from(text: str) -> date | None:
    """Return the day that *text* (ISO) names; None when it is empty; ValueError otherwise."""
    return date.fromisoformat(text) if text else None
