"""Signing in: argon2 in a thread, a soft lock, a session kept by the collector and ended by it.

The cookie holds 256 random bits; the database holds their hash. Rights are read per request.
"""

from __future__ import annotations

import enum
import hashlib
import secrets
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ccpor_server import second_factor
from ccpor_server.settings import Settings
from ccpor_server.store import Transaction, audit, people
from ccpor_server.store.people import Account, Person

if TYPE_CHECKING:
    from argon2 import PasswordHasher

    from ccpor_server.collector import Collector

SHORTEST_PASSWORD = 15  # characters (ASVS 5.0, 6.2.1 for passwords without a second factor)
LONGEST_PASSWORD = 1024
NOTICE_VERSION = "2026-11"  # of the words above the sign-in form
_SEEN_EVERY = timedelta(seconds=60)


class Refusal(enum.Enum):
    """Why nobody signed in. Show people one text for both: who has an account is not told."""

    WRONG = "wrong"  # no such name, wrong password, or a disabled account
    LOCKED = "locked"  # five wrong tries; wait a quarter of an hour


class Challenge(msgspec.Struct, frozen=True):
    """The password was right; a code of the second factor is asked under this ticket."""

    ticket: str


class PasswordTooShort(Exception):
    """A new password has fewer than 15 characters, or more than 1024."""


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobodys_hash() -> str:
    """A hash to check against where there is no account: both cases cost the same time."""
    return _hasher().hash(secrets.token_hex())


def hash_password(password: str) -> str:
    """Return the argon2id hash of a new password; PasswordTooShort below 15 characters."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise PasswordTooShort(f"use at least {SHORTEST_PASSWORD} characters")
    return _hasher().hash(password)


def fits(password_hash: str, password: str) -> bool:
    """Return whether the password is the one that was hashed; about 0.1 s of work."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(password_hash, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False


def one_time_password() -> str:
    """Return a password to hand over once: 120 bits, in groups that can be read aloud."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(6)) for _ in range(4))


def cookie_name(settings: Settings) -> str:
    return "__Host-ccpor" if settings.https else "ccpor"


def set_cookie(response: Response, settings: Settings, token: str) -> None:
    """Put the session into the answer; the browser forgets it when it ends."""
    response.set_cookie(
        cookie_name(settings),
        token,
        path="/",
        secure=settings.https,
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings), path="/", secure=settings.https, httponly=True, samesite="lax"
    )


def hashed(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


async def sign_in(
    running: Collector, name: str, password: str, facts: audit.Source
) -> str | Challenge | Refusal:
    """Return a new session's token, or what is asked next, or why not; with an audit event.

    Raises: TooMany when this address tries too often.
    """
    running.limits.may_sign_in(facts.address)
    account = await run_in_threadpool(_account, running, name)
    known = account.password_hash if account else _nobodys_hash()
    right = await run_in_threadpool(fits, known, password)
    facts = audit.Source(who=_shown(name), place=facts.place, address=facts.address)
    if account is not None and account.locked_until and account.locked_until > running.now():
        running.limits.wrong_password(facts.address)
        await running.store.awrite(lambda tx: audit.record(tx, "sign-in", "locked", facts))
        return Refusal.LOCKED
    if account is None or not right or account.disabled_at is not None:
        return await _failed(running, name, facts)
    if account.totp is not None:
        await running.store.awrite(lambda tx: audit.record(tx, "sign-in", "code asked", facts))
        return Challenge(second_factor.ticket(running.key, account.id, running.now()))
    return await begun(running, account, facts)


async def sign_in_with_code(
    running: Collector, ticket: str, code: str, facts: audit.Source
) -> str | Refusal:
    """Return a new session's token for a ticket and its person's code, or why not.

    A wrong code counts as a wrong password does. Raises: TooMany when this address tries too often.
    """
    running.limits.may_sign_in(facts.address)
    now = running.now()
    person_id = second_factor.ticket_of(running.key, ticket, now)
    account = await run_in_threadpool(_by_id, running, person_id) if person_id else None
    if account is None or account.totp is None or account.disabled_at is not None:
        running.limits.wrong_password(facts.address)
        return Refusal.WRONG
    facts = audit.Source(who=account.name, place=facts.place, address=facts.address)
    if account.locked_until and account.locked_until > now:
        return Refusal.LOCKED
    secret = second_factor.opened(running.key, account.totp)
    step = second_factor.step_of(secret, code, now, account.totp_step) if secret else None
    if step is None:
        return await _failed(running, account.name, facts)
    used = await running.store.awrite(lambda tx: people.use_step(tx, account.id, step))
    if not used.value:
        return await _failed(running, account.name, facts)
    return await begun(running, account, facts, "totp")


def _by_id(running: Collector, person_id: str) -> Account | None:
    with running.store.reading() as db:
        return people.by_id(db, person_id)


def _shown(name: str) -> str:
    """Return what stands in the log for a name somebody typed: it may be a password in error."""
    clean = "".join(letter for letter in name[:100] if letter.isprintable())
    return clean or "(empty)"


async def _failed(running: Collector, name: str, facts: audit.Source) -> Refusal:
    settings = running.settings
    running.limits.wrong_password(facts.address)

    def job(tx: Transaction) -> None:
        locked = people.note_failure(
            tx, name, tries=settings.password_tries, window=settings.password_window
        )
        audit.record(tx, "sign-in", "locked" if locked else "refused", facts)

    await running.store.awrite(job)
    return Refusal.WRONG


async def begun(
    running: Collector, account: Account, facts: audit.Source, method: str = "password"
) -> str:
    """Return a new session's token for *account*; writes the audit event."""
    token = secrets.token_urlsafe(32)
    settings = running.settings

    def job(tx: Transaction) -> None:
        people.end_expired(tx, absolute=settings.session_absolute)
        people.begin(tx, account.id, hashed(token), facts.address, method)
        audit.record(tx, "sign-in", "ok", facts, about=f"{method}; notice {NOTICE_VERSION} read")

    await running.store.awrite(job)
    return token


