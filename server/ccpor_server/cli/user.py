"""user: people who sign in."""

from __future__ import annotations

import click

from ccpor_server import sessions
from ccpor_server.cli import door
from ccpor_server.cli.init import add_person
from ccpor_server.collector import Collector
from ccpor_server.rights import OF_COURT, Role
from ccpor_server.settings import MAIL_ADDRESS
from ccpor_server.store import Transaction, audit, people
from ccpor_server.store.people import Account, NameTaken

EXAMPLE = """\b
Example:
  ccpor-collector user add m.curie --role court-manager --court ca-sonoma"""


@click.group("user")
def command() -> None:
    """Add, list and disable people who sign in."""


@command.command("add", epilog=EXAMPLE)
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--court", callback=lambda c, p, v: door.place_id(c, p, v) if v else None)
@door.told
def add(name: str, role: str, court: str | None) -> None:
    """Add a person; prints a one-time password, once."""
    if (Role(role) in OF_COURT) != (court is not None):
        known = ", ".join(sorted(OF_COURT))
        raise click.UsageError(f"the roles {known} need --court, and only they")
    if not people.NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is no sign-in name; use letters, digits and . _ @ + -")
    with door.opened() as collector:
        if court:
            door.require_court(collector, court)
        try:
            password = add_person(collector, name, Role(role), court, "user add")
        except NameTaken:
            raise click.ClickException(f"{name} exists already; choose another name") from None
    click.echo(f"one-time password: {password}")


@command.command("list")
@door.told
def list_() -> None:
    """List everybody: name, role, court, state."""
    with door.opened() as collector, collector.store.reading() as db:
        for one in people.every(db):
            state = "disabled" if one.disabled_at else "active"
            click.echo(f"{one.name}\t{one.role}\t{one.court or '-'}\t{state}")


@command.command("disable")
@click.argument("name")
@door.told
def disable(name: str) -> None:
    """Refuse a person from now on; open sessions end at once."""
    with door.opened() as collector:
        account = _account(collector, name)

        def job(tx: Transaction) -> None:
            active = [
                one
                for one in people.every(tx.db)
                if one.role == Role.ADMINISTRATOR.value and one.disabled_at is None
            ]
            if [one.id for one in active] == [account.id]:
                raise click.ClickException(
                    f"{name} is the last administrator; add another one first"
                )
            people.disable(tx, account.id)
            audit.record(tx, "person.disabled", "ok", door.source("user disable"), about=name)

        collector.store.write(job)
    click.echo(f"{name} is disabled", err=True)


@command.command("password")
@click.argument("name")
@door.told
def password(name: str) -> None:
    """Give a new one-time password; open sessions end at once."""
    fresh = sessions.one_time_password()
    hashed = sessions.hash_password(fresh)
    with door.opened() as collector:
        account = _account(collector, name)

        def job(tx: Transaction) -> None:
            people.set_password(tx, account.id, hashed, must_change=True)
            audit.record(tx, "password", "reset", door.source("user password"), about=name)

        collector.store.write(job)
    click.echo(f"one-time password: {fresh}")


@command.command("email")
@click.argument("name")
@click.argument("address", default="")
@door.told
def email(name: str, address: str) -> None:
    """Say where messages for a person go; without an address: nowhere."""
    if address and not MAIL_ADDRESS.fullmatch(address):
        raise click.UsageError(f"{address!r} is no e-mail address; write it as name@example.org")
    with door.opened() as collector:
        account = _account(collector, name)

        def job(tx: Transaction) -> None:
            people.set_email(tx, account.id, address or None)
            said = "set" if address else "removed"
            audit.record(tx, "person.email", said, door.source("user email"), about=name)

        collector.store.write(job)
    click.echo(f"messages for {name} go to {address or 'nobody'}", err=True)


@command.command("second-factor-off")
@click.argument("name")
@door.told
def second_factor_off(name: str) -> None:
    """Take off the second factor of somebody who lost the phone; open sessions end at once."""
    with door.opened() as collector:
        account = _account(collector, name)

        def job(tx: Transaction) -> None:
            people.set_second_factor(tx, account.id, None)
            people.end_all(tx, account.id)
            audit.record(
                tx, "second-factor", "removed", door.source("user second-factor-off"), about=name
            )

        collector.store.write(job)
    click.echo(f"{name} signs in with the password alone; let them set it up again", err=True)


def _account(collector: Collector, name: str) -> Account:
    with collector.store.reading() as db:
        found = people.by_name(db, name)
    if found is None:
        raise click.ClickException(f"there is nobody called {name}; see ccpor-collector user list")
    return found
