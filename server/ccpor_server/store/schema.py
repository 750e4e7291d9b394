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

from typing import Any

import sqlalchemy as sa

from ccpor_server.store.columns import UtcText, column, log_index, machine_id, metadata
from ccpor_server.store.readiness_schema import (
    assignment,
    attachment,
    baseline,
    comment,
    decision,
    incident,
    incident_event,
    run_answer,
    run_request,
    waiver,
)

court = sa.Table(
    "court",
    metadata,
    column("id", sa.String(64), "free", key=True),  # e.g. ca-sonoma
    column("name", sa.String(200), "free"),
    column("kind", sa.String(16), "free"),  # superior | tribal | sheriff
    column("time_zone", sa.String(64), "free"),
    column("go_live", sa.String(10), "free", null=True),  # ISO date
    column("scope", sa.Text, "free"),  # JSON: answers of the scope questionnaire
    column("identifiers", sa.Text, "free"),  # JSON: oris, doj_oris
    column("contacts", sa.Text, "free"),  # JSON
)

location = sa.Table(
    "location",
    metadata,
    column("court", sa.String(64), "free", sa.ForeignKey("court.id"), key=True),
    column("name", sa.String(64), "free", key=True),
)

declared = sa.Table(
    "declared",
    metadata,
    column("court", sa.String(64), "free", key=True),
    column("location", sa.String(64), "free", key=True),
    column("role", sa.String(32), "free", key=True),
    column("machines", sa.Integer, "free"),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

machine = sa.Table(
    "machine",
    metadata,
    column("id", sa.String(36), "logged", key=True),
    column("court", sa.String(64), "logged"),
    column("location", sa.String(64), "logged"),
    column("role", sa.String(32), "logged"),
    column("public_key", sa.Text, "logged"),  # PEM, P-256
    column("key_id", sa.String(128), "logged", unique=True),
    column("name", sa.String(255), "logged"),
    column("os", sa.String(255), "logged"),
    column("enrolled_at", UtcText, "logged"),
    column("code_id", sa.String(36), "logged"),
    log_index(),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

revocation = sa.Table(
    "revocation",
    metadata,
    machine_id(key=True),
    column("at", UtcText, "logged"),
    column("who", sa.String(200), "logged"),
    column("note", sa.Text, "logged"),
    log_index(),
)

heard = sa.Table(  # what may change about a machine
    "heard",
    metadata,
    machine_id(key=True, protection="free"),
    column("last_heard_at", UtcText, "free"),
    column("last_run_id", sa.String(36), "free", null=True),
)

enrol_code = sa.Table(
    "enrol_code",
    metadata,
    column("id", sa.String(36), "free", key=True),
    column("code_hash", sa.String(64), "free", unique=True),
    column("court", sa.String(64), "free"),
    column("location", sa.String(64), "free"),
    column("role", sa.String(32), "free"),
    column("uses_left", sa.Integer, "free"),
    column("expires_at", UtcText, "free"),
    column("created_at", UtcText, "free"),
    column("created_by", sa.String(200), "free"),
    sa.ForeignKeyConstraint(["court", "location"], ["location.court", "location.name"]),
)

report = sa.Table(
    "report",
    metadata,
    column("run_id", sa.String(36), "signed", key=True),
    machine_id(protection="signed"),
    column("received_at", UtcText, "logged"),
    column("digest", sa.String(64), "logged"),  # SHA-256 of envelope, hex
    column("envelope", sa.LargeBinary, "digest"),  # exact bytes as received
    column("started_at", sa.String(40), "signed"),
    column("verdict", sa.String(16), "signed"),
    column("reason", sa.String(16), "signed"),
    column("schema", sa.String(64), "signed"),
    log_index(),
    sa.Index("ix_report_machine_received", "machine_id", "received_at"),
)

profile = sa.Table(
    "profile",
    metadata,
    column("id", sa.String(200), "signed", key=True),  # court/location/role
    column("version", sa.Integer, "signed", key=True),
    column("digest", sa.String(64), "logged"),
    column("envelope", sa.LargeBinary, "digest"),
    column("published_at", UtcText, "logged"),
    column("published_by", sa.String(200), "logged"),
    log_index(),
)

declaration = sa.Table(
    "declaration",
    metadata,
    column("id", sa.String(36), "logged", key=True),
    column("court", sa.String(64), "logged", sa.ForeignKey("court.id")),
    column("item", sa.String(64), "logged"),
    column("kind", sa.String(16), "logged"),  # met | not-met | open | waived | n/a
    column("party", sa.String(16), "logged"),  # on whose behalf: aoc | court | sheriff | doj
    column("note", sa.Text, "logged"),
    column("done_on", sa.String(10), "logged", null=True),  # ISO date
    column("until", sa.String(10), "logged", null=True),  # ISO date; waivers
    column("who", sa.String(200), "logged"),
    column("at", UtcText, "logged"),
    log_index(),
    sa.Index("ix_declaration_court_item", "court", "item"),
)

audit_event = sa.Table(
    "audit_event",
    metadata,
    column("id", sa.String(36), "logged", key=True),
    column("what", sa.String(64), "logged"),
    column("at", UtcText, "logged"),  # when
    column("place", sa.String(300), "logged"),  # where: the route or the command
    column("source", sa.String(100), "logged"),  # address, or "console"
    column("outcome", sa.String(64), "logged"),
    column("who", sa.String(200), "logged"),
    column("about", sa.String(300), "logged"),  # the thing acted on; may be empty
    log_index(),
)

log_entry = sa.Table(
    "log_entry",
    metadata,
    column("log_index", sa.Integer, "log", key=True),
    column("kind", sa.String(32), "log"),  # the table of the row
    column("subject", sa.String(300), "log"),  # its primary key
    column("at", UtcText, "log"),
    column("body", sa.LargeBinary, "log"),  # the leaf: canonical JSON
    column("leaf_hash", sa.LargeBinary, "log"),
)

log_head = sa.Table(
    "log_head",
    metadata,
    column("id", sa.Integer, "log", key=True),  # always 1; locked by whoever writes
    column("size", sa.Integer, "log"),
    column("root", sa.String(64), "log"),
    column("frontier", sa.Text, "log"),  # JSON list of hex: the tree's right edge
    column("checkpoint", sa.LargeBinary, "log", null=True),  # the head, signed; none at size 0
)

person = sa.Table(
    "person",
    metadata,
    column("id", sa.String(36), "free", key=True),
    column("name", sa.String(100), "free", unique=True),
    column("role", sa.String(16), "free"),  # see `ccpor_server.rights`
    column("court", sa.String(64), "free", sa.ForeignKey("court.id"), null=True),
    column("password_hash", sa.String(200), "free"),
    column("must_change", sa.Boolean, "free"),
    column("created_at", UtcText, "free"),
    column("disabled_at", UtcText, "free", null=True),
    column("failed", sa.Integer, "free"),
    column("failed_since", UtcText, "free", null=True),
    column("locked_until", UtcText, "free", null=True),
    column("email", sa.String(320), "free", null=True),
    column("subject", sa.String(500), "free", null=True),  # OIDC: issuer and sub
    column("totp", sa.Text, "free", null=True),  # the second factor's secret, sealed
    column("totp_step", sa.Integer, "free", null=True),  # the last time step that was used
    sa.Index("uq_person_subject", "subject", unique=True),
)

session = sa.Table(
    "session",
    metadata,
    column("token_hash", sa.String(64), "free", key=True),
    column("person_id", sa.String(36), "free", sa.ForeignKey("person.id")),
    column("created_at", UtcText, "free"),
    column("last_seen_at", UtcText, "free"),
    column("source", sa.String(100), "free"),
    column("method", sa.String(16), "free"),  # password | totp | oidc
)

#: Rows written once, in the order of the log's kinds. Triggers refuse UPDATE and DELETE.
LOGGED = (
    report,
    machine,
    revocation,
    profile,
    declaration,
    audit_event,
    waiver,
    assignment,
    comment,
    attachment,
    decision,
    baseline,
    incident,
    incident_event,
    run_request,
    run_answer,
)
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
