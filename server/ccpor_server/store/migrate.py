"""Brings a database to the newest schema; refuses one that a newer program made."""

from __future__ import annotations

from pathlib import Path

import alembic.command
import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from ccpor_server.store import connect

FOLDER = Path(__file__).parent.parent / "migrations"


class SchemaUnknown(Exception):
    """The database has no schema, an older one, or one of a newer program; says what to do."""


class DatabaseDamaged(SchemaUnknown):
    """The file is there, and its pages cannot be read."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return config


def newest() -> str:
    """Return the revision this program works with."""
    found = ScriptDirectory.from_config(_config()).get_current_head()
    assert found, "there are migrations"
    return found


def held(db: sa.Connection) -> str | None:
    """Return the database's revision; None for an empty one."""
    return MigrationContext.configure(db).get_current_revision()


def upgrade(url: sa.URL, to: str = "head") -> tuple[str | None, str | None]:
    """Bring the database to revision *to*, all or nothing; return the revisions before and after.

    Raises: SchemaUnknown when the database is newer than this program.
    """
    engine = connect.writing_engine(url)
    try:
        with engine.begin() as db:
            before = held(db)
            known = {
                script.revision
                for script in ScriptDirectory.from_config(_config()).walk_revisions()
            }
            if before is not None and before not in known:
                raise SchemaUnknown(
                    f"the database has schema {before}, which this version does not know; "
                    "install the newer ccpor-check that made it"
                )
            config = _config()
            config.attributes["connection"] = db
            alembic.command.upgrade(config, to)
            return before, held(db)
    finally:
        engine.dispose()


def revision(url: sa.URL) -> str | None:
    """Return the revision of the database at *url*; None for an empty one."""
    engine = connect.reading_engine(url)
    try:
        with engine.connect() as db:
            return held(db)
    finally:
        engine.dispose()


def require_newest(url: sa.URL) -> None:
    """Raise SchemaUnknown, with what to do, unless the database has this program's schema."""
    try:
        found = revision(url)
    except sa.exc.OperationalError as exc:
        raise SchemaUnknown(
            f"the database {connect.shown(url)} cannot be opened; check "
            "CCPOR_COLLECTOR_DATABASE_URL, or run ccpor-collector init"
        ) from exc
    except (sa.exc.DatabaseError, ValueError) as exc:  # ValueError: names that are no text
        raise DatabaseDamaged(
            f"the database {connect.shown(url)} cannot be read; run ccpor-collector verify, then "
            "restore a backup"
        ) from exc
    if found is None:
        raise SchemaUnknown("the database is empty; run ccpor-collector init")
    if found != newest():
        raise SchemaUnknown(
            f"the database has schema {found}, this version needs {newest()}; "
            "make a backup, then run ccpor-collector migrate"
        )
