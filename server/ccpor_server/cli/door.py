"""What every command needs: settings, an open collector, and faults told in one line."""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import click
import sqlalchemy as sa

from ccpor_server.backup import BackupRefused
from ccpor_server.clock import utc_now
from ccpor_server.collector import Collector
from ccpor_server.keys import KeyUnusable
from ccpor_server.lock import AlreadyRunning
from ccpor_server.settings import Settings, SettingsInvalid
from ccpor_server.store import LogBroken, StoreFailed, audit, connect, courts, migrate

__all__ = [
    "finish",
    "new_secret",
    "opened",
    "place_id",
    "require_court",
    "settings",
    "source",
    "told",
    "utc_now",
    "write_secret",
]
P = ParamSpec("P")
R = TypeVar("R")
_TOLD = (
    AlreadyRunning,
    BackupRefused,
    KeyUnusable,
    LogBroken,
    SettingsInvalid,
    connect.DatabaseUnusable,
    migrate.SchemaUnknown,
)


def settings() -> Settings:
    """Return the settings of this process's environment."""
    return Settings.from_environment(os.environ)


def told(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the faults that a person can mend into one line and exit code 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except _TOLD as exc:
            raise click.ClickException(str(exc)) from exc
        except StoreFailed as exc:
            raise click.ClickException(f"nothing was kept: {exc}; see the log above") from exc
        except sa.exc.DBAPIError as exc:
            raise click.ClickException(
                f"the database refused: {type(exc.orig).__name__}; run ccpor-collector doctor"
            ) from exc

    return run


@contextmanager
def opened() -> Iterator[Collector]:
    """Give the collector on its database; the schema must be this version's."""
    found = settings()
    migrate.require_newest(connect.database_url(found.database_url))
    collector = Collector(found)
    try:
        yield collector
    finally:
        collector.close()


def source(command: str) -> audit.Source:
    """Return the audit facts of a command on the server's console."""
    return audit.Source(
        who=f"console {_login()}", place=f"ccpor-collector {command}"[:300], address="console"
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def require_court(collector: Collector, court_id: str) -> courts.Court:
    """Return the court, or end with the ids there are."""
    with collector.store.reading() as db:
        found = courts.by_id(db, court_id)
        if found is None:
            known = ", ".join(one.id for one in courts.every(db)) or "none yet"
            raise click.ClickException(
                f"there is no court {court_id}; known: {known}; add it with "
                f"ccpor-collector court add {court_id} --name NAME"
            )
    return found


def place_id(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    """Accept an id of a court or location: lower case, digits, hyphens."""
    if not courts.ID.fullmatch(value):
        raise click.BadParameter(f"{value!r}; use lower-case letters, digits and hyphens")
    return value


def new_secret(file: Path) -> int:
    """Open a new file that only its owner can read; ClickException when it exists."""
    try:
        return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{file} exists; name a new file") from None
    except OSError as exc:
        raise click.ClickException(f"{file}: {exc.strerror}") from exc


def write_secret(file: Path, text: str) -> None:
    """Write a new file that only its owner can read; ClickException when it exists."""
    with os.fdopen(new_secret(file), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())


def finish(good: bool) -> None:
    """End with 0 or 1."""
    sys.exit(0 if good else 1)
