"""backup: a verified copy."""

from __future__ import annotations

from pathlib import Path

import click

from ccpor_server import keys
from ccpor_server.backup import BackupRefused, backup
from ccpor_server.cli import door
from ccpor_server.store import connect, migrate


@click.command("backup", epilog="\b\nExample:\n  ccpor-collector backup /backup/ccpor-monday.db")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@door.told
def command(file: Path) -> None:
    """Copy the database to FILE while it is in use, then verify the copy.

    The key file is not in it: keep a copy of collector-key.pem in another safe place.
    """
    settings = door.settings()
    url = connect.database_url(settings.database_url)
    migrate.require_newest(url)
    key = keys.load(settings.key_file)
    try:
        outcome = backup(url, key, settings.checkpoint_file, file)
    except BackupRefused as exc:
        for fault in exc.faults[:20]:
            click.echo(str(fault), err=True)
        raise
    click.echo(f"{file}: {outcome.entries} log entries, verified", err=True)
