"""The tables, and for every column how it is protected.

`protection` of a column is one of

* ``logged``: written once; stands in the body of the row's log entry, so `verify` compares it;
* ``signed``: logged, and recomputed from bytes somebody signed (a report or a profile);
* ``digest``: bytes that are not repeated in the log; their SHA-256 is, in the column beside them;
* ``log``: a column of the log itself, recomputed from the entry's body and the tree;
* ``free``: may change; each change by a person is an audit event.

A column without a protection fails tests/server/test_verify.py.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator, TypeEngine

from ccpor_server import clock

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class UtcText(TypeDecorator[datetime]):
    """A time as text of one width: equal on both databases, and canonical in the log."""

    impl = sa.String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else clock.written(value)

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else clock.read(value)


def _column(
    name: str,
    kind: type[TypeEngine[Any]] | TypeEngine[Any],
    protection: str,
    *args: sa.schema.SchemaItem,
    null: bool = False,
    key: bool = False,
    unique: bool | None = None,
) -> sa.Column[Any]:
    return sa.Column(
        name,
        kind,
        *args,
        nullable=null,
        primary_key=key,
        unique=unique,
        info={"protection": protection},
    )


def _log_index() -> sa.Column[Any]:
    return _column("log_index", sa.Integer, "logged", unique=True)


def _machine_id(*, key: bool = False, protection: str = "logged") -> sa.Column[Any]:
    return _column("machine_id", sa.String(36), protection, sa.ForeignKey("machine.id"), key=key)


court = sa.Table(
    "court",
    metadata,
    _column("id", sa.String(64), "free", key=True),  # e.g. ca-sonoma
    _column("name", sa.String(200), "free"),
    _column("kind", sa.String(16), "free"),  # superior | tribal | sheriff
    _column("time_zone", sa.String(64), "free"),
    _column("go_live", sa.String(10), "free", null=True),  # ISO date
    _column("scope", sa.Text, "free"),  # JSON: answers of the scope questionnaire
    _column("identifiers", sa.Text, "free"),  # JSON: oris, doj_oris
    _column("contacts", sa.Text, "free"),  # JSON
)

location = sa.Table(
    "location",
    metadata,
    _column("court", sa.String(64), "free", sa.ForeignKey("court.id"), key=True),
    _column("name", sa.String(64), "free", key=True),
)

declared = sa.Table(
    "declared",
    metadata,
    _column("court", sa.String(64), "free", key=True),
    _column("location", sa.String(64), "free", key=True),
    _column("role", sa.String(32), "free", key=True),
    _column("machines", sa.Integer, "free"),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

machine = sa.Table(
    "machine",
    metadata,
    _column("id", sa.String(36), "logged", key=True),
    _column("court", sa.String(64), "logged"),
    _column("location", sa.String(64), "logged"),
    _column("role", sa.String(32), "logged"),
    _column("public_key", sa.Text, "logged"),  # PEM, P-256
    _column("key_id", sa.String(128), "logged", unique=True),
    _column("name", sa.String(255), "logged"),
    _column("os", sa.String(255), "logged"),
    _column("enrolled_at", UtcText, "logged"),
    _column("code_id", sa.String(36), "logged"),
    _log_index(),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

revocation = sa.Table(
    "revocation",
    metadata,
    _machine_id(key=True),
    _column("at", UtcText, "logged"),
    _column("who", sa.String(200), "logged"),
    _column("note", sa.Text, "logged"),
    _log_index(),
)

heard = sa.Table(  # what may change about a machine
    "heard",
    metadata,
    _machine_id(key=True, protection="free"),
    _column("last_heard_at", UtcText, "free"),
    _column("last_run_id", sa.String(36), "free", null=True),
)

enrol_code = sa.Table(
    "enrol_code",
    metadata,
    _column("id", sa.String(36), "free", key=True),
    _column("code_hash", sa.String(64), "free", unique=True),
    _column("court", sa.String(64), "free"),
    _column("location", sa.String(64), "free"),
    _column("role", sa.String(32), "free"),
    _column("uses_left", sa.Integer, "free"),
    _column("expires_at", UtcText, "free"),
    _column("created_at", UtcText, "free"),
    _column("created_by", sa.String(200), "free"),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

report = sa.Table(
    "report",
    metadata,
    _column("run_id", sa.String(36), "signed", key=True),
    _machine_id(protection="signed"),
    _column("received_at", UtcText, "logged"),
    _column("digest", sa.String(64), "logged"),  # SHA-256 of envelope, hex
    _column("envelope", sa.LargeBinary, "digest"),  # exact bytes as received
    _column("started_at", sa.String(40), "signed"),
    _column("verdict", sa.String(16), "signed"),
    _column("reason", sa.String(16), "signed"),
    _column("schema", sa.String(64), "signed"),
    _log_index(),
    sa.Index("ix_report_machine_received", "machine_id", "received_at"),
)

profile = sa.Table(
    "profile",
    metadata,
    _column("id", sa.String(200), "signed", key=True),  # court/location/role
    _column("version", sa.Integer, "signed", key=True),
    _column("digest", sa.String(64), "logged"),
    _column("envelope", sa.LargeBinary, "digest"),
    _column("published_at", UtcText, "logged"),
    _column("published_by", sa.String(200), "logged"),
    _log_index(),
)

declaration = sa.Table(
    "declaration",
    metadata,
    _column("id", sa.String(36), "logged", key=True),
    _column("court", sa.String(64), "logged", sa.ForeignKey("court.id")),
    _column("item", sa.String(64), "logged"),
    _column("kind", sa.String(16), "logged"),  # met | not-met | open | waived | n/a
    _column("party", sa.String(16), "logged"),  # on whose behalf: aoc | court | sheriff | doj
    _column("note", sa.Text, "logged"),
    _column("done_on", sa.String(10), "logged", null=True),  # ISO date
    _column("until", sa.String(10), "logged", null=True),  # ISO date; waivers
    _column("who", sa.String(200), "logged"),
    _column("at", UtcText, "logged"),
    _log_index(),
    sa.Index("ix_declaration_court_item", "court", "item"),
)

audit_event = sa.Table(
    "audit_event",
    metadata,
    _column("id", sa.String(36), "logged", key=True),
    _column("what", sa.String(64), "logged"),
    _column("at", UtcText, "logged"),  # when
    _column("place", sa.String(300), "logged"),  # where: the route or the command
    _column("source", sa.String(100), "logged"),  # address, or "console"
    _column("outcome", sa.String(64), "logged"),
    _column("who", sa.String(200), "logged"),
    _column("about", sa.String(300), "logged"),  # the thing acted on; may be empty
    _log_index(),
)

log_entry = sa.Table(
    "log_entry",
    metadata,
    _column("log_index", sa.Integer, "log", key=True),
    _column("kind", sa.String(32), "log"),  # the table of the row
    _column("subject", sa.String(300), "log"),  # its primary key
    _column("at", UtcText, "log"),
    _column("body", sa.LargeBinary, "log"),  # the leaf: canonical JSON
    _column("leaf_hash", sa.LargeBinary, "log"),
)

log_head = sa.Table(
    "log_head",
    metadata,
    _column("id", sa.Integer, "log", key=True),  # always 1; locked by whoever writes
    _column("size", sa.Integer, "log"),
    _column("root", sa.String(64), "log"),
    _column("frontier", sa.Text, "log"),  # JSON list of hex: the tree's right edge
    _column("checkpoint", sa.LargeBinary, "log", null=True),  # the head, signed; none at size 0
)

person = sa.Table(
    "person",
    metadata,
    _column("id", sa.String(36), "free", key=True),
    _column("name", sa.String(100), "free", unique=True),
    _column("role", sa.String(16), "free"),  # administrator | aoc-reviewer | court
    _column("court", sa.String(64), "free", sa.ForeignKey("court.id"), null=True),
    _column("password_hash", sa.String(200), "free"),
    _column("must_change", sa.Boolean, "free"),
    _column("created_at", UtcText, "free"),
    _column("disabled_at", UtcText, "free", null=True),
    _column("failed", sa.Integer, "free"),
    _column("failed_since", UtcText, "free", null=True),
    _column("locked_until", UtcText, "free", null=True),
)

session = sa.Table(
    "session",
    metadata,
    _column("token_hash", sa.String(64), "free", key=True),
    _column("person_id", sa.String(36), "free", sa.ForeignKey("person.id")),
    _column("created_at", UtcText, "free"),
    _column("last_seen_at", UtcText, "free"),
    _column("source", sa.String(100), "free"),
)

#: Rows written once, in the order of the log's kinds. Triggers refuse UPDATE and DELETE.
LOGGED = (report, machine, revocation, profile, declaration, audit_event)
APPEND_ONLY = (*LOGGED, log_entry)


def triggers(dialect: str) -> set[str]:
    """Return the names of the triggers that keep records as they are; migrations make them."""
    kinds = ("no_update", "no_delete") if dialect == "sqlite" else ("append_only", "no_truncate")
    return {f"{table.name}_{kind}" for table in APPEND_ONLY for kind in kinds}


def protection(column: sa.Column[Any]) -> str | None:
    """Return how *column* is protected; None when nobody decided."""
    found: str | None = column.info.get("protection")
    return found


def logged_columns(table: sa.Table) -> tuple[sa.Column[Any], ...]:
    """Return the columns of *table* that stand in the body of a row's log entry."""
    return tuple(
        column
        for column in table.columns
        if protection(column) in {"logged", "signed"} and column.name != "log_index"
    )
