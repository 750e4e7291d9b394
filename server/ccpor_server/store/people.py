"""People who sign in, and their sessions. Passwords are hashed before they come here."""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from ccpor_server.rights import OF_COURT, RIGHTS, Right, Role
from ccpor_server.store.schema import person, session
from ccpor_server.store.writer import Transaction

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody signed in; `court` is set for a court's roles only (`rights.OF_COURT`)."""

    id: str
    name: str
    role: Role
    court: str | None = None
    must_change: bool = False

    def may_read(self, court_id: str) -> bool:
        """A court sees itself only; the AOC sees all."""
        return not self.is_of_court or self.court == court_id

    @property
    def is_of_court(self) -> bool:
        return self.role in OF_COURT

    def may(self, right: Right) -> bool:
        """Return whether the role has *right*; whose court it is, is asked by `may_read`."""
        return right in RIGHTS[self.role]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A person's row, for signing in and for administrators."""

    id: str
    name: str
    role: str
    court: str | None
    password_hash: str
    must_change: bool
    created_at: datetime
    disabled_at: datetime | None
    failed: int
    failed_since: datetime | None
    locked_until: datetime | None
    email: str | None = None
    subject: str | None = None
    totp: str | None = None
    totp_step: int | None = None

    @property
    def person(self) -> Person:
        return Person(
            id=self.id,
            name=self.name,
            role=Role(self.role),
            court=self.court,
            must_change=self.must_change,
        )


class NameTaken(Exception):
    """Somebody has this sign-in name already."""


def add(tx: Transaction, name: str, role: Role, court: str | None, password_hash: str) -> str:
    """Write a person who must change the password at the first sign-in; return the id."""
    if by_name(tx.db, name) is not None:
        raise NameTaken(name)
    person_id = str(uuid.uuid4())
    tx.db.execute(
        person.insert().values(
            id=person_id,
            name=name,
            role=role.value,
            court=court,
            password_hash=password_hash,
            must_change=True,
            created_at=tx.now,
            failed=0,
        )
    )
    return person_id


def by_name(db: sa.Connection, name: str) -> Account | None:
    """Return the account; None for a text that is no sign-in name, too."""
    if not NAME.fullmatch(name):
        return None
    row = db.execute(sa.select(person).where(person.c.name == name)).one_or_none()
    return None if row is None else Account(**row._mapping)


def every(db: sa.Connection) -> tuple[Account, ...]:
    rows = db.execute(sa.select(person).order_by(person.c.name))
    return tuple(Account(**row._mapping) for row in rows)


def _change(tx: Transaction, person_id: str, **values: Any) -> None:
    tx.db.execute(person.update().where(person.c.id == person_id).values(**values))


def set_password(tx: Transaction, person_id: str, password_hash: str, *, must_change: bool) -> None:
    """Change a password and end every session of that person."""
    _change(
        tx,
        person_id,
        password_hash=password_hash,
        must_change=must_change,
        failed=0,
        failed_since=None,
        locked_until=None,
    )
    end_all(tx, person_id)


def disable(tx: Transaction, person_id: str) -> None:
    """Refuse this person from now on, sessions included."""
    _change(tx, person_id, disabled_at=tx.now)
    end_all(tx, person_id)


def note_failure(tx: Transaction, name: str, *, tries: int, window: timedelta) -> bool:
    """Count a wrong password; True when it locks the account for *window*."""
    account = by_name(tx.db, name)
    if account is None:
        return False
    since = account.failed_since
    fresh = since is None or tx.now - since > window
    failed = 1 if fresh else account.failed + 1
    locked = failed >= tries
    _change(
        tx,
        account.id,
        failed=0 if locked else failed,
        failed_since=tx.now if fresh else since,
        locked_until=tx.now + window if locked else account.locked_until,
    )
    return locked


def set_email(tx: Transaction, person_id: str, email: str | None) -> None:
    """Note where messages for this person go; None: nowhere."""
    _change(tx, person_id, email=email)


def set_second_factor(
    tx: Transaction, person_id: str, sealed: str | None, *, step: int | None = None
) -> None:
    """Keep the sealed secret of a second factor, or none; *step* counts as used."""
    _change(tx, person_id, totp=sealed, totp_step=step)


def use_step(tx: Transaction, person_id: str, step: int) -> bool:
    """Use a code's time step; False when that one or a later one was used before."""
    fresh = sa.or_(person.c.totp_step.is_(None), person.c.totp_step < step)
    used = tx.db.execute(
        person.update().where(person.c.id == person_id, fresh).values(totp_step=step)
    )
    return used.rowcount == 1


