"""The command line ``ccpor-check``. Importing this imports Click and nothing else that weighs."""

from __future__ import annotations

import sys

import click

from ccpor_agent.cli.lazy import LazyGroup
from ccpor_agent.cli.streams import make_streams_lenient
from ccpor_agent.cli.table import COMMANDS
from ccpor_reporting import __version__

PROGRAM = "ccpor-check"
USAGE, EXIT_NOT_ACKNOWLEDGED, OWN_BUG, INTERRUPTED = 2, 4, 70, 130

EXAMPLES = """\b
Examples:
  ccpor-check run                         this machine's own profile, after enrolment
  ccpor-check run --profile court.toml    a profile of your own
  ccpor-check plan --profile court.toml   what that would contact, before you do it
  ccpor-check explain tls.validity        what a code means and who fixes it

\b
Exit codes: 0 ready, 1 not ready, 2 usage or profile error, 3 could not tell,
4 ready but not acknowledged (--require-upload), 70 our own bug, 130 interrupted.
"""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name=PROGRAM, message="%(prog)s %(version)s")
def group() -> None:
    """Is this court ready to go live on CCPOR? If not: what is wrong, where, and who must act?"""


def main() -> None:
    """Run the command line and end the process with one of the documented exit codes."""
    make_streams_lenient()
    sys.exit(outcome(sys.argv[1:]))


def outcome(arguments: list[str]) -> int:
    """Return the exit code of the command in *arguments*, having said on stderr what went wrong."""
    try:
        result = group.main(arguments, prog_name=PROGRAM, standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except Exception as exc:  # noqa: BLE001 - the last resort: no traceback on anybody's screen
        from ccpor_agent.cli.last_resort import report_bug

        click.echo(report_bug(exc), err=True)
        return OWN_BUG
