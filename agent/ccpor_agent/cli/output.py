"""Results go to stdout or a file, words about them to stderr."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import Any, TypeVar

import click

from ccpor_agent.cli.lazy import has_no_reader, silence_stdout
from ccpor_reporting.model import Report
from ccpor_reporting.render import FORMATS, render
from ccpor_reporting.render.words import outcome
from ccpor_reporting.text import VERDICT_WORDS

F = TypeVar("F", bound=Callable[..., Any])


SAVED = "a report that was made is kept: ccpor-check show last -o FILE"


class CannotWrite(click.ClickException):
    """The result has nowhere to go: exit code 2, since Click's own 1 would say "not ready"."""

    exit_code = 2


def output_options(function: F) -> F:
    for option in (
        click.option("--plain", is_flag=True, help="No colour, no redrawing, ASCII only."),
        click.option("--json", "as_json", is_flag=True, help="The same as --format json."),
        click.option(
            "-o",
            "--output",
            metavar="FILE",
            default="-",
            help="Write the result to FILE; - is standard output.",
        ),
        click.option(
            "--format",
            "format_name",
            type=click.Choice(list(FORMATS)),
            help="How to show the result.  [default: text]",
        ),
    ):
        function = option(function)
    return function


def chosen_format(format_name: str | None, *, as_json: bool) -> str:
    """Return the format asked for.

    Raises:
        click.UsageError: --json beside another --format.
    """
    if as_json and format_name not in (None, "json"):
        raise click.UsageError(f"--json and --format {format_name} contradict, leave one out")
    return "json" if as_json else format_name or "text"


def write_report(report: Report, format_name: str, output: str, *, plain: bool) -> None:
    """Write *report* to stdout (``-``) or durably to the file *output*.

    Raises:
        CannotWrite: The file cannot be written.
    """
    if output == "-" and format_name == "text":
        say(_rendered(report, plain=plain))
        return
    # Programs read UTF-8 whatever the console's code page is, and JSON and XML promise it.
    content = render(report, format_name, local=_zone(report)).encode("utf-8", "replace")
    if output == "-":
        say(content)
    else:
        write_file(output, content)
        said = f"{VERDICT_WORDS[report.verdict]}: {outcome(report)}; written to {output}"
        click.echo(said, err=True)


def say(what: str | bytes) -> None:
    """Write *what* to stdout; the verdict stands even if nobody reads it to the end.

    Raises:
        CannotWrite: The disk behind stdout takes no more.
    """
    try:
        click.echo(what, nl=False, color=True)
        sys.stdout.flush()
    except OSError as exc:
        silence_stdout()
        if not has_no_reader(exc):
            name = errno.errorcode.get(exc.errno or 0, "unknown error")
            raise CannotWrite(f"standard output cannot be written ({name}); {SAVED}") from exc


def _rendered(report: Report, *, plain: bool) -> str:
    terminal = sys.stdout.isatty()
    plain = plain or not terminal
    return render(
        report,
        "text",
        width=min(shutil.get_terminal_size().columns, 100) if terminal else 80,
        color=not plain and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb",
        unicode=not plain and _writes_unicode(),
        local=_zone(report),
    )


def _zone(report: Report) -> tzinfo | None:
    """Return the zone of the people here, with the offset it had at the time of *report*."""
    return report.started_at.astimezone().tzinfo


def _writes_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def require_place(output: str) -> None:
    """Return when *output* can be written by the look of it, before minutes are spent.

    Raises:
        CannotWrite: Its folder is not there, or it is a folder itself.
    """
    path = Path(output)
    if output != "-" and not path.absolute().parent.is_dir():
        raise CannotWrite(f"{output}: there is no folder {path.parent}")
    if output != "-" and path.is_dir():
        raise CannotWrite(f"{output} is a folder, write the name of a file")


def write_file(output: str, content: bytes) -> None:
    """Write *content* durably to the file *output*.

    Raises:
        CannotWrite: It cannot be written.
    """
    from ccpor_agent.seam import write_durably

    try:
        path = Path(output).resolve()
        if path.exists() and not path.is_file():  # a device or a pipe: never replaced by a file
            with path.open("wb") as stream:
                stream.write(content)
        else:
            write_durably(path, content, 0o666)  # less the umask: the file is the person's own
    except OSError as exc:
        raise CannotWrite(f"{output} cannot be written ({exc.strerror})") from exc
