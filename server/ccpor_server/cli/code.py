"""code: one-time enrolment codes."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click

from ccpor_server.cli import door
from ccpor_server.clock import written
from ccpor_server.collector import Collector
from ccpor_server.store import Transaction, audit, codes, courts


@click.group("code")
def command() -> None:
    """Make one-time enrolment codes."""


@command.command(
    "create",
    epilog="\b\nExamples:\n"
    "  ccpor-collector code create --court ca-sonoma --location santa-rosa --role clerk\n"
    "  ccpor-collector code create --court ca-sonoma --location santa-rosa --role clerk "
    "--count 20 --csv -o codes.csv",
)
@click.option("--court", required=True, callback=door.place_id)
@click.option("--location", required=True, callback=door.place_id)
@click.option("--role", type=click.Choice(courts.ROLES), required=True)
@click.option("--uses", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.option("--hours", type=click.IntRange(1, 72), default=72, show_default=True)
@click.option("--count", type=click.IntRange(1, 1000), default=1, show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="Write court,location,role,code,expires.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="New file, mode 0600."
)
@door.told
def create(  # noqa: PLR0917 - Click passes them by name
    court: str,
    location: str,
    role: str,
    uses: int,
    hours: int,
    count: int,
    as_csv: bool,
    output: Path | None,
) -> None:
    """Make codes for one court, location and role. A code is shown once; only its hash is kept."""
    fresh = [codes.fresh() for _ in range(count)]
    with door.opened() as collector:
        door.require_court(collector, court)
        _warn_undeclared(collector, court, location, role)
        expires = collector.now() + timedelta(hours=hours)

        def job(tx: Transaction) -> None:
            courts.put_location(tx, court, location)
            facts = door.source("code create")
            for code in fresh:
                code_id = codes.add(
                    tx,
                    code,
                    court=court,
                    location=location,
                    role=role,
                    uses=uses,
                    # the writer's clock is read later than ours: never past 72 hours
                    expires_at=min(expires, tx.now + codes.LONGEST),
                    who=facts.who,
                )
                audit.record(tx, "code.created", f"uses {uses}", facts, about=code_id)

        text = _text(fresh, (court, location, role), written(expires), as_csv)
        if output:
            door.write_secret(output, text)
        collector.store.write(job)
    if not output:
        click.echo(text, nl=False)


def _warn_undeclared(collector: Collector, court: str, location: str, role: str) -> None:
    """Say that a place was never declared: a slip of the pen makes a location of its own."""
    with collector.store.reading() as db:
        declared = {(one.location, one.role) for one in courts.inventory(db, court)}
    if (location, role) not in declared:
        click.echo(
            f"warning: {court} declared no {role} workstations at {location}; declare them with "
            "ccpor-collector location declare, or check the spelling",
            err=True,
        )


def _text(fresh: list[str], place: tuple[str, ...], expires: str, as_csv: bool) -> str:
    if not as_csv:
        return "".join(f"{code}\n" for code in fresh)
    rows = [",".join((*place, code, expires)) for code in fresh]
    return "\r\n".join(["court,location,role,code,expires", *rows, ""])  # RFC 4180


@command.command("list")
@door.told
def list_() -> None:
    """List codes by id: place, uses left, expiry. The codes themselves are not kept."""
    with door.opened() as collector, collector.store.reading() as db:
        for one in codes.every(db):
            place = f"{one.court}/{one.location}/{one.role}"
            click.echo(f"{one.id}\t{place}\t{one.uses_left}\t{written(one.expires_at)}")
