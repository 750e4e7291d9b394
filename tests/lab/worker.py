"""One of several labs that run side by side: reads tasks as lines of JSON, answers each with what was said.

``{"fault": "tcp/closed-port"}`` or ``{"healthy": 17}``. Ends with its standard input; SIGTERM ends it in order.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from tests.lab import healthy, running
from tests.lab.actions import Bench
from tests.lab.network import network
from tests.lab.reading import Fault, faults
from tests.lab.running import Said
from tests.lab.services import COUNTY_DNS, Services


@contextmanager
def bench(made: Path, *, as_user: bool = False) -> Iterator[Bench]:
    """Give a lab with its servers running, for the time of the block."""
    with network(tun=True) as net:
        net.resolv.write_text(f"nameserver {COUNTY_DNS}\n")
        services = Services(net, made)
        try:
            services.start()
            one = Bench(net, services)
            if as_user:
                running.open_interpreter(one)
            yield one
        finally:
            services.close()


class Labs:
    """One lab at a time, made anew once a fault has spent it."""

    def __init__(self, made: Path, *, as_user: bool, keep: Path | None) -> None:
        self.made, self.as_user, self.keep = made, as_user, keep
        self._stack = ExitStack()
        self._bench: Bench | None = None

    def answer(self, task: dict[str, object], known: dict[str, Fault]) -> Said:
        name = str(task.get("fault") or f"healthy/{task.get('healthy')}")
        try:
            if self._bench is None:
                self._bench = self._stack.enter_context(bench(self.made, as_user=self.as_user))
            if "fault" in task:
                return running.look(self._bench, known[name], as_user=self.as_user, keep=self.keep)
            return healthy.look(
                self._bench, int(str(task["healthy"])), as_user=self.as_user, keep=self.keep
            )
        except Exception as exc:  # the lab's own trouble is told in the table
            self.close()
            where = traceback.extract_tb(exc.__traceback__)[-1]
            return Said(
                id=name,
                exit_code=-1,
                seconds=0.0,
                trouble=f"the lab: {exc} ({Path(where.filename).name}:{where.lineno})",
            )
        finally:
            if self._bench is not None and self._bench.spent:
                self.close()

    def close(self) -> None:
        self._bench = None
        self._stack.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("made", type=Path)
    parser.add_argument("--user", action="store_true")
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us in order
    labs = Labs(asked.made, as_user=asked.user, keep=asked.keep)
    known = {fault.id: fault for fault in faults()}
    try:
        for line in sys.stdin:
            answer = labs.answer(json.loads(line), known)
            sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
            sys.stdout.flush()
    finally:
        labs.close()


if __name__ == "__main__":
    main()
