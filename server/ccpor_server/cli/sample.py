"""sample: courts that are only examples."""

from __future__ import annotations

import click

from ccpor_server.cli import door
from ccpor_server.store import Transaction, audit, samples


@click.group("sample", epilog="\b\nExample:\n  ccpor-collector sample remove")
def command() -> None:
    """Mark courts as samples, list them, and remove them all."""


@command.command("list")
@door.told
def list_() -> None:
    """List the courts that are marked as samples."""
    with door.opened() as collector, collector.store.reading() as db:
        for court in sorted(samples.marked(db)):
            click.echo(court)


@command.command("mark")
@click.argument("court_ids", metavar="ID...", nargs=-1, required=True)
@door.told
def mark(court_ids: tuple[str, ...]) -> None:
    """Mark courts as samples: every page says so."""
    facts = door.source("sample mark")

    def job(tx: Transaction) -> None:
        for court in court_ids:
            samples.mark(tx, court)
            audit.record(tx, "sample.marked", "ok", facts, about=court)

    with door.opened() as collector:
        for court in court_ids:
            door.require_court(collector, court)
        collector.store.write(job)


@command.command("remove")
@door.told
def remove() -> None:
    """Take every sample court out of all pages and exports, and refuse its workstations.

    The log keeps what it holds of them.
    """
    facts = door.source("sample remove")

    def job(tx: Transaction) -> tuple[str, ...]:
        gone = samples.remove(tx, who=facts.who)
        for court in gone:
            audit.record(tx, "sample.removed", "ok", facts, about=court)
        return gone

    with door.opened() as collector:
        gone = collector.store.write(job).value
    click.echo(
        f"{len(gone)} sample courts removed: {', '.join(gone) or 'there were none'}", err=True
    )
