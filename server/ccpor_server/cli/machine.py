"""machine: enrolled workstations."""

from __future__ import annotations

import click

from ccpor_server.cli import door
from ccpor_server.clock import written
from ccpor_server.store import Transaction, audit, machines


@click.group("machine")
def command() -> None:
    """List and revoke workstations."""


@command.command("list")
@click.option("--court", callback=lambda c, p, v: door.place_id(c, p, v) if v else None)
@door.told
def list_(court: str | None) -> None:
    """List workstations: id, place, name, last heard, state."""
    with door.opened() as collector, collector.store.reading() as db:
        for one in machines.of_court(db, court) if court else machines.every(db):
            place = f"{one.court}/{one.location}/{one.role}"
            heard = written(one.last_heard_at) if one.last_heard_at else "-"
            state = "revoked" if one.revoked_at else "active"
            click.echo(f"{one.id}\t{place}\t{one.name}\t{heard}\t{state}")


@command.command("revoke")
@click.argument("machine_id", metavar="ID")
@click.option("--note", required=True, help="Why; stands in the log.")
@door.told
def revoke(machine_id: str, note: str) -> None:
    """Refuse a workstation from its next request on. What it reported stays."""
    facts = door.source("machine revoke")

    def job(tx: Transaction) -> bool:
        if machines.by_id(tx.db, machine_id) is None:
            raise click.ClickException(
                f"there is no workstation {machine_id}; see ccpor-collector machine list"
            )
        done = machines.revoke(tx, machine_id, who=facts.who, note=audit.one_line(note))
        audit.record(tx, "machine.revoked", "ok" if done else "again", facts, about=machine_id)
        return done

    with door.opened() as collector:
        collector.store.write(job)
    click.echo(f"{machine_id} is revoked", err=True)
