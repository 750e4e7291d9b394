"""migrate: the schema of this version."""

from __future__ import annotations

import click

from ccpor_server.cli import door
from ccpor_server.store import connect, migrate


@click.command("migrate")
@door.told
def command() -> None:
    """Bring the database to this version's schema, all or nothing. Make a backup first."""
    url = connect.database_url(door.settings().database_url)
    file = connect.sqlite_file(url)
    if file is not None and not file.exists():
        raise migrate.SchemaUnknown(f"there is no {file}; run ccpor-collector init")
    before, after = migrate.upgrade(url)
    click.echo(f"schema {before or 'none'} -> {after}", err=True)
