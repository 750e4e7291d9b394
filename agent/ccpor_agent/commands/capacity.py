"""``ccpor-check capacity plan``: what rate the orders need, before anyone measures a line."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccpor_agent.cli.asked import asked_profile
from ccpor_agent.cli.lazy import LazyGroup
from ccpor_agent.cli.output import require_place, say, write_file

if TYPE_CHECKING:
    from ccpor_reporting.capacity.planner import Plan
    from ccpor_reporting.capacity.workload import Load

SCHEMA = "ccpor-capacity-plan/1"
GROUP_EPILOG = """\b
Examples:
  ccpor-check capacity plan --users 15 --orders-per-hour 12 --pages 9 --kb-per-page 60
  ccpor-check capacity plan --help
"""
EPILOG = """\b
Examples:
  ccpor-check capacity plan --users 15 --orders-per-hour 12 --pages 9 --kb-per-page 60
  ccpor-check capacity plan --users 15 --kb-per-page 1000 --rate 1.5
  ccpor-check capacity plan --profile court.toml --rate 10 --rtt 60 --loss 0.1 --json

\b
Nothing is contacted. What nobody says is taken as usual: 1 user, 12 orders an hour,
12 pages of 52 kB (black and white at 300 dpi), a quarter of the day in its busiest
hour, 10 s; a latency of 40 ms and no loss.

\b
Exit codes: 0 the orders arrive in time (without --rate: some rate is enough),
1 they do not, 2 usage or profile error.
"""


class Number(click.FloatRange):
    """A number within bounds; "nan" compares with nothing, so that no bound refuses it."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value} is not a number", param, ctx)
        return float(found)


def _positive(most: float) -> Number:
    return Number(0, most, min_open=True)


@click.group(
    "capacity",
    cls=LazyGroup,
    table={
        "plan": (
            "ccpor_agent.commands.capacity:plan",
            "Say what rate the orders need, how long they take, and what would help.",
        )
    },
    epilog=GROUP_EPILOG,
)
def capacity() -> None:
    """Plan what rate a line needs so that orders arrive in time."""


@click.command("plan", epilog=EPILOG)
@click.option("--users", type=click.IntRange(1, 100_000), help="Who send orders on this line.")
@click.option("--orders-per-hour", type=_positive(100_000), help="Of each user.")
@click.option("--pages", type=_positive(10_000), help="Pages of one order.")
@click.option(
    "--kb-per-page",
    type=_positive(100_000),
    help="Bytes of a scanned page / 1000: 52 in black and white at 300 dpi.",
)
@click.option(
    "--peak-share",
    type=Number(0, 1, min_open=True),
    help="Share of a day's orders that its busiest hour has, e.g. 0.25.",
)
@click.option("--max-seconds", type=_positive(86_400), help="In which 95 of 100 must arrive.")
@click.option("--rate", type=_positive(100_000), metavar="MBIT", help="What the line carries up.")
@click.option("--rtt", type=_positive(10_000), metavar="MS", help="Latency there and back.")
@click.option("--loss", type=Number(0, 50), metavar="PCT", help="Packets lost at random, in %.")
@click.option(
    "--profile",
    "profile_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Take [workload] from this profile; the options above go first.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default="-",
    help="Write the plan to FILE; - is standard output.",
)
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    *,
    rate: float | None,
    rtt: float | None,
    loss: float | None,
    profile_file: Path | None,
    as_json: bool,
    output: str,
    **wanted: float | None,
) -> None:
    """Say what rate the orders need, how long they take, and what would help."""
    from ccpor_reporting.capacity.model import USUAL_RTT_MS, Line
    from ccpor_reporting.capacity.plan_text import plan_text
    from ccpor_reporting.capacity.planner import plan as planned

    require_place(output)
    load = _load(profile_file, wanted)
    line = Line(
        mbit=load.required_mbit if rate is None else rate,
        rtt_ms=USUAL_RTT_MS if rtt is None else rtt,
        loss=(loss or 0.0) / 100,
    )
    found = planned(load, line, rate_given=rate is not None)
    width = min(shutil.get_terminal_size().columns, 100)
    content = _json(found) if as_json else plan_text(found, width).encode("ascii", "replace")
    if output == "-":
        say(content)
    else:
        write_file(output, content)
        click.echo(f"{found.summary} Written to {output}", err=True)
    ctx.exit(0 if found.in_time else 1)


def _load(profile_file: Path | None, wanted: dict[str, float | None]) -> Load:
    """Return the load of the profile, or the usual one, with what the options say instead."""
    import msgspec

    from ccpor_reporting.capacity.workload import Workload, filled

    stored = asked_profile(profile_file).workload if profile_file else None
    names = {"pages": "pages_per_order", "max_seconds": "max_order_seconds_p95"}
    said = {names.get(key, key): value for key, value in wanted.items() if value is not None}
    return filled(msgspec.structs.replace(stored or Workload(), **said))


def _json(found: Plan) -> bytes:
    import msgspec

    whole = {"schema": SCHEMA, **msgspec.to_builtins(found)}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n"
