"""``ccpor-check schedule``: runs by themselves, at random moments of court hours."""

from __future__ import annotations

import random
import shutil
import sys
from datetime import datetime
from pathlib import Path

import click

from ccpor_agent.cli.asked import profile_option

EPILOG = """\b
Examples:
  ccpor-check schedule install
  ccpor-check schedule install --profile court.toml --mean-hours 2
  ccpor-check schedule status
  ccpor-check schedule remove

The system's timer (systemd, Windows Task Scheduler) asks every ten minutes from 8 to 17 h on court
days; a run is made when one is due: about four a day, one or more in each of 08-10, 12-13, 15-17 h.
"""


class NotScheduled(click.ClickException):
    """Nothing was changed, or not all of it: exit code 2, since 1 says "not ready"."""

    exit_code = 2


@click.group("schedule", epilog=EPILOG)
def schedule() -> None:
    """Have runs made by themselves, spread over court hours."""


@schedule.command("install")
@profile_option
@click.option(
    "--mean-hours",
    type=click.FloatRange(0.6, 45),
    default=4.5,
    show_default=True,
    help="Court hours between two runs, on average.",
)
def install(profile_file: Path | None, mean_hours: float) -> None:
    """Let the system's timer make runs from now on."""
    from ccpor_agent.cli.asked import asked_profile
    from ccpor_agent.schedule.due import draw_next
    from ccpor_agent.schedule.timers import CannotSchedule
    from ccpor_agent.schedule.timers import install as install_timer
    from ccpor_agent.seam import make_folder, state_folder

    asked_profile(profile_file)  # what cannot be read now would fail unseen
    state = state_folder()
    try:
        make_folder(state)
        where = install_timer(_command(profile_file), state)
        due = draw_next(state, _local_now(), random.Random(), mean_hours)  # noqa: S311 - no secret
    except CannotSchedule as exc:
        raise NotScheduled(
            f"{exc}; let another timer call this every ten minutes: "
            f"{' '.join(_command(profile_file))}"
        ) from exc
    except OSError as exc:
        raise NotScheduled(
            f"{exc.filename or state} cannot be written ({exc.strerror}); "
            "set CCPOR_STATE_DIR to a folder of yours"
        ) from exc
    click.echo(f"installed: {where}")
    click.echo(f"next run: {due:%a %Y-%m-%d %H:%M}")


@schedule.command("remove")
def remove() -> None:
    """Make no more runs by the timer."""
    from ccpor_agent.schedule.due import forget
    from ccpor_agent.schedule.timers import CannotSchedule
    from ccpor_agent.schedule.timers import remove as remove_timer
    from ccpor_agent.seam import state_folder

    try:
        was = remove_timer()
        forget(state_folder())
    except (CannotSchedule, OSError) as exc:
        raise NotScheduled(f"the timer is still there: {exc}") from exc
    click.echo("removed" if was else "there was no timer")


@schedule.command("status")
def status() -> None:
    """Say whether the timer is there and when the next run is due."""
    from ccpor_agent.schedule.due import kept
    from ccpor_agent.schedule.timers import CannotSchedule, is_installed
    from ccpor_agent.seam import state_folder

    try:
        here = is_installed()
    except CannotSchedule as exc:
        raise NotScheduled(str(exc)) from exc
    found = kept(state_folder())
    click.echo("installed" if here else "not installed; ccpor-check schedule install")
    if here and found:
        click.echo(f"next run: {found.next_run:%a %Y-%m-%d %H:%M}")
        click.echo(f"on average every {found.mean_hours:g} court hours")


def _command(profile_file: Path | None) -> list[str]:
    """Return what the timer calls: this very program, by its full path."""
    found = shutil.which("ccpor-check")
    program = [found] if found else [sys.executable, "-m", "ccpor_agent"]
    profile = ["--profile", str(profile_file.absolute())] if profile_file else []
    return [*program, "run", "--reason", "scheduled", "--if-due", "--plain", *profile]


def _local_now() -> datetime:
    from ccpor_agent.whole_run import clock

    return clock().astimezone().replace(tzinfo=None)
