"""``ccpor-check upload``: send what waits."""

from __future__ import annotations

import logging

import click

EPILOG = """\b
Examples:
  ccpor-check upload               try for half a minute
  ccpor-check upload --now         at once, whatever an earlier failure asked for
  ccpor-check upload --wait 600    keep trying for ten minutes

\b
Exit codes: 0 nothing waits any more, 1 something still waits or was put aside, 2 not enrolled.
"""


@click.command("upload", epilog=EPILOG)
@click.option("--now", "at_once", is_flag=True, help="Try at once, before the next try is due.")
@click.option(
    "--wait",
    "seconds",
    type=click.FloatRange(min=1.0, max=86400.0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to keep trying.",
)
def upload(at_once: bool, seconds: float) -> int:
    """Send the reports that wait.

    Each stays here until the collector has signed that it keeps exactly these bytes.
    """
    from ccpor_agent.identity import IdentityInvalid
    from ccpor_agent.seam import state_folder
    from ccpor_agent.upload import deliver

    try:
        went = deliver(
            state_folder(), seconds=seconds, at_once=at_once, log=logging.getLogger(__name__)
        )
    except IdentityInvalid as exc:
        raise click.UsageError(str(exc)) from exc
    except OSError as exc:
        raise click.ClickException(
            f"{exc.filename} cannot be used ({exc.strerror}); see ccpor-check doctor"
        ) from exc
    click.echo(
        f"{len(went.acknowledged)} acknowledged, {went.waiting} waiting, "
        f"{len(went.parked)} put aside"
    )
    if went.waiting:
        click.echo(went.message, err=True)
    if went.parked:
        click.echo("put aside: the collector does not take them; see ccpor-check spool", err=True)
    return 1 if went.waiting or went.parked else 0
