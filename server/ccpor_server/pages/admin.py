"""What an administrator manages: people and enrolment codes; and the audit trail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccpor_server.pages.board import Choice
from ccpor_server.pages.forms import Fault
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.pages.words import ROLES
from ccpor_server.rights import OF_COURT, Role
from ccpor_server.store.audit import AuditEvent
from ccpor_server.store.codes import Code
from ccpor_server.store.courts import ROLES as WORKSTATION_ROLES
from ccpor_server.store.courts import Court
from ccpor_server.store.people import Account, Person

LOCATION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SIGN_IN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{1,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    id: str
    name: str
    role: str
    court: str
    since: Stamp
    state: str
    may_disable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PeoplePage:
    rows: tuple[PersonRow, ...]
    roles: tuple[Choice, ...]
    courts: tuple[Choice, ...]
    name: str
    faults: tuple[Fault, ...]
    created: tuple[str, str] | None  # name and one-time password, shown once


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeRow:
    place: str
    uses_left: int
    expires: Stamp
    created_by: str
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CodesPage:
    rows: tuple[CodeRow, ...]
    courts: tuple[Choice, ...]
    roles: tuple[Choice, ...]
    typed: Mapping[str, str]
    faults: tuple[Fault, ...]
    created: tuple[str, str, int] | None  # code, place and hours; shown once


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    at: Stamp
    who: str
    what: str
    outcome: str
    about: str
    place: str
    source: str
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    rows: tuple[AuditRow, ...]
    search: str
    total: int


def choices(words: Mapping[str, str], chosen: str = "") -> tuple[Choice, ...]:
    return tuple(Choice(value, text, value == chosen) for value, text in words.items())


def court_choices(every: Sequence[Court], chosen: str = "") -> tuple[Choice, ...]:
    return tuple(Choice(one.id, f"{one.name} ({one.id})", one.id == chosen) for one in every)


def people_page(
    accounts: Sequence[Account],
    every: Sequence[Court],
    me: Person,
    now: datetime,
    *,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    created: tuple[str, str] | None = None,
) -> PeoplePage:
    """Return everybody who signs in, and the form for one more."""
    given = typed or {}
    return PeoplePage(
        rows=tuple(
            PersonRow(
                id=one.id,
                name=one.name,
                role=ROLES[one.role],
                court=one.court or "",
                since=stamp(one.created_at, now),
                state=_account_state(one, now),
                may_disable=one.disabled_at is None and one.id != me.id,
            )
            for one in accounts
        ),
        roles=choices(ROLES, given.get("role", Role.COURT_MANAGER)),
        courts=court_choices(every, given.get("court", "")),
        name=given.get("name", ""),
        faults=faults,
        created=created,
    )


def _account_state(one: Account, now: datetime) -> str:
    if one.disabled_at is not None:
        return "disabled"
    if one.locked_until is not None and one.locked_until > now:
        return "locked for a while"
    return "has not signed in yet" if one.must_change else "active"


def person_faults(given: Mapping[str, str], courts: Sequence[str]) -> tuple[Fault, ...]:
    faults = []
    if not SIGN_IN_NAME.fullmatch(given.get("name", "")):
        faults.append(
            Fault("name", "use 2 to 100 letters, digits, dots, dashes or an e-mail address")
        )
    if given.get("role") not in ROLES:
        faults.append(Fault("role", "choose a role"))
    if given.get("role") in OF_COURT and given.get("court") not in courts:
        faults.append(Fault("court", "choose the court that this person belongs to"))
    return tuple(faults)


def place_faults(given: Mapping[str, str]) -> list[Fault]:
    faults = []
    if not LOCATION.fullmatch(given.get("location", "")):
        faults.append(Fault("location", "use small letters, digits and dashes, as in the profile"))
    if given.get("role") not in WORKSTATION_ROLES:
        faults.append(Fault("role", "choose the workstation's role"))
    return faults


def codes_page(
    held: Sequence[Code],
    every: Sequence[Court],
    now: datetime,
    typed: Mapping[str, str] | None = None,
    faults: tuple[Fault, ...] = (),
    *,
    created: tuple[str, str, int] | None = None,
) -> CodesPage:
    """Return the codes there are (never the codes themselves), and the form for a new one."""
    given = typed or {}
    fields = {"location": "", "uses": "1", "hours": "24"}
    return CodesPage(
        rows=tuple(
            CodeRow(
                place=f"{one.court} / {one.location} / {one.role}",
                uses_left=one.uses_left,
                expires=stamp(one.expires_at, now),
                created_by=one.created_by,
                usable=one.uses_left > 0 and one.expires_at > now,
            )
            for one in held
        ),
        courts=court_choices(every, given.get("court", "")),
        roles=tuple(Choice(one, one, one == given.get("role")) for one in WORKSTATION_ROLES),
        typed={name: given.get(name, usual) for name, usual in fields.items()},
        faults=faults,
        created=created,
    )


def code_faults(given: Mapping[str, str], courts: Sequence[str]) -> tuple[Fault, ...]:
    faults = place_faults(given)
    if given.get("court") not in courts:
        faults.append(Fault("court", "choose the court"))
    for field, most in (("uses", 100), ("hours", 72)):
        text = given.get(field, "")
        if not text.isdecimal() or not 1 <= int(text[:6]) <= most:
            faults.append(Fault(field, f"write a whole number from 1 to {most}"))
    return tuple(faults)


def audit_page(events: Sequence[AuditEvent], search: str, now: datetime) -> AuditPage:
    """Return the newest events that hold *search* anywhere."""
    sought = search.strip().casefold()[:100]
    kept = [
        one
        for one in events
        if not sought
        or any(
            sought in text.casefold()
            for text in (one.who, one.what, one.outcome, one.about, one.place, one.source)
        )
    ]
    return AuditPage(
        rows=tuple(
            AuditRow(
                at=stamp(one.at, now),
                who=one.who,
                what=one.what,
                outcome=one.outcome,
                about=one.about,
                place=one.place,
                source=one.source,
                log_index=one.log_index,
            )
            for one in kept
        ),
        search=search.strip()[:100],
        total=len(events),
    )
