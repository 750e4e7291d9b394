"""A saved report, named by its file, its run id, or `last`."""

from __future__ import annotations

from pathlib import Path

import click

from ccpor_agent.seam import state_folder
from ccpor_reporting.codec import ReportInvalid, decode_report
from ccpor_reporting.model import Report

LAST = "last"


def saved_bytes(name: str) -> bytes:
    """Return the exact bytes of the report *name*.

    Raises:
        click.UsageError: There is no such report, or it cannot be read.
    """
    path = _path(name)
    try:
        return path.read_bytes()
    except OSError as exc:
        raise click.UsageError(f"{path} cannot be read ({exc.strerror})") from exc


def saved_report(name: str) -> Report:
    """Return the report *name*.

    Raises:
        click.UsageError: There is no such report, or its bytes are not one.
    """
    try:
        return decode_report(saved_bytes(name))
    except ReportInvalid as exc:
        raise click.UsageError(f"{name} is not a report: {exc}") from exc


def _path(name: str) -> Path:
    folder = state_folder() / "reports"
    if name == LAST:
        saved = sorted(folder.glob("*.json"))  # run ids sort by time (RFC 9562, section 5.7)
        if not saved:
            raise click.UsageError(f"no report is saved in {folder}; run ccpor-check run first")
        return saved[-1]
    if Path(name).is_file():
        return Path(name)
    by_id = folder / f"{Path(name).name}.json"
    if by_id.is_file():
        return by_id
    raise click.UsageError(
        f"there is no report {name}; name a file, a run id of {folder} or `last`"
    )
