"""export: everything kept, as JSON lines."""

from __future__ import annotations

from typing import IO

import click
import msgspec
import sqlalchemy as sa

from ccpor_server.cli import door
from ccpor_server.store.schema import log_entry, profile, report


@click.command("export", epilog="\b\nExample:\n  ccpor-collector export -o everything.jsonl")
@click.option("-o", "--output", type=click.File("wb"), default="-", show_default=True)
@door.told
def command(output: IO[bytes]) -> None:
    """Write each log entry as one line of JSON, reports and profiles with their exact envelopes."""
    query = (
        sa.select(log_entry.c.body, report.c.envelope, profile.c.envelope.label("profile"))
        .join(report, report.c.log_index == log_entry.c.log_index, isouter=True)
        .join(profile, profile.c.log_index == log_entry.c.log_index, isouter=True)
        .order_by(log_entry.c.log_index)
    )
    with door.opened() as collector, collector.store.reading() as db:
        for row in db.execute(query):
            line = msgspec.json.decode(row.body)
            envelope = row.envelope or row.profile
            if envelope is not None:
                line["envelope"] = msgspec.Raw(envelope)
            output.write(msgspec.json.encode(line) + b"\n")
