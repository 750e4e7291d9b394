"""What a workstation asks of its line: runs within the court as a process of its own, JSON in, JSON out.

`python -m tests.lab.capacity.asking` reads an `Asked` and writes a `Told`. It is the check's own code in one turn
at the collector: the idle round trip, then the transfers in their order.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from ccpor_checks.base import Context, Target
from ccpor_checks.capacity.evidence import CapacityOptions, Delay, Direction, Transfer
from ccpor_checks.capacity.turn import Turn
from tests.lab.capacity.site import PORT, Site, environment
from tests.lab.shaped import DATACENTER, ROOT, Line

TURN_S = 118.0
TRIES = 3  # a machine too busy to measure says so and may try again


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer to be made. required_mbit: what a planned one must show."""

    __test__ = False
    kind: Literal["planned", "saturated"]
    direction: Direction
    required_mbit: float | None = None
    streams: int = 1
    megabytes: float | None = None
    seconds: float = 10.0
    rest_s: float = 0.0  # before it


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """state: the workstation's folder. ca_file: whom to trust."""

    state: str
    ca_file: str
    tests: tuple[Test, ...]
    idle_probes: int = 30


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer that was made; seconds: of the whole test, its connections included."""

    transfer: Transfer | None
    seconds: float
    begun_s: float = 0.0  # on the monotonic clock, which is one for all namespaces
    too_busy: str = ""
    trouble: str = ""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Answers an `Asked`; tries: how often it was asked until the machine was not too busy."""

    idle: Delay | None = None
    done: tuple[Done, ...] = ()
    trouble: str = ""
    tries: int = 1

    @property
    def too_busy(self) -> bool:
        return any(one.too_busy for one in self.done)


def told(site: Site, line: Line, state: Path, tests: Sequence[Test]) -> Told:
    """Return what the workstation says of *line*; asked again while it says it was too busy."""
    asked = Asked(state=str(state), ca_file=str(site.ca), tests=tuple(tests))
    last = Told()
    for number in range(1, TRIES + 1):
        last = msgspec.structs.replace(_once(asked, line), tries=number)
        if not last.too_busy:
            break
    return last


def _once(asked: Asked, line: Line) -> Told:
    try:
        done = subprocess.run(
            line.command("court", sys.executable, "-m", "tests.lab.capacity.asking"),
            env=environment(Path(asked.state), Path(asked.state)),
            cwd=ROOT,
            input=msgspec.json.encode(asked),
            capture_output=True,
            timeout=TURN_S + 30,
            check=False,
        )
        return msgspec.json.decode(done.stdout.rpartition(b"\x1e")[2], type=Told)
    except subprocess.TimeoutExpired:
        return Told(trouble="the workstation came to no end")
    except msgspec.DecodeError:
        return Told(trouble=done.stderr.decode(errors="replace").strip()[-600:] or "no answer")


def options_of(test: Test) -> CapacityOptions:
    """Return the options that make *test*: as many users as it has streams, all of them busy."""
    from ccpor_reporting.capacity.workload import Workload

    return CapacityOptions(
        mode="planned" if test.kind == "planned" else "saturate",
        directions=(test.direction,),
        required_mbit=test.required_mbit,
        max_megabytes=test.megabytes,
        max_seconds=test.seconds,
        workload=Workload(users=test.streams, orders_per_hour=3600),
    )


def look(asked: Asked) -> Told:
    from ccpor_agent.whole_run import _signing
    from ccpor_checks.capacity.prober import Prober
    from ccpor_checks.tls.evidence import TlsOptions
    from ccpor_reporting.capacity.protocol import MOST_FLOWS, Wish

    trust = {"tls": TlsOptions(ca_file=asked.ca_file)}
    target = Target(
        id="line",
        url=f"capacity://{DATACENTER}:{PORT}",
        scheme="capacity",
        host=DATACENTER,
        port=PORT,
        options=trust,
    )
    state = Path(asked.state)
    ctx = Context(
        deadline=time.monotonic() + TURN_S,
        base_dir=state,
        state_dir=state,
        dice=random.Random(7),
        sign=_signing(state),
    )
    wish = Wish(seconds=TURN_S - 1, megabytes=2000.0, flows=MOST_FLOWS)
    with Turn(target, wish, ctx) as turn:
        with Prober(turn, ctx) as prober:
            idle = prober.idle(asked.idle_probes)
        done = tuple(_done(test, turn, idle, ctx) for test in asked.tests)
    return Told(idle=idle, done=done)


def _done(test: Test, turn: Turn, idle: Delay | None, ctx: Context) -> Done:
    from ccpor_checks.capacity import transfer

    make = transfer.planned if test.kind == "planned" else transfer.saturated
    time.sleep(test.rest_s)
    begun = time.monotonic()
    try:
        got = make(turn, test.direction, options_of(test), idle, ctx)
    except Exception as exc:  # each is told in the table
        words = f"{type(exc).__name__}: {exc}"
        return Done(
            transfer=None, seconds=time.monotonic() - begun, begun_s=begun, trouble=words[:400]
        )
    return Done(
        transfer=got,
        seconds=time.monotonic() - begun,
        begun_s=begun,
        too_busy=got.too_busy or "",
    )


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    try:
        answer = look(asked)
    except Exception as exc:
        answer = Told(trouble=f"{type(exc).__name__}: {exc}"[:600])
    sys.stdout.buffer.write(b"\x1e" + msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
