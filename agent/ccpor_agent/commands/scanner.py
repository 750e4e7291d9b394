"""``ccpor-check scanner test-page``: the sheet that a sample scan is judged by."""

from __future__ import annotations

import click

from ccpor_agent.cli.lazy import LazyGroup
from ccpor_agent.cli.output import require_place, say, write_file

USUAL_NAME = "ccpor-test-page.pdf"
GROUP_EPILOG = """\b
Examples:
  ccpor-check scanner test-page
  ccpor-check scanner test-page -o sheet.pdf
"""
EPILOG = """\b
Examples:
  ccpor-check scanner test-page
  ccpor-check scanner test-page -o sheet.pdf
  ccpor-check scanner test-page -o - | lp -o scaling=100

\b
Print it at 100 %, not fitted to the page, on letter paper, as often as the
profile asks for pages. Put the sheets into the feeder, then:
  ccpor-check run --only scanner
"""


@click.group(
    "scanner",
    cls=LazyGroup,
    table={
        "test-page": (
            "ccpor_agent.commands.scanner:test_page",
            "Write the sheet to print and scan, as PDF.",
        )
    },
    epilog=GROUP_EPILOG,
)
def scanner() -> None:
    """Prepare the test of a scanner."""


@click.command("test-page", epilog=EPILOG)
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=USUAL_NAME,
    show_default=True,
    help="Write the PDF to FILE; - is standard output.",
)
def test_page(*, output: str) -> None:
    """Write the sheet to print and scan, as PDF."""
    from ccpor_checks.scanner.image.test_page import pdf

    require_place(output)
    content = pdf()
    if output == "-":
        say(content)
        return
    write_file(output, content)
    click.echo(
        f"written to {output}; print it at 100 %, put it into the scanner, then run "
        "ccpor-check run --only scanner",
        err=True,
    )
