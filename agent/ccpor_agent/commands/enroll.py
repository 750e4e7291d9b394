"""``ccpor-check enroll``: a one-time code becomes this workstation's own key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TextIO

import click

EPILOG = """\b
Examples:
  ccpor-check enroll --collector https://ccpor.example.org
  ccpor-check enroll --collector https://ccpor.example.org --code-file code.txt

The code is asked for without showing it. It is never an option or a variable, where other
users of this machine could read it; --code-file - reads it from standard input.
"""


class Failed(click.ClickException):
    exit_code = 1


@click.command("enroll", epilog=EPILOG)
@click.option("--collector", "url", metavar="URL", required=True, help="The collector's address.")
@click.option(
    "--code-file",
    type=click.File("r", encoding="utf-8"),
    metavar="FILE",
    help="Read the one-time code from FILE; - is standard input.",
)
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Trust the certificates in FILE for the collector, instead of the system's store.",
)
@click.option("--replace", is_flag=True, help="Replace the identity this machine has already.")
def enroll(url: str, code_file: TextIO | None, ca_file: Path | None, replace: bool) -> int:
    """Turn a one-time code into this machine's own key.

    The key is made here and stays here; the collector gets its public half.
    """
    from ccpor_agent.enroll import EnrolmentFailed, stored_profile_path
    from ccpor_agent.enroll import enroll as enroll_here
    from ccpor_agent.seam import state_folder

    state = state_folder()
    code = _code(code_file)
    try:
        identity = enroll_here(state, url, code, ca_file=ca_file, replace=replace)
        profile = stored_profile_path(state)
    except EnrolmentFailed as exc:
        raise Failed(str(exc)) from exc
    except OSError as exc:
        raise Failed(
            f"{exc.filename or state} cannot be written ({exc.strerror}); "
            "run as the administrator, or set CCPOR_STATE_DIR to a folder of yours"
        ) from exc
    place = identity.location
    click.echo(f"enrolled at {identity.collector} as machine {identity.machine_id}")
    click.echo(f"location: {place.court}, {place.name}, {place.role}")
    if profile is None:
        click.echo("profile: none is published yet; ask the AOC")
    else:
        click.echo(f"profile: {profile}\nnext: ccpor-check run")
    return 0


def _code(code_file: TextIO | None) -> str:
    if code_file is not None:
        try:
            return str(code_file.read(1000)).strip()
        except (OSError, UnicodeDecodeError) as exc:
            raise Failed("the code file cannot be read as text; ask for a new code") from exc
    if not sys.stdin.isatty():
        raise click.UsageError("nobody can be asked for the code here; give --code-file FILE")
    return str(click.prompt("One-time code", hide_input=True)).strip()
