"""One's own account: where messages go, open sessions, the second factor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import second_factor, sessions
from ccpor_server.access import Access, Entry, collector, source
from ccpor_server.pages.forms import Fault, read_form
from ccpor_server.pages.loading import read
from ccpor_server.pages.render import answer
from ccpor_server.pages.stamp import Stamp, stamp
from ccpor_server.problems import BadRequest
from ccpor_server.settings import MAIL_ADDRESS
from ccpor_server.store import Transaction, audit, people
from ccpor_server.store.people import Account, OpenSession, Person

PATH = "/account"
METHODS = {
    "password": "password",
    "totp": "password and code",
    "oidc": "the identity provider",
}
_STARTS = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    id: str
    here: bool
    method: str
    source: str
    begun: Stamp
    seen: Stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    name: str
    email: str
    sessions: tuple[SessionRow, ...]
    has_second_factor: bool
    has_password: bool
    mail_is_sent: bool
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorPage:
    """picture: a QR code; secret: the same in letters; offer: what the form carries."""

    name: str
    picture: Markup
    secret: str
    offer: str
    faults: tuple[Fault, ...]


def _token(request: Request) -> str:
    running = collector(request)
    return sessions.hashed(request.cookies.get(sessions.cookie_name(running.settings), ""))


def _row(one: OpenSession, here: str, now: datetime) -> SessionRow:
    return SessionRow(
        id=one.token_hash[:16],
        here=one.token_hash == here,
        method=METHODS.get(one.method, one.method),
        source=one.source,
        begun=stamp(one.created_at, now),
        seen=stamp(one.last_seen_at, now),
    )


async def _page(request: Request, faults: tuple[Fault, ...] = (), typed: str = "") -> AccountPage:
    person: Person = request.state.person
    running, here = collector(request), _token(request)
    settings, now = running.settings, running.now()

    def ask(db: sa.Connection) -> tuple[Account | None, tuple[OpenSession, ...]]:
        return people.by_id(db, person.id), people.open_sessions(
            db, person.id, now, idle=settings.session_idle, absolute=settings.session_absolute
        )

    account, found = await read(request, ask)
    return AccountPage(
        name=person.name,
        email=typed or (account.email if account else None) or "",
        sessions=tuple(_row(one, here, now) for one in found),
        has_second_factor=bool(account and account.totp),
        has_password=not (account and account.subject),
        mail_is_sent=bool(settings.smtp_url),
        faults=faults,
    )


async def account(request: Request) -> Response:
    """Show one's own account. 200."""
    return answer(request, "account.html", await _page(request), "Your account")


async def email_change(request: Request) -> Response:
    """Note where one's messages go; empty: nowhere. 303; 422."""
    person: Person = request.state.person
    email, facts = (await read_form(request)).get("email", ""), source(request)
    if email and not MAIL_ADDRESS.fullmatch(email):
        fault = Fault("email", "this is no e-mail address; write it as name@example.org")
        page = await _page(request, (fault,), email)
        return answer(request, "account.html", page, "Your account", status=422)

    def job(tx: Transaction) -> None:
        people.set_email(tx, person.id, email or None)
        audit.record(tx, "person.email", "set" if email else "removed", facts, about=person.name)

    await collector(request).store.awrite(job)
    return RedirectResponse(PATH, 303)


async def session_end(request: Request) -> Response:
    """End one of one's own sessions. 303."""
    person: Person = request.state.person
    starts, facts = request.path_params["session_id"], source(request)
    if not _STARTS.fullmatch(starts):
        raise BadRequest("there is no such session")

    def job(tx: Transaction) -> None:
        if people.end_own(tx, person.id, starts):
            audit.record(tx, "sign-out", "one session ended", facts, about=person.name)

    await collector(request).store.awrite(job)
    return RedirectResponse(PATH, 303)


