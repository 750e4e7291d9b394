"""One-time enrolment codes: 128 bits, shown once, kept hashed, bound to one place."""

from __future__ import annotations

import base64
import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from ccpor_server.store.schema import enrol_code
from ccpor_server.store.writer import Transaction

LONGEST = timedelta(hours=72)
_BYTES = 20  # 160 bits: 32 letters of base32 without padding, eight groups of four


class Code(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    court: str
    location: str
    role: str
    uses_left: int
    expires_at: datetime
    created_at: datetime
    created_by: str


def fresh() -> str:
    """Return a new code, as a person copies it: XXXX-XXXX-…"""
    text = base64.b32encode(secrets.token_bytes(_BYTES)).decode("ascii")
    return "-".join(text[at : at + 4] for at in range(0, len(text), 4))


def _hashed(code: str) -> str:
    # 160 random bits need no slow hash: nobody can try them all
    plain = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()


def add(
    tx: Transaction,
    code: str,
    *,
    court: str,
    location: str,
    role: str,
    uses: int,
    expires_at: datetime,
    who: str,
) -> str:
    """Keep the hash of *code*; return its id, which is no secret."""
    if expires_at > tx.now + LONGEST:
        raise ValueError("a code lives 72 hours at most")
    code_id = str(uuid.uuid4())
    tx.db.execute(
        enrol_code.insert().values(
            id=code_id,
            code_hash=_hashed(code),
            court=court,
            location=location,
            role=role,
            uses_left=uses,
            expires_at=expires_at,
            created_at=tx.now,
            created_by=who,
        )
    )
    return code_id


_SHOWN = tuple(column for column in enrol_code.c if column.name != "code_hash")


def use(tx: Transaction, code: str, *, keep: bool = False) -> Code | None:
    """Take one use of a code; None when there is none such, it is used up or expired.

    keep: only look; the use stays.
    """
    usable = sa.and_(
        enrol_code.c.code_hash == _hashed(code),
        enrol_code.c.uses_left > 0,
        enrol_code.c.expires_at > tx.now,
    )
    found = tx.db.execute(sa.select(*_SHOWN).where(usable)).one_or_none()
    if found is None:
        return None
    if not keep:
        left = found.uses_left - 1
        tx.db.execute(enrol_code.update().where(enrol_code.c.id == found.id).values(uses_left=left))
    return Code(**found._mapping)


def is_of(tx: Transaction, code: str, code_id: str) -> bool:
    """Return whether *code* is the one with this id and not yet expired, used up or not."""
    query = sa.select(enrol_code.c.id).where(
        enrol_code.c.code_hash == _hashed(code),
        enrol_code.c.id == code_id,
        enrol_code.c.expires_at > tx.now,
    )
    return tx.db.execute(query).one_or_none() is not None


def every(db: sa.Connection) -> tuple[Code, ...]:
    """Return all codes without their hashes, newest first."""
    rows = db.execute(sa.select(*_SHOWN).order_by(enrol_code.c.created_at.desc()))
    return tuple(Code(**row._mapping) for row in rows)
