"""``run --save-scan FILE``: can the pages be kept there? Asked before paper moves."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ccpor_agent.cli.output import CannotWrite

if TYPE_CHECKING:
    from ccpor_agent.plan import Plan

F = TypeVar("F", bound=Callable[..., Any])


def save_scan_option(function: F) -> F:
    return click.option(
        "--save-scan",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Keep the pages of the sample scan as FILE (.tif or .pdf); it must not be there yet.",
    )(function)


def require_free(path: Path, plan: Plan) -> Path:
    """Return *path*, made absolute, once pages of *plan* can be kept there.

    Raises:
        CannotWrite: It is a folder, is there already, or cannot be written by this user.
        click.UsageError: No scanner is asked for a page, or several are.
    """
    path = path.absolute()
    if path.is_dir():
        raise CannotWrite(f"{path} is a folder, write the name of a file")
    if path.exists() or path.is_symlink():
        raise CannotWrite(f"{path} is there already and is left alone; write another name")
    if not path.parent.is_dir():
        raise CannotWrite(f"{path}: there is no folder {path.parent}")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as exc:
        raise CannotWrite(
            f"{path.parent} cannot be written by this user ({exc.strerror}); choose another folder"
        ) from exc
    scanning = sorted({node.target.id for node in plan.nodes if _samples(node.options)})
    if not scanning:
        raise click.UsageError(
            "--save-scan keeps nothing: no scanner with sample = true is looked at"
        )
    if len(scanning) > 1:
        raise click.UsageError(
            f"--save-scan keeps the pages of one scanner, here are {', '.join(scanning)}; "
            f"choose one, e.g. --only {scanning[0]}"
        )
    return path


def _samples(options: object) -> bool:
    from ccpor_checks.scanner.evidence import ScannerOptions

    return isinstance(options, ScannerOptions) and options.sample


def say_kept(path: Path | None) -> None:
    """Say on stderr whether the pages stand at *path* now, where they were asked for."""
    if path is None:
        return
    if path.is_file():
        click.echo(f"scanned pages kept as {path}: they may be order data", err=True)
    else:
        click.echo(f"nothing was kept as {path}: no page came, or it cannot be written", err=True)
