"""``ccpor-check spool``: what waits, what was acknowledged, what was put aside and why."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ccpor_agent.spool import Item, Spool

EPILOG = """\b
Examples:
  ccpor-check spool
  ccpor-check spool --json
"""
SHOWN = 10  # acknowledged reports in the text; --json has all


@click.command("spool", epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="For a program: everything, as JSON.")
def spool(as_json: bool) -> None:
    """Show what waits to be sent and what was acknowledged."""
    from ccpor_agent.seam import state_folder
    from ccpor_agent.spool import Spool

    seen = _seen(Spool(state_folder()))
    click.echo(json.dumps(seen, indent=2) if as_json else "\n".join(_lines(seen)))


def _seen(spool: Spool) -> dict[str, Any]:
    from ccpor_agent.spool import Place

    next_try = spool.next_try()
    return {
        "folder": str(spool.folder),
        "waiting": [_item(item) for item in spool.read(Place.WAITING)],
        "next_try": _time(next_try.not_before) if next_try.not_before > time.time() else None,
        "last_failure": next_try.why or None,
        "acknowledged": [
            {**_item(item), "log_index": item.log_index} for item in spool.read(Place.ACKNOWLEDGED)
        ],
        "parked": [{**_item(item), "why": item.parked} for item in spool.read(Place.PARKED)],
        "quarantined": [*spool.quarantined(), *spool.rotten()],
        "dropped": spool.dropped().count,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "run_id": item.run_id,
        "sequence": item.sequence,
        "saved_at": item.saved_at.isoformat(),
        "bytes": len(item.envelope),
        "sha256": item.digest,
    }


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _lines(seen: dict[str, Any]) -> list[str]:
    lines = [f"waiting: {len(seen['waiting'])}"]
    lines += [f"  {one['run_id']}  saved {one['saved_at']}" for one in seen["waiting"]]
    if seen["waiting"] and seen["last_failure"]:
        lines.append(f"  last try: {seen['last_failure']}")
        lines.append(f"  next try: {seen['next_try'] or 'at the next upload'}")
    lines.append(f"acknowledged: {len(seen['acknowledged'])}")
    lines += [
        f"  {one['run_id']}  entry {one['log_index']} of the collector's log"
        for one in seen["acknowledged"][-SHOWN:]
    ]
    if seen["parked"]:
        lines.append(f"put aside, the collector does not take them: {len(seen['parked'])}")
        lines += [f"  {one['run_id']}  {one['why']}" for one in seen["parked"]]
    if seen["quarantined"]:
        lines.append(f"damaged on this disk, kept for a look: {len(seen['quarantined'])}")
        lines += [f"  {name}" for name in seen["quarantined"]]
    if seen["dropped"]:
        lines.append(f"let go of because too much waited: {seen['dropped']}")
    return lines
