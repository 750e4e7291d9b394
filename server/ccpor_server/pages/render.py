"""Templates into answers. Autoescape is on everywhere; a missing name is an error, not a blank."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ccpor_server.pages.words import ROLES
from ccpor_server.rights import Right, Role
from ccpor_server.store.people import Person

PRODUCT = "CCPOR readiness"


@dataclass(frozen=True, slots=True)
class Link:
    href: str
    text: str
    current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page."""

    title: str
    name: str | None
    role: str | None
    of_court: bool
    links: tuple[Link, ...]


@cache
def environment() -> Environment:
    return Environment(
        loader=PackageLoader("ccpor_server", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def frame(person: Person | None, path: str, *title: str) -> Frame:
    """Return the frame of a page for *person*; *title* goes from the particular to the general."""
    full = " – ".join((*title, PRODUCT))
    if person is None:
        return Frame(title=full, name=None, role=None, of_court=False, links=())
    places = [] if person.is_of_court else [("/", "Courts"), ("/statewide", "Statewide")]
    if person.is_of_court and person.court:
        places = [(f"/courts/{person.court}", "My court")]
        places.append((f"/courts/{person.court}/machines", "Workstations"))
    places.append(("/incidents", "Incidents"))
    places.append(("/capacity", "Capacity"))
    places.append(("/messages", "Messages"))
    if person.role is Role.ADMINISTRATOR:
        places += [
            ("/admin/courts", "Manage courts"),
            ("/admin/codes", "Codes"),
            ("/admin/people", "People"),
        ]
    if person.may(Right.READ_AUDIT):
        places.append(("/admin/audit", "Audit"))
    links = () if person.must_change else tuple(Link(to, word, to == path) for to, word in places)
    return Frame(
        title=full,
        name=person.name,
        role=ROLES[person.role],
        of_court=person.is_of_court,
        links=links,
    )


def rendered(template: str, around: Frame, page: Any) -> str:
    """Return the HTML of *page*, a frozen value."""
    return environment().get_template(template).render(frame=around, page=page)


def answer(request: Request, template: str, page: Any, *title: str, status: int = 200) -> Response:
    """Return the page as an answer, framed for whoever asks."""
    person: Person | None = getattr(request.state, "person", None)
    around = frame(person, request.url.path, *title)
    return HTMLResponse(rendered(template, around, page), status)
