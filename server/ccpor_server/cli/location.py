"""location: where a court has workstations, and how many."""

from __future__ import annotations

import click

from ccpor_server.cli import door
from ccpor_server.store import Transaction, audit, courts
from ccpor_server.store.courts import Declared


@click.group("location")
def command() -> None:
    """Declare locations and their workstations."""


@command.command(
    "declare",
    epilog="\b\nExample:\n  ccpor-collector location declare --court ca-sonoma "
    "--location santa-rosa --role clerk --machines 10",
)
@click.option("--court", required=True, callback=door.place_id)
@click.option("--location", required=True, callback=door.place_id)
@click.option("--role", type=click.Choice(courts.ROLES), required=True)
@click.option("--machines", type=click.IntRange(0, 100_000), required=True)
@door.told
def declare(court: str, location: str, role: str, machines: int) -> None:
    """Say how many workstations of a role a location has; the last word stands."""
    value = Declared(court=court, location=location, role=role, machines=machines)

    def job(tx: Transaction) -> None:
        courts.declare(tx, value)
        about = f"{court}/{location}/{role} = {machines}"
        audit.record(tx, "location.declared", "ok", door.source("location declare"), about=about)

    with door.opened() as collector:
        door.require_court(collector, court)
        collector.store.write(job)
