"""export: everything kept, as JSON lines."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

import click
import msgspec
import sqlalchemy as sa

from ccpor_server.cli import door
from ccpor_server.store.schema import log_entry, profile, report


@click.command("export", epilog="\b\nExample:\n  ccpor-collector export -o everything.jsonl")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path, allow_dash=True),
    default="-",
    show_default=True,
    help="New file, mode 0600; - is stdout.",
)
@door.told
def command(output: Path) -> None:
    """Write each log entry as one line of JSON, reports and profiles with their exact envelopes."""
    query = (
        sa.select(log_entry.c.body, report.c.envelope, profile.c.envelope.label("profile"))
        .join(report, report.c.log_index == log_entry.c.log_index, isouter=True)
        .join(profile, profile.c.log_index == log_entry.c.log_index, isouter=True)
        .order_by(log_entry.c.log_index)
    )
    with (
        door.opened() as collector,
        collector.store.reading() as db,
        _opened(output) as out,
    ):
        for row in db.execute(query):
            line = msgspec.json.decode(row.body)
            envelope = row.envelope or row.profile
            if envelope is not None:
                line["envelope"] = msgspec.Raw(envelope)
            out.write(msgspec.json.encode(line) + b"\n")


def _opened(output: Path) -> AbstractContextManager[IO[bytes]]:
    """Open a new file that only its owner reads: everything that was received stands in it."""
    if str(output) == "-":
        return nullcontext(sys.stdout.buffer)
    return os.fdopen(door.new_secret(output), "wb")
