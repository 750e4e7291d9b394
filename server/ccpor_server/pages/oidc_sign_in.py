"""The way to the identity provider and back."""

from __future__ import annotations

import hmac
import logging
import secrets

import msgspec
from cryptography.fernet import InvalidToken
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ccpor_server import sessions
from ccpor_server.access import Access, Entry, collector, local_path, source
from ccpor_server.oidc import BACK, Flow, Known, NotLetIn, ProviderUnusable, role_for
from ccpor_server.pages.sign_in import refused_page
from ccpor_server.problems import NotFound
from ccpor_server.rights import Role
from ccpor_server.store import Transaction, audit, courts, people
from ccpor_server.store.people import Account

log = logging.getLogger(__name__)
COOKIE = "ccpor-flow"
FLOW_S = 600
_PURPOSE = "oidc flow 1"


async def oidc_begin(request: Request) -> Response:
    """Send the browser to the identity provider. 303; 404 where none is set; 503."""
    running = collector(request)
    if running.provider is None:
        raise NotFound("no identity provider is set")
    running.limits.may_sign_in(source(request).address)
    to = local_path(request.query_params.get("next"))
    try:
        address, flow = await run_in_threadpool(running.provider.begin, to)
    except ProviderUnusable as exc:
        log.warning("oidc.unusable", extra={"why": str(exc)})
        return refused_page(request, "The identity provider cannot be reached now.", 503)
    response = RedirectResponse(address, 303)
    body, at = msgspec.json.encode(flow), int(running.now().timestamp())
    sealed = running.key.sealing(_PURPOSE).encrypt_at_time(body, at).decode()
    response.set_cookie(
        COOKIE, sealed, max_age=FLOW_S, path="/sign-in/oidc", secure=running.settings.https,
        httponly=True, samesite="lax",
    )  # fmt: skip
    return response


def _flow(request: Request) -> Flow | None:
    """Return the flow that this browser began; None where it began none, or another one."""
    running = collector(request)
    try:
        body = running.key.sealing(_PURPOSE).decrypt_at_time(
            request.cookies.get(COOKIE, "").encode(), FLOW_S, int(running.now().timestamp())
        )
    except InvalidToken:
        return None
    flow = msgspec.json.decode(body, type=Flow)
    state = request.query_params.get("state", "")
    return flow if hmac.compare_digest(flow.state.encode(), state.encode()) else None


async def oidc_back(request: Request) -> Response:
    """Take who comes back from the identity provider. 303 with the cookie; 401; 404; 503."""
    running, facts = collector(request), source(request)
    if running.provider is None:
        raise NotFound("no identity provider is set")
    running.limits.may_sign_in(facts.address)
    flow = _flow(request)
    try:
        if flow is None:
            raise NotLetIn("this sign-in was not begun in this browser, or is ten minutes old")
        address = f"{running.settings.public_url}{BACK}?{request.url.query}"
        known = await run_in_threadpool(running.provider.finish, flow, address)
        role, court = role_for(known.groups, await run_in_threadpool(running.provider.table))
        account = await _account(request, known, role, court)
    except NotLetIn as exc:
        running.limits.wrong_password(facts.address)
        why = str(exc)
        await running.store.awrite(lambda tx: audit.record(tx, "sign-in", "oidc refused", facts))
        return refused_page(request, f"You were not let in: {why}.", 401)
    except ProviderUnusable as exc:
        log.warning("oidc.unusable", extra={"why": str(exc)})
        return refused_page(request, "The identity provider cannot be used now.", 503)
    who = audit.Source(who=account.name, place=facts.place, address=facts.address)
    token = await sessions.begun(running, account, who, "oidc")
    response = RedirectResponse(flow.to, 303)
    response.delete_cookie(COOKIE, path="/sign-in/oidc")
    sessions.set_cookie(response, running.settings, token)
    return response


async def _account(request: Request, known: Known, role: Role, court: str | None) -> Account:
    """Return the person's account with the role of today; made at the first sign-in."""
    running, facts = collector(request), source(request)

    def job(tx: Transaction) -> Account:
        if court is not None and courts.by_id(tx.db, court) is None:
            raise NotLetIn(f"your court, {court}, is not known here yet")
        held = people.by_subject(tx.db, known.subject)
        if held is not None and held.disabled_at is not None:
            raise NotLetIn("your account here is disabled")
        person_id = held.id if held else _added(tx, known, role, court)
        people.set_subject(tx, person_id, known.subject, role=role, court=court, email=known.email)
        if held is None or (held.role, held.court) != (role.value, court):
            what = f"role {role.value}{f' at {court}' if court else ''}, by the provider's groups"
            audit.record(tx, "person.role", what[:64], facts, about=known.subject[:300])
        found = people.by_id(tx.db, person_id)
        assert found is not None
        return found

    return (await running.store.awrite(job)).value


def _added(tx: Transaction, known: Known, role: Role, court: str | None) -> str:
    """Write a person without a password; a name that a local account has gets a suffix."""
    clean = "".join(one if one.isalnum() or one in "._@+-" else "-" for one in known.name)
    name = clean.encode("ascii", "ignore").decode().lstrip("._@+-")[:80] or "person"
    if people.by_name(tx.db, name) is not None:
        name = f"{name}-{secrets.token_hex(3)}"
    return people.add(tx, name, role, court, "no password")


ENTRIES: tuple[Entry, ...] = (
    Entry(path="/sign-in/oidc", methods=("GET",), access=Access.PUBLIC, endpoint=oidc_begin),
    Entry(path=BACK, methods=("GET",), access=Access.PUBLIC, endpoint=oidc_back),
)
