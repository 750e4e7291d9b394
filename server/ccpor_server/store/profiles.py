"""Published profiles: signed bytes, a version that only rises."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from ccpor_server.store.schema import profile
from ccpor_server.store.writer import Transaction


class ProfileHeld(Exception):
    """This version, or a later one, is published already."""

    def __init__(self, held: int) -> None:
        super().__init__(f"version {held} is published already; raise the version in the file")
        self.held = held


class StoredProfile(msgspec.Struct, frozen=True, kw_only=True):
    id: str  # court/location/role
    version: int
    digest: str
    envelope: bytes
    published_at: datetime
    published_by: str
    log_index: int


def publish(
    tx: Transaction, profile_id: str, version: int, *, digest: str, envelope: bytes, who: str
) -> None:
    """Add a version; ProfileHeld unless it is higher than all before."""
    held = newest(tx.db, profile_id)
    if held is not None and held.version >= version:
        raise ProfileHeld(held.version)
    values = {"id": profile_id, "version": version, "digest": digest, "envelope": envelope}
    tx.record(profile, {**values, "published_at": tx.now, "published_by": who})


def newest(db: sa.Connection, profile_id: str) -> StoredProfile | None:
    query = sa.select(profile).where(profile.c.id == profile_id)
    row = db.execute(query.order_by(profile.c.version.desc()).limit(1)).one_or_none()
    return None if row is None else StoredProfile(**row._mapping)


def every(db: sa.Connection) -> tuple[StoredProfile, ...]:
    """Return all versions, by id, newest first."""
    query = sa.select(profile).order_by(profile.c.id, profile.c.version.desc())
    return tuple(StoredProfile(**row._mapping) for row in db.execute(query))
