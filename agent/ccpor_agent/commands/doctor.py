"""``ccpor-check doctor``: is the agent itself in order?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ccpor_agent.doctor import Line
    from ccpor_agent.windows_selftest import Row

EPILOG = """\b
Examples:
  ccpor-check doctor
  ccpor-check doctor --json
  ccpor-check doctor --windows-selftest -o selftest.txt

\b
Exit codes: 0 in order (warnings are told), 1 something is not, 2 usage, 3 something could not be
seen. Of the self-test: 0 nothing failed, 1 something did, 2 not Windows.
"""
SYMBOLS = {"good": "✓", "warning": "!", "bad": "✗", "unknown": "?"}
ASCII = {"good": "+", "warning": "!", "bad": "x", "unknown": "?"}


@click.command("doctor", epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For a program, as JSON.")
@click.option(
    "--windows-selftest",
    is_flag=True,
    help="Open each door to Windows once (two minutes, no right needed) and show what came.",
)
@click.option(
    "-o",
    "--output",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the self-test to FILE, to be sent to us; JSON where it ends so.",
)
def doctor(as_json: bool, windows_selftest: bool, output: Path | None) -> int:
    """Is the agent itself in order: key, spool, clock, collector, rights?"""
    if windows_selftest:
        return _selftest(as_json, output)
    if output is not None:
        raise click.UsageError(
            "-o belongs to --windows-selftest; name both, or redirect the output"
        )
    return _agent(as_json)


def _agent(as_json: bool) -> int:
    import msgspec

    from ccpor_agent.doctor import State, examine
    from ccpor_agent.seam import state_folder

    lines = examine(state_folder())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(lines)))
    else:
        click.echo("\n".join(_text(lines)))
    states = {line.state for line in lines}
    if State.BAD in states:
        return 1
    return 3 if State.UNKNOWN in states else 0


def _text(lines: list[Line]) -> list[str]:
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    symbols = SYMBOLS if encoding == "utf8" else ASCII
    shown = []
    for line in lines:
        shown.append(f"{symbols[line.state]} {line.state:<8} {line.name}: {line.words}")
        if line.fix:
            shown.append(f"{'':11}Fix: {line.fix}")
    return shown


def _selftest(as_json: bool, output: Path | None) -> int:
    if sys.platform != "win32":
        raise click.UsageError(
            "--windows-selftest is for Windows: run it on a court's Windows workstation and send "
            "us the file; here, ccpor-check doctor looks at the agent"
        )
    import msgspec

    from ccpor_agent import windows_selftest as selftest

    def tell(row: Row) -> None:
        click.echo(selftest.text(row), err=as_json)

    whole = selftest.seen(selftest.opened(tuple(selftest.steps()), tell))
    encoded = msgspec.json.format(msgspec.json.encode(whole)).decode("utf-8")
    if as_json:
        click.echo(encoded)
    if output is not None:
        wants_json = output.suffix.lower() == ".json"
        try:
            output.write_text(encoded if wants_json else selftest.as_text(whole), encoding="utf-8")
        except OSError as exc:
            raise click.UsageError(f"{output} cannot be written ({exc.strerror})") from exc
        click.echo(f"written to {output}; it names no person, network or machine", err=True)
    return 1 if any(row.state == "failed" for row in whole.rows) else 0
