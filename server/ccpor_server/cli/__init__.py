"""`ccpor-collector`: the command line of the collector.

A command's module, and the server's libraries with it, is imported only when the command runs.
Exit codes: 0 done, 1 not in order (verify, doctor) or refused, 2 usage.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

COMMANDS = {
    "init": ("ccpor_server.cli.init", "Make the database, the key and the first administrator."),
    "serve": ("ccpor_server.cli.serve", "Answer workstations and people."),
    "user": ("ccpor_server.cli.user", "Add, list and disable people who sign in."),
    "court": ("ccpor_server.cli.court", "Add, list, show and import courts."),
    "sample": ("ccpor_server.cli.sample", "Mark courts as samples; remove them all."),
    "location": ("ccpor_server.cli.location", "Declare locations and their workstations."),
    "code": ("ccpor_server.cli.code", "Make one-time enrolment codes."),
    "machine": ("ccpor_server.cli.machine", "List and revoke workstations."),
    "profile": ("ccpor_server.cli.profile", "Publish signed profiles."),
    "verify": ("ccpor_server.cli.verify", "Recompute the log, signatures and protected columns."),
    "backup": ("ccpor_server.cli.backup", "Copy the database while it is in use, and verify it."),
    "restore": ("ccpor_server.cli.restore", "Put a verified backup in the database's place."),
    "export": ("ccpor_server.cli.export", "Write everything kept as JSON lines."),
    "migrate": ("ccpor_server.cli.migrate", "Bring the database to this version's schema."),
    "doctor": ("ccpor_server.cli.doctor", "Say whether the collector itself is in order."),
}


class LazyGroup(click.Group):
    """Knows its commands by name; imports one when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(COMMANDS[cmd_name][0])
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List from the table: help needs no import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nExamples:\n"
    "  ccpor-collector init --admin a.lovelace\n"
    "  ccpor-collector serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem\n"
    "  ccpor-collector code create --court ca-sonoma --location santa-rosa --role clerk\n"
    "\nSettings come from CCPOR_COLLECTOR_STATE_DIR, CCPOR_COLLECTOR_DATABASE_URL and others; "
    "see docs/operation.md.",
)
@click.version_option(package_name="ccpor-check", prog_name="ccpor-collector")
def cli() -> None:
    """The collector: receives signed reports, keeps them, fills the checklist, shows it."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; says how to install the server's parts when they are missing."""
    try:
        cli.main(args=arguments, prog_name="ccpor-collector")
    except ModuleNotFoundError as exc:
        if exc.name is None or exc.name.partition(".")[0].startswith("ccpor_"):
            raise
        click.echo(
            f"ccpor-collector: {exc.name} is not installed; run pip install 'ccpor-check[server]'",
            err=True,
        )
        sys.exit(2)
