"""``ccpor-check list``: the checks there are and their codes."""

from __future__ import annotations

import click
import msgspec

from ccpor_checks.registry import BUILTIN, ENTRY_POINT_GROUP, BrokenCheck, load

EPILOG = """\b
Examples:
  ccpor-check list
  ccpor-check list --json
"""


OURS = "ccpor-check"


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    does: str
    codes: tuple[str, ...]
    needs: tuple[str, ...]
    version: int | None  # None: an installed check that does not load
    origin: str
    reasons: dict[str, tuple[str, ...]] = {}  # by code


@click.command("list", epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_checks(*, as_json: bool) -> None:
    """List the checks there are and their codes."""
    listed = checks()
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(listed), indent=2))
        return
    for each in listed:
        click.echo(f"{each.id}: {each.title}")
        if each.version is not None:
            if each.origin != OURS:
                click.echo(f"  from the installed package {each.origin}")
            if each.needs:
                click.echo(f"  needs {' '.join(each.needs)}")
            click.echo(f"  {each.does}")
        for code in each.codes:
            click.echo(f"  {code}  {' '.join(each.reasons.get(code, ()))}".rstrip())
        click.echo()


def checks() -> list[Listed]:
    """Return our own checks in the order of a run, then installed ones."""
    from importlib.metadata import entry_points

    listed = [_listed(name, OURS) for name in BUILTIN]
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda each: each.name):
        if point.name not in BUILTIN:
            origin = point.dist.name if point.dist else "installed"
            listed.append(_installed(point.name, origin))
    return listed


def _installed(name: str, origin: str) -> Listed:
    """Return a third party's check; one that does not load is listed with what is wrong."""
    try:
        return _listed(name, origin)
    except BrokenCheck as exc:
        return Listed(
            id=name,
            title=f"{exc}, mend the package {origin}",
            does="",
            codes=(),
            needs=(),
            version=None,
            origin=origin,
        )


def _listed(name: str, origin: str) -> Listed:
    check = load(name)
    return Listed(
        id=check.id,
        title=check.title,
        does=check.does,
        codes=check.codes,
        needs=check.needs,
        version=check.version,
        origin=origin,
        reasons={rule.code: rule.reasons for rule in check.rules},
    )
