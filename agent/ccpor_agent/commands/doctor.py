"""``ccpor-check doctor``: is the agent itself in order?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ccpor_agent.doctor import Line

EPILOG = """\b
Examples:
  ccpor-check doctor
  ccpor-check doctor --json

\b
Exit codes: 0 in order (warnings are told), 1 something is not, 3 something could not be seen.
"""
SYMBOLS = {"good": "✓", "warning": "!", "bad": "✗", "unknown": "?"}
ASCII = {"good": "+", "warning": "!", "bad": "x", "unknown": "?"}


@click.command("doctor", epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For a program, as JSON.")
def doctor(as_json: bool) -> int:
    """Is the agent itself in order: key, spool, clock, collector, rights?"""
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
