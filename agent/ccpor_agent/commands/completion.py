"""``ccpor-check completion SHELL``: the script that completes commands, options and codes."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

EPILOG = """\b
Examples:
  eval "$(ccpor-check completion bash)"       in ~/.bashrc
  ccpor-check completion fish > ~/.config/fish/completions/ccpor-check.fish

The same as setting _CCPOR_CHECK_COMPLETE=bash_source and calling ccpor-check.
"""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the shell completion script for bash, zsh or fish."""
    program = ctx.find_root().info_name or "ccpor-check"
    writer = get_completion_class(shell)
    assert writer is not None, "Click knows the three shells of the choice"
    complete = writer(ctx.find_root().command, {}, program, "_CCPOR_CHECK_COMPLETE")
    click.echo(complete.source())
