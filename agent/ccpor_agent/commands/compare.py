"""``ccpor-check compare OLD NEW``: what changed between two reports."""

from __future__ import annotations

import shutil

import click
import msgspec

from ccpor_agent.cli.output import say
from ccpor_agent.cli.saved import saved_report
from ccpor_reporting.compare import compare as compared
from ccpor_reporting.compare import comparison_text
from ccpor_reporting.verdict import exit_code

EPILOG = """\b
Examples:
  ccpor-check compare before.json after.json
  ccpor-check compare accepted.json last --json

\b
Exit codes: 0 nothing that blocks is new or worse, 1 something is,
3 could not tell: something that blocks cannot be compared.
"""


@click.command("compare", epilog=EPILOG)
@click.argument("old")
@click.argument("new")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def compare(ctx: click.Context, *, old: str, new: str, as_json: bool) -> None:
    """Compare two reports: new, worse, better, gone, same.

    OLD and NEW are files, run ids, or `last`.
    """
    comparison = compared(saved_report(old), saved_report(new))
    if as_json:
        say(msgspec.json.format(msgspec.json.encode(comparison), indent=2) + b"\n")
    else:
        width = min(shutil.get_terminal_size().columns, 100)
        say(comparison_text(comparison, width).rstrip("\n") + "\n")
    ctx.exit(exit_code(comparison.verdict))