async def other_sessions_end(request: Request) -> Response:
    """End all of one's own sessions but this one. 303."""
    person: Person = request.state.person
    here, facts = _token(request), source(request)

    def job(tx: Transaction) -> None:
        count = people.end_others(tx, person.id, here)
        audit.record(tx, "sign-out", f"{count} other sessions ended", facts, about=person.name)

    await collector(request).store.awrite(job)
    return RedirectResponse(PATH, 303)


def _offered(request: Request, secret: str, faults: tuple[Fault, ...] = ()) -> SecondFactorPage:
    person: Person = request.state.person
    running = collector(request)
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return SecondFactorPage(
        name=person.name,
        picture=Markup(second_factor.picture(secret, person.name)),  # noqa: S704 - drawn by segno
        secret=grouped,
        offer=second_factor.offer(running.key, person.id, secret, running.now()),
        faults=faults,
    )


async def second_factor_form(request: Request) -> Response:
    """Offer a new secret, as a picture and in letters; nothing is kept yet. 200."""
    page = _offered(request, second_factor.new_secret())
    return answer(request, "second_factor.html", page, "Second factor")


async def second_factor_set(request: Request) -> Response:
    """Keep the secret once a code of it is right; other sessions end. 303; 422."""
    person: Person = request.state.person
    running, given, here = collector(request), await read_form(request), _token(request)
    secret = second_factor.offered(running.key, given.get("offer", ""), person.id, running.now())
    if secret is None:
        raise BadRequest("this secret was not offered to you, or is an hour old; start again")
    step = second_factor.step_of(secret, given.get("code", ""), running.now(), None)
    if step is None:
        page = _offered(request, secret, (Fault("code", "the code does not fit; type the newest"),))
        return answer(request, "second_factor.html", page, "Second factor", status=422)
    sealed, facts = second_factor.sealed(running.key, secret), source(request)

    def job(tx: Transaction) -> None:
        people.set_second_factor(tx, person.id, sealed, step=step)
        people.end_others(tx, person.id, here)
        audit.record(tx, "second-factor", "set", facts, about=person.name)

    await running.store.awrite(job)
    return RedirectResponse(PATH, 303)


async def second_factor_remove(request: Request) -> Response:
    """Take the second factor off, with a code of it. 303; 422; 429."""
    person: Person = request.state.person
    running, given, facts = collector(request), await read_form(request), source(request)
    running.limits.may_sign_in(facts.address)
    held = await read(request, lambda db: people.by_id(db, person.id))
    secret = second_factor.opened(running.key, held.totp) if held and held.totp else None
    used = held.totp_step if held else None
    code = given.get("code", "")
    if secret is None or second_factor.step_of(secret, code, running.now(), used) is None:
        running.limits.wrong_password(facts.address)
        page = await _page(request, (Fault("code", "the code does not fit; type the newest"),))
        return answer(request, "account.html", page, "Your account", status=422)

    def job(tx: Transaction) -> None:
        people.set_second_factor(tx, person.id, None)
        audit.record(tx, "second-factor", "removed", facts, about=person.name)

    await running.store.awrite(job)
    return RedirectResponse(PATH, 303)


ENTRIES: tuple[Entry, ...] = (
    Entry(path=PATH, methods=("GET",), access=Access.READER, endpoint=account),
    Entry(path=f"{PATH}/email", methods=("POST",), access=Access.READER, endpoint=email_change),
    Entry(
        path=f"{PATH}/sessions/end-others",
        methods=("POST",),
        access=Access.READER,
        endpoint=other_sessions_end,
    ),
    Entry(
        path=f"{PATH}/sessions/{{session_id}}/end",
        methods=("POST",),
        access=Access.READER,
        endpoint=session_end,
    ),
    Entry(
        path=f"{PATH}/second-factor",
        methods=("GET",),
        access=Access.READER,
        endpoint=second_factor_form,
    ),
    Entry(
        path=f"{PATH}/second-factor",
        methods=("POST",),
        access=Access.READER,
        endpoint=second_factor_set,
    ),
    Entry(
        path=f"{PATH}/second-factor/remove",
        methods=("POST",),
        access=Access.READER,
        endpoint=second_factor_remove,
    ),
)
