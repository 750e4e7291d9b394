"""Columns that say how they are protected: see `ccpor_server.store.schema`."""

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


def column(
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


def log_index() -> sa.Column[Any]:
    return column("log_index", sa.Integer, "logged", unique=True)


def machine_id(*, key: bool = False, protection: str = "logged") -> sa.Column[Any]:
    return column("machine_id", sa.String(36), protection, sa.ForeignKey("machine.id"), key=key)


def row_id() -> sa.Column[Any]:
    return column("id", sa.String(36), "logged", key=True)


def of_court() -> sa.Column[Any]:
    return column("court", sa.String(64), "logged", sa.ForeignKey("court.id"))


def said() -> tuple[sa.Column[Any], sa.Column[Any], sa.Column[Any]]:
    """Who wrote a row and when, and its place in the log."""
    return (
        column("who", sa.String(200), "logged"),
        column("at", UtcText, "logged"),
        log_index(),
    )
