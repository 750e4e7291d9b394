"""verify: is everything as it was signed and logged?"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import sqlalchemy as sa

from ccpor_server import keys, lock
from ccpor_server.backup import copied
from ccpor_server.cli import door
from ccpor_server.settings import Settings
from ccpor_server.store import connect, migrate
from ccpor_server.verify import Outcome, unreadable, verify

SHOWN = 200


@click.command("verify")
@click.option(
    "--receipt",
    "receipts",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A receipt that a workstation holds; repeatable.",
)
@door.told
def command(receipts: tuple[Path, ...]) -> None:
    """Recompute the whole log, every signature and every protected column.

    Prints a line for each thing that does not fit: table, row, columns. Exit code 0 or 1.
    """
    settings = door.settings()
    url = connect.database_url(settings.database_url)
    key = keys.load(settings.key_file)
    try:
        migrate.require_newest(url)
        with _still(settings, url) as (still, checkpoint_file):
            outcome = verify(still, key, checkpoint_file, receipts=receipts)
    except (migrate.DatabaseDamaged, sqlite3.DatabaseError) as exc:
        outcome = unreadable(type(exc.__cause__ or exc).__name__)
    show(outcome)
    door.finish(not outcome.faults)


@contextmanager
def _still(settings: Settings, url: sa.URL) -> Iterator[tuple[sa.URL, Path]]:
    """Give a database that stands still: a copy while a collector writes to the SQLite file.

    With a rollback journal a long reader would hold up every report.
    """
    file = connect.sqlite_file(url)
    if file is None or not lock.is_held(settings.lock_file):
        yield url, settings.checkpoint_file
        return
    with tempfile.TemporaryDirectory(dir=settings.state_dir) as folder:
        signed = Path(folder) / "checkpoints.jsonl"
        if settings.checkpoint_file.exists():
            # first: a checkpoint is written after its commit, so the database reaches each of these
            shutil.copyfile(settings.checkpoint_file, signed)
        yield copied(file, Path(folder) / "still.db"), signed


def show(outcome: Outcome) -> None:
    for fault in outcome.faults[:SHOWN]:
        click.echo(str(fault))
    if len(outcome.faults) > SHOWN:
        click.echo(f"and {len(outcome.faults) - SHOWN} more")
    state = "NOT whole" if outcome.faults else "whole"
    click.echo(
        f"{state}: {outcome.entries} log entries, {outcome.signatures} signatures, "
        f"{outcome.witnesses} checkpoints and receipts, {len(outcome.faults)} faults; "
        f"root {outcome.root}"
    )
