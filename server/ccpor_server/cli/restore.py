"""restore: a backup takes the database's place."""

from __future__ import annotations

from pathlib import Path

import click

from ccpor_server import keys, lock
from ccpor_server.backup import BackupRefused, restore
from ccpor_server.cli import door
from ccpor_server.store import audit, connect


@click.command("restore", epilog="\b\nExample:\n  ccpor-collector restore /backup/ccpor-monday.db")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
@door.told
def command(file: Path, yes: bool) -> None:
    """Put the backup FILE in the database's place; it is verified first.

    The database as it was is renamed, never deleted. The collector must be stopped.
    """
    settings = door.settings()
    url = connect.database_url(settings.database_url)
    key = keys.load(settings.key_file)
    with lock.held(settings.lock_file):
        if not yes:
            click.confirm(f"put {file} in the place of {settings.database_url}?", abort=True)
        try:
            done = restore(url, key, settings.checkpoint_file, file, door.utc_now())
        except BackupRefused as exc:
            for fault in exc.faults[:20]:
                click.echo(str(fault), err=True)
            raise
        with door.opened() as collector:
            outcome = f"entries {done.entries} lost {done.lost}"
            facts = door.source("restore")
            collector.store.write(lambda tx: audit.record(tx, "restored", outcome, facts))
    for old in done.set_aside:
        click.echo(f"set aside: {old}", err=True)
    click.echo(f"{done.entries} log entries restored, {done.lost} lost", err=True)
