"""init: database, key, first administrator."""

from __future__ import annotations

import click

from ccpor_server import keys, sessions
from ccpor_server.cli import door
from ccpor_server.collector import Collector
from ccpor_server.rights import Role
from ccpor_server.settings import Settings
from ccpor_server.store import Transaction, audit, connect, migrate, people


@click.command(
    "init",
    epilog="\b\nExample:\n  CCPOR_COLLECTOR_STATE_DIR=/var/lib/ccpor ccpor-collector init",
)
@click.option("--admin", default="admin", show_default=True, help="Sign-in name.")
@door.told
def command(admin: str) -> None:
    """Make the database, the collector's key and the first administrator.

    Prints a one-time password, once; it must be changed at the first sign-in.
    """
    settings = door.settings()
    if not people.NAME.fullmatch(admin):
        raise click.UsageError(f"{admin!r} is no sign-in name; use letters, digits and . _ @ + -")
    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    url = connect.database_url(settings.database_url)
    if file := connect.sqlite_file(url):
        if not file.parent.is_dir():
            raise connect.DatabaseUnusable(f"there is no folder {file.parent}; make it first")
        if not file.exists():
            _require_none_left(settings)
        file.touch(mode=0o600)
    migrate.upgrade(url)
    if not settings.key_file.exists():
        keys.create(settings.key_file)
    collector = Collector(settings)
    try:
        with collector.store.reading() as db:
            if people.every(db):
                raise click.ClickException(
                    "there are people already; add one with ccpor-collector user add"
                )
        password = add_person(collector, admin, Role.ADMINISTRATOR, None, "init")
    finally:
        collector.close()
    click.echo(f"collector ready in {settings.state_dir}", err=True)
    click.echo(f"sign-in name: {admin}")
    click.echo(f"one-time password: {password}")


def _require_none_left(settings: Settings) -> None:
    """Refuse a folder whose database is elsewhere: its key and signed heads are not ours to use."""
    for left in (settings.checkpoint_file, settings.key_file):
        if left.exists():
            raise click.ClickException(
                f"{left} is of another database; put that database back, or move the file away"
            )


def add_person(collector: Collector, name: str, role: Role, court: str | None, place: str) -> str:
    """Write a person and the audit event; return the one-time password."""
    password = sessions.one_time_password()
    hashed = sessions.hash_password(password)

    def job(tx: Transaction) -> None:
        people.add(tx, name, role, court, hashed)
        audit.record(tx, "person.added", role.value, door.source(place), about=name)

    collector.store.write(job)
    return password
