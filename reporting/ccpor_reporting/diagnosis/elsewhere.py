"""What reached other targets, the nearest first: the same host, the same network, all others.

It says that the workstation has a network, and narrows down where the fault is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from ccpor_reporting.diagnosis.facts import Facts
from ccpor_reporting.diagnosis.networks import is_address, neighbours
from ccpor_reporting.diagnosis.wire import addresses
from ccpor_reporting.model import Finding

TELLING = ("tcp.reach", "clock.server", "dns.answer")  # a connection says more than a name


class Elsewhere:
    """The best pass of each target, found once for all causes of a run."""

    def __init__(self, known: Facts) -> None:
        self._known = known
        self._of_host: dict[str, list[Finding]] = {}
        self._of_network: dict[str, list[Finding]] = {}
        best = (_best(passes) for passes in known.passed.values())
        found = [each for each in best if each is not None]
        self._all = sorted(found, key=lambda each: each.code == "dns.answer")
        for each in self._all:
            self._of_host.setdefault(known.where(each.target).host, []).append(each)
            self._of_network.setdefault(self._network(each.target), []).append(each)

    def nearest(self, target: str, mine: Collection[str], most: int) -> list[Finding]:
        """Return at most *most* passes of targets that are not *mine*, seen from *target*."""
        others = (each for each in self._near(target) if each.target not in mine)
        found: dict[str, Finding] = {}
        for each in others:
            found.setdefault(each.id, each)
            if len(found) == most:
                break
        return list(found.values())

    def _near(self, target: str) -> Iterator[Finding]:
        host, network = self._known.where(target).host, self._network(target)
        yield from self._of_host.get(host, ()) if host else ()
        yield from self._of_network.get(network, ()) if network else ()
        yield from self._all

    def _network(self, target: str) -> str:
        """Return the network of the first address of *target*; "" where none is known."""
        tried = [*addresses(self._known.seen, target)[:1], self._known.where(target).host]
        return next((neighbours(each) for each in tried if is_address(each)), "")


def _best(passes: tuple[Finding, ...]) -> Finding | None:
    by_code = {finding.code: finding for finding in passes}
    return next((by_code[code] for code in TELLING if code in by_code), None)
