"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import sessions
from ccpor_server.access import SIGN_IN_PATH, collector, local_path, source
from ccpor_server.pages.forms import Fault, read_form
from ccpor_server.pages.render import answer
from ccpor_server.problems import TooMany
from ccpor_server.sessions import LONGEST_PASSWORD, SHORTEST_PASSWORD, PasswordTooShort
from ccpor_server.store.people import Person

# AC-8: said before sign-in, on the page that takes the password.
NOTICE = (
    "This system belongs to the Administrative Office of the Courts and is for authorised use "
    "only. What you do here is recorded and may be read by those who run it. By signing in you "
    "agree to this."
)
CODE_REFUSED = (
    "The code is not right, was used before, or came too late. Type the newest one; after five "
    "minutes sign in again."
)
REFUSED = "Name or password is not right, or the account is locked for a while."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    notice: str
    to: str
    name: str
    fault: str | None
    provider: str | None  # what the identity provider is called


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePage:
    """ticket: what says that the password was right, for five minutes."""

    to: str
    ticket: str
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPage:
    must_change: bool
    shortest: int
    name: str
    faults: tuple[Fault, ...]


def _page(request: Request, to: str, name: str = "", fault: str | None = None) -> SignInPage:
    settings = collector(request).settings
    provider = urlsplit(settings.oidc_issuer).hostname if settings.oidc_issuer else None
    return SignInPage(notice=NOTICE, to=to, name=name, fault=fault, provider=provider)


def refused_page(request: Request, fault: str, status: int) -> Response:
    """Return the sign-in form with what went wrong."""
    return answer(
        request, "sign_in.html", _page(request, "/", fault=fault), "Sign in", status=status
    )


async def sign_in_form(request: Request) -> Response:
    """Show the form; who is signed in already goes on. 200; 303."""
    to = local_path(request.query_params.get("next"))
    if request.state.person is not None:
        return RedirectResponse(to, 303)
    return answer(request, "sign_in.html", _page(request, to), "Sign in")


async def sign_in(request: Request) -> Response:
    """Start a session. 303 with the cookie; 401 refused; 429 too many tries."""
    running, given = collector(request), await read_form(request)
    to, name = local_path(given.get("next")), given.get("name", "")[:100]
    facts, fault, status = source(request), REFUSED, 401
    token: str | sessions.Challenge | sessions.Refusal = sessions.Refusal.LOCKED
    try:
        token = await sessions.sign_in(running, name, given.get("password", ""), facts)
    except TooMany as exc:
        fault, status = f"Too many tries: {exc.detail}.", 429
    if isinstance(token, sessions.Refusal):
        page = _page(request, to, name, fault)
        return answer(request, "sign_in.html", page, "Sign in", status=status)
    if isinstance(token, sessions.Challenge):
        return answer(request, "code.html", CodePage(to=to, ticket=token.ticket), "Code")
    response = RedirectResponse(to, 303)
    sessions.set_cookie(response, running.settings, token)
    return response


async def sign_in_code(request: Request) -> Response:
    """Take the code of a second factor. 303 with the cookie; 401 refused; 429 too many tries."""
    running, given = collector(request), await read_form(request)
    to, ticket = local_path(given.get("next")), given.get("ticket", "")
    try:
        token = await sessions.sign_in_with_code(
            running, ticket, given.get("code", "")[:20], source(request)
        )
    except TooMany as exc:
        page = CodePage(to=to, ticket=ticket, fault=f"Too many tries: {exc.detail}.")
        return answer(request, "code.html", page, "Code", status=429)
    if isinstance(token, sessions.Refusal):
        page = CodePage(to=to, ticket=ticket, fault=CODE_REFUSED)
        return answer(request, "code.html", page, "Code", status=401)
    response = RedirectResponse(to, 303)
    sessions.set_cookie(response, running.settings, token)
    return response


async def sign_out(request: Request) -> Response:
    """End the session. 303 to the sign-in page."""
    running = collector(request)
    token = request.cookies.get(sessions.cookie_name(running.settings), "")
    await sessions.sign_out(running, token, source(request))
    response = RedirectResponse(SIGN_IN_PATH, 303)
    sessions.clear_cookie(response, running.settings)
    return response


def _password_page(person: Person, faults: tuple[Fault, ...] = ()) -> PasswordPage:
    return PasswordPage(
        must_change=person.must_change,
        shortest=SHORTEST_PASSWORD,
        name=person.name,
        faults=faults,
    )


async def password_form(request: Request) -> Response:
    """Show the form for a new password. 200."""
    person: Person = request.state.person
    return answer(request, "password.html", _password_page(person), "Change password")


async def change_password(request: Request) -> Response:
    """Change one's own password; all own sessions end. 303 to sign-in; 422; 429."""
    person: Person = request.state.person
    given = await read_form(request)
    faults = await _changed(request, person, given)
    if faults:
        page = _password_page(person, faults)
        return answer(request, "password.html", page, "Change password", status=422)
    response = RedirectResponse(SIGN_IN_PATH, 303)
    sessions.clear_cookie(response, collector(request).settings)
    return response


async def _changed(request: Request, person: Person, given: dict[str, str]) -> tuple[Fault, ...]:
    old, new = given.get("old_password", ""), given.get("new_password", "")
    if new != given.get("again_password", ""):
        return (Fault("again_password", "the two new passwords differ; type the same twice"),)
    if new == old:
        return (Fault("new_password", "the new password must differ from the old one"),)
    wrong_length = Fault(
        "new_password", f"use {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    )
    if not SHORTEST_PASSWORD <= len(new) <= LONGEST_PASSWORD:
        return (wrong_length,)
    try:
        running = collector(request)
        right = await sessions.change_password(running, person, old, new, source(request))
    except PasswordTooShort:
        return (wrong_length,)
    return () if right else (Fault("old_password", "this is not your present password"),)
