"""Signing in and out, and changing one's own password."""

from __future__ import annotations

from dataclasses import dataclass

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
REFUSED = "Name or password is not right, or the account is locked for a while."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInPage:
    notice: str
    to: str
    name: str
    fault: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordPage:
    must_change: bool
    shortest: int
    name: str
    faults: tuple[Fault, ...]


def _page(to: str, name: str = "", fault: str | None = None) -> SignInPage:
    return SignInPage(notice=NOTICE, to=to, name=name, fault=fault)


async def sign_in_form(request: Request) -> Response:
    """Show the form; who is signed in already goes on. 200; 303."""
    to = local_path(request.query_params.get("next"))
    if request.state.person is not None:
        return RedirectResponse(to, 303)
    return answer(request, "sign_in.html", _page(to), "Sign in")


async def sign_in(request: Request) -> Response:
    """Start a session. 303 with the cookie; 401 refused; 429 too many tries."""
    running, given = collector(request), await read_form(request)
    to, name = local_path(given.get("next")), given.get("name", "")[:100]
    status = 401
    try:
        password = given.get("password", "")
        token = await sessions.sign_in(running, name, password, source(request))
        fault = REFUSED
    except TooMany as exc:
        token, fault, status = sessions.Refusal.LOCKED, f"Too many tries: {exc.detail}.", 429
    if isinstance(token, sessions.Refusal):
        return answer(request, "sign_in.html", _page(to, name, fault), "Sign in", status=status)
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
