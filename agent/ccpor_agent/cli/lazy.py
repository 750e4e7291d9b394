"""A Click group that imports a command only when it is called, and asks "did you mean"."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})


class OutputLost(click.ClickException):
    """What was to be shown has nowhere to go; Click's own 1 would say "not ready"."""

    exit_code = 2


def silence_stdout() -> None:
    """Keep Python from complaining at its end that nobody reads stdout any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def has_no_reader(exc: OSError) -> bool:
    """Return whether *exc* says that nobody reads stdout any more.

    Windows' C library turns ERROR_NO_DATA of a pipe into EINVAL; of a file, EINVAL has its name.
    """
    if isinstance(exc, BrokenPipeError):
        return True
    return sys.platform == "win32" and exc.errno == errno.EINVAL and exc.filename is None


class LazyGroup(click.Group):
    """Commands come from a table of name -> (module:attribute, one-line help)."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.table:
            return None
        module, _, attribute = self.table[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in self.table.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that went away, as in ``list | head -1``, is no failure.

        Click would end with 1, which says "not ready" here. A command whose exit code is a verdict
        takes care of it before (`ccpor_agent.cli.output.say`).
        """
        try:
            return super().invoke(ctx)
        except OSError as exc:
            if exc.filename is None and exc.errno in NO_ROOM:
                silence_stdout()
                raise OutputLost("standard output takes no more: its disk is full") from None
            if not has_no_reader(exc):
                raise
            silence_stdout()
            raise click.exceptions.Exit(0) from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.table and not name.startswith("-"):
            near = get_close_matches(name, self.table, 1, 0.5)
            hint = f"did you mean {near[0]}?" if near else "see --help for the commands"
            ctx.fail(f'there is no command "{name}"; {hint}')
        return super().resolve_command(ctx, args)
