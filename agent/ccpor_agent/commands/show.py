"""``ccpor-check show REPORT``: a saved report again, or the bytes that are uploaded."""

from __future__ import annotations

import sys

import click

from ccpor_agent.cli.output import chosen_format, output_options, write_file, write_report
from ccpor_agent.cli.saved import saved_bytes, saved_report

EPILOG = """\b
Examples:
  ccpor-check show last
  ccpor-check show r.json --format html -o r.html
  ccpor-check show last --upload | sha256sum
"""


@click.command("show", epilog=EPILOG)
@click.argument("report")
@output_options
@click.option(
    "--upload", "upload_bytes", is_flag=True, help="The exact bytes that were or will be uploaded."
)
def show(
    *,
    report: str,
    format_name: str | None,
    output: str,
    as_json: bool,
    plain: bool,
    upload_bytes: bool,
) -> None:
    """Render a saved report again, or the exact bytes that are uploaded.

    REPORT is a file, a run id, or `last`.
    """
    if upload_bytes:
        if format_name or as_json:
            raise click.UsageError("--upload shows the bytes as they are, leave --format out")
        saved_report(report)  # only a report is ever uploaded
        body = saved_bytes(report)
        if output == "-":
            sys.stdout.buffer.write(body)
            sys.stdout.buffer.flush()
        else:
            write_file(output, body)
        return
    shown = chosen_format(format_name, as_json=as_json)
    write_report(saved_report(report), shown, output, plain=plain)