def _account(running: Collector, name: str) -> Account | None:
    with running.store.reading() as db:
        return people.by_name(db, name)


async def sign_out(running: Collector, token: str, facts: audit.Source) -> None:
    """End a session; its cookie is worth nothing from now on."""

    def job(tx: Transaction) -> None:
        people.end(tx, hashed(token))
        audit.record(tx, "sign-out", "ok", facts)

    await running.store.awrite(job)


async def person_for(running: Collector, token: str) -> Person | None:
    """Return who holds this session, with the rights of this moment; None when it is over."""
    key = hashed(token)
    found = await run_in_threadpool(_session, running, key)
    if found is None:
        return None
    now, settings = running.now(), running.settings
    if now - found.last_seen_at > settings.session_idle:
        return None
    if now - found.created_at > settings.session_absolute:
        return None
    if now - found.last_seen_at > _SEEN_EVERY:
        await running.store.awrite(lambda tx: people.seen(tx, key))
    return found.person


def locked_person(running: Collector, token: str) -> Person | None:
    """Return whose session this is although it locked; None for one that is over or unknown."""
    found = _session(running, hashed(token))
    if found is None or running.now() - found.created_at > running.settings.session_absolute:
        return None
    return found.person


def _session(running: Collector, key: str) -> people.Session | None:
    with running.store.reading() as db:
        return people.by_session(db, key)


async def change_password(
    running: Collector, person: Person, old: str, new: str, facts: audit.Source
) -> bool:
    """Change one's own password and end all own sessions; False when *old* is wrong.

    Raises: PasswordTooShort; TooMany when this address tries too often.
    """
    running.limits.may_sign_in(facts.address)
    account = await run_in_threadpool(_account, running, person.name)
    if account is None or not await run_in_threadpool(fits, account.password_hash, old):
        running.limits.wrong_password(facts.address)
        await running.store.awrite(lambda tx: audit.record(tx, "password", "refused", facts))
        return False
    hashed = await run_in_threadpool(hash_password, new)

    def job(tx: Transaction) -> None:
        people.set_password(tx, person.id, hashed, must_change=False)
        audit.record(tx, "password", "ok", facts)

    await running.store.awrite(job)
    return True
