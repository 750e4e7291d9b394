"""``ccpor-check judge REPORT --profile P``: stored evidence against another profile."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from ccpor_agent.cli.asked import asked_plan, asked_profile, choosing_options
from ccpor_agent.cli.output import chosen_format, output_options, write_report
from ccpor_agent.cli.saved import saved_report
from ccpor_reporting.verdict import exit_code

EPILOG = """\b
Examples:
  ccpor-check judge last --profile stricter.toml
  ccpor-check judge r.json --profile court.toml --format json -o judged.json

\b
Exit codes: 0 ready, 1 not ready, 2 usage or profile error, 3 could not tell.
"""


@click.command("judge", epilog=EPILOG)
@click.argument("report")
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    required=True,
    help="The profile to judge against.",
)
@choosing_options
@output_options
@click.pass_context
def judge(
    ctx: click.Context,
    *,
    report: str,
    profile_file: Path,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    format_name: str | None,
    output: str,
    as_json: bool,
    plain: bool,
) -> None:
    """Judge a saved report against another profile, without looking again.

    REPORT is a file, a run id, or `last`. What the report holds no evidence of is an error:
    not run is never passed.
    """
    from ccpor_agent.judging_again import judged_again

    shown = chosen_format(format_name, as_json=as_json)
    old = saved_report(report)
    plan = asked_plan(asked_profile(profile_file), only, skip)
    new = judged_again(
        old, plan, retest=shlex.join(["ccpor-check", "run", "--profile", str(profile_file)])
    )
    write_report(new, shown, output, plain=plain)
    ctx.exit(exit_code(new.verdict))