def by_id(db: sa.Connection, person_id: str) -> Account | None:
    row = db.execute(sa.select(person).where(person.c.id == person_id)).one_or_none()
    return None if row is None else Account(**row._mapping)


def by_subject(db: sa.Connection, subject: str) -> Account | None:
    """Return the account of an identity provider's subject (issuer and sub)."""
    row = db.execute(sa.select(person).where(person.c.subject == subject)).one_or_none()
    return None if row is None else Account(**row._mapping)


def set_subject(
    tx: Transaction,
    person_id: str,
    subject: str,
    *,
    role: Role,
    court: str | None,
    email: str | None,
) -> None:
    """Write who this is at the identity provider, and the role that its groups give."""
    _change(tx, person_id, subject=subject, role=role.value, court=court, email=email)
    _change(tx, person_id, must_change=False)


def begin(
    tx: Transaction, person_id: str, token_hash: str, source: str, method: str = "password"
) -> None:
    """Start a session and forget earlier failures."""
    _change(tx, person_id, failed=0, failed_since=None, locked_until=None)
    tx.db.execute(
        session.insert().values(
            token_hash=token_hash,
            person_id=person_id,
            created_at=tx.now,
            last_seen_at=tx.now,
            source=source[:100],
            method=method,
        )
    )


def end(tx: Transaction, token_hash: str) -> None:
    tx.db.execute(session.delete().where(session.c.token_hash == token_hash))


def end_all(tx: Transaction, person_id: str) -> None:
    tx.db.execute(session.delete().where(session.c.person_id == person_id))


def end_expired(tx: Transaction, *, absolute: timedelta) -> None:
    """Forget sessions that are over; one that is only idle still says whose draft it is."""
    tx.db.execute(session.delete().where(session.c.created_at < tx.now - absolute))


def seen(tx: Transaction, token_hash: str) -> None:
    tx.db.execute(
        session.update().where(session.c.token_hash == token_hash).values(last_seen_at=tx.now)
    )


class OpenSession(msgspec.Struct, frozen=True, kw_only=True):
    """One of a person's own sessions, for them to see and to end."""

    token_hash: str
    created_at: datetime
    last_seen_at: datetime
    source: str
    method: str


def open_sessions(
    db: sa.Connection, person_id: str, now: datetime, *, idle: timedelta, absolute: timedelta
) -> tuple[OpenSession, ...]:
    """Return a person's sessions that still count, newest first."""
    query = sa.select(session).where(
        session.c.person_id == person_id,
        session.c.last_seen_at >= now - idle,
        session.c.created_at >= now - absolute,
    )
    return tuple(
        OpenSession(
            token_hash=row.token_hash,
            created_at=row.created_at,
            last_seen_at=row.last_seen_at,
            source=row.source,
            method=row.method,
        )
        for row in db.execute(query.order_by(session.c.created_at.desc()))
    )


def end_own(tx: Transaction, person_id: str, starts: str) -> int:
    """End one's own sessions whose hash begins so; return how many."""
    mine = sa.and_(session.c.person_id == person_id, session.c.token_hash.startswith(starts))
    return int(tx.db.execute(session.delete().where(mine)).rowcount)


def end_others(tx: Transaction, person_id: str, kept: str) -> int:
    """End all of one's own sessions but the one with this hash; return how many."""
    mine = sa.and_(session.c.person_id == person_id, session.c.token_hash != kept)
    return int(tx.db.execute(session.delete().where(mine)).rowcount)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    person: Person
    created_at: datetime
    last_seen_at: datetime
    method: str = "password"


def by_session(db: sa.Connection, token_hash: str) -> Session | None:
    """Return the session with its person's rights as they are now; None for a disabled person."""
    query = (
        sa.select(
            person, session.c.created_at.label("begun_at"), session.c.last_seen_at, session.c.method
        )
        .join(person, person.c.id == session.c.person_id)
        .where(session.c.token_hash == token_hash, person.c.disabled_at.is_(None))
    )
    row = db.execute(query).one_or_none()
    if row is None:
        return None
    who = Person(
        id=row.id, name=row.name, role=Role(row.role), court=row.court, must_change=row.must_change
    )
    return Session(
        person=who, created_at=row.begun_at, last_seen_at=row.last_seen_at, method=row.method
    )
