"""court: courts and what is known of them."""

from __future__ import annotations

import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import click
import msgspec

from ccpor_reporting.checklist.model import Scope
from ccpor_reporting.checklist.text import checklist_text
from ccpor_server.checklist_state import court_checklist
from ccpor_server.cli import door
from ccpor_server.store import Transaction, audit, courts, machines
from ccpor_server.store.courts import Court, Declared

LONGEST_NAME = 200
_EXAMPLE = """\b
Example of FILE:
  [[court]]
  id = "ca-sonoma"
  name = "Superior Court of Sonoma County"
  go_live = 2027-03-01
  scope = { images = true, gateway = true }
  oris = ["CA049015J"]
  [[court.location]]
  name = "santa-rosa"
  machines = { scan-station = 2, clerk = 10 }"""


class _Location(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    machines: dict[str, int] = {}


class _Court(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    name: str
    kind: str = "superior"
    time_zone: str = "America/Los_Angeles"
    go_live: date | None = None
    scope: dict[str, bool] = {}
    oris: tuple[str, ...] = ()
    doj_oris: tuple[str, ...] = ()
    contacts: dict[str, str] = {}
    location: tuple[_Location, ...] = ()


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    court: tuple[_Court, ...]


@click.group("court")
def command() -> None:
    """Add, list, show and import courts."""


@command.command(
    "add",
    epilog="\b\nExample:\n  ccpor-collector court add ca-sonoma --name 'Superior Court of Sonoma "
    "County' --go-live 2027-03-01 --scope images=yes",
)
@click.argument("court_id", metavar="ID", callback=door.place_id)
@click.option("--name", required=True)
@click.option("--kind", type=click.Choice(courts.KINDS), default="superior", show_default=True)
@click.option("--time-zone", default="America/Los_Angeles", show_default=True)
@click.option("--go-live", type=click.DateTime(["%Y-%m-%d"]))
@click.option("--scope", multiple=True, help="ANSWER=yes or ANSWER=no; repeatable.")
@door.told
def add(  # noqa: PLR0917 - Click passes them by name
    court_id: str,
    name: str,
    kind: str,
    time_zone: str,
    go_live: datetime | None,
    scope: tuple[str, ...],
) -> None:
    """Add a court, or change one."""
    value = _Court(
        id=court_id,
        name=name,
        kind=kind,
        time_zone=time_zone,
        go_live=go_live.date() if go_live else None,
        scope=dict(_answer(one) for one in scope),
    )
    _write([value], "court add")


def _answer(text: str) -> tuple[str, bool]:
    name, _, word = text.partition("=")
    if word not in {"yes", "no"}:
        raise click.UsageError(f"--scope {text}; write ANSWER=yes or ANSWER=no")
    return name.replace("-", "_"), word == "yes"


@command.command("import", epilog=_EXAMPLE)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@door.told
def import_(file: Path) -> None:
    """Add or change the courts, locations and declared workstations of a TOML file."""
    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as exc:
        raise click.UsageError(f"{file}: {exc}") from exc
    _write(found.court, "court import")
    click.echo(f"{len(found.court)} courts written", err=True)


def _faults(value: _Court) -> list[str]:
    answers = set(Scope.__struct_fields__)
    faults = [
        f"{value.id}: {text!r} is no id; use lower-case letters, digits and hyphens"
        for text in (value.id, *(one.name for one in value.location))
        if not courts.ID.fullmatch(text)
    ]
    if not 1 <= len(value.name.strip()) <= LONGEST_NAME or not value.name.isprintable():
        faults.append(f"{value.id}: name is {value.name[:60]!r}; use 1 to {LONGEST_NAME} letters")
    if value.time_zone not in available_timezones():
        faults.append(
            f"{value.id}: time_zone is {value.time_zone[:60]!r}; use one such as "
            "America/Los_Angeles"
        )
    if value.kind not in courts.KINDS:
        faults.append(f"{value.id}: kind is {value.kind!r}; use {', '.join(courts.KINDS)}")
    for name in sorted(value.scope.keys() - answers):
        faults.append(f"{value.id}: {name!r} is no answer; use {', '.join(sorted(answers))}")
    for one in value.location:
        for role, count in one.machines.items():
            if role not in courts.ROLES or not 0 <= count <= 100_000:
                known = ", ".join(courts.ROLES)
                faults.append(f"{value.id}/{one.name}: {role} = {count}; roles are {known}")
    return faults


def _write(values: Any, place: str) -> None:
    if faults := [fault for value in values for fault in _faults(value)]:
        raise click.UsageError("\n".join(faults))

    def job(tx: Transaction) -> None:
        for value in values:
            names = set(Court.__struct_fields__) - {"sample"}
            plain = {name: getattr(value, name) for name in names}
            courts.put(tx, Court(**plain))
            for one in value.location:
                courts.put_location(tx, value.id, one.name)
                for role, count in one.machines.items():
                    courts.declare(
                        tx, Declared(court=value.id, location=one.name, role=role, machines=count)
                    )
            audit.record(tx, "court.written", "ok", door.source(place), about=value.id)

    with door.opened() as collector:
        collector.store.write(job)


@command.command("list")
@door.told
def list_() -> None:
    """List the courts: id, name, kind, go-live."""
    with door.opened() as collector, collector.store.reading() as db:
        for one in courts.every(db):
            click.echo(f"{one.id}\t{one.name}\t{one.kind}\t{one.go_live or '-'}")


@command.command("show")
@click.argument("court_id", metavar="ID", callback=door.place_id)
@door.told
def show(court_id: str) -> None:
    """Show all that is known of one court, as JSON."""
    with door.opened() as collector:
        court = door.require_court(collector, court_id)
        with collector.store.reading() as db:
            value = {
                "court": court,
                "locations": courts.locations(db, court_id),
                "declared": courts.inventory(db, court_id),
                "machines": machines.of_court(db, court_id),
            }
    click.echo(msgspec.json.format(msgspec.json.encode(value)).decode())


@command.command("checklist")
@click.argument("court_id", metavar="ID", callback=door.place_id)
@click.option("--json", "as_json", is_flag=True, help="With all the evidence, for programs.")
@door.told
def checklist(court_id: str, as_json: bool) -> None:
    """Show a court's Go-Live Readiness Checklist as of now, each item with its evidence."""
    with door.opened() as collector:
        door.require_court(collector, court_id)
        found = court_checklist(collector.store, court_id, collector.now())
    assert found is not None, "a court is never deleted"
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo(checklist_text(found.items))
