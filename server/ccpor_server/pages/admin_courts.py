"""What an administrator manages: courts, their scope and their inventory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ccpor_reporting.checklist.model import Scope
from ccpor_reporting.checklist.scope import WORDS as SCOPE_WORDS
from ccpor_server.pages.admin import choices, place_faults
from ccpor_server.pages.board import KINDS, Choice
from ccpor_server.pages.forms import Fault, day_from
from ccpor_server.pages.stamp import day, zone
from ccpor_server.store.courts import ROLES as WORKSTATION_ROLES
from ccpor_server.store.courts import Court, Declared

COURT_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")


MOST_MACHINES = 10_000


YES_NO = {"yes": "yes", "no": "no", "": "not answered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtLine:
    href: str
    name: str
    id: str
    kind: str
    go_live: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtsPage:
    rows: tuple[CourtLine, ...]
    kinds: tuple[Choice, ...]
    typed: Mapping[str, str]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    field: str
    question: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CourtFormPage:
    court_id: str
    name: str
    typed: Mapping[str, str]
    kinds: tuple[Choice, ...]
    answers: tuple[Answer, ...]
    inventory: tuple[Declared, ...]
    roles: tuple[Choice, ...]
    faults: tuple[Fault, ...]
    saved: bool


def courts_page(
    every: Sequence[Court], typed: Mapping[str, str], faults: tuple[Fault, ...] = ()
) -> CourtsPage:
    return CourtsPage(
        rows=tuple(
            CourtLine(
                href=f"/admin/courts/{one.id}",
                name=one.name,
                id=one.id,
                kind=KINDS.get(one.kind, one.kind),
                go_live=day(one.go_live) if one.go_live else "not agreed",
            )
            for one in every
        ),
        kinds=choices(KINDS, typed.get("kind", "superior")),
        typed={name: typed.get(name, "") for name in ("id", "name", "go_live")},
        faults=faults,
    )


def new_court(given: Mapping[str, str], taken: Sequence[str]) -> tuple[Court | None, list[Fault]]:
    """Return the court that a form asks for, or every fault of it."""
    faults: list[Fault] = []
    if not COURT_ID.fullmatch(given.get("id", "")):
        faults.append(Fault("id", "use small letters, digits and dashes, such as ca-sonoma"))
    elif given["id"] in taken:
        faults.append(Fault("id", f"{given['id']} exists already"))
    if not 1 <= len(given.get("name", "")) <= 200:
        faults.append(Fault("name", "write the court's name"))
    if given.get("kind") not in KINDS:
        faults.append(Fault("kind", "choose what kind of court or agency it is"))
    try:
        go_live = day_from(given.get("go_live", ""))
    except ValueError:
        go_live = None
        faults.append(Fault("go_live", "write the day as year-month-day, or leave it empty"))
    if faults:
        return None, faults
    return Court(id=given["id"], name=given["name"], kind=given["kind"], go_live=go_live), []


def court_form_page(
    court: Court,
    inventory: Sequence[Declared],
    *,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    saved: bool = False,
) -> CourtFormPage:
    """Return the form over everything that a court declares about itself."""
    held = {
        "name": court.name,
        "kind": court.kind,
        "go_live": court.go_live.isoformat() if court.go_live else "",
        "time_zone": court.time_zone,
        "oris": " ".join(court.oris),
        "doj_oris": " ".join(court.doj_oris),
        "location": "",
        "machines": "",
        **{f"scope_{name}": _answered(court, name) for name in Scope.__struct_fields__},
    }
    shown = {**held, **{name: (typed or {}).get(name, value) for name, value in held.items()}}
    return CourtFormPage(
        court_id=court.id,
        name=court.name,
        typed=shown,
        kinds=choices(KINDS, shown["kind"]),
        answers=tuple(
            Answer(
                f"scope_{name}",
                _sentence(SCOPE_WORDS[name.replace("_", "-")]),
                choices(YES_NO, shown[f"scope_{name}"]),
            )
            for name in Scope.__struct_fields__
        ),
        inventory=tuple(inventory),
        roles=tuple(Choice(one, one, one == shown.get("role")) for one in WORKSTATION_ROLES),
        faults=faults,
        saved=saved,
    )


def _sentence(words: str) -> str:
    return words[0].upper() + words[1:]


def _answered(court: Court, name: str) -> str:
    answer = court.scope.get(name)
    return "" if answer is None else ("yes" if answer else "no")


def changed_court(court: Court, given: Mapping[str, str]) -> tuple[Court | None, list[Fault]]:
    """Return *court* with what a form changes, or every fault of it."""
    made, faults = new_court({**given, "id": court.id}, ())
    zone_name = given.get("time_zone", "")
    if zone(zone_name).key != zone_name:
        faults.append(Fault("time_zone", "use a name such as America/Los_Angeles"))
    if made is None or faults:
        return None, faults
    scope = {
        name: given[f"scope_{name}"] == "yes"
        for name in Scope.__struct_fields__
        if given.get(f"scope_{name}") in {"yes", "no"}
    }
    return Court(
        id=court.id,
        name=made.name,
        kind=made.kind,
        time_zone=zone_name,
        go_live=made.go_live,
        scope=scope,
        oris=tuple(given.get("oris", "").split()),
        doj_oris=tuple(given.get("doj_oris", "").split()),
        contacts=court.contacts,
    ), []


def declared_from(
    court_id: str, given: Mapping[str, str]
) -> tuple[Declared | None, tuple[Fault, ...]]:
    """Return the inventory row that a form holds, or every fault of it."""
    faults, count = place_faults(given), given.get("machines", "")
    if not count.isdecimal() or int(count[:6]) > MOST_MACHINES:
        faults.append(Fault("machines", f"write a whole number up to {MOST_MACHINES}"))
    if faults:
        return None, tuple(faults)
    return Declared(
        court=court_id, location=given["location"], role=given["role"], machines=int(count)
    ), ()
