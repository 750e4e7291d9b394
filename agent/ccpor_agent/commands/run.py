"""``ccpor-check run``: look, judge, explain, save, upload."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccpor_agent.cli import EXIT_NOT_ACKNOWLEDGED, INTERRUPTED, OWN_BUG
from ccpor_agent.cli.asked import (
    asked_plan,
    asked_profile,
    choosing_options,
    profile_option,
    saturate_option,
)
from ccpor_agent.cli.output import chosen_format, output_options, require_place, write_report
from ccpor_agent.cli.save_scan import require_free, save_scan_option, say_kept
from ccpor_agent.engine import DEFAULT_LIMIT_S, DEFAULT_THREADS
from ccpor_reporting.model import RunReason
from ccpor_reporting.verdict import exit_code

if TYPE_CHECKING:
    from ccpor_agent.asked_runs import AskedRun
    from ccpor_agent.profile import Profile
    from ccpor_agent.whole_run import Done

EPILOG = """\b
Examples:
  ccpor-check run
  ccpor-check run --profile court.toml --no-upload
  ccpor-check run --only 'tls.*' --format json -o tls.json
  ccpor-check run --only scanner --save-scan page.tif
  ccpor-check run --reason incident --incident INC-2027-031 --require-upload

\b
Exit codes: 0 ready, 1 not ready, 2 usage or profile error, 3 could not tell,
4 ready but not acknowledged (--require-upload), 130 interrupted.
"""


@click.command("run", epilog=EPILOG)
@profile_option
@choosing_options
@output_options
@saturate_option
@save_scan_option
@click.option("--no-upload", is_flag=True, help="Keep the report on this machine.")
@click.option("--require-upload", is_flag=True, help="Exit 4 unless the collector acknowledged it.")
@click.option("--no-contrasts", is_flag=True, help="Look no further at what fails.")
@click.option(
    "--reason",
    type=click.Choice([each.value for each in RunReason]),
    help="Why this run is made.  [default: ad-hoc, or incident with --incident]",
)
@click.option("--if-due", is_flag=True, help="Only when the schedule says so, else end with 0.")
@click.option("--incident", metavar="ID", help="The incident this run belongs to.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 1000),
    default=DEFAULT_THREADS,
    show_default=True,
    metavar="N",
    help="How many checks may run at once.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(0, 86_400, min_open=True),
    default=DEFAULT_LIMIT_S,
    show_default=True,
    metavar="SECONDS",
    help="End the whole run after this long; what was not reached is an error.",
)
@click.pass_context
def run(
    ctx: click.Context,
    *,
    profile_file: Path | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    format_name: str | None,
    output: str,
    as_json: bool,
    plain: bool,
    saturate: bool,
    save_scan: Path | None,
    no_upload: bool,
    require_upload: bool,
    no_contrasts: bool,
    reason: str | None,
    if_due: bool,
    incident: str | None,
    jobs: int,
    deadline: float,
) -> None:
    """Look at everything the profile names and say whether it is ready."""
    from ccpor_agent import whole_run

    _require_sense(deadline, output, contradicting=no_upload and require_upload)
    format_name = chosen_format(format_name, as_json=as_json)
    answers = None if no_upload or incident or only or skip else _asked_for()
    if if_due and not answers and not _begins_now():
        ctx.exit(0)
    if profile_file is None and not no_upload:
        whole_run.refresh()
    plan = asked_plan(_said_whose(asked_profile(profile_file)), only, skip, saturate=saturate)
    asked = whole_run.Asked(
        plan=plan,
        reason=RunReason.INCIDENT if answers else _reason(reason, incident),
        incident=answers.incident if answers else incident,
        nonce=answers.nonce if answers else None,
        threads=jobs,
        limit_s=deadline,
        plain=plain,
        retest=_retest(profile_file),
        upload=not no_upload,
        contrasts=not no_contrasts,
        save_scan=save_scan and require_free(save_scan, plan),
    )
    done = whole_run.run_and_save(asked)
    say_kept(asked.save_scan)
    write_report(done.report, format_name, output, plain=plain)  # nobody waits for the upload
    acknowledged = not (no_upload or done.report.interrupted) and whole_run.send(done)
    ctx.exit(_code(done, needs_receipt=require_upload and not acknowledged))


def _require_sense(deadline: float, output: str, *, contradicting: bool) -> None:
    if contradicting:
        raise click.UsageError("--no-upload and --require-upload contradict, leave one out")
    if math.isnan(deadline):  # passes every range
        raise click.BadParameter("write a number of seconds", param_hint="--deadline")
    require_place(output)


def _asked_for() -> AskedRun | None:
    """Return the oldest fresh run that the collector asks for, having said so; None without one."""
    from ccpor_agent.asked_runs import asked_runs
    from ccpor_agent.seam import state_folder

    found = asked_runs(state_folder())
    if not found:
        return None
    why = f" for incident {found[0].incident}" if found[0].incident else ""
    click.echo(f"the collector asks for a fresh run{why}: this is it", err=True)
    return found[0]


def _begins_now() -> bool:
    """Say whether the schedule asks for a run now; the one after it is then drawn at once.

    Drawn before the run and not after: one that is cut short must not be repeated all day.
    """
    import random

    from ccpor_agent.schedule.due import draw_next, is_due, kept
    from ccpor_agent.seam import state_folder
    from ccpor_agent.whole_run import clock

    state, now = state_folder(), clock().astimezone().replace(tzinfo=None)
    if not is_due(state, now):
        found = kept(state)
        click.echo(f"not due before {found.next_run:%Y-%m-%d %H:%M}" if found else "", err=True)
        return False
    try:
        draw_next(state, now, random.Random())  # noqa: S311 - no secret
    except OSError as exc:
        click.echo(f"the next run cannot be noted ({exc.strerror})", err=True)
    return True


def _said_whose(profile: Profile) -> Profile:
    """Return *profile*, having said on stderr where it belongs to no court."""
    if not profile.names_location:
        click.echo(
            "the profile names no [location]: no collector takes this report for a court's",
            err=True,
        )
    return profile


def _code(done: Done, *, needs_receipt: bool) -> int:
    """Return the exit code of a finished run."""
    if done.saved_at is None:
        return OWN_BUG  # whatever was seen, there is nothing to prove it with
    if done.report.interrupted:
        return INTERRUPTED
    code = exit_code(done.report.verdict)
    return EXIT_NOT_ACKNOWLEDGED if code == 0 and needs_receipt else code


def _reason(reason: str | None, incident: str | None) -> RunReason:
    if incident is not None and not (0 < len(incident) <= 100 and incident.isprintable()):
        raise click.BadParameter("write an id of 1 to 100 characters", param_hint="--incident")
    if reason is None:
        return RunReason.INCIDENT if incident else RunReason.AD_HOC
    return RunReason(reason)


def _retest(profile_file: Path | None) -> str:
    words = ["--profile", str(profile_file)] if profile_file else []
    return shlex.join(["ccpor-check", "run", *words])
