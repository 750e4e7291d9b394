"""profile: signed profiles for a court, location and role."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from ccpor_reporting.profile_shape import profile_faults
from ccpor_reporting.signed_profile import SignedProfile, seal_profile
from ccpor_server.cli import door
from ccpor_server.clock import written
from ccpor_server.store import Transaction, audit, courts, profiles
from ccpor_server.store.profiles import ProfileHeld

LARGEST = 512 * 1024


@click.group("profile")
def command() -> None:
    """Publish signed profiles."""


@command.command(
    "publish",
    epilog="\b\nExample:\n  ccpor-collector profile publish --court ca-sonoma "
    "--location santa-rosa --role clerk clerk.toml",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--court", required=True, callback=door.place_id)
@click.option("--location", required=True, callback=door.place_id)
@click.option("--role", type=click.Choice(courts.ROLES), required=True)
@click.option("--expires-days", type=click.IntRange(1, 730), default=180, show_default=True)
@door.told
def publish(file: Path, court: str, location: str, role: str, expires_days: int) -> None:
    """Sign FILE and offer it to the workstations of one court, location and role.

    FILE's [location] must name the same place, and its version must be higher than the last. The
    options in the tables of its checks are not judged here: ccpor-check plan --profile FILE does.
    """
    text, version = read(file, court, location, role)
    with door.opened() as collector:
        door.require_court(collector, court)
        now = collector.now()
        signed = SignedProfile(
            court=court,
            location=location,
            role=role,
            version=version,
            published_at=now,
            expires_at=now + timedelta(days=expires_days),
            toml=text,
        )
        envelope = seal_profile(signed, collector.key)
        digest = sha256(envelope).hexdigest()
        facts, profile_id = door.source("profile publish"), f"{court}/{location}/{role}"

        def job(tx: Transaction) -> None:
            courts.put_location(tx, court, location)
            profiles.publish(
                tx, profile_id, version, digest=digest, envelope=envelope, who=facts.who
            )
            audit.record(tx, "profile.published", f"version {version}", facts, about=profile_id)

        try:
            collector.store.write(job)
        except ProfileHeld as exc:
            raise click.ClickException(f"{file}: {exc}") from exc
    click.echo(f"{profile_id} version {version} published", err=True)


def read(file: Path, court: str, location: str, role: str) -> tuple[str, int]:
    """Return the file's exact text and its version; UsageError names every fault."""
    raw = file.read_bytes()
    if len(raw) > LARGEST:
        raise click.UsageError(f"{file} is {len(raw)} bytes long; at most {LARGEST}")
    try:
        text = raw.decode("utf-8")
        found: dict[str, Any] = tomllib.loads(text)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise click.UsageError(f"{file}: {exc}") from exc
    faults = [f"{file}: {fault}" for fault in profile_faults(found)]
    place = found.get("location")
    for key, wanted in (("court", court), ("name", location), ("role", role)):
        held = place.get(key) if isinstance(place, dict) else None
        if held != wanted and isinstance(place, dict):
            faults.append(f"{file}: location.{key} is {held!r}, published for {wanted!r}")
    if faults:
        raise click.UsageError("\n".join(faults))
    return text, int(found["version"])


@command.command("list")
@door.told
def list_() -> None:
    """List what is published: place, version, when."""
    with door.opened() as collector, collector.store.reading() as db:
        for one in profiles.every(db):
            click.echo(f"{one.id}\t{one.version}\t{written(one.published_at)}")
